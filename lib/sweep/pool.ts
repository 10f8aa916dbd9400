// Pool: jobs on threads of this machine, through piscina. A thread that dies takes only the run with it that killed it.

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { fail } from '../base/problem.ts';
import type { Crew } from './crew.ts';
import type { Job, Outcome } from './outcome.ts';
import type { PoolData } from './pool-worker.ts';

/** A thread takes about 200 MB; beyond this a machine has more to fear than to gain. */
const MOST_WORKERS = 256;

export interface PoolOptions extends PoolData {
  /** Threads; the number of cores unless given. */
  readonly workers?: number;
}

/** A crew of threads. */
export function openPool({ workers = availableParallelism(), paths, folders }: PoolOptions): Crew {
  if (!Number.isSafeInteger(workers) || workers < 1 || workers > MOST_WORKERS)
    fail({ kind: 'usage', message: `${workers} workers`, next: `Use a whole number from 1 to ${MOST_WORKERS}.` });
  const isSource = import.meta.url.endsWith('.ts');
  let pool: Piscina | undefined;
  /** Started with the first job: a sweep whose points are all known needs no threads. */
  const threads = (): Piscina => {
    pool ??= new Piscina({
      filename: fileURLToPath(new URL(isSource ? './pool-worker-source.mjs' : './pool-worker.js', import.meta.url)),
      name: 'work',
      minThreads: workers,
      maxThreads: workers,
      workerData: { paths, folders } satisfies PoolData,
      // What this process was started with, such as a debugger's port, is not for threads.
      execArgv: [],
      // Waiting on shared memory would keep a thread from running its timers.
      atomics: 'disabled',
    });
    return pool;
  };
  let closed = false;
  const run = async (job: Job): Promise<readonly Outcome[]> => {
    try {
      return (await threads().run(job)) as readonly Outcome[];
    } catch (error) {
      // Whoever closes the pool has no use for what it was doing.
      if (closed) throw error;
      const [only] = job.runs;
      if (job.runs.length === 1 && only !== undefined) return [threadDied(error)];
      // One of the runs ended the thread: each gets a turn of its own.
      return (await Promise.all(job.runs.map((each) => run({ ...job, runs: [each] })))).flat();
    }
  };
  const close = async () => {
    closed = true;
    await pool?.destroy();
  };
  return { inFlight: 3 * workers, run, close };
}

function threadDied(error: unknown): Outcome {
  const reason = error instanceof Error ? error.message : String(error);
  return { status: 'failed', error: `the worker's thread ended: ${reason}`, certain: false, milliseconds: 0 };
}
