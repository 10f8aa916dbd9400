// HiGHS (MIT, compiled to WebAssembly, loaded on demand) on the mixed-integer form of the problem, as LP text.

import { CompileError } from '../base/problem.ts';
import { type Allocation, type AllocationProblem, noOptimum, type TimedSolve } from './allocation.ts';
import { allocationFrom, allocationModel } from './model.ts';
import { printLp } from './model-text.ts';

// Its types describe the CommonJS build; the default export of the ES module is the loader itself.
type Loader = typeof import('highs').default;
type Highs = Awaited<ReturnType<Loader>>;

/** Tightest that HiGHS takes: its defaults leave latencies a millionth apart undistinguished. */
const OPTIONS = {
  mip_rel_gap: 0,
  mip_abs_gap: 0,
  mip_feasibility_tolerance: 1e-10,
  primal_feasibility_tolerance: 1e-10,
  output_flag: false,
} as const;

export async function loadHighs(): Promise<TimedSolve> {
  const { default: loader } = await import('highs');
  const highs = await (loader as unknown as Loader)();
  return (problem, timeLimitSeconds) => solve(highs, problem, timeLimitSeconds);
}

function solve(highs: Highs, problem: AllocationProblem, timeLimitSeconds: number): Allocation | undefined {
  if (problem.claims.length === 0) return { compute: [], memory: [], shared: [], latency: 0 };
  const solution = run(highs, printLp(allocationModel(problem)), timeLimitSeconds);
  if (solution.Status === 'Infeasible') return undefined;
  if (solution.Status !== 'Optimal') {
    throw new CompileError([noOptimum('highs', problem.claims.length, timeLimitSeconds, solution.Status)]);
  }
  return allocationFrom(problem, (variable) => {
    const column = solution.Columns[variable];
    return column !== undefined && 'Primal' in column ? column.Primal : 0;
  });
}

/** HiGHS's answer. With tolerances this tight it fails on a problem in ten thousand, and solves it without presolving. */
function run(highs: Highs, text: string, timeLimitSeconds: number): ReturnType<Highs['solve']> {
  const options = { ...OPTIONS, time_limit: timeLimitSeconds };
  try {
    return highs.solve(text, options);
  } catch {
    try {
      return highs.solve(text, { ...options, presolve: 'off' });
    } catch (error) {
      const reason = `failed (${(error as Error).message})`;
      throw new CompileError([{ kind: 'solver', solver: 'highs', reason, next: 'Use the exact solver.' }]);
    }
  }
}
