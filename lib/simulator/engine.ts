// Runs one block: tasks with precedence on resources that each serve their jobs in a static order.
// Task graph + streams -> when everything happened. Event driven; nothing here knows about arrays or bytes.

import { internal } from '../base/problem.ts';
import { sortByKey } from '../base/sort.ts';
import type { Cycles } from '../base/units.ts';
import type { TaskGraph } from '../program/tasks.ts';
import { EventQueue } from './event-queue.ts';
import type { Stream } from './jobs.ts';

const PHASES = 3;

export interface BlockRun {
  readonly end: Cycles;
  /** First start and last end of each statement. */
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  /** Busy cycles by statement and stream. */
  readonly busy: readonly (readonly Cycles[])[];
  readonly events: number;
}

/** Told of every job when it ends, those that take no time too. */
export type OnJob = (statement: number, stream: Stream, chunk: number, start: Cycles, end: Cycles) => void;

/** `streams[s]` are the streams of statement s. Starts at cycle `begin`. */
export function runBlock(graph: TaskGraph, streams: readonly (readonly Stream[])[], begin: Cycles, onJob?: OnJob): BlockRun {
  const { firstTask, start, successors } = graph;
  const tasks = firstTask.at(-1) ?? 0;
  if (graph.order.length < tasks) throw internal('a cyclic program reached the machine; verify it first');

  // Jobs of a task are consecutive, sorted by phase; a resource's queue lists its jobs in static order.
  const statementOf = new Int32Array(tasks);
  for (let s = 0; s < streams.length; s++) statementOf.fill(s, firstTask[s]!, firstTask[s + 1]!);
  const firstJob = new Int32Array(tasks + 1);
  for (let t = 0; t < tasks; t++) firstJob[t + 1] = firstJob[t]! + streams[statementOf[t]!]!.length;
  const jobs = firstJob[tasks]!;
  const sorted = streams.map((list) => list.map((stream, i) => ({ stream, i })).sort((a, b) => a.stream.phase - b.stream.phase));
  const resourceNumber = new Map<string, number>();
  for (const list of streams)
    for (const { resource } of list) if (!resourceNumber.has(resource)) resourceNumber.set(resource, resourceNumber.size);
  const resources = resourceNumber.size;
  const jobTask = new Int32Array(jobs);
  const jobResource = new Int32Array(jobs);
  const jobCycles = new Float64Array(jobs);
  const jobPhase = new Uint8Array(jobs);
  const queueLength = new Int32Array(resources + 1);
  const busy = streams.map((list) => list.map(() => 0));
  const phaseLeft = new Int32Array(tasks * PHASES);
  for (let s = 0; s < streams.length; s++) {
    const [from, to] = [firstTask[s]!, firstTask[s + 1]!];
    for (const [position, { stream, i }] of sorted[s]!.entries()) {
      const { phase, cycles } = stream;
      const resource = resourceNumber.get(stream.resource)!;
      let sum = 0;
      for (let t = from; t < to; t++) {
        const job = firstJob[t]! + position;
        const time = cycles(t - from);
        jobTask[job] = t;
        jobPhase[job] = phase;
        jobResource[job] = resource;
        jobCycles[job] = time;
        phaseLeft[t * PHASES + phase]!++;
        sum += time;
      }
      busy[s]![i] = sum;
      queueLength[resource + 1]! += to - from;
    }
  }
  for (let r = 0; r < resources; r++) queueLength[r + 1]! += queueLength[r]!;
  const head = queueLength.slice(0, resources);
  const fill = head.slice();
  const queue = new Int32Array(jobs);
  inTurn(graph, (t, last) => {
    for (let job = firstJob[t]!; job < firstJob[t + 1]!; job++)
      if ((jobPhase[job] === PHASES - 1) === last) queue[fill[jobResource[job]!]!++] = job;
  });

  const waits = graph.waits.slice();
  const phaseOpen = new Int8Array(tasks).fill(-1);
  const jobsLeft = new Int32Array(tasks);
  const doneAt = new Float64Array(tasks);
  for (let t = 0; t < tasks; t++) jobsLeft[t] = firstJob[t + 1]! - firstJob[t]!;
  const idle = new Uint8Array(resources).fill(1);
  const starts = new Float64Array(streams.length).fill(Number.POSITIVE_INFINITY);
  const ends = new Float64Array(streams.length);
  const events = new EventQueue();
  let count = 0;
  let end = begin;

  // A resource starts the job at the head of its queue once that job's phase is open.
  const tryStart = (resource: number, now: Cycles): void => {
    while (idle[resource] === 1 && head[resource]! < queueLength[resource + 1]!) {
      const job = queue[head[resource]!]!;
      const t = jobTask[job]!;
      const phase = jobPhase[job]!;
      if (phaseOpen[t]! < phase) return;
      idle[resource] = 0;
      const s = statementOf[t]!;
      if (now < starts[s]!) starts[s] = now;
      events.push(now + jobCycles[job]!, job);
      if (--phaseLeft[t * PHASES + phase]! === 0) openNext(t, now);
    }
  };
  /** Opens phases as long as the one before has started entirely. */
  const openNext = (t: number, now: Cycles): void => {
    let phase = phaseOpen[t]!;
    const opened = phase;
    while (phase < PHASES - 1 && (phase < 0 || phaseLeft[t * PHASES + phase] === 0)) phase++;
    if (phase === opened) return;
    phaseOpen[t] = phase;
    for (let job = firstJob[t]!; job < firstJob[t + 1]!; job++) if (idle[jobResource[job]!] === 1) tryStart(jobResource[job]!, now);
  };
  const finishTask = (t: number, now: Cycles): void => {
    if (now > end) end = now;
    const s = statementOf[t]!;
    if (now > ends[s]!) ends[s] = now;
    for (let e = start[t]!; e < start[t + 1]!; e++) {
      const next = successors[e]!;
      if (--waits[next]! === 0) ready(next, now);
    }
  };
  const ready = (t: number, now: Cycles): void => {
    if (jobsLeft[t] === 0) finishTask(t, now);
    else openNext(t, now);
  };

  for (let t = 0; t < tasks; t++) if (graph.waits[t] === 0) ready(t, begin);
  while (events.size > 0) {
    const now = events.nextTime();
    const key = events.pop();
    count++;
    if (key >= jobs) {
      finishTask(key - jobs, now);
      continue;
    }
    const t = jobTask[key]!;
    const s = statementOf[t]!;
    const { stream } = sorted[s]![key - firstJob[t]!]!;
    onJob?.(s, stream, t - firstTask[s]!, now - jobCycles[key]!, now);
    doneAt[t] = Math.max(doneAt[t]!, now + stream.latency);
    if (--jobsLeft[t]! === 0) {
      if (doneAt[t]! > now) events.push(doneAt[t]!, jobs + t);
      else finishTask(t, now);
    }
    const resource = jobResource[key]!;
    head[resource]!++;
    idle[resource] = 1;
    tryStart(resource, now);
  }
  for (let t = 0; t < tasks; t++) if (waits[t]! > 0 || jobsLeft[t]! > 0) throw internal(`task ${t} never ran`);
  return { end, starts, ends, busy, events: count };
}

/**
 * Visits tasks in the order every resource serves their jobs: what brings data or works on it when its task begins (`last`
 * is false), what takes data away when its task ends (true), and that first if both fall together.
 */
function inTurn({ order, begin, length }: TaskGraph, visit: (task: number, last: boolean) => void): void {
  const over = new Float64Array(begin.length);
  for (let t = 0; t < over.length; t++) over[t] = begin[t]! + length[t]!;
  const ending = sortByKey(
    order.map((_, t) => t),
    over,
  );
  let e = 0;
  for (let i = 0; i < order.length; i++) {
    const t = order[i]!;
    for (; e < ending.length && over[ending[e]!]! <= begin[t]!; e++) visit(ending[e]!, true);
    visit(t, false);
  }
  for (; e < ending.length; e++) visit(ending[e]!, true);
}
