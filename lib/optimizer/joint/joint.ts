// joint: minimises the whole run on the machine's cost instead of each segment alone on the paper's. Cuts oversized
// operators finer or coarser, keeps data on chip, writes weights ahead, and takes the best of what it tried.
// Graph + chip -> segments with staging and homes.

import { internal } from '../../base/problem.ts';
import type { Cycles, Picojoules } from '../../base/units.ts';
import type { Homes } from '../../cost/machine/segment.ts';
import { type MachineCost, machineCost, type StagedAllotment } from '../../cost/machine/total.ts';
import { type Work, workOf } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { Fold } from '../../ir/fold.ts';
import type { Graph } from '../../ir/graph.ts';
import { type Flattened, flatten } from '../flatten.ts';
import type { Optimizer } from '../optimizer.ts';
import { chooseHomes } from './homes.ts';
import { segmentsOf } from './place.ts';
import { searchSegments } from './search.ts';

export interface JointOptions {
  readonly staging: boolean;
  readonly computeOnly: boolean;
  readonly weigh: (cycles: Cycles, energy: Picojoules) => number;
  readonly mostArrays?: number;
  readonly folds: readonly Fold[];
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** A complete decision and its cost. */
export interface Candidate {
  readonly flat: Flattened;
  readonly work: Work;
  readonly allotments: readonly StagedAllotment[];
  readonly homes: Homes;
  readonly cost: MachineCost;
  readonly value: number;
}

/** Parts of the chip that the pieces of a cut operator may take: whole, half for the next ones to be staged, finer. */
const GRAINS = [1, 0.5, 0.25];
/** Parts of the chip that homes may take. */
const HOME_SHARES = [0, 0.25, 0.5];
/** Of each grain: without homes, then with each share. */
const SEARCHES = 1 + HOME_SHARES.length;
const BUDGETS = [1, 0.5];
const SLACKS = [1, 2];
const YIELD_EVERY_MS = 50;

/** Candidates, best first. */
export async function jointCandidates(graph: Graph, hardware: Hardware, options: JointOptions): Promise<readonly Candidate[]> {
  const found: Candidate[] = [];
  const computeOnly = options.computeOnly || !hardware.dualMode;
  let yielded = performance.now();
  const pause = async (): Promise<void> => {
    if (performance.now() - yielded < YIELD_EVERY_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    options.signal?.throwIfAborted();
    yielded = performance.now();
  };
  const grains = [...new Set(GRAINS.map((grain) => Math.max(1, Math.floor(hardware.arrays * grain))))].filter(
    (grain) => options.mostArrays === undefined || grain <= options.mostArrays,
  );
  const seen = new Set<string>();
  for (const [g, mostArrays] of (grains.length > 0 ? grains : [options.mostArrays ?? hardware.arrays]).entries()) {
    const flat = flatten(graph, hardware, { mostArrays, folds: options.folds });
    const key = flat.subOperators.map(({ id }) => id).join();
    if (seen.has(key)) continue;
    seen.add(key);
    const work = workOf(graph, flat, hardware);
    let searches = 0;
    const search = (homes: Homes) => {
      const before = searches++;
      return searchSegments(work, {
        hardware,
        homes,
        budgets: BUDGETS,
        slacks: SLACKS,
        staging: options.staging,
        computeOnly,
        weigh: options.weigh,
        after: flat.subOperators.map(({ after }) => after),
        pause,
        onProgress: (done) => options.onProgress?.((g + (before + done) / SEARCHES) / grains.length),
      });
    };
    let cuts: readonly StagedAllotment[] | undefined = await search(new Map());
    let times = cuts === undefined ? [] : machineCost(work, cuts, new Map(), hardware).segments.map(({ intra }) => intra);
    for (const share of HOME_SHARES) {
      if (cuts === undefined) break;
      const arrays = computeOnly ? 0 : Math.floor(hardware.arrays * share);
      const cut = { segmentOf: segmentsOf(cuts), cycles: times, arrays: cuts.map(() => arrays) };
      const homes = chooseHomes(work, cut, hardware);
      const allotments = await search(homes);
      if (allotments === undefined) continue;
      const cost = machineCost(work, allotments, homes, hardware);
      found.push({ flat, work, allotments, homes, cost, value: options.weigh(cost.cycles, cost.energy) });
      cuts = allotments;
      times = cost.segments.map(({ intra }) => intra);
      if (computeOnly && share > 0) break;
    }
    options.onProgress?.((g + 1) / grains.length);
  }
  return found.sort((a, b) => a.value - b.value);
}

/** The best candidate under the machine's cost, for latency. */
export const joint: Optimizer = {
  name: 'joint',
  costs: ['machine'],
  alwaysPrefetches: true,
  segment: async ({ graph, folds, hardware, mostArrays, onProgress, signal }) => {
    const [best] = await jointCandidates(graph, hardware, {
      staging: true,
      folds,
      computeOnly: false,
      weigh: (cycles) => cycles,
      ...(mostArrays !== undefined && { mostArrays }),
      ...(onProgress && { onProgress }),
      ...(signal && { signal }),
    });
    if (best === undefined) throw internal('no candidate');
    return best;
  },
};
