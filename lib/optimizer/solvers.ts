// Solvers by name, loaded on demand: GLPK is optional and should cost nothing to those who do not ask for it.

import { fail } from '../base/problem.ts';
import { SOLVERS, type Solver } from './allocation.ts';

/** The solver of that name, loaded on demand. Throws `usage` for an unknown name and `solver` if its package is missing. */
export async function loadSolver(name: string): Promise<Solver> {
  switch (name) {
    case 'exact':
      return (await import('./solve-exact.ts')).exactSolver;
    case 'highs':
      return (await import('./solve-highs.ts')).loadHighs();
    case 'glpk':
      return (await import('./solve-glpk.ts')).loadGlpk();
    default:
      return fail({ kind: 'usage', message: `unknown solver '${name}'`, next: `Use one of: ${SOLVERS.join(', ')}.` });
  }
}
