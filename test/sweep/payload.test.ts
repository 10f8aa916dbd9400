import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describe } from '../../lib/base/problem.ts';
import { readHardwareFile } from '../../lib/hardware/read.ts';
import { DEFAULT_AREA } from '../../lib/sweep/area.ts';
import { serverOf } from '../../lib/sweep/connection.ts';
import { METRICS } from '../../lib/sweep/metrics.ts';
import { findModel, modelFile } from '../../lib/sweep/model-files.ts';
import type { Job } from '../../lib/sweep/outcome.ts';
import { checkJob, checkOutcomes } from '../../lib/sweep/payload.ts';
import { chipOf, runOf } from '../../lib/sweep/run.ts';
import { codeVersion } from '../../lib/sweep/version.ts';
import { problemsOf } from '../support/problems.ts';
import { ROOT, removeFolder, sweepFolder } from './support.ts';

const test = suite('payloads of the queue');
const folder = sweepFolder();
test.after(() => removeFolder(folder));

const chip = chipOf(readHardwareFile(join(ROOT, 'hw/dynaplasia.json')));
const settings = { model: 'm', hardware: 'h', batch: 2, arrays: 48, optimizer: 'static:1' };
const run = runOf(settings, { model: () => 'a'.repeat(64), chip: () => chip });
const job: Job = { version: codeVersion(), chips: { [chip.hash]: chip.file }, area: DEFAULT_AREA, areaBounds: { most: 30 }, runs: [run] };
/** As it comes out of Redis. */
const received = (): Record<string, never> => JSON.parse(JSON.stringify(job)) as Record<string, never>;

function refuses(change: (job: never) => unknown, word: RegExp): void {
  const payload = received();
  const changed = change(payload as never);
  const text = problemsOf(() => checkJob(changed ?? payload))
    .map(describe)
    .join('\n');
  assert.match(text, word);
}

test('a job survives its way through the queue', () => {
  assert.equal(checkJob(received()), job);
});

test('a payload that asks for a path, another version, an unknown option or too much is refused', () => {
  type Open = {
    version: string;
    chips: Record<string, { name: string }>;
    runs: Record<string, unknown>[];
    area: Record<string, unknown>;
    extra?: number;
  };
  const set = (change: (open: Open) => void) => (payload: never) => {
    change(payload);
  };
  refuses(
    set((open) => {
      open.runs[0]!.model = '../../etc/passwd';
    }),
    /job\.runs\[0\]\.model.*SHA-256/,
  );
  refuses(
    set((open) => {
      open.version = '9.9.9';
    }),
    /same cimbook/,
  );
  refuses(
    set((open) => {
      open.extra = 1;
    }),
    /unknown field/,
  );
  refuses(
    set((open) => {
      open.chips[chip.hash]!.name = 'other';
    }),
    /another content/,
  );
  refuses(
    set((open) => {
      open.runs[0]!.options = { onProgress: 'x' };
    }),
    /setting of optimizer/,
  );
  refuses(
    set((open) => {
      open.runs[0]!.bind = { batch: 1e12 };
    }),
    /up to/,
  );
  refuses(
    set((open) => {
      open.runs = Array.from({ length: 1000 }, () => open.runs[0]!);
    }),
    /1 to 64 runs/,
  );
  refuses(
    set((open) => {
      open.area.fixed = 'x';
    }),
    /finite number/,
  );
  refuses(() => [], /an empty list, expected an object/);
  refuses(() => 'text', /"text"/);
});

test('whatever is put anywhere into a payload, it is refused or still a job', () => {
  const value = fc.oneof(fc.constant(null), fc.integer(), fc.string(), fc.constant({}), fc.constant([]), fc.constant(1e308), fc.boolean());
  const places = [
    ['version'],
    ['chips'],
    ['chips', chip.hash],
    ['area', 'fixed'],
    ['areaBounds', 'most'],
    ['runs'],
    ['runs', '0'],
    ...Object.keys(run).map((name) => ['runs', '0', name]),
    ['runs', '0', 'bind', 'batch'],
    ['runs', '0', 'overrides', 'x'],
    ['runs', '0', '__proto__'],
  ];
  fc.assert(
    fc.property(fc.constantFrom(...places), value, (path, put) => {
      const payload = received();
      const parent = path.slice(0, -1).reduce<Record<string, unknown>>((at, name) => at[name] as Record<string, unknown>, payload);
      Object.defineProperty(parent, path.at(-1)!, { value: put, enumerable: true, configurable: true, writable: true });
      try {
        checkJob(payload);
      } catch (error) {
        assert.is((error as Error).name, 'CompileError', (error as Error).stack);
      }
    }),
    { seed: 3, numRuns: 400 },
  );
});

test('an answer that is not one outcome a run, each with all its numbers, is refused', () => {
  const metrics = Object.fromEntries(METRICS.map(({ name }) => [name, 1]));
  const done = { status: 'done', metrics, milliseconds: 3 };
  assert.equal(checkOutcomes([done], 1), [done]);
  const wrong: readonly unknown[] = [
    [],
    null,
    'x',
    [done, done],
    [{ ...done, metrics: { ...metrics, cycles: null } }],
    [{ status: 'failed', error: 'x'.repeat(20_000), certain: true, milliseconds: 0 }],
    [{ status: 'other', milliseconds: 1 }],
  ];
  for (const answer of wrong) problemsOf(() => checkOutcomes(answer, 1));
});

test("a model is found by its content in a worker's folders, and nowhere else", () => {
  const { sha256, path } = modelFile(join(folder, 'tiny.onnx'));
  assert.is(findModel(sha256, [folder]), path);
  assert.is(findModel(sha256, [join(ROOT, 'docs'), join(folder, 'no')]), undefined);
  assert.is(findModel('b'.repeat(64), [folder]), undefined);
  assert.is(findModel(sha256, [ROOT]), undefined, 'a folder elsewhere is not looked into');
});

test('no message shows the password of a URL', () => {
  assert.is(serverOf('redis://user:secret@host:7000/2'), 'redis://host:7000/2');
  assert.is(serverOf('redis://host'), 'redis://host');
  assert.is(serverOf('not a url with secret'), 'of this URL');
});

test.run();
