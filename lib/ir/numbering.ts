// Numbering: what differs between a block's instances gets names that count them, prefix + (number + k) + suffix, so that
// a loop over the instances can say what it means. Names that count already stay as users know them
// ('layers.3.q_proj.weight'); others ('node_MatMul_85') are put below them ('layers.3.node_MatMul_85').

import { tensorsByInstance } from './blocks.ts';
import type { Block, Graph, Operator, OperatorId, Tensor, TensorId } from './graph.ts';
import { structureOf } from './instances.ts';

export interface Numbered {
  readonly prefix: string;
  readonly suffix: string;
}

/** Prefix and suffix around the number that counts from `number` on through the names, if one does. */
export function numberedAs(names: readonly string[], number: number): Numbered | undefined {
  const [first = ''] = names;
  for (const match of first.matchAll(/\d+/g)) {
    if (match[0] !== `${number}`) continue;
    const [prefix, suffix] = [first.slice(0, match.index), first.slice(match.index + match[0].length)];
    if (names.every((name, k) => name === `${prefix}${number + k}${suffix}`)) return { prefix, suffix };
  }
  return undefined;
}

/** The graph with `runs` as its blocks, and with the names they need. Every name that changes is kept as `source`. */
export function numberInstances(graph: Graph, runs: readonly Omit<Block, 'number'>[]): Graph {
  if (runs.length === 0) return graph;
  const structure = structureOf(graph);
  const operatorIds = new Map<OperatorId, OperatorId>();
  const tensorIds = new Map<TensorId, TensorId>();
  const takenOperators = new Set(graph.operators.flatMap(({ id, epilogue }) => [id, ...epilogue.map((step) => step.id)]));
  const takenTensors = new Set(graph.tensors.map(({ id }) => id));

  const blocks = runs.map((run, index): Block => {
    const { first, length, count, carried } = run;
    const initial = new Set(carried.map((one) => one.initial));
    const tensors = [...tensorsByInstance(graph, run, structure)].filter(([id, ids]) => !initial.has(id) && ids[1] !== id);
    const operators = Array.from({ length }, (_, place) =>
      Array.from({ length: count }, (_, k) => graph.operators[first + k * length + place]?.id ?? ''),
    );
    const scope = scopeOf([...operators, ...tensors.map(([, ids]) => ids)], `block${index}.`);
    rename(operators, scope, takenOperators, operatorIds);
    rename(
      tensors.map(([, ids]) => ids),
      scope,
      takenTensors,
      tensorIds,
    );
    return { ...run, number: scope.number };
  });

  const nameOf = (id: TensorId): TensorId => tensorIds.get(id) ?? id;
  return {
    ...graph,
    inputs: graph.inputs.map(nameOf),
    outputs: graph.outputs.map(nameOf),
    // Nothing is copied when every name counts already.
    tensors: tensorIds.size === 0 ? graph.tensors : graph.tensors.map((tensor) => renamedTensor(tensor, nameOf)),
    operators:
      operatorIds.size + tensorIds.size === 0
        ? graph.operators
        : graph.operators.map((operator) => renamedOperator(operator, operatorIds, nameOf)),
    blocks: blocks.map((block) => ({
      ...block,
      carried: block.carried.map(({ initial, next }) => ({ initial: nameOf(initial), next: nameOf(next) })),
    })),
  };
}

/** What names that count have in common: how they begin, the first number, and what separates it from the rest. */
interface Scope {
  readonly prefix: string;
  readonly number: number;
  readonly separator: string;
}

/** The scope most names have that count; `otherwise` and 0 if none does. */
function scopeOf(names: readonly (readonly string[])[], otherwise: string): Scope {
  const votes = new Map<string, { scope: Scope; count: number }>();
  let best: { scope: Scope; count: number } | undefined;
  for (const ids of names) {
    for (const number of new Set((ids[0]?.match(/\d+/g) ?? []).map(Number))) {
      const numbered = numberedAs(ids, number);
      if (numbered === undefined) continue;
      const separator = /^[^A-Za-z0-9]/.exec(numbered.suffix)?.[0] ?? '.';
      const key = JSON.stringify([numbered.prefix, number, separator]);
      const vote = votes.get(key) ?? { scope: { prefix: numbered.prefix, number, separator }, count: 0 };
      vote.count++;
      votes.set(key, vote);
      if (best === undefined || vote.count > best.count) best = vote;
    }
  }
  return best?.scope ?? { prefix: otherwise, number: 0, separator: '.' };
}

/** New names for those that don't count, in `renamed`; `taken` are all names there are. */
function rename(
  names: readonly (readonly string[])[],
  { prefix, number, separator }: Scope,
  taken: Set<string>,
  renamed: Map<string, string>,
): void {
  for (const ids of names) {
    if (numberedAs(ids, number) !== undefined) continue;
    const [first = ''] = ids;
    const own = `${prefix}${number}${separator}`;
    let stem = first.startsWith(own) ? first.slice(own.length) : first;
    const named = (k: number): string => `${prefix}${number + k}${separator}${stem}`;
    while (ids.some((id, k) => named(k) !== id && taken.has(named(k)))) stem += '_';
    for (const [k, id] of ids.entries()) {
      taken.add(named(k));
      renamed.set(id, named(k));
    }
  }
}

function renamedTensor(tensor: Tensor, nameOf: (id: TensorId) => TensorId): Tensor {
  const { id, source = id, quantization, ...rest } = tensor;
  const name = nameOf(id);
  return {
    id: name,
    ...(name === source ? {} : { source }),
    ...rest,
    ...(quantization === undefined
      ? {}
      : {
          quantization: {
            ...quantization,
            ...(quantization.scale === undefined ? {} : { scale: nameOf(quantization.scale) }),
            ...(quantization.zeroPoint === undefined ? {} : { zeroPoint: nameOf(quantization.zeroPoint) }),
          },
        }),
  };
}

export function renamedOperator(
  operator: Operator,
  operatorIds: ReadonlyMap<OperatorId, OperatorId>,
  nameOf: (id: TensorId) => TensorId,
): Operator {
  const { id, source = id, inputs, output, epilogue, attrs, ...rest } = operator;
  const name = operatorIds.get(id) ?? id;
  const { weight, bias, producer, operands, ...others } = attrs as {
    weight?: TensorId;
    bias?: TensorId;
    producer?: OperatorId;
    operands?: readonly TensorId[];
  };
  return {
    id: name,
    ...(name === source ? {} : { source }),
    ...rest,
    inputs: inputs.map(({ tensor, window }) => ({ tensor: nameOf(tensor), window })),
    output: nameOf(output),
    attrs: {
      ...others,
      ...(weight === undefined ? {} : { weight: nameOf(weight) }),
      ...(bias === undefined ? {} : { bias: nameOf(bias) }),
      ...(producer === undefined ? {} : { producer: operatorIds.get(producer) ?? producer }),
      ...(operands === undefined ? {} : { operands: operands.map(nameOf) }),
    },
    epilogue: epilogue.map((step) => ({ ...step, operands: step.operands.map(nameOf) })),
  } as unknown as Operator;
}
