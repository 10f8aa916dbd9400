// Steps that depend on where an element is, on the vectors of one position: rotary position embeddings turn pairs of a head's
// features, causal masks hide keys behind the query.

import { fail } from '../../base/problem.ts';
import type { Operator, Tensor, TensorId } from '../../ir/graph.ts';
import type { Context, Scratch } from './context.ts';
import type { Step } from './operands.ts';
import type { Place } from './place.ts';

type Values = (index: number) => number;

/** Values of a table, in ONNX's order. */
function tableOf(id: TensorId, context: Context, scratch: Scratch): { readonly shape: readonly number[]; readonly at: Values } {
  const { shape } = context.tensor(id);
  const constant = context.network.constants[id];
  if (constant !== undefined) return { shape, at: (index) => constant[index]! };
  const source = context.source(id);
  const { elementOf } = context.place(source);
  const { scale, zeroPoint } = context.format(source);
  const numbers = scratch.get(source) ?? new Int32Array(elementOf.length);
  return { shape, at: (index) => scale * (numbers[elementOf[index]!]! - zeroPoint) };
}

/** What the step reads of `operands` is explained in lib/workload/reference/positional.ts. */
export function rotary(
  operator: Operator,
  parameters: readonly number[],
  operands: readonly TensorId[],
  place: Place,
  context: Context,
  scratch: Scratch,
): Step {
  const [cosines, sines, positions] = operands.map((id) => tableOf(id, context, scratch));
  const { shape, indexOf } = place;
  const [heads = 1, turned = 0, neighbours = 0, tokenAxis = shape.length - 2] = parameters;
  const last = shape.at(-1) ?? 1;
  const size = last / heads;
  const width = turned === 0 ? size : turned;
  const reach = neighbours ? 1 : width / 2;
  const tokens = shape[tokenAxis] ?? 1;
  const perToken = shape.slice(tokenAxis + 1).reduce((product, dimension) => product * dimension, 1);
  const perBatch = shape.slice(1).reduce((product, dimension) => product * dimension, 1);
  const columns = cosines?.shape.at(-1) ?? 1;
  const rows = cosines?.shape.at(-2) ?? 1;
  const given = positions?.shape.reduce((product, dimension) => product * dimension, 1) ?? 0;
  const batched = (cosines?.shape.slice(0, -2).reduce((product, dimension) => product * dimension, 1) ?? 1) > 1;
  const row = (batch: number, token: number): number => {
    if (positions === undefined) return (batched ? batch * rows : 0) + (rows === 1 ? 0 : token);
    return given === tokens * (shape[0] ?? 1) ? positions.at(batch * tokens + token) : positions.at(0) + token;
  };
  return (values, at, element, count) => {
    const before = values.slice(at, at + count);
    for (let i = 0; i < count; i++) {
      const index = indexOf[element + i]!;
      const feature = (index % last) % size;
      if (feature >= width) continue;
      const leads = neighbours ? feature % 2 === 0 : feature < reach;
      const other = i + (leads ? reach : -reach);
      if (other < 0 || other >= count || indexOf[element + other] !== index + (leads ? reach : -reach)) {
        const reason = 'turns features of a head that another piece of the operator makes';
        fail({ kind: 'run', where: `operator '${operator.id}'`, reason, next: 'Choose a chip whose arrays hold whole heads.' });
      }
      const column = columns === width ? feature : neighbours ? feature >> 1 : feature % reach;
      const entry = row(Math.floor(index / perBatch), Math.floor(index / perToken) % tokens) * columns + column;
      const across = leads ? -before[other]! : before[other]!;
      values[at + i] = before[i]! * (cosines?.at(entry) ?? 1) + across * (sines?.at(entry) ?? 0);
    }
  };
}

export function causalMask([offset = 0, left = -1]: readonly number[], { shape }: Tensor, { indexOf }: Place): Step {
  const keys = shape.at(-1) ?? 1;
  const queries = shape.at(-2) ?? 1;
  return (values, at, element, count) => {
    for (let i = 0; i < count; i++) {
      const index = indexOf[element + i]!;
      const newest = (Math.floor(index / keys) % queries) + offset;
      const key = index % keys;
      if (key > newest || (left >= 0 && key < newest - left)) values[at + i] = Number.NEGATIVE_INFINITY;
    }
  };
}
