import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describe } from '../../lib/base/problem.ts';
import type { SweepSpec } from '../../lib/sweep/spec.ts';
import { type SweepOptions, sweep } from '../../lib/sweep/sweep.ts';
import { problemsOfAsync } from '../support/problems.ts';
import { ended, removeFolder, SPEC, start, sweepFolder, until } from './support.ts';

const test = suite('sweep');
const folder = sweepFolder();
test.after(() => removeFolder(folder));
let names = 0;
const file = (end = 'duckdb') => join(folder, `${names++}.${end}`);

/** What most tests compute is computed once. */
const shared = file();
const run = (spec: SweepSpec, options: SweepOptions = {}) => sweep(spec, { folder, workers: 1, ...options });

test('the same spec gives the same rows with one worker and with two, and in another order of axes the same numbers', async () => {
  const one = await run(SPEC, { store: shared });
  const three = await run(SPEC, { workers: 3 });
  assert.is(one.rows.length, 24);
  assert.equal(one.counts, { done: 24, failed: 0, excluded: 0 });
  assert.equal(three.rows, one.rows);
  assert.equal(
    one.rows.map(({ point }) => point),
    Array.from({ length: 24 }, (_, i) => i),
  );
  const { optimizer, ...rest } = SPEC.axes!;
  const turned = await run({ ...SPEC, axes: { ...rest, optimizer: optimizer! } }, { store: shared });
  const measured = (rows: typeof one.rows) =>
    rows.map((row) => `${row.optimizer} ${row.arrays} ${row.externalRate} ${row.cycles} ${row.energyJoules}`).sort();
  assert.equal(measured(turned.rows), measured(one.rows));
});

test('the front is feasible, and no point inside the constraints beats it', async () => {
  const { rows, front, hypervolume } = await run(
    {
      ...SPEC,
      objectives: ['latency', 'energy', 'area'],
      constraints: { area: { most: 15 }, power: { most: 1 } },
    },
    { store: shared },
  );
  assert.ok(rows.some(({ status }) => status === 'excluded'));
  assert.ok(front.length > 0 && front.every((row) => row.feasible === true && Number(row.areaMm2) <= 15 && Number(row.powerWatts) <= 1));
  for (const best of front)
    for (const row of rows.filter(({ feasible }) => feasible))
      assert.not.ok(
        Number(row.latencySeconds) < Number(best.latencySeconds) &&
          Number(row.energyJoules) < Number(best.energyJoules) &&
          Number(row.areaMm2) < Number(best.areaMm2),
      );
  assert.ok(hypervolume.share > 0 && hypervolume.share <= 1);
});

test('a failing point is recorded with its error and stops nothing', async () => {
  const spec = { ...SPEC, fixed: { ...SPEC.fixed, cost: 'paper' }, axes: { ...SPEC.axes, optimizer: ['static:1', 'joint'] } };
  const { rows, counts } = await run(spec, { store: shared });
  assert.equal(counts, { done: 12, failed: 12, excluded: 0 });
  const failed = rows.filter(({ status }) => status === 'failed');
  assert.ok(
    failed.every(
      ({ error, cycles, feasible }) => /joint minimises the machine's cost/.test(String(error)) && cycles === null && feasible === false,
    ),
  );
});

test('no point is computed twice: not in one sweep, not by a second one, not by another that shares points', async () => {
  const store = file();
  const repeated = await run(
    { ...SPEC, axes: { ...SPEC.axes, seed: [0], batch: [1, 2] }, together: [{ weightBits: [8, 8], prefetch: [false, false] }] },
    { store },
  );
  assert.equal([repeated.rows.length, repeated.computed, repeated.reused], [96, 48, 48]);
  const { axes } = SPEC;
  const larger = await run({ ...SPEC, axes: { ...axes, batch: [1, 2, 3] } }, { store });
  assert.equal([larger.computed, larger.reused], [24, 48]);
  const again = await run({ ...SPEC, axes: { ...axes, batch: [1, 2, 3] } }, { store });
  assert.equal([again.computed, again.reused], [0, 72]);
  assert.equal(again.rows, larger.rows);
  const named = await run(
    { ...SPEC, axes: { batch: [1], optimizer: axes!.optimizer!, 'arrays.count': [96, 64], 'external.rate': [8] } },
    { store },
  );
  assert.is(named.computed, 0);
});

test('points that one sweep excluded by area are computed for another that allows it', async () => {
  const store = file();
  const tight = await run({ ...SPEC, constraints: { area: { most: 1 } } }, { store });
  assert.equal(tight.counts, { done: 0, failed: 0, excluded: 24 });
  const loose = await run({ ...SPEC, constraints: { area: { most: 100 } } }, { store });
  assert.equal([loose.counts.done, loose.computed], [24, 24]);
  const back = await run({ ...SPEC, constraints: { area: { most: 1 } } }, { store });
  assert.equal(back.rows, tight.rows);
});

test('a search evaluates what it may and finds the front of the grid or nearly', async () => {
  const objectives = ['latency', 'energy', 'area'];
  const space: SweepSpec = { ...SPEC, objectives, axes: { ...SPEC.axes, bufferBanks: [1, 2, 4, 8] } };
  const store = file();
  const grid = await run(space, { store });
  const found = await run({ ...space, sample: { kind: 'search', count: 48, seed: 3 } }, { store });
  assert.equal([found.rows.length, found.computed], [48, 0]);
  const fronts = new Set(grid.front.map((row) => row.cycles));
  assert.ok(found.front.some((row) => fronts.has(row.cycles!)));
});

test('CSV, Parquet and a DataFrame have the same rows', async () => {
  const [csv, parquet] = [file('csv'), file('parquet')];
  const result = await run(SPEC, { out: csv, store: shared });
  await run(SPEC, { out: parquet, store: shared });
  const lines = readFileSync(csv, 'utf8').trim().split('\n');
  assert.is(lines.length, 25);
  assert.match(lines[0]!, /^point,model,hardware,optimizer,arrays,externalRate,status,feasible,latencySeconds,/);
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const read = async (path: string) => (await connection.runAndReadAll(`SELECT * FROM '${path}' ORDER BY point`)).getRowObjectsJS();
  const rows = await read(parquet);
  assert.equal(rows, result.rows);
  assert.equal(
    (await read(csv)).map((row) => [row.arrays, row.cycles, row.energyJoules]),
    rows.map((row) => [row.arrays, row.cycles, row.energyJoules]),
  );
  connection.closeSync();
  const frame = await result.toDataFrame();
  assert.equal(frame.shape, [24, Object.keys(result.rows[0]!).length]);
});

test('a store keeps hashes, versions and seeds beside the results', async () => {
  const store = file();
  const { id, version } = await run({ ...SPEC, sample: { kind: 'random', count: 5, seed: 42 } }, { store });
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(store);
  const connection = await instance.connect();
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJS();
  const [row] = await rows('SELECT sweep, version, seed::INTEGER AS seed, spec FROM sweeps');
  assert.equal([row?.sweep, row?.version, row?.seed], [id, version, 42]);
  const { files } = JSON.parse(String(row?.spec)) as { files: { models: Record<string, string>; chips: Record<string, string> } };
  assert.match(files.models['tiny.onnx']!, /^[0-9a-f]{64}$/);
  const results = await rows('SELECT DISTINCT model, chip, version FROM results');
  assert.equal(results, [{ model: files.models['tiny.onnx'], chip: files.chips['chip.json'], version }]);
  connection.closeSync();
  instance.closeSync();
});

test('a database of another layout, of something else, or no database at all is refused and left as it is', async () => {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const make = async (...sql: readonly string[]): Promise<string> => {
    const path = file();
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    for (const each of sql) await connection.run(each);
    connection.closeSync();
    instance.closeSync();
    return path;
  };
  const refused = async (store: string, word: RegExp): Promise<void> => {
    const before = existsSync(store) && statSync(store).isFile() ? readFileSync(store) : undefined;
    const [problem] = await problemsOfAsync(() => run(SPEC, { store }));
    assert.match(describe(problem!), word);
    assert.match(describe(problem!), /--store|path of a file|may write to/);
    if (before !== undefined) assert.ok(before.equals(readFileSync(store)));
  };
  const other = await make(
    'CREATE TABLE cimbook_store (schema_version INTEGER, created_by VARCHAR)',
    "INSERT INTO cimbook_store VALUES (7, 'cimbook 9.9')",
  );
  await refused(other, /written by cimbook 9\.9 in layout 7/);
  // What a full disk leaves of a store that was to be made.
  const empty = file();
  writeFileSync(empty, '');
  assert.is((await run({ ...SPEC, axes: {} }, { store: empty })).points, 1);
  await refused(await make('CREATE TABLE mine (a INTEGER)'), /table 'mine'/);
  const text = file();
  writeFileSync(text, 'not a database '.repeat(1000));
  await refused(text, /not a DuckDB database/);
  const damaged = await make('CREATE TABLE x (a INTEGER)');
  const bytes = readFileSync(damaged);
  bytes.fill(0xff, 4096 + 20, 4096 + 60);
  writeFileSync(damaged, bytes);
  await refused(damaged, /damaged/);
  await refused(folder, /is a directory/);
  await refused(join(folder, 'no', 'x.duckdb'), /no such folder/);
  await refused(join(text, 'x.duckdb'), /a file where a folder should be/);
});

test('results that can not be written are told with the reason, and no half a file is left', async () => {
  for (const [out, reason] of [
    [join(folder, 'no', 'x.csv'), /no such folder/],
    [join(folder, 'x.txt'), /neither CSV nor Parquet/],
  ] as const) {
    const [problem] = await problemsOfAsync(() => run(SPEC, { out, store: shared }));
    assert.match(describe(problem!), reason);
  }
  assert.equal(
    readdirSync(folder).filter((name) => name.endsWith('.part') || name.startsWith('x.')),
    [],
  );
});

const MANY: SweepSpec = { ...SPEC, axes: { ...SPEC.axes, batch: { from: 1, to: 12 } } };

let reference: readonly unknown[] | undefined;

/** However a sweep of MANY was cut off, it ends with the rows of every other one. */
function sameAsOthers(rows: readonly unknown[]): void {
  reference ??= rows;
  assert.equal(rows, reference);
}

/** How far a store's log has grown, as a sign that a sweep has stored something. */
function logBytes(store: string): number {
  return statSync(`${store}.wal`, { throwIfNoEntry: false })?.size ?? 0;
}

test('kill -9 of the driver in the middle loses nothing that was stored, and nobody else may write meanwhile: the same command goes on and ends with the same rows', async () => {
  const store = file();
  writeFileSync(join(folder, 'many.json'), JSON.stringify(MANY));
  const child = start(['sweep', 'many.json', '--store', store, '--workers', '1'], folder);
  const end = ended(child);
  let grown = 0;
  await until(() => {
    grown = Math.max(grown, logBytes(store));
    return grown > 60_000 || child.exitCode !== null;
  }, 'stored points');
  const [problem] = await problemsOfAsync(() => run(SPEC, { store }));
  assert.match(describe(problem!), new RegExp(`in use by .*PID ${child.pid}`));
  child.kill('SIGKILL');
  await end;
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(store);
  const connection = await instance.connect();
  const [row] = (
    await connection.runAndReadAll('SELECT count(*)::INTEGER AS n, count(DISTINCT key)::INTEGER AS k FROM results')
  ).getRowObjectsJS();
  connection.closeSync();
  instance.closeSync();
  const kept = Number(row?.n);
  assert.ok(kept > 0 && kept < 288, `killed with ${kept} of 288 points stored`);
  assert.is(row?.k, kept);
  const resumed = await run(MANY, { store });
  assert.equal([resumed.reused, resumed.computed], [kept, 288 - kept]);
  sameAsOthers(resumed.rows);
});

test('a full disk is told, what was stored is kept, and with room again the sweep goes on', async () => {
  const store = file();
  writeFileSync(join(folder, 'many.json'), JSON.stringify(MANY));
  // The limit stands for the disk's end: the system refuses to make any file longer.
  const limited = `trap '' XFSZ; ulimit -f 100; exec "$@"`;
  const { spawn } = await import('node:child_process');
  const plain = start(['--version'], folder);
  const [program, ...args] = [...plain.spawnargs.slice(0, -1), 'sweep', 'many.json', '--store', store, '--workers', '1'];
  await ended(plain);
  const child = spawn('bash', ['-c', limited, 'bash', program!, ...args], { cwd: folder });
  const { code, err } = await ended(child);
  assert.is(code, 2, err);
  assert.match(err, /disk is full.*Make room.*goes on from there/);
  assert.not.match(err, /\n\s+at /);
  const resumed = await run(MANY, { store });
  assert.ok(resumed.reused > 0, 'nothing was kept');
  assert.is(resumed.reused + resumed.computed, 288);
  sameAsOthers(resumed.rows);
});

test('an aborted sweep ends, and goes on later', async () => {
  const store = file();
  const stop = new AbortController();
  let seen = 0;
  const aborted = run(MANY, {
    store,
    signal: stop.signal,
    onProgress: ({ computed }) => {
      seen = computed;
      if (computed >= 40) stop.abort();
    },
  });
  const reason = await aborted.then(
    () => undefined,
    (error: unknown) => (error as Error).name,
  );
  assert.is(reason, 'AbortError');
  const resumed = await run(MANY, { store });
  assert.ok(resumed.reused >= seen && resumed.counts.done === 288, `${resumed.reused} of ${seen}`);
  sameAsOthers(resumed.rows);
});

test.run();
