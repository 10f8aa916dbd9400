// The static dependences of a block, against a model that follows every position of every tensor.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { positionsNeeded, positionsReleased, type Window } from '../../lib/base/shapes.ts';
import { type Activity, activityOf, chunkReaching, indexProgram, progressAt } from '../../lib/program/geometry.ts';
import { parseProgram } from '../../lib/program/parse.ts';
import { type TaskGraph, taskGraph } from '../../lib/program/tasks.ts';
import { randomFrom } from '../support/networks.ts';

const PACE = fc
  .record({ positions: fc.integer({ min: 1, max: 300 }), chunks: fc.integer({ min: 1, max: 300 }) })
  .filter(({ positions, chunks }) => chunks <= positions);

test('progress grows from none to all positions, by at least one a chunk and by nearly equal runs', () => {
  fc.assert(
    fc.property(PACE, (pace) => {
      assert.is(progressAt(pace, 0), 0);
      assert.is(progressAt(pace, pace.chunks), pace.positions);
      const runs = Array.from({ length: pace.chunks }, (_, chunk) => progressAt(pace, chunk + 1) - progressAt(pace, chunk));
      assert.ok(Math.min(...runs) >= 1 && Math.max(...runs) - Math.min(...runs) <= 1);
    }),
    { seed: 1, numRuns: 500 },
  );
});

test('the chunk that reaches a position is the first whose progress is that far', () => {
  fc.assert(
    fc.property(PACE, fc.nat({ max: 300 }), (pace, any) => {
      const position = Math.min(any, pace.positions);
      const chunk = chunkReaching(pace, position);
      assert.ok(progressAt(pace, chunk) >= position);
      if (chunk > 0) assert.ok(progressAt(pace, chunk - 1) < position);
      assert.is(chunkReaching(pace, progressAt(pace, chunk)), chunk);
    }),
    { seed: 2, numRuns: 1000 },
  );
});

test('more positions than there are are reached by no chunk beyond the last', () => {
  assert.is(chunkReaching({ positions: 10, chunks: 4 }, 11), 4);
});

/** Input positions that output position p reads, by row and column. */
function reads(window: Window, position: number): readonly [least: number, most: number] | undefined {
  const perSample = window.rowsOut * window.widthOut;
  const sample = Math.floor(position / perSample);
  const row = Math.floor((position % perSample) / window.widthOut);
  const from = Math.max(0, row * window.stride - window.lead);
  const to = Math.min(window.rowsIn, row * window.stride + window.reach);
  if (to <= from) return undefined;
  return [(sample * window.rowsIn + from) * window.widthIn, (sample * window.rowsIn + to) * window.widthIn - 1];
}

const WINDOW = fc
  .record({
    samples: fc.integer({ min: 1, max: 3 }),
    rowsOut: fc.integer({ min: 1, max: 6 }),
    widthOut: fc.integer({ min: 1, max: 4 }),
    widthIn: fc.integer({ min: 1, max: 4 }),
    stride: fc.integer({ min: 1, max: 3 }),
    reach: fc.integer({ min: 1, max: 4 }),
    lead: fc.integer({ min: 0, max: 2 }),
    extra: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ extra, ...window }): Window => ({ ...window, rowsIn: Math.max(1, (window.rowsOut - 1) * window.stride + window.reach - extra) }));

test('the positions needed are all that the outputs so far read, to the end of their rows', () => {
  fc.assert(
    fc.property(WINDOW, (window) => {
      let most = 0;
      const outputs = window.samples * window.rowsOut * window.widthOut;
      for (let count = 1; count <= outputs; count++) {
        most = Math.max(most, (reads(window, count - 1)?.[1] ?? -1) + 1);
        assert.ok(
          positionsNeeded(window, count) >= most,
          `${count} outputs read ${most} positions, needed are ${positionsNeeded(window, count)}`,
        );
        assert.ok(positionsNeeded(window, count) <= window.samples * window.rowsIn * window.widthIn);
      }
      assert.is(positionsNeeded(window, 0), 0);
    }),
    { seed: 3, numRuns: 500 },
  );
});

test('no released position is read by an output still to come', () => {
  fc.assert(
    fc.property(WINDOW, (window) => {
      const outputs = window.samples * window.rowsOut * window.widthOut;
      let before = 0;
      for (let count = 0; count <= outputs; count++) {
        const released = positionsReleased(window, count);
        assert.ok(released >= before, 'a position comes back');
        before = released;
        for (let later = count; later < outputs; later++)
          assert.ok((reads(window, later)?.[0] ?? released) >= released, `${count} outputs release ${released}`);
      }
      assert.is(before, window.samples * window.rowsIn * window.widthIn);
    }),
    { seed: 4, numRuns: 500 },
  );
});

/** Two vector operators with a region between them that holds `held` positions of the middle tensor. */
function pairOf(window: Window, held: number, chunksBefore: number, chunksAfter: number) {
  const positions = window.samples * window.rowsIn * window.widthIn;
  const outputs = window.samples * window.rowsOut * window.widthOut;
  return parseProgram(`cimbook-program 1
model "pair" ${'0'.repeat(64)}
hardware "any" ${'0'.repeat(64)} arrays=1
precision weight=8 activation=8

tensor a role=input positions=${positions} features=1 bits=8
tensor b role=activation positions=${positions} features=1 bits=8
tensor c role=output positions=${outputs} features=1 bits=8

operator first output=b vector(class=move, elements=1)
  input a use=stream window(samples=1, out=${positions}x1, in=${positions}x1, stride=1, reach=1, lead=0)
operator second output=c vector(class=move, elements=1)
  input b use=stream window(samples=${window.samples}, out=${window.rowsOut}x${window.widthOut}, in=${window.rowsIn}x${window.widthIn}, stride=${window.stride}, reach=${window.reach}, lead=${window.lead})

region ra tensor=a features=0:1 window=${positions} at=external
region rb tensor=b features=0:1 window=${held} at=buffer+0
region rc tensor=c features=0:1 window=${outputs} at=external

parallel {
  VEC.run(operator=first, chunks=${chunksBefore}, from=[ra], to=[rb])
  VEC.run(operator=second, chunks=${chunksAfter}, from=[rb], to=[rc])
}
`);
}

/** For every task, the tasks that must be done before it, through any number of others. */
function closure({ start, successors, waits }: TaskGraph): readonly ReadonlySet<number>[] {
  const before = Array.from(waits, () => new Set<number>());
  // Tasks of a graph without cycles: pass sets on until nothing changes.
  for (let changed = true; changed; ) {
    changed = false;
    for (let t = 0; t < waits.length; t++) {
      for (let e = start[t]!; e < start[t + 1]!; e++) {
        const set = before[successors[e]!]!;
        const size = set.size;
        set.add(t);
        for (const earlier of before[t]!) set.add(earlier);
        if (set.size > size) changed = true;
      }
    }
  }
  return before;
}

function chunkOf(pace: Pick<Activity, 'positions' | 'chunks'>, position: number): number {
  let chunk = 0;
  while (progressAt(pace, chunk + 1) <= position) chunk++;
  return chunk;
}

interface Dependence {
  readonly before: number;
  readonly after: number;
}

/** Position by position: a read waits for the write of what it reads; a write waits for the reads of what it replaces. */
function positionModel(window: Window, held: number, writer: Activity, reader: Activity): readonly Dependence[] {
  const dependences: Dependence[] = [];
  for (let output = 0; output < reader.positions; output++) {
    const span = reads(window, output);
    if (span === undefined) continue;
    const read = writer.chunks + chunkOf(reader, output);
    for (let position = span[0]; position <= span[1]; position++) {
      dependences.push({ before: chunkOf(writer, position), after: read });
      const replaces = position + held;
      if (replaces < writer.positions) dependences.push({ before: read, after: chunkOf(writer, replaces) });
    }
  }
  return dependences;
}

function randomCase(seed: number) {
  const random = randomFrom(seed);
  const [rowsOut, stride, lead] = [random(1, 6), random(1, 2), random(0, 1)];
  const reach = random(1, 3);
  const rowsIn = Math.max(1, (rowsOut - 1) * stride + reach);
  const window: Window = { samples: random(1, 2), rowsOut, widthOut: random(1, 3), rowsIn, widthIn: random(1, 3), stride, reach, lead };
  const positions = window.samples * rowsIn * window.widthIn;
  const outputs = window.samples * rowsOut * window.widthOut;
  const held = random(1, positions);
  const program = pairOf(window, held, random(1, positions), random(1, outputs));
  const index = indexProgram(program);
  const block = program.body[0]!;
  assert.is(block.kind, 'parallel');
  const ops = block.kind === 'parallel' ? block.body : [];
  return { window, held, ops, index, graph: taskGraph(ops, index), activities: ops.map((op) => activityOf(op, index)) };
}

test('whatever must wait for whatever, position by position, does', () => {
  let [free, cyclic] = [0, 0];
  for (let seed = 0; seed < 400; seed++) {
    const { window, held, graph, activities } = randomCase(seed);
    if (graph.cyclic.length > 0) {
      cyclic++;
      continue;
    }
    free++;
    const before = closure(graph);
    for (const { before: first, after } of positionModel(window, held, activities[0]!, activities[1]!)) {
      assert.ok(before[after]!.has(first), `case ${seed}: task ${after} does not wait for task ${first}`);
    }
  }
  assert.ok(free > 100 && cyclic > 50, `${free} free, ${cyclic} cyclic`);
});

test('a region that holds the whole tensor never makes a cycle', () => {
  for (let seed = 0; seed < 200; seed++) {
    const { window, graph } = randomCase(seed);
    const positions = window.samples * window.rowsIn * window.widthIn;
    const program = pairOf(window, positions, graph.activities[0]!.chunks, graph.activities[1]!.chunks);
    const block = program.body[0]!;
    const { cyclic } = taskGraph(block.kind === 'parallel' ? block.body : [], indexProgram(program));
    assert.equal(cyclic, [], `case ${seed}`);
  }
});

test('what is called cyclic cannot run chunk by chunk, and what is not can', () => {
  for (let seed = 0; seed < 400; seed++) {
    const { graph } = randomCase(seed);
    const left = graph.waits.slice();
    const done = new Set<number>();
    for (let progress = true; progress; ) {
      progress = false;
      for (let t = 0; t < left.length; t++) {
        if (done.has(t) || left[t]! > 0) continue;
        done.add(t);
        progress = true;
        for (let e = graph.start[t]!; e < graph.start[t + 1]!; e++) left[graph.successors[e]!]!--;
      }
    }
    assert.is(graph.cyclic.length === 0, done.size === left.length, `case ${seed}`);
    assert.is(graph.order.length, done.size);
  }
});

test('the order of tasks respects every precedence and names each task once', () => {
  for (let seed = 0; seed < 400; seed++) {
    const { graph } = randomCase(seed);
    const place = new Map([...graph.order].map((task, i) => [task, i]));
    assert.is(place.size, graph.order.length);
    for (const task of graph.order) {
      for (let e = graph.start[task]!; e < graph.start[task + 1]!; e++) {
        assert.ok((place.get(graph.successors[e]!) ?? Number.POSITIVE_INFINITY) > place.get(task)!, `case ${seed}`);
      }
    }
  }
});

test.run();
