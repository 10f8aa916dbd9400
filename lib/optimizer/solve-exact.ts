// Exact solver of the allocation problem without sharing: bisect to a latency that fits, then raise
// the bottleneck until the next raise does not fit. Allocation problem -> optimal integers.
// Why it is optimal: every latency below the result needs a raise that exceeds the budget, because
// each term falls only with its own arrays. Checked against GLPK and brute force.

import { computeLatency, feedLatency } from '../cost/paper.ts';
import { type Allocation, type AllocationProblem, type Claim, objectiveOf, type Solver } from './allocation.ts';

const BISECTIONS = 24;
/** Latencies closer than this, relative, are the same number computed in two ways. */
const SAME = 1e-12;

export const exactSolver: Solver = { name: 'exact', solve };

interface Choice {
  readonly compute: number[];
  readonly memory: number[];
}

function solve(problem: AllocationProblem): Allocation | undefined {
  let choice: Choice = { compute: problem.claims.map((claim) => claim.tiles), memory: problem.claims.map(() => 0) };
  if (!fits(problem, choice)) return undefined;
  let latency = objectiveOf(problem, choice.compute, choice.memory);

  let tooLow = 0;
  for (let step = 0; step < BISECTIONS && latency > 0; step++) {
    const target = (tooLow + latency) / 2;
    const trial = leastFor(problem, target);
    if (trial !== undefined && fits(problem, trial)) {
      choice = trial;
      latency = objectiveOf(problem, choice.compute, choice.memory);
    } else {
      tooLow = target;
    }
  }
  for (;;) {
    const raised = raiseBottlenecks(problem, choice, latency);
    if (raised === undefined || !fits(problem, raised)) break;
    choice = raised;
    latency = objectiveOf(problem, choice.compute, choice.memory);
  }
  return { ...choice, latency };
}

/** Fewest arrays per operator for latency `target`, or undefined when an operator has not vectors enough. */
function leastFor(problem: AllocationProblem, target: number): Choice | undefined {
  const compute: number[] = [];
  const memory: number[] = [];
  for (const claim of problem.claims) {
    const arrays = problem.relaxed
      ? Math.max(claim.tiles, ceil((claim.computeCycles * claim.tiles) / target))
      : Math.max(1, ceil(claim.computeCycles / target)) * claim.tiles;
    if (arrays > claim.mostCopies * claim.tiles) return undefined;
    compute.push(arrays);
    memory.push(Math.max(0, ceil((claim.feedBytes / target - problem.hardware.dMain) / problem.hardware.dCim)));
  }
  return { compute, memory };
}

/** One more copy or memory array for every operator at the bottleneck, in both terms where they tie. */
function raiseBottlenecks(problem: AllocationProblem, choice: Choice, latency: number): Choice | undefined {
  const compute = [...choice.compute];
  const memory = [...choice.memory];
  const floor = latency * (1 - SAME);
  for (const [i, claim] of problem.claims.entries()) {
    const computeArrays = choice.compute[i] ?? 0;
    const memoryArrays = choice.memory[i] ?? 0;
    if (computeLatency(claim, computeArrays) >= floor) {
      const more = computeArrays + raiseOf(problem, claim);
      if (more > claim.mostCopies * claim.tiles) return undefined;
      compute[i] = more;
    }
    if (feedLatency(claim, memoryArrays, problem.hardware) >= floor) memory[i] = memoryArrays + 1;
  }
  return { compute, memory };
}

function raiseOf(problem: AllocationProblem, claim: Claim): number {
  return problem.relaxed ? 1 : claim.tiles;
}

function fits({ budget }: AllocationProblem, { compute, memory }: Choice): boolean {
  const computing = sum(compute);
  const storing = sum(memory);
  return computing <= budget.compute && storing <= budget.memory && computing + storing <= budget.together;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function ceil(value: number): number {
  return Math.ceil(value * (1 - SAME));
}
