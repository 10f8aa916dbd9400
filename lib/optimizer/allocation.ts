// The allocation problem of one segment, and the interface its solvers share.
// Minimise max_i L_i (Eq. (9), (10)) over arrays per operator and mode, within the chip (Eq. (8)), sharing allowed (Eq. (6)).

import type { Problem } from '../base/problem.ts';
import { counted } from '../base/text.ts';
import { type Cycles, sum } from '../base/units.ts';
import { computeLatency, type Demand, feedLatency, operatorLatency } from '../cost/paper.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Binding } from './plan.ts';
import { type Edge, spreadSharing } from './sharing.ts';

/** An operator's demand and the most copies it can use: one a vector. */
export interface Claim extends Demand {
  readonly mostCopies: number;
}

/** Most arrays in each mode and together; a static split bounds the modes apart. */
export interface Budget {
  readonly compute: number;
  readonly memory: number;
  readonly together: number;
}

export interface AllocationProblem {
  readonly claims: readonly Claim[];
  /** At most one for each pair of operators; none means that nothing is shared. */
  readonly edges: readonly Edge[];
  readonly budget: Budget;
  readonly hardware: Pick<Hardware, 'dCim' | 'dMain'>;
  /** Eq. (10)'s free form: compute arrays need not be whole copies. Such plans cannot be emitted. */
  readonly relaxed: boolean;
}

/** Output memory of `producer` that is input memory of `consumer`: counts for both in Eq. (10), once in (8). */
export interface SharedArrays {
  readonly producer: number;
  readonly consumer: number;
  readonly arrays: number;
}

/** Arrays per operator, in the problem's order. */
export interface Allocation {
  readonly compute: readonly number[];
  /** Mem_i: all that feed operator i, those it shares with others among them. */
  readonly memory: readonly number[];
  /** Nothing is shared if absent. */
  readonly shared?: readonly SharedArrays[];
  readonly latency: Cycles;
}

export const SOLVERS = ['exact', 'highs', 'glpk'] as const;
export type SolverName = (typeof SOLVERS)[number];

export interface Solver {
  readonly name: SolverName;
  /**
   * An optimal allocation, or undefined when one copy of each operator exceeds the budget. GLPK and HiGHS work on a thread and
   * stop at once when the signal is aborted, throwing its reason. Throws `usage` for numbers that cannot be meant, `solver`.
   */
  readonly solve: (problem: AllocationProblem, signal?: AbortSignal) => Allocation | undefined | Promise<Allocation | undefined>;
}

/** What runs on a solver's thread, in at most about so many seconds. */
export type TimedSolve = (problem: AllocationProblem, timeLimitSeconds: number) => Allocation | undefined;

/** A solver that is done before an abort could reach it. */
export interface ImmediateSolver extends Solver {
  readonly solve: (problem: AllocationProblem) => Allocation | undefined;
}

/** What a solver says that gave up. */
export function noOptimum(solver: SolverName, operators: number, timeLimitSeconds: number, status: string): Problem {
  const reason = `no optimum within ${timeLimitSeconds} s for a segment of ${counted(operators, 'operator')} (${status})`;
  return { kind: 'solver', solver, reason, next: 'Use the exact solver, or allow it more time.' };
}

/** max_i L_i of a choice of arrays: the objective every solver's integers are judged by. */
export function objectiveOf(problem: AllocationProblem, compute: readonly number[], memory: readonly number[]): Cycles {
  return Math.max(0, ...problem.claims.map((claim, i) => operatorLatency(claim, compute[i] ?? 0, memory[i] ?? 0, problem.hardware)));
}

/** Physical arrays in each mode: shared ones are counted once (Eq. (8)). */
export function arraysOf({ compute, memory, shared = [] }: Pick<Allocation, 'compute' | 'memory' | 'shared'>): {
  readonly compute: number;
  readonly memory: number;
} {
  return { compute: sum(compute), memory: sum(memory) - sum(shared.map(({ arrays }) => arrays)) };
}

/**
 * Memory arrays that have to be shared for the rest to be within the budget. No more are: an array of one's own is worth more than
 * an idle one, although Eq. (10) does not tell them apart (Assumption).
 */
export function sharingNeeded({ budget }: AllocationProblem, compute: readonly number[], memory: readonly number[]): number {
  const storing = sum(memory);
  return Math.max(0, sum(compute) + storing - budget.together, storing - budget.memory);
}

/** The first `needed` of the arrays per edge, those edges left out that share none. */
export function sharedArrays(edges: readonly Edge[], perEdge: readonly number[], needed: number): readonly SharedArrays[] {
  const shared: SharedArrays[] = [];
  let left = needed;
  for (let e = 0; e < edges.length && left > 0; e++) {
    const { producer, consumer } = edges[e]!;
    const arrays = Math.min(left, perEdge[e] ?? 0);
    left -= arrays;
    if (arrays > 0) shared.push({ producer, consumer, arrays });
  }
  return shared;
}

/** The same allocation, its shared arrays spread over the operators. */
export function withSharingSpread(problem: AllocationProblem, allocation: Allocation): Allocation {
  const { compute, memory } = allocation;
  const needed = sharingNeeded(problem, compute, memory);
  if (needed === 0) return { ...allocation, shared: [] };
  return { ...allocation, shared: sharedArrays(problem.edges, spreadSharing(problem.edges, memory, needed), needed) };
}

/** The term of Eq. (10) that sets an operator's latency. */
export function bindingOf(
  demand: Demand,
  computeArrays: number,
  memoryArrays: number,
  hardware: Pick<Hardware, 'dCim' | 'dMain'>,
): Binding {
  const compute = computeLatency(demand, computeArrays);
  const feed = feedLatency(demand, memoryArrays, hardware);
  if (Math.abs(compute - feed) <= 1e-9 * compute) return 'both';
  return compute > feed ? 'compute' : 'feed';
}
