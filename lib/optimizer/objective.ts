// What is minimised, and how a search that can only add up reaches it: latency and energy are sums over segments, but their
// product and a bound on their quotient are not. Goal + search by weights -> the best of what was found.

import { CompileError } from '../base/problem.ts';
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

/** Searches: each one is as long as a search for latency. */
const MOST_SEARCHES = 8;
const SAME = 1 - 1e-9;

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
 * The best decision for a goal that `search` finds with some weights. Energy-delay: weighing each by what the other was makes their
 * product fall until it stays (the arithmetic mean is never below the geometric). Power cap: the smallest share of energy in the
 * weights that keeps it, by bisection; a cap is kept by the plan's own cost. Throws `usage` if no decision keeps the cap.
 */
export async function searchGoal<T extends Judged>(
  goal: Goal,
  hardware: Pick<Hardware, 'clockHz' | 'energy'>,
  search: (weigh: Weigh) => Promise<readonly T[]> | readonly T[],
): Promise<T> {
  const found: T[] = [];
  const look = async (weigh: Weigh): Promise<T | undefined> => {
    found.push(...(await search(weigh)));
    return bestOf(goal, found, hardware);
  };
  const byEnergy: Weigh = (cycles, energy) => energy + cycles * Number.EPSILON;
  const start = await look(goal.objective === 'energy' ? byEnergy : (cycles) => cycles);
  if (goal.objective === 'edp') {
    let last = start ?? found[0];
    for (let i = 0; i < MOST_SEARCHES && last !== undefined; i++) {
      const { cycles: time, energy: joules } = last;
      const next = await look((cycles, energy) => cycles * joules + energy * time);
      if (next === undefined || objectiveValue('edp', next) >= objectiveValue('edp', last) * SAME) break;
      last = next;
    }
  }
  if (goal.powerCapWatts !== undefined && bestOf(goal, found.slice(0, 1), hardware) === undefined) {
    const [first] = found;
    await look(byEnergy);
    const scale = first === undefined || first.energy === 0 ? 0 : first.cycles / first.energy;
    let [least, most] = [0, 1];
    for (let i = 0; i < MOST_SEARCHES; i++) {
      const share = (least + most) / 2;
      const before = found.length;
      await look((cycles, energy) => (1 - share) * cycles + share * scale * energy);
      if (found.slice(before).some((decision) => keeps(goal, decision, hardware))) most = share;
      else least = share;
    }
  }
  return bestOf(goal, found, hardware) ?? tooHungry(goal, found, hardware);
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
  const least = Math.min(...found.map((decision) => averageWatts(decision, hardware)));
  const still = (hardware.energy.leakagePerCycle + hardware.energy.refreshPerCycle) * 1e-12 * hardware.clockHz;
  const enough = roundedUp(least);
  throw new CompileError([
    {
      kind: 'usage',
      message: `no plan found draws at most ${powerCapWatts} W on average: the thriftiest draws ${least.toPrecision(3)} W, ${still.toPrecision(3)} W of it leakage and refresh`,
      next: `Use --power-cap ${enough}, or another chip.`,
    },
  ]);
}

/** To three digits, upwards. */
function roundedUp(value: number): number {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 2);
  return Number((Math.ceil((value / unit) * (1 - 1e-12)) * unit).toPrecision(3));
}
