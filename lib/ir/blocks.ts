// Blocks: operators -> the runs of interchangeable ranges among them (transformer layers, residual blocks of a stage).
// From left to right, at each operator the repetition is taken that leaves the fewest operators to be compiled. Ranges are
// compared by rolling hash first and exactly afterwards; work is bounded, so the search is linear in the operators.

import { type Block, type Graph, isMatrix, type TensorId } from './graph.ts';
import { counterparts, countInstances, type Range, type Structure, structureOf } from './instances.ts';

/** How many operators like the first one of a range are tried as the first one of the next. */
const MOST_PERIODS = 16;
/** Comparisons of operators, for each operator of the network. */
const MOST_WORK = 32;
/** A single layer is not worth a block. */
const LEAST_MATRICES = 2;

type Run = Omit<Block, 'number'>;

export function findBlocks(graph: Pick<Graph, 'operators' | 'tensors'>): Run[] {
  const structure = structureOf(graph);
  const { forms } = structure;
  const budget = { left: MOST_WORK * forms.length };
  const next = nextAlike(forms);
  const mayEqual = rollingHash(forms);
  /** Matrix operators before each. */
  const matrices = new Int32Array(forms.length + 1);
  for (const [i, operator] of graph.operators.entries()) matrices[i + 1] = (matrices[i] ?? 0) + Number(isMatrix(operator));

  const bestAt = (first: number): Run | undefined => {
    let best: Run | undefined;
    let other = next[first] ?? -1;
    for (let tried = 0; tried < MOST_PERIODS && other >= 0; tried++, other = next[other] ?? -1) {
      const length = other - first;
      if (first + 2 * length > forms.length) break;
      // Twice what repeats anyway is nothing new.
      if (best !== undefined && length % best.length === 0 && 2 * length <= best.length * best.count) continue;
      if ((matrices[other] ?? 0) - (matrices[first] ?? 0) < LEAST_MATRICES || !mayEqual(first, other, length)) continue;
      const run = { first, length, ...countInstances(structure, { first, length }, Number.POSITIVE_INFINITY, budget) };
      if (saving(run) > (best === undefined ? 0 : saving(best))) best = run;
    }
    return best;
  };

  const runs: Run[] = [];
  for (let at = 0; at < forms.length && budget.left > 0; ) {
    const found = bestAt(at);
    if (found !== undefined) runs.push(shifted(found, structure, budget));
    const last = runs.at(-1);
    at = found === undefined || last === undefined ? at + 1 : last.first + last.length * last.count;
  }
  return runs;
}

/** Operators that need not be compiled. */
function saving({ length, count }: Run): number {
  return length * (count - 1);
}

/**
 * The same run, begun where the fewest tensors are carried from one instance to the next, of several such places the
 * last: a layer then ends with its residual addition, or with the normalisation behind it.
 */
function shifted(found: Run, structure: Structure, budget: { left: number }): Run {
  const { forms } = structure;
  const { first, length, count } = found;
  let best = found;
  for (let by = 1; by < length && forms[first + by - 1] === forms[first + by - 1 + length * count]; by++) {
    const range = { first: first + by, length };
    const instances = countInstances(structure, range, count, budget);
    if (instances.count === count && instances.carried.length <= best.carried.length) best = { ...range, ...instances };
  }
  return best;
}

/** Index of the next operator of the same form; -1 if there is none. */
function nextAlike(forms: Int32Array): Int32Array {
  const next = new Int32Array(forms.length).fill(-1);
  const last = new Map<number, number>();
  for (const [i, form] of forms.entries()) {
    const before = last.get(form);
    if (before !== undefined) next[before] = i;
    last.set(form, i);
  }
  return next;
}

/** Whether `length` forms from `a` and from `b` are the same: always true when they are, hardly ever when they are not. */
function rollingHash(forms: Int32Array): (a: number, b: number, length: number) => boolean {
  const BASE = 0x01000193;
  const prefix = new Int32Array(forms.length + 1);
  const power = new Int32Array(forms.length + 1).fill(1);
  for (const [i, form] of forms.entries()) {
    prefix[i + 1] = Math.imul(prefix[i] ?? 0, BASE) + form + 1;
    power[i + 1] = Math.imul(power[i] ?? 1, BASE);
  }
  const hash = (from: number, length: number): number =>
    ((prefix[from + length] ?? 0) - Math.imul(prefix[from] ?? 0, power[length] ?? 1)) | 0;
  return (a, b, length) => hash(a, length) === hash(b, length);
}

/** The instance that operator `index` is in, and its place there; undefined if it is in none. */
export function placeIn({ first, length, count }: Block, index: number): { instance: number; place: number } | undefined {
  const offset = index - first;
  return offset >= 0 && offset < length * count ? { instance: Math.floor(offset / length), place: offset % length } : undefined;
}

/**
 * Tensors of a block's first instance (made, read, weights) -> those in their place, one an instance. Shared tensors stand
 * for themselves, and what the first instance reads of carried ones comes from before the block.
 */
export function tensorsByInstance(
  graph: Pick<Graph, 'operators' | 'tensors'>,
  { first, length, count }: Range & Pick<Block, 'count'>,
  structure = structureOf(graph),
): ReadonlyMap<TensorId, readonly TensorId[]> {
  const byInstance = new Map<TensorId, TensorId[]>();
  for (let instance = 0; instance < count - 1; instance++) {
    const pair = counterparts(structure, { first, length }, instance) ?? new Map<TensorId, TensorId>();
    if (instance === 0) for (const id of pair.keys()) byInstance.set(id, [id]);
    for (const ids of byInstance.values()) {
      const next = pair.get(ids.at(-1) ?? '');
      if (next !== undefined) ids.push(next);
    }
  }
  return byInstance;
}
