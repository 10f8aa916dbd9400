// The critical path of a group of statements: from the last thing that ended backwards, each job that made the next one wait.
// Job log -> stretches that cover the group's time without a gap; the resource of a stretch is what bounds it.

import { internal } from '../base/problem.ts';
import type { Cycles } from '../base/units.ts';
import type { Job, JobLog } from './job-log.ts';

/** A stretch of a group's time, from its beginning on. */
export interface GroupStretch {
  readonly statement: number;
  readonly resource: string;
  readonly start: Cycles;
  readonly end: Cycles;
}

/** What nobody is busy with: data on its way from external memory. */
export const LATENCY = 'external latency';

/**
 * A job starts when its resource is free, when the phase before it has started, or when the tasks it waits for are done; whichever
 * came last is the reason. Of several, the resource: what is always busy is what bounds.
 */
export function criticalPath(log: JobLog): readonly GroupStretch[] {
  const { graph, jobs } = log;
  const { firstTask } = graph;
  const tasks = firstTask.at(-1) ?? 0;
  const taskOf = (job: Job): number => firstTask[job.statement]! + job.chunk;
  const ofTask: number[][] = Array.from({ length: tasks }, () => []);
  const before = new Int32Array(jobs.length).fill(-1);
  const last = new Map<string, number>();
  for (const [j, job] of jobs.entries()) {
    ofTask[taskOf(job)]!.push(j);
    before[j] = last.get(job.stream.resource) ?? -1;
    last.set(job.stream.resource, j);
  }
  const { finish, finisher } = finishesOf(log, ofTask);

  const path: GroupStretch[] = [];
  const add = (statement: number, resource: string, start: Cycles, end: Cycles): void => {
    if (end <= start) return;
    const next = path.at(-1);
    if (next !== undefined && next.statement === statement && next.resource === resource && next.start === end) {
      path[path.length - 1] = { ...next, start };
    } else path.push({ statement, resource, start, end });
  };
  /** Goes to the end of a task that is done at a time. */
  const enter = (task: number): number => {
    const j = finisher[task]!;
    const job = jobs[j]!;
    add(job.statement, LATENCY, job.end, finish[task]!);
    return j;
  };

  let end = 0;
  let ending = -1;
  for (let t = 0; t < tasks; t++) {
    if (finisher[t]! < 0 || finish[t]! < end || (ending >= 0 && finish[t] === end)) continue;
    end = finish[t]!;
    ending = t;
  }
  if (ending < 0) return [];
  for (let j = enter(ending); ; ) {
    const { statement, stream, start, end: until } = jobs[j]!;
    add(statement, stream.resource, start, Math.min(until, path.at(-1)?.start ?? until));
    if (start === 0) return path.reverse();
    const next = reason(j);
    if (next < 0) throw internal(`nothing holds up the job of statement ${statement} that starts at ${start}`);
    j = next;
  }

  function reason(j: number): number {
    const { stream, start } = jobs[j]!;
    const task = taskOf(jobs[j]!);
    const previous = before[j]!;
    if (previous >= 0 && jobs[previous]!.end === start) return previous;
    const opened = ofTask[task]!.find((other) => jobs[other]!.stream.phase < stream.phase && jobs[other]!.start === start);
    if (opened !== undefined) return opened;
    const awaited = predecessorsOf(task).find((other) => finisher[other]! >= 0 && finish[other] === start);
    return awaited === undefined ? -1 : enter(awaited);
  }

  function predecessorsOf(task: number): readonly number[] {
    return predecessors(log, tasks)[task] ?? [];
  }
}

const known = new WeakMap<JobLog, readonly (readonly number[])[]>();

function predecessors(log: JobLog, tasks: number): readonly (readonly number[])[] {
  let lists = known.get(log);
  if (lists === undefined) {
    const made: number[][] = Array.from({ length: tasks }, () => []);
    const { start, successors } = log.graph;
    for (let t = 0; t < tasks; t++) for (let e = start[t]!; e < start[t + 1]!; e++) made[successors[e]!]!.push(t);
    lists = made;
    known.set(log, lists);
  }
  return lists;
}

/** When each task was done, and the job that ended it; a task without jobs ends with the last it waits for, and so does its job. */
function finishesOf({ graph, jobs }: JobLog, ofTask: readonly (readonly number[])[]) {
  const finish = new Float64Array(ofTask.length);
  const finisher = new Int32Array(ofTask.length).fill(-1);
  for (const task of graph.order) {
    for (const j of ofTask[task]!) {
      const done = jobs[j]!.end + jobs[j]!.stream.latency;
      if (finisher[task]! < 0 || done > finish[task]!) {
        finish[task] = done;
        finisher[task] = j;
      }
    }
    for (let e = graph.start[task]!; e < graph.start[task + 1]!; e++) {
      const next = graph.successors[e]!;
      if (ofTask[next]!.length > 0 || finisher[task]! < 0 || finish[task]! < finish[next]!) continue;
      finish[next] = finish[task]!;
      finisher[next] = finisher[task]!;
    }
  }
  return { finish, finisher };
}
