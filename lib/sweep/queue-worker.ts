// Queue worker: takes jobs from the queue, computes them on threads, answers. `cimbook worker` runs one for as long as it lives.
// When it dies, its jobs' locks run out and another worker gets them.

import { Worker } from 'bullmq';
import { CompileError, fail } from '../base/problem.ts';
import { connect, queueName, serverOf } from './connection.ts';
import { isFolder } from './model-files.ts';
import type { Outcome } from './outcome.ts';
import { checkJob } from './payload.ts';
import { openPool } from './pool.ts';

/** How long a dead worker's job rests until another may have it. */
const LOCK_SECONDS = 30;
/** Jobs that took a worker with them this often are given up. */
const MOST_DEATHS = 3;

export interface QueueWorkerOptions {
  readonly workers?: number;
  /** Folders whose .onnx files may be read: the current one unless given. */
  readonly folders?: readonly string[];
  /** Seconds without a sign of life after which another worker takes over; 30 unless given. */
  readonly lockSeconds?: number;
  readonly onNotice?: (text: string) => void;
  /** Called after each job with the number of points it had. */
  readonly onJob?: (points: number) => void;
}

export interface QueueWorker {
  /** Ends the worker, after its jobs in hand. */
  readonly close: () => Promise<void>;
}

/** Starts a worker. Throws `queue` if the server can't be reached. */
export async function startWorker(url: string, options: QueueWorkerOptions = {}): Promise<QueueWorker> {
  const { folders = ['.'], lockSeconds = LOCK_SECONDS, onNotice = () => {}, onJob = () => {} } = options;
  for (const path of folders) {
    if (isFolder(path)) continue;
    fail({ kind: 'file', path, reason: 'is not a folder', next: 'Give the folder of the ONNX models with --models DIR.' });
  }
  const connection = await connect(url);
  const pool = openPool({ paths: {}, folders, ...(options.workers !== undefined && { workers: options.workers }) });

  const process = async ({ data }: { readonly data: unknown }): Promise<readonly Outcome[]> => {
    const outcomes = await pool.run(checkJob(data));
    const unable = outcomes.find((outcome) => outcome.status === 'failed' && outcome.unable);
    // Thrown, so that the queue offers the job to another worker.
    if (unable?.status === 'failed') throw new Error(unable.error);
    onJob(outcomes.length);
    return outcomes;
  };
  const worker = new Worker(queueName(), process, {
    connection,
    concurrency: pool.inFlight,
    lockDuration: lockSeconds * 1000,
    stalledInterval: (lockSeconds * 1000) / 2,
    maxStalledCount: MOST_DEATHS,
  });
  let isLost = false;
  const lost = (error: Error): void => {
    if (error instanceof CompileError || isLost) return;
    isLost = true;
    onNotice(`the connection to ${serverOf(url)} is lost; waiting until the server is back`);
  };
  connection.on('error', lost);
  worker.on('error', lost);
  connection.on('ready', () => {
    isLost = false;
  });
  worker.on('failed', (_, error) => onNotice(`a job was refused: ${error.message}`));
  return {
    close: async () => {
      await worker.close();
      await pool.close();
      connection.disconnect();
    },
  };
}
