// Fold: a graph with one instance of each big block in place of all of them, so that what is decided for one holds for all.
// Graph + blocks -> Folded. What is behind a block reads of its last instance; here it reads of the last that is kept.

import { tensorsByInstance } from './blocks.ts';
import type { Graph, Operator, OperatorId, TensorId } from './graph.ts';
import { renamedOperator } from './numbering.ts';

/** One instance of a block within a folded graph. */
export interface Fold {
  /** Index in `blocks` of the whole graph. */
  readonly block: number;
  /** Operators first .. first + length - 1 of the folded graph stand for `times` instances. */
  readonly first: number;
  readonly length: number;
  readonly times: number;
}

export interface Folded {
  readonly graph: Graph;
  readonly folds: readonly Fold[];
}

/** The graph with the blocks of these indices folded; their other instances, with all that only those make or read, are left out. */
export function foldGraph(graph: Graph, blocks: readonly number[]): Folded {
  const { graph: folded, folds } = withFirstInstances(graph, blocks, 1);
  return { graph: { ...folded, blocks: [] }, folds };
}

/** The graph with the first `kept` instances of each of these blocks, which must have as many; they are its only blocks. */
export function shortenGraph(graph: Graph, blocks: readonly number[], kept: number): Graph {
  const { graph: short, folds } = withFirstInstances(graph, blocks, kept);
  const left = folds.flatMap(({ block, first }) => {
    const whole = graph.blocks[block];
    return whole === undefined ? [] : [{ ...whole, first, count: kept }];
  });
  return { ...short, blocks: left };
}

function withFirstInstances(graph: Graph, blocks: readonly number[], kept: number): Folded {
  const chosen = [...blocks]
    .sort((a, b) => a - b)
    .flatMap((index) => (graph.blocks[index] === undefined ? [] : [{ index, block: graph.blocks[index] }]));
  const dropped = new Set<TensorId>();
  /** What is read of the last instance -> the same of the last that is kept. */
  const lastToKept = new Map<TensorId, TensorId>();
  const stays = new Set<TensorId>();
  for (const { block } of chosen) {
    const instances = tensorsByInstance(graph, block);
    const initial = new Set(block.carried.map((one) => one.initial));
    for (const [id, ids] of instances) {
      if (initial.has(id)) continue;
      for (const other of ids.slice(kept)) if (other !== id) dropped.add(other);
    }
    for (const { initial: from, next } of block.carried) {
      const made = instances.get(next) ?? [next];
      lastToKept.set(made.at(-1) ?? next, made[kept - 1] ?? next);
      for (const id of made.slice(kept)) dropped.add(id);
      for (const id of [from, ...made.slice(0, kept)]) stays.add(id);
    }
  }
  for (const id of stays) dropped.delete(id);

  const nameOf = (id: TensorId): TensorId => lastToKept.get(id) ?? id;
  const operators: Operator[] = [];
  const folds: Fold[] = [];
  let at = 0;
  const copyTo = (end: number): void => {
    for (; at < end; at++) {
      const operator = graph.operators[at];
      if (operator !== undefined) operators.push(lastToKept.size === 0 ? operator : renamedOperator(operator, NO_OPERATORS, nameOf));
    }
  };
  for (const { index, block } of chosen) {
    copyTo(block.first);
    folds.push({ block: index, first: operators.length, length: block.length, times: block.count });
    copyTo(block.first + block.length * kept);
    at = block.first + block.length * block.count;
  }
  copyTo(graph.operators.length);
  const outputs = [...new Set(graph.outputs.map(nameOf))].filter((id) => !dropped.has(id));
  const isOutput = new Set(outputs);
  const tensors = graph.tensors
    .filter(({ id }) => !dropped.has(id))
    .map((tensor) => (isOutput.has(tensor.id) && tensor.role === 'activation' ? { ...tensor, role: 'output' as const } : tensor));
  const left = new Set(operators.map(({ id }) => id));
  const caches = graph.caches.filter(({ operator }) => left.has(operator));
  return { graph: { ...graph, tensors, operators, outputs, inputs: graph.inputs.filter((id) => !dropped.has(id)), caches }, folds };
}

const NO_OPERATORS: ReadonlyMap<OperatorId, OperatorId> = new Map();
