// Solvers by name, loaded on demand: GLPK is optional and should cost nothing to those who do not ask for it.

import { fail } from '../base/problem.ts';
import { type ImmediateSolver, SOLVERS, type Solver } from './allocation.ts';
import { exactSolver } from './solve-exact.ts';

export interface SolverOptions {
  /** For one segment; then the solver gives up with a `solver` problem. 60 s if absent; the exact solver takes microseconds. */
  readonly timeLimitSeconds?: number;
}

/** The solver of that name, loaded on demand. Throws `usage` for an unknown name and `solver` if its package is missing. */
export async function loadSolver(name: 'exact', options?: SolverOptions): Promise<ImmediateSolver>;
export async function loadSolver(name: string, options?: SolverOptions): Promise<Solver>;
export async function loadSolver(name: string, { timeLimitSeconds = 60 }: SolverOptions = {}): Promise<Solver> {
  if (!(timeLimitSeconds > 0))
    fail({ kind: 'usage', message: `a time limit of ${timeLimitSeconds} s`, next: 'It has to be positive, for example 60.' });
  switch (name) {
    case 'exact':
      return exactSolver;
    case 'highs':
    case 'glpk':
      return (await import('./solver-thread.ts')).threadedSolver(name, timeLimitSeconds);
    default:
      return fail({ kind: 'usage', message: `unknown solver '${name}'`, next: `Use one of: ${SOLVERS.join(', ')}.` });
  }
}
