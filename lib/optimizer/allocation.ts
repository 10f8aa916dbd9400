// The allocation problem of one segment, and the interface its solvers share.
// Minimise max_i L_i (Eq. (9), (10)) over arrays per operator and mode, within the chip (Eq. (8)).

import type { Cycles } from '../base/units.ts';
import { type Demand, operatorLatency } from '../cost/paper.ts';
import type { Hardware } from '../hardware/hardware.ts';

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
  readonly budget: Budget;
  readonly hardware: Pick<Hardware, 'dCim' | 'dMain'>;
  /** Eq. (10)'s free form: compute arrays need not be whole copies. Such plans cannot be emitted. */
  readonly relaxed: boolean;
}

/** Arrays per operator, in the problem's order. */
export interface Allocation {
  readonly compute: readonly number[];
  readonly memory: readonly number[];
  readonly latency: Cycles;
}

export const SOLVERS = ['exact', 'highs', 'glpk'] as const;
export type SolverName = (typeof SOLVERS)[number];

export interface Solver {
  readonly name: SolverName;
  /** An optimal allocation, or undefined when one copy of each operator exceeds the budget. */
  readonly solve: (problem: AllocationProblem) => Allocation | undefined;
}

/** max_i L_i of a choice of arrays: the objective every solver's integers are judged by. */
export function objectiveOf(problem: AllocationProblem, compute: readonly number[], memory: readonly number[]): Cycles {
  return Math.max(0, ...problem.claims.map((claim, i) => operatorLatency(claim, compute[i] ?? 0, memory[i] ?? 0, problem.hardware)));
}
