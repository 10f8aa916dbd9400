// Why an allocation cannot be beaten, for anyone to check: what limits each operator, the fewest arrays that anything faster
// takes, and why so many are not there. Allocation problem + allocation -> Certificate.

import type { Cycles } from '../base/units.ts';
import { type Allocation, type AllocationProblem, bindingOf, objectiveOf } from './allocation.ts';
import { boundOf, type Cover, maximise } from './b-matching.ts';
import type { Binding } from './plan.ts';

export const SHORTAGES = ['together', 'compute', 'memory', 'copies', 'bandwidth'] as const;
/**
 * What a faster allocation lacks: arrays in all or of one mode; vectors, for `operator` has a copy for each; or bandwidth, for
 * memory-mode arrays bring `operator` none.
 */
export type Shortage = (typeof SHORTAGES)[number];

/** What every faster allocation takes at least, operator by operator: with one array less, an operator is not faster. */
export interface FasterNeeds {
  /** The next smaller latency that any count of arrays gives. */
  readonly latency: Cycles;
  readonly compute: readonly number[];
  readonly memory: readonly number[];
  /** Why no more than `mostShared` of the memory arrays can be shared, (6) and (7). */
  readonly cover: Cover;
  readonly mostShared: number;
  /** Physical arrays, shared ones counted once, (8). */
  readonly arrays: { readonly compute: number; readonly memory: number; readonly together: number };
  readonly lacks: Shortage;
  readonly operator?: number;
}

export interface Certificate {
  /** max_i L_i; infinite if there is no allocation at all. */
  readonly latency: Cycles;
  /** The term of Eq. (10) that sets each operator's own latency. */
  readonly bindings: readonly Binding[];
  readonly faster: FasterNeeds;
}

/** Latencies closer than this, relative, are the same number computed in two ways. */
const SAME = 1e-12;

/** The proof that `allocation` is optimal, or, without one, that there is none. Throws nothing: a wrong allocation gets a certificate that fails its check. */
export function certify(problem: AllocationProblem, allocation: Allocation | undefined): Certificate {
  const { claims, hardware } = problem;
  const latency = allocation === undefined ? Number.POSITIVE_INFINITY : allocation.latency;
  const bindings =
    allocation === undefined
      ? []
      : claims.map((claim, i) => bindingOf(claim, allocation.compute[i] ?? 0, allocation.memory[i] ?? 0, hardware));
  return { latency, bindings, faster: fasterNeeds(problem, latency) };
}

function fasterNeeds(problem: AllocationProblem, latency: Cycles): FasterNeeds {
  const { claims, edges, budget, hardware, relaxed } = problem;
  const below = latency * (1 - SAME);
  const units = claims.map(({ computeCycles, tiles }) => {
    const cycles = relaxed ? computeCycles * tiles : computeCycles;
    return firstBelow(relaxed ? tiles : 1, cycles / below, (count) => cycles / count < below);
  });
  const compute = units.map((count, i) => (relaxed ? count : count * claims[i]!.tiles));
  const memory = claims.map(({ feedBytes }) =>
    firstBelow(
      0,
      (feedBytes / below - hardware.dMain) / hardware.dCim,
      (count) => feedBytes / (count * hardware.dCim + hardware.dMain) < below,
    ),
  );
  const links = edges.map(({ producer, consumer, mostShared }) => ({ a: producer, b: consumer, most: mostShared }));
  const fed = memory.map((count) => (Number.isFinite(count) ? count : 0));
  const cover = maximise(
    fed,
    links,
    links.map(() => 0),
  );
  const mostShared = boundOf(cover, fed, links);
  const computing = compute.reduce((sum, count) => sum + count, 0);
  const storing = memory.reduce((sum, count) => sum + count, -mostShared);
  const arrays = { compute: computing, memory: storing, together: computing + storing };
  const starved = memory.findIndex((count) => !Number.isFinite(count));
  const exhausted = compute.findIndex((count, i) => count > claims[i]!.mostCopies * claims[i]!.tiles);
  const fields = { latency: objectiveOf(problem, compute, memory), compute, memory, cover, mostShared, arrays };
  if (starved >= 0) return { ...fields, lacks: 'bandwidth', operator: starved };
  if (exhausted >= 0) return { ...fields, lacks: 'copies', operator: exhausted };
  return { ...fields, lacks: computing > budget.compute ? 'compute' : storing > budget.memory ? 'memory' : 'together' };
}

/** The least count of at least `least` that is fast enough; `guess` may be off by rounding. Infinite if none is. */
function firstBelow(least: number, guess: number, isFast: (count: number) => boolean): number {
  if (isFast(least)) return least;
  if (!Number.isFinite(guess)) return Number.POSITIVE_INFINITY;
  let count = Math.max(least, Math.floor(guess) - 1);
  while (!isFast(count)) count++;
  return count;
}
