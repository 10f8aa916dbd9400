// The event-driven engine against a longest-path evaluation that knows no events, and the event queue against sorting.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import { indexProgram, type ProgramIndex } from '../../lib/program/geometry.ts';
import type { MetaOp } from '../../lib/program/program.ts';
import { type TaskGraph, taskGraph } from '../../lib/program/tasks.ts';
import { runBlock } from '../../lib/simulator/engine.ts';
import { EventQueue } from '../../lib/simulator/event-queue.ts';
import { portsOf, type Stream, streamsOf } from '../../lib/simulator/jobs.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { groupsOf, randomPrograms } from '../support/compiled.ts';

const PROGRAMS = await randomPrograms(40, 200);

interface Group {
  readonly graph: TaskGraph;
  readonly streams: readonly (readonly Stream[])[];
}

function groupOf(ops: readonly MetaOp[], index: ProgramIndex, chip: Hardware): Group {
  const graph = taskGraph(ops, index);
  const ports = portsOf(ops, index);
  return { graph, streams: ops.map((op, s) => streamsOf(op, graph.activities[s]!, `${s}`, ports, index, chip)) };
}

function statementOf({ firstTask }: TaskGraph, task: number): number {
  let s = 0;
  while (firstTask[s + 1]! <= task) s++;
  return s;
}

function predecessors({ start, successors, waits }: TaskGraph): readonly number[][] {
  const before: number[][] = Array.from(waits, () => []);
  for (let t = 0; t < waits.length; t++) for (let e = start[t]!; e < start[t + 1]!; e++) before[successors[e]!]!.push(t);
  return before;
}

/**
 * End of a block by max-plus algebra: each job as soon as its phase is open and its resource free, in static order:
 * phases 0 and 1 when the task begins in virtual time, phase 2 when it ends, and that first if they fall together.
 */
function evaluate({ graph, streams }: Group, start: number): number {
  const before = predecessors(graph);
  const done = new Float64Array(before.length);
  const open = new Float64Array(before.length).fill(-1);
  const finish = new Float64Array(before.length);
  const free = new Map<string, number>();
  const turns = [...graph.order]
    .flatMap((task) => [
      { task, at: graph.begin[task]!, leaving: false },
      { task, at: graph.begin[task]! + graph.length[task]!, leaving: true },
    ])
    .sort((a, b) => a.at - b.at || Number(b.leaving) - Number(a.leaving) || a.task - b.task);
  for (const { task, leaving } of turns) {
    const s = statementOf(graph, task);
    if (open[task] === -1) {
      open[task] = Math.max(start, ...before[task]!.map((t) => done[t]!));
      finish[task] = open[task]!;
    }
    for (const phase of leaving ? [2] : [0, 1]) {
      let lastStart = open[task]!;
      for (const stream of streams[s]!.filter((candidate) => candidate.phase === phase)) {
        const begun = Math.max(open[task]!, free.get(stream.resource) ?? start);
        const over = begun + stream.cycles(task - graph.firstTask[s]!);
        free.set(stream.resource, over);
        lastStart = Math.max(lastStart, begun);
        finish[task] = Math.max(finish[task]!, over + stream.latency);
      }
      open[task] = lastStart;
    }
    if (leaving) done[task] = finish[task]!;
  }
  return Math.max(start, ...done);
}

/** Longest chain of tasks if every resource were there as often as wanted. */
function criticalPath({ graph, streams }: Group): number {
  const before = predecessors(graph);
  const done = new Float64Array(before.length);
  for (const task of graph.order) {
    const s = statementOf(graph, task);
    const own = Math.max(0, ...streams[s]!.map((stream) => stream.cycles(task - graph.firstTask[s]!) + stream.latency));
    done[task] = Math.max(0, ...before[task]!.map((t) => done[t]!)) + own;
  }
  return Math.max(0, ...done);
}

test('the engine ends every block on the cycle a longest-path evaluation gives', () => {
  for (const { name, program, chip } of PROGRAMS) {
    const index = indexProgram(program);
    let now = 0;
    for (const [g, ops] of groupsOf(program).entries()) {
      const group = groupOf(ops, index, chip);
      const { end } = runBlock(group.graph, group.streams, now);
      assert.is(end, evaluate(group, now), `${name}, group ${g}`);
      now = end;
    }
    assert.is(simulate(program, chip, { verified: true }).makespanCycles, now, name);
  }
});

test('a run is never shorter than its critical path', () => {
  for (const { name, program, chip } of PROGRAMS) {
    const index = indexProgram(program);
    const path = groupsOf(program).reduce((sum, ops) => sum + criticalPath(groupOf(ops, index, chip)), 0);
    const { makespanCycles } = simulate(program, chip, { verified: true });
    assert.ok(makespanCycles >= path, `${name}: ${makespanCycles} cycles, critical path ${path}`);
  }
});

test('when the run begins does not change how long a block takes', () => {
  const { program, chip } = PROGRAMS[0]!;
  const group = groupOf(groupsOf(program).at(-1)!, indexProgram(program), chip);
  const late = runBlock(group.graph, group.streams, 1000);
  const early = runBlock(group.graph, group.streams, 0);
  assert.is(late.end - 1000, early.end);
  assert.equal(
    [...late.starts].map((start) => start - 1000),
    [...early.starts],
  );
});

test('an event queue gives keys by time, then by key, as sorting does', () => {
  const event = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 1000 }));
  fc.assert(
    fc.property(fc.array(event, { maxLength: 3000, size: 'max' }), (events) => {
      const queue = new EventQueue();
      for (const [time, key] of events) queue.push(time, key);
      assert.is(queue.size, events.length);
      const sorted = [...events].sort(([timeA, keyA], [timeB, keyB]) => timeA - timeB || keyA - keyB);
      for (const [time, key] of sorted) {
        assert.is(queue.nextTime(), time);
        assert.is(queue.pop(), key);
      }
      assert.is(queue.size, 0);
    }),
    { seed: 5, numRuns: 200 },
  );
});

test('an event queue stays sorted while events come and go', () => {
  const step = fc.oneof(fc.constant(undefined), fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 99 })));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const queue = new EventQueue();
      const model: (readonly [number, number])[] = [];
      for (const event of steps) {
        if (event !== undefined) {
          queue.push(...event);
          model.push(event);
          model.sort(([timeA, keyA], [timeB, keyB]) => timeA - timeB || keyA - keyB);
        } else if (model.length > 0) {
          const [time, key] = model.shift()!;
          assert.is(queue.nextTime(), time);
          assert.is(queue.pop(), key);
        }
      }
      assert.is(queue.size, model.length);
    }),
    { seed: 6, numRuns: 500 },
  );
});

test('a resource serves the phases of a chunk in their order, however the streams are listed', () => {
  const stream = (phase: 0 | 1 | 2, cycles: number): Stream => ({
    resource: 'port',
    phase,
    price: 'bufferReadByte',
    cycles: () => cycles,
    usage: 0,
    latency: 0,
    arrays: [],
  });
  const graph: TaskGraph = {
    activities: [{ positions: 1, chunks: 1, reads: [], writes: [], outputs: { from: 0, to: 1 } }],
    firstTask: Int32Array.of(0, 1),
    start: Int32Array.of(0, 0),
    successors: Int32Array.of(),
    waits: Int32Array.of(0),
    begin: Float64Array.of(0),
    length: Float64Array.of(1),
    order: Int32Array.of(0),
    cyclic: [],
  };
  const seen: number[] = [];
  const { end } = runBlock(graph, [[stream(2, 3), stream(0, 5), stream(1, 7)]], 10, (_statement, _stream, _chunk, start, stop) =>
    seen.push(start, stop),
  );
  assert.equal(seen, [10, 15, 15, 22, 22, 25]);
  assert.is(end, 25);
});

test.run();
