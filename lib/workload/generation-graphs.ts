// The graphs of all decode passes from three of them. From one context to the next a graph differs in sizes alone, and they
// grow evenly; so three imports tell what all others would give, which a test compares. Where they do not (a sliding window
// reached, a size rounded up to blocks), every graph is imported.

import type { Graph } from '../ir/graph.ts';

/** A part of a graph as a function of the context; a value where it is the same for all. */
type Part = { readonly same: unknown } | { readonly at: (context: number) => unknown };

/** One past what can be told from three graphs. */
class Uneven extends Error {}

/**
 * The graph of each context first .. last. `graphAt` imports one; `hashOf` gives its hash without importing it.
 * The three that are imported are the first, the second and the last: a size that goes in steps, bends or stops growing
 * somewhere between does not lie on their line.
 */
export function decodeGraphs(
  { first, last }: { readonly first: number; readonly last: number },
  graphAt: (context: number) => Graph,
  hashOf: (context: number) => string,
): (context: number) => Graph {
  const imported = new Map<number, Graph>();
  const importAt = (context: number): Graph => {
    const graph = imported.get(context) ?? graphAt(context);
    imported.set(context, graph);
    return graph;
  };
  if (last - first < 4) return importAt;
  const ends = [importAt(first), importAt(first + 1), importAt(last)] as const;
  const line = evenly(ends, first, last);
  if (line === undefined) return importAt;
  return (context) => imported.get(context) ?? { ...line(context), hash: hashOf(context) };
}

function evenly(ends: readonly [Graph, Graph, Graph], first: number, last: number): ((context: number) => Graph) | undefined {
  const [a, b, c] = ends.map((graph) => ({ ...graph, hash: '' }));
  try {
    const part = partOf(a, b, c, first, last);
    return (context) => ('same' in part ? part.same : part.at(context)) as Graph;
  } catch (error) {
    if (error instanceof Uneven) return undefined;
    throw error;
  }
}

/** `a`, `b` and `c` are of the contexts first, first + 1 and last. Throws Uneven. */
function partOf(a: unknown, b: unknown, c: unknown, first: number, last: number): Part {
  if (Object.is(a, b) && Object.is(a, c)) return { same: a };
  if (typeof a === 'number' && typeof b === 'number' && typeof c === 'number') {
    const step = b - a;
    if (!Number.isInteger(a) || !Number.isInteger(step) || c !== a + step * (last - first)) throw new Uneven();
    return { at: (context) => a + step * (context - first) };
  }
  if (typeof a !== 'object' || typeof b !== 'object' || typeof c !== 'object' || a === null || b === null || c === null) throw new Uneven();
  const keys = Object.keys(a);
  if (Array.isArray(a) !== Array.isArray(b) || Object.keys(b).join() !== keys.join() || Object.keys(c).join() !== keys.join()) throw new Uneven();
  const [from, next, to] = [a, b, c] as Record<string, unknown>[];
  const moving: { readonly key: string; readonly at: (context: number) => unknown }[] = [];
  for (const key of keys) {
    const part = partOf(from?.[key], next?.[key], to?.[key], first, last);
    if ('at' in part) moving.push({ key, at: part.at });
  }
  if (moving.length === 0) return { same: a };
  return {
    at: (context) => {
      const copy = (Array.isArray(a) ? [...a] : { ...a }) as Record<string, unknown>;
      for (const { key, at } of moving) copy[key] = at(context);
      return copy;
    },
  };
}
