// The thread of one solver: a problem in, an allocation or what went wrong out.

import { parentPort, workerData } from 'node:worker_threads';
import { CompileError } from '../base/problem.ts';
import type { TimedSolve } from './allocation.ts';
import { loadGlpk } from './solve-glpk.ts';
import { loadHighs } from './solve-highs.ts';
import type { SolverAnswer, SolverRequest, ThreadedName } from './solver-thread.ts';

const name = workerData as ThreadedName;
let loaded: TimedSolve | undefined;

parentPort?.on('message', async (request: SolverRequest) => {
  parentPort?.postMessage(await answer(request));
});

async function answer({ problem, timeLimitSeconds }: SolverRequest): Promise<SolverAnswer> {
  try {
    loaded ??= await (name === 'glpk' ? loadGlpk() : loadHighs());
    return { allocation: problem === undefined ? undefined : loaded(problem, timeLimitSeconds) };
  } catch (error) {
    if (error instanceof CompileError) return { problems: error.problems };
    return { defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
