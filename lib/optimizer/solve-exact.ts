// Exact solver of the allocation problem without sharing: bisect to a latency that fits, then raise
// the bottleneck until the next raise does not fit. Allocation problem -> optimal integers.
// Why it is optimal: every latency below the result needs a raise that exceeds the budget, because
// each term falls only with its own arrays. Checked against GLPK and brute force.

import { sum } from '../base/units.ts';
import { computeLatency, feedLatency } from '../cost/paper.ts';
import { type Allocation, type AllocationProblem, objectiveOf, type Solver } from './allocation.ts';

/** Latencies closer than this, relative, are the same number computed in two ways. */
const SAME = 1e-12;

export const exactSolver: Solver = { name: 'exact', solve };

function solve(problem: AllocationProblem): Allocation | undefined {
  const { claims } = problem;
  if (claims.length === 0) return { compute: [], memory: [], latency: 0 };
  const compute = claims.map((claim) => claim.tiles);
  const memory = claims.map(() => 0);
  if (!fits(problem, sum(compute), 0)) return undefined;
  const start = objectiveOf(problem, compute, memory);

  // The number of arrays halves the interval often enough; the raises below finish it exactly.
  let enough = start;
  let tooLow = 0;
  for (let left = problem.budget.together; left >= 1 && enough > 0; left /= 2) {
    const target = (tooLow + enough) / 2;
    if (fitsWithin(problem, target)) enough = target;
    else tooLow = target;
  }
  if (enough < start) {
    for (const i of claims.keys()) {
      compute[i] = computeArraysFor(problem, i, enough);
      memory[i] = memoryArraysFor(problem, i, enough);
    }
  }
  let latency = objectiveOf(problem, compute, memory);
  for (;;) {
    const raises = bottlenecks(problem, compute, memory, latency);
    if (raises === undefined || !fits(problem, sum(compute) + sum(raises.compute), sum(memory) + sum(raises.memory))) break;
    for (const i of claims.keys()) {
      compute[i]! += raises.compute[i]!;
      memory[i]! += raises.memory[i]!;
    }
    latency = objectiveOf(problem, compute, memory);
  }
  return { compute, memory, latency };
}

/** Whether some allocation reaches latency `target`; stops at the first operator that exceeds the budget. */
function fitsWithin(problem: AllocationProblem, target: number): boolean {
  let computing = 0;
  let storing = 0;
  for (let i = 0; i < problem.claims.length; i++) {
    const claim = problem.claims[i]!;
    const arrays = computeArraysFor(problem, i, target);
    if (arrays > claim.mostCopies * claim.tiles) return false;
    computing += arrays;
    storing += memoryArraysFor(problem, i, target);
    if (!fits(problem, computing, storing)) return false;
  }
  return true;
}

function computeArraysFor(problem: AllocationProblem, i: number, target: number): number {
  const { computeCycles, tiles } = problem.claims[i]!;
  return problem.relaxed ? Math.max(tiles, ceil((computeCycles * tiles) / target)) : Math.max(1, ceil(computeCycles / target)) * tiles;
}

function memoryArraysFor({ claims, hardware }: AllocationProblem, i: number, target: number): number {
  return Math.max(0, ceil((claims[i]!.feedBytes / target - hardware.dMain) / hardware.dCim));
}

/** One more copy or memory array for every operator at the bottleneck, in both terms where they tie; none if copies run out. */
function bottlenecks(
  problem: AllocationProblem,
  compute: readonly number[],
  memory: readonly number[],
  latency: number,
): { readonly compute: readonly number[]; readonly memory: readonly number[] } | undefined {
  const floor = latency * (1 - SAME);
  const raises = { compute: problem.claims.map(() => 0), memory: problem.claims.map(() => 0) };
  for (const [i, claim] of problem.claims.entries()) {
    if (computeLatency(claim, compute[i]!) >= floor) {
      const raise = problem.relaxed ? 1 : claim.tiles;
      if (compute[i]! + raise > claim.mostCopies * claim.tiles) return undefined;
      raises.compute[i] = raise;
    }
    if (feedLatency(claim, memory[i]!, problem.hardware) >= floor) raises.memory[i] = 1;
  }
  return raises;
}

function fits({ budget }: AllocationProblem, computing: number, storing: number): boolean {
  return computing <= budget.compute && storing <= budget.memory && computing + storing <= budget.together;
}

function ceil(value: number): number {
  return Math.ceil(value * (1 - SAME));
}
