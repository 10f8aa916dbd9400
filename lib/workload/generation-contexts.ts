// Which decode passes are simulated, so that the others can be interpolated: the first and the last one, both sides of
// tile boundaries between them, and more wherever a pass is not what its neighbours let expect, until what is left of
// doubt about the sum over all passes is less than a tolerance.

import { sum } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { tileGrid } from '../hardware/tile.ts';
import { type Graph, isMatrix } from '../ir/graph.ts';

/**
 * Contexts (first, last] at which a product with a run-time operand takes another number of tiles than one token before:
 * K^T has a column a token, V a row. `first` and `last` are the graphs of those contexts; sizes in between are linear.
 */
export function tileBoundaries(
  first: { readonly context: number; readonly graph: Graph },
  last: { readonly context: number; readonly graph: Graph },
  hardware: Pick<Hardware, 'tileRows' | 'tileColumns'>,
): readonly number[] {
  const products = ({ graph }: { readonly graph: Graph }) =>
    graph.operators.flatMap((operator) => (isMatrix(operator) && 'dynamic' in operator.attrs && operator.attrs.dynamic ? [operator.attrs.matrix] : []));
  const ends = products(last);
  const kinds = new Map(products(first).map((from, i) => [JSON.stringify([from, ends[i]]), { from, to: ends[i] ?? from }]));
  const passes = last.context - first.context;
  const boundaries: number[] = [];
  let before: string | undefined;
  for (let pass = 0; pass <= passes; pass++) {
    const between = (from: number, to: number): number => Math.round(from + ((to - from) * pass) / Math.max(1, passes));
    const tiles = [...kinds.values()].map(({ from, to }) => {
      const shape = { n: between(from.n, to.n), k: between(from.k, to.k), groups: between(from.groups, to.groups) };
      return tileGrid(shape, hardware).tiles;
    });
    const now = tiles.join();
    if (before !== undefined && before !== now) boundaries.push(first.context + pass);
    before = now;
  }
  return boundaries;
}

export interface Sampled<T> {
  /** By context, the first and the last of the range among them. */
  readonly samples: ReadonlyMap<number, T>;
  /** Estimate of the error of the interpolated sum, relative to it: what was left of doubt when sampling ended. */
  readonly doubt: number;
}

/** Contexts between two that were sampled, and how far off a context there may be. */
interface Gap {
  readonly from: number;
  readonly to: number;
  /** Of one pass; unknown (infinite) until one in the gap, or in the gap this is a part of, was looked at. */
  readonly error: number;
}

/**
 * Measures passes first .. last until the doubt about the sum of their values is at most `tolerance` of it. A gap is looked
 * at in its middle, if it has tile boundaries on both sides of the one nearest to it; what is measured there is compared with what was
 * interpolated, and the parts of the gap are taken to be as far off.
 */
export async function sampleContexts<T>(
  first: number,
  last: number,
  boundaries: readonly number[],
  tolerance: number,
  measure: (context: number) => Promise<T> | T,
  valueOf: (sample: T) => number,
): Promise<Sampled<T>> {
  const samples = new Map<number, T>();
  const values = new Map<number, number>();
  const look = async (context: number): Promise<void> => {
    const sample = await measure(context);
    samples.set(context, sample);
    values.set(context, valueOf(sample));
  };
  const value = (context: number): number => values.get(context) ?? Number.NaN;
  for (const context of new Set([first, last])) await look(context);
  let gaps: Gap[] = [{ from: first, to: last, error: Number.POSITIVE_INFINITY }].filter(hasInside);
  const doubt = (gap: Gap): number => gap.error * (gap.to - gap.from - 1);
  const total = (): number => {
    const points = [...values.keys()].sort((a, b) => a - b);
    return sum(points.map((to, i) => {
      const from = points[i - 1];
      return from === undefined ? value(to) : ((value(from) + value(to)) / 2) * (to - from) + (value(to) - value(from)) / 2;
    }));
  };
  while (gaps.length > 0 && sum(gaps.map(doubt)) > tolerance * total()) {
    const widest = gaps.reduce((most, gap) => (doubt(gap) > doubt(most) || (doubt(gap) === doubt(most) && gap.to - gap.from > most.to - most.from) ? gap : most));
    const expected = (context: number): number =>
      value(widest.from) + ((value(widest.to) - value(widest.from)) * (context - widest.from)) / (widest.to - widest.from);
    const inside = splitOf(widest, boundaries);
    let error = 0;
    for (const context of inside) {
      await look(context);
      error = Math.max(error, Math.abs(value(context) - expected(context)));
    }
    const points = [widest.from, ...inside, widest.to];
    // Of the whole range nothing is known by one look at it: each half is looked at, too.
    const known = widest.error === Number.POSITIVE_INFINITY && widest.to - widest.from === last - first ? Number.POSITIVE_INFINITY : error;
    const parts = points.slice(1).map((to, i) => ({ from: points[i] ?? to, to, error: known }));
    gaps = [...gaps.filter((gap) => gap !== widest), ...parts.filter(hasInside)];
  }
  return { samples, doubt: sum(gaps.map(doubt)) / total() };
}

function hasInside({ from, to }: Gap): boolean {
  return to - from > 1;
}

/** One or two contexts inside a gap: both sides of the tile boundary nearest to its middle, or the middle. */
function splitOf({ from, to }: Gap, boundaries: readonly number[]): readonly number[] {
  const middle = (from + to) / 2;
  const boundary = boundaries
    .filter((context) => from < context && context < to + 1 && (context - 1 > from || context < to))
    .reduce<number | undefined>((best, context) => (best === undefined || Math.abs(context - middle) < Math.abs(best - middle) ? context : best), undefined);
  if (boundary === undefined) return [Math.floor(middle)];
  return [boundary - 1, boundary].filter((context) => context > from && context < to);
}
