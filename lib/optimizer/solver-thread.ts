// GLPK and HiGHS on threads of their own: a call into WebAssembly can be stopped in no other way, neither by a signal nor when
// the solver misses its own time limit. Threads wait for the next problem, and keep no process alive.

import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { CompileError, internal, type Problem } from '../base/problem.ts';
import { type Allocation, type AllocationProblem, noOptimum, type Solver } from './allocation.ts';
import { checkAllocationProblem } from './check-problem.ts';

export type ThreadedName = 'glpk' | 'highs';

/** To the thread; `undefined` only loads the solver. */
export interface SolverRequest {
  readonly problem: AllocationProblem | undefined;
  readonly timeLimitSeconds: number;
}

/** From the thread. */
export type SolverAnswer =
  | { readonly allocation: Allocation | undefined }
  | { readonly problems: readonly Problem[] }
  | { readonly defect: string };

/** What a solver may take beyond its limit before its thread is ended: it looks at the clock between steps only. */
const GRACE_SECONDS = 1;

/** Longest time a timer of Node's takes. */
const MOST_TIMER_MS = 2 ** 31 - 1;

const idle: Record<ThreadedName, Worker[]> = { glpk: [], highs: [] };

/** The solver, loaded. Throws `solver` if its package is missing. */
export async function threadedSolver(name: ThreadedName, timeLimitSeconds: number): Promise<Solver> {
  await ask(name, { problem: undefined, timeLimitSeconds: Number.POSITIVE_INFINITY });
  return {
    name,
    solve: async (problem, signal) => {
      checkAllocationProblem(problem);
      return ask(name, { problem, timeLimitSeconds }, signal);
    },
  };
}

function ask(name: ThreadedName, request: SolverRequest, signal?: AbortSignal): Promise<Allocation | undefined> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  const thread = idle[name].pop() ?? start(name);
  return new Promise((resolve, reject) => {
    const finish = (end: () => void, keep: boolean): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      thread.off('message', onAnswer);
      thread.off('error', onError);
      thread.unref();
      if (keep) idle[name].push(thread);
      else void thread.terminate();
      end();
    };
    const onAbort = (): void => finish(() => reject(signal?.reason), false);
    const onOverrun = (): void => {
      const late = noOptimum(name, request.problem?.claims.length ?? 0, request.timeLimitSeconds, 'it was stopped');
      finish(() => reject(new CompileError([late])), false);
    };
    const onAnswer = (answer: SolverAnswer): void => {
      if ('defect' in answer) finish(() => reject(internal(answer.defect)), false);
      else if ('problems' in answer) finish(() => reject(new CompileError(answer.problems)), true);
      else finish(() => resolve(answer.allocation), true);
    };
    const onError = (error: Error): void => finish(() => reject(internal(`the thread of ${name} ended: ${error.message}`)), false);
    const most = (request.timeLimitSeconds + GRACE_SECONDS) * 1000;
    const timer = setTimeout(onOverrun, Math.min(most, MOST_TIMER_MS));
    signal?.addEventListener('abort', onAbort);
    thread.on('message', onAnswer);
    thread.on('error', onError);
    thread.ref();
    thread.postMessage(request);
  });
}

function start(name: ThreadedName): Worker {
  const isSource = import.meta.url.endsWith('.ts');
  const file = fileURLToPath(new URL(isSource ? './solver-worker-source.mjs' : './solver-worker.js', import.meta.url));
  // What this process was started with, such as a debugger's port, is not for threads.
  const thread = new Worker(file, { workerData: name, execArgv: [] });
  // One that ends while it waits is only not asked again.
  thread.on('error', () => {});
  thread.on('exit', () => {
    idle[name] = idle[name].filter((other) => other !== thread);
  });
  return thread;
}
