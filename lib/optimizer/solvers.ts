// Solvers by name, loaded on demand: GLPK is optional and should cost nothing to those who do not ask for it.

import { fail } from '../base/problem.ts';
import { SOLVERS, type Solver } from './allocation.ts';

export interface SolverOptions {
  /** For one segment; then the solver gives up with a `solver` problem. 60 s if absent; the exact solver takes microseconds. */
  readonly timeLimitSeconds?: number;
}

/** The solver of that name, loaded on demand. Throws `usage` for an unknown name and `solver` if its package is missing. */
export async function loadSolver(name: string, { timeLimitSeconds = 60 }: SolverOptions = {}): Promise<Solver> {
  if (!(timeLimitSeconds > 0))
    fail({ kind: 'usage', message: `a time limit of ${timeLimitSeconds} s`, next: 'It has to be positive, for example 60.' });
  switch (name) {
    case 'exact':
      return (await import('./solve-exact.ts')).exactSolver;
    case 'highs':
      return (await import('./solve-highs.ts')).loadHighs(timeLimitSeconds);
    case 'glpk':
      return (await import('./solve-glpk.ts')).loadGlpk(timeLimitSeconds);
    default:
      return fail({ kind: 'usage', message: `unknown solver '${name}'`, next: `Use one of: ${SOLVERS.join(', ')}.` });
  }
}
