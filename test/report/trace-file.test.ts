import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError } from '../../lib/base/problem.ts';
import { parseProgram } from '../../lib/program/parse.ts';
import { openTraceFile } from '../../lib/report/trace-file.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import type { Span } from '../../lib/simulator/trace.ts';
import { smallChip } from '../support/chips.ts';
import { TWO_CONVS } from '../support/two-convs.ts';
import { HOSTILE } from './nouns.ts';

const test = suite('trace files');
const folder = mkdtempSync(join(tmpdir(), 'cimbook-trace-'));
test.after(() => rmSync(folder, { recursive: true }));

interface Event {
  readonly ph: string;
  readonly pid?: number;
  readonly tid?: number;
  readonly id?: number;
  readonly name: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly args: Readonly<Record<string, unknown>>;
}

function eventsOf(path: string): readonly Event[] {
  return (JSON.parse(readFileSync(path, 'utf8')) as { traceEvents: Event[] }).traceEvents;
}

const span = (resource: string, start: number, end: number, label = 'conv1'): Span => ({
  segment: 0,
  statement: 1,
  label,
  resource,
  chunk: 0,
  phase: 1,
  arrays: [],
  start,
  end,
});

test('a span becomes a complete event in microseconds on the track of its resource', () => {
  const path = join(folder, 'one.json');
  const file = openTraceFile(path, { clockHz: 200e6, title: 'vgg16 on dynaplasia' });
  file.span(span('buffer', 400, 1000));
  file.end();
  const [event] = eventsOf(path);
  assert.equal(event, {
    ph: 'X',
    pid: 1,
    tid: 1,
    name: 'conv1',
    cat: 'segment 0',
    ts: 2,
    dur: 3,
    args: { segment: 0, statement: 1, chunk: 0, startCycle: 400, endCycle: 1000 },
  } as never);
});

/** Names of the tracks in their order, and the slices on each. */
function tracksOf(path: string): readonly (readonly [name: string, slices: readonly string[]])[] {
  const events = eventsOf(path);
  const of = (event: Event): string => `${event.pid} ${event.tid}`;
  const names = new Map(events.filter(({ name }) => name === 'thread_name').map((event) => [of(event), String(event.args.name)]));
  return events
    .filter(({ name }) => name === 'thread_sort_index')
    .toSorted((a, b) => Number(a.args.sort_index) - Number(b.args.sort_index))
    .map((track) => [
      names.get(of(track)) ?? '',
      events.filter((event) => event.ph === 'X' && of(event) === of(track)).map(({ name, ts, dur }) => `${name} ${ts} +${dur}`),
    ]);
}

test('tracks are the shared resources, then arrays and their ports, in natural order', () => {
  const path = join(folder, 'tracks.json');
  const file = openTraceFile(path, { clockHz: 1e6 });
  file.span({ ...span('compute 3', 2, 5), arrays: [10, 2] });
  file.span({ ...span('arrays 4 read', 0, 1, 'conv2'), arrays: [4, 11] });
  file.span({ ...span('arrays 4 write', 0, 2, 'conv3'), arrays: [4, 11] });
  file.span(span('vector unit', 0, 6));
  file.span(span('buffer', 0, 1));
  file.end();
  assert.equal(tracksOf(path), [
    ['buffer', ['conv1 0 +1']],
    ['vector unit', ['conv1 0 +6']],
    ['array 2', ['conv1 2 +3', 'compute mode 0 +6']],
    ['array 10', ['conv1 2 +3', 'compute mode 0 +6']],
    ['array 4 read', ['conv2 0 +1']],
    ['array 4 write', ['conv3 0 +2']],
    ['array 11 read', ['conv2 0 +1']],
    ['array 11 write', ['conv3 0 +2']],
  ]);
});

test('every array shows its mode from the beginning to the end', () => {
  const path = join(folder, 'modes.json');
  const file = openTraceFile(path, { clockHz: 1e6, arrays: 2 });
  file.span({ ...span('switch line', 3, 5, 'TOM'), arrays: [1] });
  file.span({ ...span('switch line', 8, 10, 'TOC'), arrays: [1] });
  file.span(span('buffer', 0, 20));
  file.end();
  assert.equal(tracksOf(path).slice(2), [
    ['array 0', ['compute mode 0 +20']],
    ['array 1', ['compute mode 0 +3', 'memory mode 5 +3', 'compute mode 10 +10']],
  ]);
});

test('a flow leads from the slice that made data to the one that took it up', () => {
  const path = join(folder, 'flows.json');
  const file = openTraceFile(path, { clockHz: 1e6 });
  const [from, to] = [span('buffer', 0, 4), { ...span('compute 3', 6, 8), arrays: [5] }];
  for (const one of [from, to]) file.span(one);
  file.flow({ from, to });
  file.end();
  const [slice, other, start, finish] = eventsOf(path) as [Event, Event, Event, Event];
  assert.equal([start.ph, start.pid, start.tid, start.ts], ['s', slice.pid, slice.tid, 2]);
  assert.equal([finish.ph, finish.pid, finish.tid, finish.ts], ['f', other.pid, other.tid, 7]);
  assert.equal(start.id, finish.id);
});

test('a whole run: slices of a track are one after another or one inside another', () => {
  const path = join(folder, 'run.json');
  const chip = smallChip();
  const file = openTraceFile(path, { clockHz: chip.clockHz, arrays: chip.arrays });
  simulate(parseProgram(TWO_CONVS), chip, { onSpan: file.span, onFlow: file.flow });
  file.end();
  const byTrack = new Map<string, Event[]>();
  for (const event of eventsOf(path)) {
    if (event.ph !== 'X') continue;
    const key = `${event.pid} ${event.tid}`;
    byTrack.set(key, [...(byTrack.get(key) ?? []), event]);
  }
  assert.ok(byTrack.size > chip.arrays);
  for (const slices of byTrack.values()) {
    const open: number[] = [];
    for (const { ts = 0, dur = 0 } of slices.toSorted((a, b) => a.ts! - b.ts! || b.dur! - a.dur!)) {
      while (open.length > 0 && open.at(-1)! <= ts + 1e-9) open.pop();
      assert.ok(open.length === 0 || ts + dur <= open.at(-1)! + 1e-9, `a slice at ${ts} overlaps another`);
      open.push(ts + dur);
    }
  }
});

test('an empty trace is a valid file', () => {
  const path = join(folder, 'empty.json');
  openTraceFile(path, { clockHz: 1e6 }).end();
  assert.equal(
    eventsOf(path).map((event) => event.name),
    ['process_name', 'process_sort_index', 'process_name', 'process_sort_index', 'process_name', 'process_sort_index'],
  );
});

test('names are data: quotes, markup and control characters survive', () => {
  const path = join(folder, 'hostile.json');
  const file = openTraceFile(path, { clockHz: 1e6, title: HOSTILE });
  file.span(span(HOSTILE, 0, 1, HOSTILE));
  file.end();
  assert.is(eventsOf(path)[0]?.name, HOSTILE);
});

test('a long trace is written as it comes, and is at its path only when complete', () => {
  const path = join(folder, 'long.json');
  const file = openTraceFile(path, { clockHz: 1e6 });
  for (let i = 0; i < 20_000; i++) file.span(span(`resource ${i % 96}`, i, i + 1));
  assert.not.ok(existsSync(path));
  assert.ok(statSync(`${path}.partial`).size > 1e6);
  file.end();
  assert.is(eventsOf(path).length, 20_000 + 6 + 2 * 96);
  assert.not.ok(existsSync(`${path}.partial`));
});

test('a trace given up leaves nothing behind', () => {
  const path = join(folder, 'aborted.json');
  const file = openTraceFile(path, { clockHz: 1e6 });
  file.span(span('buffer', 0, 1));
  file.abort();
  assert.equal([existsSync(path), existsSync(`${path}.partial`)], [false, false]);
});

test('a path that can not be written is a file problem', () => {
  assert.throws(
    () => openTraceFile(join(folder, 'no', 'such', 'folder.json'), { clockHz: 1e6 }),
    (error: unknown) => error instanceof CompileError && error.problems[0]?.kind === 'file',
  );
});

test.run();
