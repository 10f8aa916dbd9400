// Flows: which job brought what another one took up. Job log -> pairs of jobs, one for each chunk of a reader whose data a
// statement of the same group made.

import { positionsNeeded } from '../base/shapes.ts';
import { chunkReaching, progressAt } from '../program/geometry.ts';
import type { Job, JobLog } from './job-log.ts';

export interface GroupFlow {
  readonly from: Job;
  readonly to: Job;
}

export function flowsOf({ graph, jobs }: JobLog): readonly GroupFlow[] {
  const { activities, firstTask } = graph;
  const tasks = firstTask.at(-1) ?? 0;
  /** Of each task the job that ended last, and the one that started first. */
  const last: (Job | undefined)[] = Array.from({ length: tasks });
  const first: (Job | undefined)[] = Array.from({ length: tasks });
  for (const job of jobs) {
    if (job.end === job.start) continue;
    const task = firstTask[job.statement]! + job.chunk;
    if (job.end >= (last[task]?.end ?? 0)) last[task] = job;
    if (job.start < (first[task]?.start ?? Number.POSITIVE_INFINITY)) first[task] = job;
  }
  const flows: GroupFlow[] = [];
  for (const [r, reader] of activities.entries()) {
    for (const { region, window } of reader.reads) {
      for (const [w, writer] of activities.entries()) {
        if (w === r || !writer.writes.some((write) => write.region === region)) continue;
        let reached = 0;
        for (let chunk = 0; chunk < reader.chunks; chunk++) {
          const made = chunkReaching(writer, positionsNeeded(window, progressAt(reader, chunk + 1)));
          if (made <= reached) continue;
          reached = made;
          const [from, to] = [last[firstTask[w]! + made - 1], first[firstTask[r]! + chunk]];
          if (from !== undefined && to !== undefined) flows.push({ from, to });
        }
      }
    }
  }
  return flows;
}
