// Queue: jobs through BullMQ on a Redis or Valkey server, computed by any number of `cimbook worker` processes.
// A job's id is the hash of its content: asking twice, as a resumed sweep does, asks once, and what workers have finished
// meanwhile is taken as it is. Events bring answers; a look every second finds what events, or the server, have lost.

import { Job as BullJob, Queue, QueueEvents } from 'bullmq';
import { CompileError } from '../base/problem.ts';
import { connect, queueName, serverOf } from './connection.ts';
import type { Crew } from './crew.ts';
import type { Job, Outcome } from './outcome.ts';
import { checkOutcomes } from './payload.ts';
import { contentHash } from './run.ts';

/** Jobs in Redis at a time: work for 100 workers of a few threads each, and 8 MB there. */
const IN_FLIGHT = 512;
const LOOK_MILLISECONDS = 1_000;
/** Another worker may have the model that one lacks. */
const ATTEMPTS = 5;
const KEEP = { age: 24 * 3600 };
const PATIENCE_MILLISECONDS = 5_000;

export interface QueueOptions {
  /** Told in words what the queue waits for. */
  readonly onNotice?: (text: string) => void;
}

interface Waiting {
  readonly job: Job;
  readonly settle: (outcomes: readonly Outcome[]) => void;
}

/** A crew of workers behind a queue. Throws `queue` if the server can't be reached. */
export async function openQueueCrew(url: string, { onNotice = () => {} }: QueueOptions = {}): Promise<Crew> {
  const connection = await connect(url);
  const queue = new Queue(queueName(), { connection });
  const events = new QueueEvents(queueName(), { connection });
  const waiting = new Map<string, Waiting>();
  const idOf = (job: Job): string => contentHash(job).slice(0, 32);

  let isLost = false;
  const lost = (): void => {
    if (!isLost) onNotice(`the connection to ${serverOf(url)} is lost; the sweep goes on when the server is back`);
    isLost = true;
  };
  connection.on('error', lost);
  queue.on('error', lost);
  events.on('error', lost);

  const answered = (id: string, data: unknown): void => {
    const entry = waiting.get(id);
    if (entry === undefined) return;
    waiting.delete(id);
    try {
      entry.settle(checkOutcomes(data, entry.job.runs.length));
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      entry.settle(failures(entry.job, error.message));
    }
  };
  const failed = (id: string, reason: string): void => {
    const entry = waiting.get(id);
    waiting.delete(id);
    entry?.settle(failures(entry.job, reason));
  };
  events.on('completed', ({ jobId, returnvalue }) => answered(jobId, parsed(returnvalue)));
  // A failed attempt is not the end: only the look can tell whether there will be another.
  events.on('failed', ({ jobId }) => void look(jobId).catch(lost));

  const add = async (id: string, job: Job): Promise<void> => {
    const backoff = { type: 'fixed', delay: 500 };
    await queue.add('points', job, { jobId: id, attempts: ATTEMPTS, backoff, removeOnComplete: KEEP, removeOnFail: KEEP });
  };
  const look = async (id: string): Promise<void> => {
    const entry = waiting.get(id);
    if (entry === undefined) return;
    const found = await BullJob.fromId(queue, id);
    if (found === undefined) return add(id, entry.job);
    if (found.finishedOn === undefined) return;
    if (await found.isFailed()) failed(id, found.failedReason);
    else if (await found.isCompleted()) answered(id, found.returnvalue);
  };
  const lookAtAll = async (): Promise<void> => {
    for (const id of [...waiting.keys()]) await look(id);
    if (isLost) onNotice(`connected to ${serverOf(url)} again`);
    isLost = false;
  };

  let lastAnswer = performance.now();
  let looking = false;
  const timer = setInterval(async () => {
    if (looking) return;
    looking = true;
    try {
      await lookAtAll();
      if (waiting.size > 0 && performance.now() - lastAnswer > PATIENCE_MILLISECONDS && (await queue.getWorkersCount()) === 0) {
        onNotice(`no worker of this version (${queueName()}) is connected; start some with: cimbook worker --queue URL`);
        lastAnswer = Number.POSITIVE_INFINITY;
      }
    } catch {
      lost();
    } finally {
      looking = false;
    }
  }, LOOK_MILLISECONDS);

  return {
    inFlight: IN_FLIGHT,
    run: (job) =>
      new Promise((resolve, reject) => {
        const id = idOf(job);
        const settle = (outcomes: readonly Outcome[]): void => {
          lastAnswer = performance.now();
          resolve(outcomes);
        };
        waiting.set(id, { job, settle });
        add(id, job).catch((error: unknown) => (isLost ? undefined : reject(error)));
      }),
    stored: async (job) => {
      await queue.remove(idOf(job)).catch(() => undefined);
    },
    close: async () => {
      clearInterval(timer);
      waiting.clear();
      await Promise.allSettled([events.close(), queue.close()]);
      connection.disconnect();
    },
  };
}

/** Not certain: the next run of the sweep asks again. */
function failures(job: Job, reason: string): readonly Outcome[] {
  return job.runs.map(() => ({ status: 'failed', error: `no worker could compute it: ${reason}`, certain: false, milliseconds: 0 }));
}

/** Events carry JSON text or what it says, depending on the version of the library. */
function parsed(value: unknown): unknown {
  try {
    return typeof value === 'string' ? JSON.parse(value) : value;
  } catch {
    return undefined;
  }
}
