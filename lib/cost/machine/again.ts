// The machine's cost of running a network several times: a run after another finds weights that nothing has overwritten
// still in their arrays. Plan in counts of arrays + which pieces stay -> cycles and energy of all runs.

import type { Cycles, Picojoules } from '../../base/units.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { Homes } from './living.ts';
import { type MachineCost, machineCost, type StagedAllotment } from './total.ts';
import { type Work, withProducts } from './work.ts';

/** The work of a run that follows another: sub-operators of `resident` need neither be fetched nor written. */
export function workAgain(work: Work, resident: ReadonlySet<number>): Work {
  return withProducts(work, (product, sub) => (resident.has(sub) ? { ...product, weightBytes: 0, writeCycles: 0, writing: 0 } : product));
}

export interface CostOfRuns {
  /** Of all runs. */
  readonly cycles: Cycles;
  readonly energy: Picojoules;
  /** Of each run but the first. */
  readonly again: MachineCost;
}

/** `runs` runs, one after another, of which `once` is what the first costs. */
export function costOfRuns(
  runs: number,
  once: MachineCost,
  { work, allotments, homes }: { readonly work: Work; readonly allotments: readonly StagedAllotment[]; readonly homes: Homes },
  resident: ReadonlySet<number>,
  hardware: Hardware,
): CostOfRuns {
  const again = runs === 1 || resident.size === 0 ? once : machineCost(workAgain(work, resident), allotments, homes, hardware);
  return { cycles: once.cycles + (runs - 1) * again.cycles, energy: once.energy + (runs - 1) * again.energy, again };
}
