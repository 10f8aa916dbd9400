// joint: minimises the whole run on the machine's cost instead of each segment alone on the paper's. Cuts oversized
// operators finer or coarser, keeps data on chip, writes weights ahead, and takes the best of what it tried.
// Graph + chip -> segments with staging and homes.

import type { Hardware } from '../../hardware/hardware.ts';
import type { Graph } from '../../ir/graph.ts';
import { bestOf, isLatencyAlone, searchGoal, type Weigh } from '../objective.ts';
import type { Optimizer, OptimizerRequest } from '../optimizer.ts';
import { OBJECTIVES } from '../plan.ts';
import { type Candidate, type JointOptions, JointSearch } from './trials.ts';

/** Candidates, best first by `weigh`: joint's own and its rivals' plans. */
export function jointCandidates(
  graph: Graph,
  hardware: Hardware,
  { weigh, ...options }: JointOptions & { readonly weigh: Weigh },
): Promise<readonly Candidate[]> {
  return new JointSearch(graph, hardware, options).candidates(weigh);
}

/** The best decision for the goal under the machine's cost, and the next best ones. */
export const joint: Optimizer = {
  name: 'joint',
  costs: ['machine'],
  objectives: () => OBJECTIVES,
  alwaysPrefetches: true,
  segment: async ({ graph, folds, hardware, goal, runs = 1, mostArrays, onProgress, signal }) => {
    const search = new JointSearch(graph, hardware, {
      staging: true,
      folds,
      runs,
      computeOnly: false,
      everyRival: !isLatencyAlone(goal),
      ...(mostArrays !== undefined && { mostArrays }),
      ...(onProgress && { onProgress }),
      ...(signal && { signal }),
    });
    const found: Candidate[] = [];
    const best = await searchGoal(goal, hardware, async (weigh) => {
      const candidates = await search.candidates(weigh);
      found.push(...candidates);
      return candidates;
    });
    return { ...best, others: nextBest(goal, best, found, hardware) };
  },
};

/** How many decisions beside the best one are handed on, of joint's own and of rivals'. */
const MOST_OTHERS = 1;

function nextBest(goal: OptimizerRequest['goal'], best: Candidate, found: readonly Candidate[], hardware: Hardware): readonly Candidate[] {
  const others: Candidate[] = [];
  for (const isRival of [false, true]) {
    let left = found.filter((candidate) => candidate !== best && (candidate.rival !== undefined) === isRival);
    for (let i = 0; i < MOST_OTHERS; i++) {
      const next = bestOf(goal, left, hardware);
      if (next === undefined) break;
      others.push(next);
      left = left.filter((candidate) => candidate !== next);
    }
  }
  return others;
}
