// The static dependences of one block: which chunk of which meta-operator waits for which.
// Group of meta-operators -> tasks (meta-operator x chunk), precedence, and one total order that every
// resource serves. Everything follows from the program's numbers, nothing from rates, so a faster chip
// runs the same order. A cycle is a program that would wait for ever.

import { positionsNeeded, positionsReleased } from '../base/shapes.ts';
import { sortByKey } from '../base/sort.ts';
import { type Activity, activityOf, arraysOf, chunkReaching, type ProgramIndex, progressAt } from './geometry.ts';
import type { MetaOp } from './program.ts';

/** Chunks of one meta-operator under way at once: one is computed while the next is fed. */
const IN_FLIGHT = 2;

export interface TaskGraph {
  readonly activities: readonly Activity[];
  /** Task number of each statement's chunk 0; a last entry holds the number of tasks. */
  readonly firstTask: Int32Array;
  /** Successors of task t: successors[start[t]] .. successors[start[t + 1] - 1]. */
  readonly start: Int32Array;
  readonly successors: Int32Array;
  /** Predecessors each task waits for. */
  readonly waits: Int32Array;
  /**
   * Virtual time at which each task begins and how long it takes: a statement takes one unit in all, a chunk its
   * part of that; a task begins when what it waits for and the chunk before it are over. Weights written meanwhile
   * wait for nothing: their slices are spread evenly over the block.
   */
  readonly begin: Float64Array;
  readonly length: Float64Array;
  /** Tasks by virtual time, then statement, then chunk; shorter than the tasks if there is a cycle. */
  readonly order: Int32Array;
  /** Statements on a cycle, empty if none. */
  readonly cyclic: readonly number[];
}

/** Graphs of a program's blocks, by the list of their statements: the verifier and each run need the same ones. */
export type KnownGraphs = WeakMap<readonly MetaOp[], TaskGraph>;

/** The graph of a block; taken from `known` if it is there, and left there. */
export function taskGraph(statements: readonly MetaOp[], index: ProgramIndex, known?: KnownGraphs): TaskGraph {
  const graph = known?.get(statements) ?? newGraph(statements, index);
  known?.set(statements, graph);
  return graph;
}

function newGraph(statements: readonly MetaOp[], index: ProgramIndex): TaskGraph {
  const activities = statements.map((op) => activityOf(op, index));
  const firstTask = new Int32Array(statements.length + 1);
  for (const [s, activity] of activities.entries()) firstTask[s + 1] = (firstTask[s] ?? 0) + activity.chunks;
  const from: number[] = [];
  const to: number[] = [];
  const edge = (before: number, after: number): void => {
    from.push(before);
    to.push(after);
  };
  const task = (statement: number, chunk: number): number => (firstTask[statement] ?? 0) + chunk;
  /** `after` waits until `chunks` chunks of statement s are done. */
  const waitFor = (s: number, chunks: number, after: number): void => {
    for (let chunk = Math.max(0, chunks - IN_FLIGHT); chunk < chunks; chunk++) edge(task(s, chunk), after);
  };

  for (const [s, activity] of activities.entries()) {
    if (statements[s]?.kind === 'CIM.write') continue;
    for (let chunk = IN_FLIGHT; chunk < activity.chunks; chunk++) edge(task(s, chunk - IN_FLIGHT), task(s, chunk));
  }
  for (const [region, { writers, readers, positions }] of regionUsers(activities)) {
    for (const w of writers) {
      const writer = activities[w];
      if (writer === undefined) continue;
      for (const { statement, access } of readers) {
        const reader = activities[statement];
        if (reader === undefined || statement === w) continue;
        for (let chunk = 0; chunk < reader.chunks; chunk++) {
          const needed = positionsNeeded(access.window, progressAt(reader, chunk + 1));
          waitFor(w, chunkReaching(writer, needed), task(statement, chunk));
        }
        if (region.window >= positions) continue;
        let done = 0;
        for (let chunk = 0; chunk < writer.chunks; chunk++) {
          const mustBeFree = progressAt(writer, chunk + 1) - region.window;
          while (done < reader.chunks && positionsReleased(access.window, progressAt(reader, done)) < mustBeFree) done++;
          waitFor(statement, done, task(w, chunk));
        }
      }
    }
  }
  arrayHazards(statements, index, (before, after) => {
    const { chunks } = activities[after]!;
    const heads = statements[after]?.kind === 'CIM.write' ? chunks : Math.min(IN_FLIGHT, chunks);
    for (let chunk = 0; chunk < heads; chunk++) waitFor(before, activities[before]!.chunks, task(after, chunk));
  });
  const staging = statements.flatMap((op, s) => (op.kind === 'CIM.write' && op.from.length === 0 ? [s] : []));
  return { activities, firstTask, ...ordered(firstTask, from, to, staging) };
}

interface RegionUse {
  readonly writers: number[];
  readonly readers: { readonly statement: number; readonly access: Activity['reads'][number] }[];
  readonly positions: number;
}

function regionUsers(activities: readonly Activity[]): ReadonlyMap<Activity['reads'][number]['region'], RegionUse> {
  const users = new Map<Activity['reads'][number]['region'], RegionUse>();
  const of = (access: Activity['reads'][number]): RegionUse => {
    let use = users.get(access.region);
    if (use === undefined) {
      use = { writers: [], readers: [], positions: access.tensor.positions };
      users.set(access.region, use);
    }
    return use;
  };
  for (const [s, activity] of activities.entries()) {
    for (const access of activity.writes) if (access.features.to > access.features.from) of(access).writers.push(s);
    for (const access of activity.reads) of(access).readers.push({ statement: s, access });
  }
  return users;
}

/** Switching an array or writing weights into it waits for its users so far; its next users wait for that. */
function arrayHazards(statements: readonly MetaOp[], index: ProgramIndex, order: (before: number, after: number) => void): void {
  if (!statements.some(takesArrays)) return;
  const touched = statements.map((op) => arraysOf(op, index));
  let size = 0;
  for (const { owned, ports } of touched) for (const list of [owned, ports]) for (const array of list) size = Math.max(size, array + 1);
  /** By array: who took it last, who has shared it since, and who owns it in the statement at hand. */
  const taker = new Int32Array(size).fill(-1);
  const users = new Array<number[] | undefined>(size);
  const owner = new Int32Array(size).fill(-1);
  /** By statement: the last one that waits for it. */
  const awaitedBy = new Int32Array(statements.length).fill(-1);
  for (const [s, { owned, ports }] of touched.entries()) {
    const takes = takesArrays(statements[s]!);
    const waitOnce = (before: number): void => {
      if (before === s || awaitedBy[before] === s) return;
      awaitedBy[before] = s;
      order(before, s);
    };
    const share = (array: number): void => {
      if (taker[array]! >= 0) waitOnce(taker[array]!);
      const sharing = users[array];
      if (sharing === undefined) users[array] = [s];
      else if (sharing.at(-1) !== s) sharing.push(s);
    };
    for (const array of owned) {
      owner[array] = s;
      if (!takes) {
        share(array);
        continue;
      }
      if (taker[array]! >= 0) waitOnce(taker[array]!);
      for (const user of users[array] ?? []) waitOnce(user);
      users[array] = undefined;
      taker[array] = s;
    }
    for (const array of ports) if (!takes || owner[array] !== s) share(array);
  }
}

function takesArrays({ kind }: MetaOp): boolean {
  return kind === 'CM.switch' || kind === 'CIM.write';
}

/** Edges as compressed rows, and the order in which everything takes its turn. */
function ordered(
  firstTask: Int32Array,
  from: readonly number[],
  to: readonly number[],
  staging: readonly number[],
): Omit<TaskGraph, 'activities' | 'firstTask'> {
  const tasks = firstTask.at(-1) ?? 0;
  const start = new Int32Array(tasks + 1);
  const waits = new Int32Array(tasks);
  for (const before of from) start[before + 1]!++;
  for (const after of to) waits[after]!++;
  for (let t = 0; t < tasks; t++) start[t + 1]! += start[t]!;
  const fill = start.slice(0, tasks);
  const successors = new Int32Array(from.length);
  for (let e = 0; e < from.length; e++) successors[fill[from[e]!]!++] = to[e]!;

  const left = waits.slice();
  const begin = new Float64Array(tasks);
  const length = new Float64Array(tasks);
  const follows = new Uint8Array(tasks);
  for (let s = 0; s + 1 < firstTask.length; s++) {
    const chunks = firstTask[s + 1]! - firstTask[s]!;
    length.fill(1 / chunks, firstTask[s]!, firstTask[s + 1]!);
    for (let t = firstTask[s]! + 1; t < firstTask[s + 1]!; t++) {
      follows[t] = 1;
      left[t]!++;
    }
  }
  const free = new Uint8Array(tasks);
  for (const s of staging) {
    for (let t = firstTask[s]!; t < firstTask[s + 1]!; t++) {
      if (waits[t]! > 0) continue;
      free[t] = 1;
      left[t] = 0;
    }
  }
  const reached = new Int32Array(tasks);
  let count = 0;
  let end = 0;
  const reach = (t: number, time: number): void => {
    begin[t] = Math.max(begin[t]!, time);
    if (--left[t]! === 0) reached[count++] = t;
  };
  for (let t = 0; t < tasks; t++) if (left[t] === 0 && free[t] === 0) reached[count++] = t;
  for (let i = 0; i < count; i++) {
    const t = reached[i]!;
    const over = begin[t]! + length[t]!;
    end = Math.max(end, over);
    for (let e = start[t]!; e < start[t + 1]!; e++) reach(successors[e]!, over);
    if (follows[t + 1] === 1 && free[t + 1] === 0) reach(t + 1, over);
  }
  for (const s of staging) {
    for (let t = firstTask[s]!; t < firstTask[s + 1]!; t++) {
      if (free[t] === 0) continue;
      begin[t] = end * (t - firstTask[s]!) * length[t]!;
      count++;
    }
  }
  // Task numbers grow with statement, then chunk: they are the fixed key of ties.
  const inOrder = new Int32Array(count);
  for (let t = 0, i = 0; t < tasks; t++) if (left[t] === 0) inOrder[i++] = t;
  const order = sortByKey(inOrder, begin);
  const cyclic = new Set<number>();
  if (count < tasks) {
    let statement = 0;
    for (let t = 0; t < tasks; t++) {
      while (t >= firstTask[statement + 1]!) statement++;
      if (left[t]! > 0) cyclic.add(statement);
    }
  }
  return { start, successors, waits, order, begin, length, cyclic: [...cyclic] };
}
