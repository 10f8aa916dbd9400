import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ended, removeFolder, SPEC, start, sweepFolder } from './support.ts';

const test = suite('sweep on the command line');
const folder = sweepFolder();
test.after(() => removeFolder(folder));

const cimbook = (...args: readonly string[]) => ended(start(args, folder));

test('sweep --json prints one object with counts and front, stores the points and writes them', async () => {
  writeFileSync(join(folder, 'spec.json'), JSON.stringify(SPEC));
  const { code, out, err } = await cimbook('sweep', 'spec.json', '--json', '--out', 'points.csv', '--workers', '1');
  assert.is(code, 0, err);
  assert.is(out.trim().split('\n').length, 1);
  const report = JSON.parse(out) as {
    schemaVersion: number;
    counts: object;
    computed: number;
    front: { latencySeconds: number }[];
    store: string;
  };
  assert.equal([report.schemaVersion, report.counts, report.computed], [1, { done: 24, failed: 0, excluded: 0 }, 24]);
  assert.ok(report.front.length > 0 && report.front.every(({ latencySeconds }) => latencySeconds > 0));
  assert.is(readFileSync(join(folder, 'points.csv'), 'utf8').trim().split('\n').length, 25);
  assert.ok(existsSync(join(folder, 'sweeps.duckdb')));
  const again = await cimbook('sweep', 'spec.json');
  assert.is(again.code, 0, again.err);
  assert.match(again.out, /24 points; 24 known before.*Pareto front/);
  assert.match(again.out, /0 computed and 24 known/);
});

test('why points failed is printed', async () => {
  const spec = { fixed: { ...SPEC.fixed, cost: 'paper' }, axes: { optimizer: ['static:1', 'joint'], batch: [1, 2] } };
  writeFileSync(join(folder, 'failing.json'), JSON.stringify(spec));
  const { code, out, err } = await cimbook('sweep', 'failing.json', '--workers', '1');
  assert.is(code, 0, err);
  assert.match(out, /Point 2 failed \(and 1 other: column 'error'\): joint minimises the machine's cost/);
});

test('bad input is exit code 2 and one message without a stack, and leaves no store behind', async () => {
  writeFileSync(join(folder, 'bad.json'), JSON.stringify({ ...SPEC, axes: { arays: [1] } }));
  const cases = [
    [['sweep', 'bad.json', '--store', 'new.duckdb'], /unknown field.*'arrays'/],
    [['sweep', 'none.json'], /none\.json: there is no such file/],
    [['sweep', 'spec.json', '--store', 'new.duckdb', '--out', 'none/points.csv'], /none\/points\.csv: cannot be written.*no such folder/],
    [['sweep', 'spec.json', '--store', 'new.duckdb', '--out', 'points.txt'], /neither CSV nor Parquet/],
    [['worker'], /no queue is given/],
    [['worker', '--queue', 'localhost:6379'], /does not begin with redis:/],
    [['worker', '--queue', 'redis://127.0.0.1:1', '--models', 'none'], /none: is not a folder/],
    [['worker', '--queue', 'redis://127.0.0.1:1'], /nothing listens there/],
    [['sweep', 'spec.json', '--workers', '0'], /--workers 0/],
  ] as const;
  const results = await Promise.all(cases.map(([args]) => cimbook(...args)));
  for (const [i, { code, out, err }] of results.entries()) {
    assert.is(code, 2, err);
    assert.is(out, '');
    assert.match(err, cases[i]![1]);
    assert.not.match(err, /\n\s+at |internal:/);
  }
  assert.not.ok(existsSync(join(folder, 'new.duckdb')));
});

test.run();
