// Random allocation problems of one segment, for the tests of the solvers, and what trying everything finds for them.

import { type AllocationProblem, type Claim, objectiveOf } from '../../lib/optimizer/allocation.ts';
import type { Edge } from '../../lib/optimizer/sharing.ts';
import { randomFrom } from './networks.ts';

export interface AllocationLimits {
  readonly mostOperators: number;
  readonly mostArrays: number;
  readonly mostTiles: number;
}

/** A segment from a seed: chips of all sizes, static budgets, too few arrays, few vectors. */
export function randomAllocation(seed: number, limits: AllocationLimits): AllocationProblem {
  const random = randomFrom(seed);
  const together = random(1, limits.mostArrays);
  const mvmCycles = random(1, 20);
  const activationBytes = random(1, 2);
  const claims = Array.from({ length: random(1, limits.mostOperators) }, (): Claim => {
    const vectors = random(0, 3) === 0 ? random(1, 6) : random(1, 4000);
    const tiles = random(1, Math.max(1, Math.min(limits.mostTiles, Math.ceil((together * 1.2) / limits.mostOperators))));
    return { tiles, computeCycles: vectors * mvmCycles, feedBytes: vectors * random(1, 600) * activationBytes, mostCopies: vectors };
  });
  const frozen = random(0, 2);
  const compute = frozen === 0 ? random(0, together) : together;
  const memory = frozen === 0 ? together - compute : together;
  const hardware = { dCim: random(1, 16), dMain: random(1, 64) };
  return { claims, edges: [], budget: { compute, memory, together }, hardware, relaxed: false };
}

/** The same with operators that may share memory: a chain with gaps, and residual connections over one or more operators. */
export function randomSharing(seed: number, limits: AllocationLimits): AllocationProblem {
  const problem = randomAllocation(seed, limits);
  const random = randomFrom(seed ^ 0x5ba2e);
  const most = random(0, 1) === 0 ? 3 : limits.mostArrays;
  const chainOnly = random(0, 3) === 0;
  const edges: Edge[] = [];
  for (let consumer = 1; consumer < problem.claims.length; consumer++) {
    for (let producer = 0; producer < consumer; producer++) {
      const exists = producer === consumer - 1 ? random(0, 7) > 0 : !chainOnly && random(0, 2) === 0;
      if (exists) edges.push({ producer, consumer, mostShared: random(1, most) });
    }
  }
  const hunger = random(1, 20);
  return { ...problem, edges, claims: problem.claims.map((claim) => ({ ...claim, feedBytes: claim.feedBytes * hunger })) };
}

/** The most that edges can share, by trying; `enough` ends the search. */
export function triedSharing(edges: readonly Edge[], memory: readonly number[], enough = Number.POSITIVE_INFINITY): number {
  const left = [...memory];
  let best = 0;
  const walk = (e: number, total: number): void => {
    best = Math.max(best, total);
    const edge = edges[e];
    const free = left.reduce((sum, count) => sum + count, 0);
    if (edge === undefined || best >= enough || total + Math.floor(free / 2) <= best) return;
    const { producer, consumer, mostShared } = edge;
    for (let arrays = Math.min(mostShared, left[producer]!, left[consumer]!); arrays >= 0; arrays--) {
      left[producer]! -= arrays;
      left[consumer]! -= arrays;
      walk(e + 1, total + arrays);
      left[producer]! += arrays;
      left[consumer]! += arrays;
    }
  };
  walk(0, 0);
  return best;
}

/** The least latency over every choice of copies, memory arrays and sharing; undefined if none fits. */
export function bruteForce(problem: AllocationProblem): number | undefined {
  const { claims, edges, budget } = problem;
  let best: number | undefined;
  const tryMemory = (compute: readonly number[], computing: number, memory: readonly number[], storing: number): void => {
    // A shared array stands for two: twice the memory arrays that are there is the most that can be counted.
    if (memory.length < claims.length) {
      const most = 2 * Math.min(budget.memory, budget.together - computing) - storing;
      for (let more = 0; more <= most; more++) tryMemory(compute, computing, [...memory, more], storing + more);
      return;
    }
    const needed = Math.max(computing + storing - budget.together, storing - budget.memory);
    const latency = objectiveOf(problem, compute, memory);
    if (best !== undefined && latency >= best) return;
    if (needed <= 0 || triedSharing(edges, memory, needed) >= needed) best = latency;
  };
  const tryCompute = (compute: readonly number[], computing: number): void => {
    if (computing > budget.compute || computing > budget.together) return;
    const claim = claims[compute.length];
    if (claim === undefined) return tryMemory(compute, computing, [], 0);
    const unit = problem.relaxed ? 1 : claim.tiles;
    for (let arrays = claim.tiles; arrays <= claim.mostCopies * claim.tiles && computing + arrays <= budget.compute; arrays += unit)
      tryCompute([...compute, arrays], computing + arrays);
  };
  tryCompute([], 0);
  return best;
}
