// Crew: whoever computes jobs. Threads of this machine (pool.ts) or workers behind a queue (queue.ts): the driver can't tell.

import type { Job, Outcome } from './outcome.ts';

export interface Crew {
  /** Jobs it wants to have at a time, so that nobody waits. */
  readonly inFlight: number;
  /** Outcomes of a job's runs, in order. Rejects only if the crew as a whole can't go on. */
  readonly run: (job: Job) => Promise<readonly Outcome[]>;
  /** Called when the outcomes of a job are on disk. */
  readonly stored?: (job: Job) => Promise<void>;
  readonly close: () => Promise<void>;
}
