// Every job of a group of statements that ran together: what its critical path and its flows of data are read from.

import type { Cycles } from '../base/units.ts';
import type { TaskGraph } from '../program/tasks.ts';
import type { Stream } from './jobs.ts';

export interface Job {
  readonly statement: number;
  readonly stream: Stream;
  readonly chunk: number;
  readonly start: Cycles;
  readonly end: Cycles;
}

/** `jobs` in the order in which they ended, counted from the group's beginning. */
export interface JobLog {
  readonly graph: TaskGraph;
  readonly jobs: readonly Job[];
}
