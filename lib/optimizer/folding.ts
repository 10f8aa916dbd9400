// Which blocks of a network are decided once for all their instances, and what that means for a plan's segments.

import { type Cycles, sum } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { tileGrid } from '../hardware/tile.ts';
import type { Folded } from '../ir/fold.ts';
import { type Graph, isMatrix } from '../ir/graph.ts';
import type { Plan, Repeat, SegmentPlan } from './plan.ts';

/**
 * An instance must fill the chip this often: a segment cannot reach from one instance into the next, which costs
 * little where an instance takes many segments anyway. Smaller blocks are scheduled operator by operator.
 */
const LEAST_CHIPS = 4;

/** Indices of the blocks worth folding: big, with products behind them to hold what comes after. */
export function blocksWorthFolding(graph: Graph, hardware: Hardware): readonly number[] {
  return graph.blocks.flatMap(({ first, length, count, carried }, index) => {
    const instance = graph.operators.slice(first, first + length).filter(isMatrix);
    const tiles = sum(instance.map(({ attrs }) => tileGrid(attrs.matrix, hardware).tiles));
    const behind = graph.operators.slice(first + length * count).some(isMatrix);
    const distinct = new Set(carried.map(({ initial }) => initial)).size === carried.length;
    return tiles >= LEAST_CHIPS * hardware.arrays && behind && distinct ? [index] : [];
  });
}

/** The segments that hold each fold's operators. */
export function repeatsOf({ graph, folds }: Folded, segments: readonly SegmentPlan[]): readonly Repeat[] {
  return folds.map(({ block, first, length, times }) => {
    const inside = new Set(graph.operators.slice(first, first + length).map(({ id }) => id));
    const holds = segments.map(({ operators }) => operators.some(({ parent }) => inside.has(parent)));
    return { block, first: holds.indexOf(true), count: holds.filter(Boolean).length, times };
  });
}

/** How often a segment runs. */
export function timesOf({ repeats }: Pick<Plan, 'repeats'>, segment: number): number {
  return repeats.find(({ first, count }) => first <= segment && segment < first + count)?.times ?? 1;
}

/** Sum over segments, as often as each runs, of intra and inter cycles. */
export function totalCycles(segments: readonly SegmentPlan[], repeats: readonly Repeat[]): Cycles {
  return sum(
    segments.map(
      ({ id, intraCycles, interCycles: { writeBack, switch: switching, rewrite } }) =>
        timesOf({ repeats }, id) * (intraCycles + writeBack + switching + rewrite),
    ),
  );
}
