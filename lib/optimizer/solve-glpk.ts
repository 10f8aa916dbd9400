// GLPK (glpk.js, GPL-3.0, an optional dependency loaded on demand) on the mixed-integer form of the problem.

import { CompileError } from '../base/problem.ts';
import { type Allocation, type AllocationProblem, noOptimum, type TimedSolve } from './allocation.ts';
import { allocationFrom, allocationModel, type MixedIntegerModel } from './model.ts';

type Glpk = Awaited<ReturnType<typeof import('glpk.js/node').default>>;

/** Throws `solver` when the optional package is not installed. */
export async function loadGlpk(): Promise<TimedSolve> {
  let glpk: Glpk;
  try {
    glpk = await (await import('glpk.js/node')).default();
  } catch (error) {
    const reason = `glpk.js could not be loaded (${(error as Error).message})`;
    throw new CompileError([{ kind: 'solver', solver: 'glpk', reason, next: 'Run npm install glpk.js, or use --solver exact.' }]);
  }
  return (problem, timeLimitSeconds) => solve(glpk, problem, timeLimitSeconds);
}

function solve(glpk: Glpk, problem: AllocationProblem, timeLimitSeconds: number): Allocation | undefined {
  if (problem.claims.length === 0) return { compute: [], memory: [], shared: [], latency: 0 };
  const options = { msglev: glpk.GLP_MSG_OFF, tmlim: timeLimitSeconds, mipgap: 0 };
  const { status, vars } = glpk.solve(glpkModel(glpk, allocationModel(problem)), options).result;
  if (status === glpk.GLP_NOFEAS || status === glpk.GLP_INFEAS) return undefined;
  if (status !== glpk.GLP_OPT) {
    throw new CompileError([noOptimum('glpk', problem.claims.length, timeLimitSeconds, `status ${status}`)]);
  }
  return allocationFrom(problem, (variable) => vars[variable] ?? 0);
}

function glpkModel(glpk: Glpk, model: MixedIntegerModel): Parameters<Glpk['solve']>[0] {
  const terms = (list: MixedIntegerModel['objective']) => list.map(({ coefficient, variable }) => ({ name: variable, coef: coefficient }));
  return {
    name: 'allocation',
    objective: { direction: glpk.GLP_MAX, name: 'throughput', vars: terms(model.objective) },
    subjectTo: model.rows.map((row) => ({ name: row.name, vars: terms(row.terms), bnds: { type: glpk.GLP_UP, ub: row.atMost, lb: 0 } })),
    bounds: model.variables.map(({ name, least, most }) => {
      const type = most === undefined ? glpk.GLP_LO : most > least ? glpk.GLP_DB : glpk.GLP_FX;
      return { name, type, lb: least, ub: most ?? 0 };
    }),
    generals: model.variables.filter(({ integer }) => integer).map(({ name }) => name),
  };
}
