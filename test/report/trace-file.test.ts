import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError } from '../../lib/base/problem.ts';
import { openTraceFile } from '../../lib/report/trace-file.ts';
import { HOSTILE } from './nouns.ts';

const test = suite('trace files');
const folder = mkdtempSync(join(tmpdir(), 'cimbook-trace-'));
test.after(() => rmSync(folder, { recursive: true }));

interface Event {
  readonly ph: string;
  readonly tid?: number;
  readonly name: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly args: Readonly<Record<string, unknown>>;
}

function eventsOf(path: string): readonly Event[] {
  return (JSON.parse(readFileSync(path, 'utf8')) as { traceEvents: Event[] }).traceEvents;
}

const span = (resource: string, start: number, end: number, label = 'conv1') => ({ segment: 0, statement: 1, label, resource, start, end });

test('a span becomes a complete event in microseconds on the track of its resource', () => {
  const path = join(folder, 'one.json');
  const file = openTraceFile(path, { clockHz: 200e6, title: 'vgg16 on dynaplasia' });
  file.span(span('array 3', 400, 1000));
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
    args: { segment: 0, statement: 1, startCycle: 400, endCycle: 1000 },
  } as never);
});

test('tracks are named after their resources and stand in natural order', () => {
  const path = join(folder, 'tracks.json');
  const file = openTraceFile(path, { clockHz: 1e6 });
  for (const resource of ['array 10', 'buffer', 'array 2', 'array 10']) file.span(span(resource, 0, 1));
  file.end();
  const events = eventsOf(path);
  const names = new Map(events.filter((event) => event.name === 'thread_name').map((event) => [event.tid, event.args.name]));
  const order = events
    .filter((event) => event.name === 'thread_sort_index')
    .toSorted((a, b) => Number(a.args.sort_index) - Number(b.args.sort_index));
  assert.equal(
    order.map((event) => names.get(event.tid)),
    ['array 2', 'array 10', 'buffer'],
  );
});

test('an empty trace is a valid file', () => {
  const path = join(folder, 'empty.json');
  openTraceFile(path, { clockHz: 1e6 }).end();
  assert.equal(
    eventsOf(path).map((event) => event.name),
    ['process_name'],
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
  for (let i = 0; i < 20_000; i++) file.span(span(`array ${i % 96}`, i, i + 1));
  assert.not.ok(existsSync(path));
  assert.ok(statSync(`${path}.partial`).size > 1e6);
  file.end();
  assert.is(eventsOf(path).length, 20_000 + 1 + 2 * 96);
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
