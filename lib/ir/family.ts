// Family: graphs of one network that differ in one size, made from two of them. Importing a model takes far longer than
// growing its numbers: whatever number differs between the two grows linearly with the size (a cache's tokens do, in
// everything they touch). (two graphs, their sizes) -> a graph for any size, sharing what does not grow.

import type { Graph } from './graph.ts';

/** Undefined if the network does not grow linearly to that size: import it. */
export type GraphFamily = (size: number) => Graph | undefined;

/** The value at a size, between 0 at the first graph and 1 at the other; absent where nothing grows. */
type Growth = ((share: Share) => unknown) | undefined;
interface Share {
  readonly of: number;
  readonly parts: number;
}

class NotLinear extends Error {}

/** Undefined if the two graphs differ in more than numbers. The graphs' hash is that of `first`. */
export function graphFamily(first: Graph, sizeOfFirst: number, other: Graph, sizeOfOther: number): GraphFamily | undefined {
  const growth = growthOf(first, { ...other, hash: first.hash });
  if (growth === 'different') return undefined;
  if (growth === undefined) return () => first;
  return (size) => {
    try {
      return growth({ of: size - sizeOfFirst, parts: sizeOfOther - sizeOfFirst }) as Graph;
    } catch (error) {
      if (error instanceof NotLinear) return undefined;
      throw error;
    }
  };
}

function growthOf(a: unknown, b: unknown): Growth | 'different' {
  if (a === b) return undefined;
  if (typeof a === 'number' && typeof b === 'number') return growthOfNumber(a, b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return 'different';
  const [from, to] = [Object.entries(a), Object.entries(b)];
  if (from.length !== to.length || Array.isArray(a) !== Array.isArray(b)) return 'different';
  const growing: { readonly key: string; readonly at: (share: Share) => unknown }[] = [];
  for (const [i, [key, value]] of from.entries()) {
    const [otherKey, otherValue] = to[i] ?? [];
    const growth = key === otherKey ? growthOf(value, otherValue) : 'different';
    if (growth === 'different') return growth;
    if (growth !== undefined) growing.push({ key, at: growth });
  }
  if (growing.length === 0) return undefined;
  return (share) => {
    const copy = (Array.isArray(a) ? [...a] : { ...a }) as Record<string, unknown>;
    for (const { key, at } of growing) copy[key] = at(share);
    return copy;
  };
}

function growthOfNumber(a: number, b: number): Growth | 'different' {
  if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b)) return Object.is(a, b) ? undefined : 'different';
  return ({ of, parts }) => {
    const grown = (of * (b - a)) / parts;
    if (!Number.isSafeInteger(grown)) throw new NotLinear();
    return a + grown;
  };
}
