// Pool worker: a thread of pool.ts. Its models are those that the thread was started with, or those its folders hold.

import { workerData } from 'piscina';
import { createEvaluator, type Evaluate } from './evaluate.ts';
import { findModel } from './model-files.ts';
import type { Job, Outcome } from './outcome.ts';

/** What a thread may read: paths by SHA-256, and folders to look for others. */
export interface PoolData {
  readonly paths: Readonly<Record<string, string>>;
  readonly folders: readonly string[];
}

const { paths, folders } = workerData as PoolData;

const evaluate: Evaluate = createEvaluator((sha256) => (Object.hasOwn(paths, sha256) ? paths[sha256] : findModel(sha256, folders)));

/** What piscina calls for each job. */
export function work(job: Job): Promise<readonly Outcome[]> {
  return evaluate(job);
}
