// Tile boundaries: lengths of the cache at which some product needs another number of tiles than one token earlier.
// (graphs of the first and the last token, chip) -> lengths. Between the two a product's sizes grow linearly.

import type { Hardware } from '../hardware/hardware.ts';
import { tileGrid } from '../hardware/tile.ts';
import { type Graph, isMatrix } from '../ir/graph.ts';
import { between } from './contexts.ts';

/** In ascending order, above `first` and up to `last`; none if the graphs have different operators. */
export function tileBoundaries(first: number, atFirst: Graph, last: number, atLast: Graph, hardware: Hardware): readonly number[] {
  const grown = growingProducts(atFirst, atLast);
  const boundaries = new Set<number>();
  for (const [from, to] of grown) {
    const tilesAt = (context: number): number => {
      const at = (size: 'n' | 'k' | 'groups'): number => Math.round(between(first, from[size], last, to[size], context));
      return tileGrid({ n: at('n'), k: at('k'), groups: at('groups') }, hardware).tiles;
    };
    let before = tilesAt(first);
    for (let context = first + 1; context <= last; context++) {
      const tiles = tilesAt(context);
      if (tiles !== before) boundaries.add(context);
      before = tiles;
    }
  }
  return [...boundaries].sort((a, b) => a - b);
}

type Sizes = Readonly<Record<'n' | 'k' | 'groups', number>>;

/** Sizes of the products that differ, each pair of sizes once. */
function growingProducts(atFirst: Graph, atLast: Graph): readonly (readonly [Sizes, Sizes])[] {
  const [a, b] = [atFirst.operators.filter(isMatrix), atLast.operators.filter(isMatrix)];
  if (a.length !== b.length) return [];
  const pairs = new Map<string, readonly [Sizes, Sizes]>();
  for (const [i, { attrs }] of a.entries()) {
    const [from, to] = [attrs.matrix, b[i]?.attrs.matrix ?? attrs.matrix];
    const sizes = [from.n, from.k, from.groups, to.n, to.k, to.groups];
    if (sizes.slice(0, 3).join() !== sizes.slice(3).join()) pairs.set(sizes.join(), [from, to]);
  }
  return [...pairs.values()];
}
