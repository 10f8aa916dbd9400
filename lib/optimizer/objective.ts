// What is minimised, and how a search that can only add up reaches it: latency and energy are sums over segments, but their
// product and a bound on their quotient are not. Goal + search by weights -> the best of what all weights found.

import { fail } from '../base/problem.ts';
import type { Cycles, Picojoules } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Objective } from './plan.ts';

export interface Goal {
  readonly objective: Objective;
  /** Most power the run may draw on average, in watts, static power included. */
  readonly powerCapWatts?: number;
}

/** What a segment, or a whole plan, counts for: a sum of both with weights of at least 0. */
export type Weigh = (cycles: Cycles, energy: Picojoules) => number;

/** A whole decision and what it takes. */
export interface Judged {
  readonly cycles: Cycles;
  readonly energy: Picojoules;
}

/**
 * Shares of energy in the weights, the rest being latency's: each is a search as long as one for latency. Dense towards energy, where a
 * little of it costs much time.
 */
const ENERGY_SHARES = [1, 0.95, 0.85, 0.7, 0.5, 0.25];

/** Average power of a run, in watts. */
export function averageWatts({ cycles, energy }: Judged, { clockHz }: Pick<Hardware, 'clockHz'>): number {
  return cycles === 0 ? 0 : (energy * 1e-12 * clockHz) / cycles;
}

/** What the objective makes of a plan: cycles, picojoules, or their product. */
export function objectiveValue(objective: Objective, { cycles, energy }: Judged): number {
  switch (objective) {
    case 'latency':
      return cycles;
    case 'energy':
      return energy;
    case 'edp':
      return cycles * energy;
  }
}

/**
 * The best decision for a goal among all that `search` finds: for latency, for energy, and for weights between them. Every goal chooses
 * from the same decisions, so none is worse by its own measure than another's; latency alone, without a cap, is satisfied with its
 * own search. A cap is kept by the plan's own cost. Throws `power-cap` if no decision keeps the cap.
 */
export async function searchGoal<T extends Judged>(
  goal: Goal,
  hardware: Pick<Hardware, 'clockHz' | 'energy'>,
  search: (weigh: Weigh) => Promise<readonly T[]> | readonly T[],
): Promise<T> {
  const found = [...(await search((cycles) => cycles))];
  const { cycles: time = 1, energy: joules = 0 } = found[0] ?? {};
  for (const share of isLatencyAlone(goal) ? [] : ENERGY_SHARES) {
    // Of equal energies the shorter.
    const [perCycle, perJoule] = [Math.max(1 - share, Number.EPSILON) * joules, share * time];
    found.push(...(await search((cycles, energy) => cycles * perCycle + energy * perJoule)));
  }
  return bestOf(goal, found, hardware) ?? tooHungry(goal, found, hardware);
}

/** Whether the search for least latency is all that a goal needs. */
export function isLatencyAlone({ objective, powerCapWatts }: Goal): boolean {
  return objective === 'latency' && powerCapWatts === undefined;
}

function keeps({ powerCapWatts = Number.POSITIVE_INFINITY }: Goal, decision: Judged, hardware: Pick<Hardware, 'clockHz'>): boolean {
  return averageWatts(decision, hardware) <= powerCapWatts;
}

/** The first best one that keeps the cap. */
export function bestOf<T extends Judged>(goal: Goal, decisions: readonly T[], hardware: Pick<Hardware, 'clockHz'>): T | undefined {
  let best: T | undefined;
  for (const decision of decisions) {
    if (!keeps(goal, decision, hardware)) continue;
    if (best === undefined || objectiveValue(goal.objective, decision) < objectiveValue(goal.objective, best)) best = decision;
  }
  return best;
}

function tooHungry({ powerCapWatts }: Goal, found: readonly Judged[], hardware: Pick<Hardware, 'clockHz' | 'energy'>): never {
  const leastWatts = Math.min(...found.map((decision) => averageWatts(decision, hardware)));
  fail({
    kind: 'power-cap',
    capWatts: powerCapWatts ?? Number.POSITIVE_INFINITY,
    leastWatts,
    staticWatts: (hardware.energy.leakagePerCycle + hardware.energy.refreshPerCycle) * 1e-12 * hardware.clockHz,
    enoughWatts: roundedUp(leastWatts),
  });
}

/** To three digits, upwards. */
function roundedUp(value: number): number {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 2);
  return Number((Math.ceil((value / unit) * (1 - 1e-12)) * unit).toPrecision(3));
}
