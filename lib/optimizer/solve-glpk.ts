// The allocation problem as a mixed-integer program for GLPK (glpk.js, loaded on demand: GPL-3.0).
// Counts instead of one binary an array, and throughput t = 1 / latency instead of latency, make
// Eq. (8)-(10) linear: max t subject to  t * compute_i <= copies_i,  t * feed_i <= mem_i * D_cim + D_main.

import { CompileError } from '../base/problem.ts';
import { type Allocation, type AllocationProblem, objectiveOf, type Solver } from './allocation.ts';

type Glpk = Awaited<ReturnType<typeof import('glpk.js/node').default>>;
type Model = Parameters<Glpk['solve']>[0];

const TIME_LIMIT_SECONDS = 60;

/** Throws `solver` when the optional package is not installed. */
export async function loadGlpk(): Promise<Solver> {
  let glpk: Glpk;
  try {
    glpk = await (await import('glpk.js/node')).default();
  } catch (error) {
    throw new CompileError([
      {
        kind: 'solver',
        solver: 'glpk',
        reason: `glpk.js could not be loaded (${(error as Error).message})`,
        next: 'Run npm install glpk.js, or use --solver exact.',
      },
    ]);
  }
  return { name: 'glpk', solve: (problem) => solve(glpk, problem) };
}

function solve(glpk: Glpk, problem: AllocationProblem): Allocation | undefined {
  const start = problem.claims.map((claim) => claim.tiles);
  const none = problem.claims.map(() => 0);
  const scale = objectiveOf(problem, start, none);
  if (problem.claims.length === 0) return { compute: [], memory: [], latency: 0 };
  const result = glpk.solve(allocationModel(glpk, problem, scale), {
    msglev: glpk.GLP_MSG_OFF,
    tmlim: TIME_LIMIT_SECONDS,
    mipgap: 0,
  }).result;
  if (result.status === glpk.GLP_NOFEAS || result.status === glpk.GLP_INFEAS) return undefined;
  if (result.status !== glpk.GLP_OPT) {
    throw new CompileError([
      {
        kind: 'solver',
        solver: 'glpk',
        reason: `no optimum within ${TIME_LIMIT_SECONDS} s for a segment of ${problem.claims.length} operators (status ${result.status})`,
        next: 'Use --solver exact.',
      },
    ]);
  }
  const unit = (i: number): number => (problem.relaxed ? 1 : (problem.claims[i]?.tiles ?? 1));
  const compute = problem.claims.map((_, i) => Math.round(result.vars[`x${i}`] ?? 0) * unit(i));
  const memory = problem.claims.map((_, i) => Math.round(result.vars[`y${i}`] ?? 0));
  return { compute, memory, latency: objectiveOf(problem, compute, memory) };
}

/**
 * The program with latency in units of `scale` cycles (that of the smallest allocation), so that t is near 1.
 * x_i: copies (arrays if relaxed), y_i: memory arrays.
 */
function allocationModel(glpk: Glpk, problem: AllocationProblem, scale: number): Model {
  const { claims, budget, hardware, relaxed } = problem;
  const atMost = (ub: number) => ({ type: glpk.GLP_UP, ub, lb: 0 });
  const unit = (i: number): number => (relaxed ? 1 : (claims[i]?.tiles ?? 1));
  const rows: Model['subjectTo'] = [];
  const bounds: NonNullable<Model['bounds']> = [{ name: 't', type: glpk.GLP_LO, lb: 0, ub: 0 }];
  for (const [i, claim] of claims.entries()) {
    const perUnit = relaxed ? claim.computeCycles * claim.tiles : claim.computeCycles;
    rows.push({
      name: `compute${i}`,
      vars: [
        { name: 't', coef: perUnit / scale },
        { name: `x${i}`, coef: -1 },
      ],
      bnds: atMost(0),
    });
    const rate = hardware.dMain;
    rows.push({
      name: `feed${i}`,
      vars: [
        { name: 't', coef: claim.feedBytes / scale / rate },
        { name: `y${i}`, coef: -hardware.dCim / rate },
      ],
      bnds: atMost(1),
    });
    const least = relaxed ? claim.tiles : 1;
    const most = relaxed ? claim.mostCopies * claim.tiles : claim.mostCopies;
    bounds.push({ name: `x${i}`, type: most > least ? glpk.GLP_DB : glpk.GLP_FX, lb: least, ub: most });
    bounds.push({ name: `y${i}`, type: glpk.GLP_LO, lb: 0, ub: 0 });
  }
  const computing = claims.map((_, i) => ({ name: `x${i}`, coef: unit(i) }));
  const storing = claims.map((_, i) => ({ name: `y${i}`, coef: 1 }));
  rows.push({ name: 'arrays', vars: [...computing, ...storing], bnds: atMost(budget.together) });
  if (budget.compute < budget.together) rows.push({ name: 'computeArrays', vars: computing, bnds: atMost(budget.compute) });
  if (budget.memory < budget.together) rows.push({ name: 'memoryArrays', vars: storing, bnds: atMost(budget.memory) });
  return {
    name: 'allocation',
    objective: { direction: glpk.GLP_MAX, name: 'throughput', vars: [{ name: 't', coef: 1 }] },
    subjectTo: rows,
    bounds,
    generals: claims.flatMap((_, i) => [`x${i}`, `y${i}`]),
  };
}
