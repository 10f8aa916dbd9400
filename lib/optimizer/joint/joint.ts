// joint: minimises the whole run on the machine's cost instead of each segment alone on the paper's. Cuts oversized
// operators finer or coarser, keeps data on chip, writes weights ahead, and takes the best of what it tried.
// Graph + chip -> segments with staging and homes.

import type { Hardware } from '../../hardware/hardware.ts';
import type { Graph } from '../../ir/graph.ts';
import { bestOf, isLatencyAlone, objectiveValue, searchGoal, type Weigh } from '../objective.ts';
import type { Optimizer, OptimizerRequest } from '../optimizer.ts';
import { OBJECTIVES } from '../plan.ts';
import { hasOperandsInPlace } from './in-place.ts';
import { hasTimeForAll, rivalsFor } from './rivals.ts';
import { type Candidate, type JointOptions, JointSearch, mostPlaced } from './trials.ts';

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
  segment: async (request) => {
    const { graph, folds, hardware, goal, runs = 1, mostArrays, onProgress, signal } = request;
    const allRivals = hasTimeForAll(graph, hardware);
    const search = new JointSearch(graph, hardware, {
      staging: true,
      folds,
      runs,
      computeOnly: false,
      everyRival: !isLatencyAlone(goal),
      allRivals,
      ...(mostArrays !== undefined && { mostArrays }),
      ...(onProgress && { onProgress }),
      ...(signal && { signal }),
    });
    const found: Candidate[] = [];
    // For latency alone, the search has met them.
    const rivals = isLatencyAlone(goal) ? [] : [...(await rivalsFor({ ...request, forms: search.forms }))];
    const best = await searchGoal(goal, hardware, async (weigh) => {
      const others = rivals.splice(0).map((decision) => ({ ...search.judged(decision, weigh), rival: decision.rival }));
      const candidates = [...(await search.candidates(weigh)), ...others];
      found.push(...candidates);
      return candidates;
    });
    return { ...best, others: allRivals ? allDifferent(goal, best, found) : nextBest(goal, best, found, hardware) };
  },
};

/** Decisions of small networks that are handed on: with so many, what the machine's cost leaves out shows in the simulator. */
const MOST_DIFFERENT = 64;

/** Every different decision, best first: small programs are simulated in no time. */
function allDifferent({ objective }: OptimizerRequest['goal'], best: Candidate, found: readonly Candidate[]): readonly Candidate[] {
  const different = new Map<string, Candidate>();
  for (const candidate of [best, ...found]) {
    const key = `${Math.round(candidate.cycles * 1e3)},${candidate.energy.toPrecision(12)},${candidate.allotments.length}`;
    if (!different.has(key)) different.set(key, candidate);
  }
  return [...different.values()]
    .filter((candidate) => candidate !== best)
    .sort((a, b) => objectiveValue(objective, a) - objectiveValue(objective, b))
    .slice(0, MOST_DIFFERENT);
}

/** Of joint's own decisions those that are placed, and one rival's; one more, none of them with operands in place, where the best one has them. */
function nextBest(goal: OptimizerRequest['goal'], best: Candidate, found: readonly Candidate[], hardware: Hardware): readonly Candidate[] {
  const others: Candidate[] = [];
  const plain = found.filter((candidate) => candidate !== best && !hasOperandsInPlace(candidate));
  for (const isRival of [false, true]) {
    let left = plain.filter((candidate) => (candidate.rival !== undefined) === isRival);
    const most = isRival ? 1 : mostPlaced(best.work) - (hasOperandsInPlace(best) ? 0 : 1);
    for (let i = 0; i < most; i++) {
      const next = bestOf(goal, left, hardware);
      if (next === undefined) break;
      others.push(next);
      left = left.filter((candidate) => candidate !== next);
    }
  }
  return others;
}
