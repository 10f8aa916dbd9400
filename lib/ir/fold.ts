// Fold: a graph with one instance of each big block in place of all of them, so that what is decided for one holds for all.
// Graph + blocks -> Folded. What is behind a block reads of its last instance; here it reads of the only one.

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
  const chosen = [...blocks]
    .sort((a, b) => a - b)
    .flatMap((index) => (graph.blocks[index] === undefined ? [] : [{ index, block: graph.blocks[index] }]));
  const dropped = new Set<TensorId>();
  /** What is read of the last instance -> the same of the first. */
  const lastToFirst = new Map<TensorId, TensorId>();
  for (const { block } of chosen) {
    const instances = tensorsByInstance(graph, block);
    for (const [id, ids] of instances) for (const other of ids.slice(1)) if (other !== id) dropped.add(other);
    for (const { next } of block.carried) lastToFirst.set(instances.get(next)?.at(-1) ?? next, next);
    for (const { initial } of block.carried) for (const id of instances.get(initial)?.slice(1) ?? []) dropped.add(id);
  }
  for (const { block } of chosen) for (const { initial, next } of block.carried) for (const id of [initial, next]) dropped.delete(id);

  const nameOf = (id: TensorId): TensorId => lastToFirst.get(id) ?? id;
  const operators: Operator[] = [];
  const folds: Fold[] = [];
  let at = 0;
  const copyTo = (end: number): void => {
    for (; at < end; at++) {
      const operator = graph.operators[at];
      if (operator !== undefined) operators.push(lastToFirst.size === 0 ? operator : renamedOperator(operator, NO_OPERATORS, nameOf));
    }
  };
  for (const { index, block } of chosen) {
    copyTo(block.first);
    folds.push({ block: index, first: operators.length, length: block.length, times: block.count });
    copyTo(block.first + block.length);
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
  return {
    graph: { ...graph, tensors, operators, outputs, inputs: graph.inputs.filter((id) => !dropped.has(id)), blocks: [], caches },
    folds,
  };
}

const NO_OPERATORS: ReadonlyMap<OperatorId, OperatorId> = new Map();
