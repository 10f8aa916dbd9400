// Samples: what a network is run on. Arrays of a file, cut along the first dimension into batches of the network's size; or
// seeded numbers of the right kind.

import { fail } from '../base/problem.ts';
import { type Random, randomOf } from '../base/random.ts';
import { type Graph, type Tensor, tensorsOf } from '../ir/graph.ts';
import type { NumpyArray } from './npz.ts';
import type { NetworkInputs } from './reference/evaluate.ts';

/** One entry a batch: every input of the network. A file with one array may call it as it likes. Throws `run`. */
export function samplesOf(graph: Graph, arrays: Readonly<Record<string, NumpyArray>>): readonly NetworkInputs[] {
  const tensors = tensorsOf(graph);
  const names = Object.keys(arrays);
  const parts = graph.inputs.map((id) => {
    const array = arrays[id] ?? (graph.inputs.length === 1 && names.length === 1 ? arrays[names[0]!] : undefined);
    const shape = tensors.get(id)?.shape ?? [];
    if (array === undefined) {
      const next = `It has ${names.join(', ') || 'nothing'}; name the array as the model names its input.`;
      return fail({ kind: 'run', where: `input '${id}'`, reason: 'is not in the input file', next });
    }
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    const batches = array.values.length / size;
    if (!Number.isInteger(batches) || batches < 1 || array.shape.slice(1).join() !== shape.slice(1).join()) {
      const reason = `has shape [${array.shape.join(', ')}] in the input file, and the network takes [${shape.join(', ')}]`;
      fail({ kind: 'run', where: `input '${id}'`, reason, next: 'Only the first dimension may be a multiple of it.' });
    }
    return { id, values: array.values, size, batches };
  });
  const batches = parts[0]?.batches ?? 1;
  const other = parts.find((part) => part.batches !== batches);
  if (other !== undefined) {
    const reason = `has ${other.batches} batches, and '${parts[0]?.id}' has ${batches}`;
    fail({ kind: 'run', where: `input '${other.id}'`, reason, next: 'Give as many samples of each.' });
  }
  return Array.from({ length: batches }, (_, batch) =>
    Object.fromEntries(parts.map(({ id, values, size }) => [id, values.subarray(batch * size, (batch + 1) * size)])),
  );
}

/** One batch: real inputs about normal, rows of a table that is looked up below its size, everything else 1 (nothing masked). */
export function seededInputs(graph: Graph, seed: number): NetworkInputs {
  const tensors = tensorsOf(graph);
  return Object.fromEntries(
    graph.inputs.map((id, i) => {
      const tensor = tensors.get(id);
      const values = new Float64Array((tensor?.positions ?? 0) * (tensor?.features ?? 0));
      const random = randomOf(seed, i);
      const rows = rowsOfTable(graph, id, tensors);
      const real = tensor?.dtype.includes('float') ?? false;
      return [id, values.map(() => (real ? normal(random) : rows === undefined ? 1 : Math.floor(random() * rows)))];
    }),
  );
}

/** Sum of twelve uniform numbers: mean 0, variance 1. */
function normal(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random();
  return sum;
}

/** Rows of the smallest table that an input is looked up in, directly or through views. */
function rowsOfTable(graph: Graph, input: string, tensors: ReadonlyMap<string, Tensor>): number | undefined {
  const same = new Set([input]);
  let least: number | undefined;
  for (const { kind, attrs, inputs, output } of graph.operators) {
    if (!inputs.some(({ tensor }) => same.has(tensor))) continue;
    if (kind === 'view') same.add(output);
    if (kind !== 'move' || attrs.function !== 'gather') continue;
    const rows = tensors.get(attrs.operands?.[0] ?? '')?.shape[attrs.parameters.axis?.[0] ?? 0];
    if (rows !== undefined) least = Math.min(rows, least ?? rows);
  }
  return least;
}
