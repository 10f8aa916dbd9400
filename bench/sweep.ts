// npx tsx bench/sweep.ts [point|driver|cores|memory|queue|search ...]: what design-space exploration costs. Times are of a machine
// that others may be using, so each comparison is made of runs in turn, in one process, and its median is printed.
// Nothing is asserted; the targets stand beside. `queue` needs CIMBOOK_REDIS_SERVER, the path of a redis-server.

import { rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { hypervolume } from '../lib/base/pareto.ts';
import { textTable } from '../lib/base/text.ts';
import { readHardwareFile } from '../lib/hardware/read.ts';
import { DEFAULT_AREA } from '../lib/sweep/area.ts';
import { readSpec } from '../lib/sweep/check-spec.ts';
import { createEvaluator } from '../lib/sweep/evaluate.ts';
import { METRICS, type Metrics } from '../lib/sweep/metrics.ts';
import { chipOf, keyOf, runOf } from '../lib/sweep/run.ts';
import { genomesOf, settingsAt } from '../lib/sweep/space.ts';
import type { SweepSpec } from '../lib/sweep/spec.ts';
import { openStore } from '../lib/sweep/store.ts';
import { type SweepOptions, sweep } from '../lib/sweep/sweep.ts';
import { codeVersion } from '../lib/sweep/version.ts';
import { removeFolder, sweepFolder } from '../test/sweep/support.ts';
import { cores } from './cores.ts';

const RESNET: SweepSpec = { fixed: { model: 'datasets/resnet18.onnx', hardware: 'hw/dynaplasia-paper.json' } };

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** V8 compiles the code during the points before; the first chip would seem dearer than the second. */
const SETTLED = 300;

/** One core, warm: points of a grid in which every point needs a program of its own, and of one in which two of three share. */
async function point(): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const name of ['dynaplasia-paper', 'dynaplasia']) {
    const chip = chipOf(readHardwareFile(`hw/${name}.json`));
    const files = { model: () => 'm', chip: () => chip };
    for (const [kind, leakages] of [
      ['own program', [10]],
      ['2 of 3 share', [10, 20, 30]],
    ] as const) {
      const evaluate = createEvaluator(() => 'datasets/resnet18.onnx');
      const wall: number[] = [];
      const cpu: number[] = [];
      for (let i = 0; i < SETTLED + 120; i++) {
        const settings = { arrays: 48 + (i % 50) * 2, externalRate: 8 + (i % 7) };
        for (const leakage of leakages) {
          const run = runOf({ model: 'm', hardware: 'h', ...settings, 'power.leakage': leakage }, files);
          const before = process.cpuUsage();
          const [outcome] = await evaluate({
            version: codeVersion(),
            chips: { [chip.hash]: chip.file },
            area: DEFAULT_AREA,
            areaBounds: {},
            runs: [run],
          });
          const { user, system } = process.cpuUsage(before);
          if (outcome?.status !== 'done') throw new Error(JSON.stringify(outcome));
          if (i < SETTLED) continue;
          wall.push(outcome.milliseconds);
          cpu.push((user + system) / 1000);
        }
      }
      rows.push([name, kind, wall.length, median(wall).toFixed(1), median(cpu).toFixed(1)]);
    }
  }
  console.log('\nA point of ResNet-18, cmswitch/exact, planned, verified and simulated; target: median under 20 ms a core');
  console.log(textTable(['chip', 'points', 'measured', 'median ms', 'median CPU ms'], rows));
}

const GRID: SweepSpec = {
  ...RESNET,
  axes: { arrays: { from: 48, to: 144, step: 8 }, externalRate: { from: 8, to: 64, count: 4, scale: 'log' }, writeRow: [1, 2, 4, 8] },
};

async function pointSeconds(store: string): Promise<number> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(store);
  const connection = await instance.connect();
  const [row] = (await connection.runAndReadAll('SELECT sum(milliseconds) / 1000 AS s FROM results')).getRowObjectsJS();
  connection.closeSync();
  instance.closeSync();
  return Number(row?.s);
}

/** 10,000 points of a small network; resident memory on the way. */
async function memory(): Promise<void> {
  const folder = sweepFolder();
  const spec: SweepSpec = {
    fixed: { model: 'tiny.onnx', hardware: 'chip.json' },
    axes: { arrays: { from: 17, to: 116 }, externalRate: { from: 4, to: 53 }, writeRow: [1, 2] },
  };
  const megabytes = () => process.memoryUsage().rss / 1024 ** 2;
  const marks = [500, 2000, 4000, 6000, 8000, 10_000];
  const rows: string[][] = [];
  const start = performance.now();
  const { counts } = await sweep(spec, {
    folder,
    store: join(folder, 'memory.duckdb'),
    onProgress: ({ done }) => {
      if (done < (marks[0] ?? Number.POSITIVE_INFINITY)) return;
      marks.shift();
      rows.push([String(done), megabytes().toFixed(0), ((performance.now() - start) / 1000).toFixed(0)]);
    },
  });
  console.log(`\n${counts.done} points of a small network, ${cpus().length} threads: resident memory of the process`);
  console.log(textTable(['points', 'MB', 'seconds'], rows));
  removeFolder(folder);
}

/** The same points on one thread and through the queue with one worker of one thread, in turn. */
async function queue(): Promise<void> {
  const { REDIS_SERVER, TestRedis } = await import('../test/sweep/redis.ts');
  if (REDIS_SERVER === undefined) return console.log('\nqueue: left out, CIMBOOK_REDIS_SERVER is not set');
  const { startWorker } = await import('../lib/sweep/queue-worker.ts');
  const redis = await TestRedis.start('--appendfsync', 'everysec');
  const worker = await startWorker(redis.url, { workers: 1, folders: ['datasets'] });
  const rate = async (options: SweepOptions) => {
    const store = join(tmpdir(), `cimbook-bench-${process.pid}.duckdb`);
    const start = performance.now();
    await sweep(GRID, { folder: '.', store, ...options });
    const seconds = (performance.now() - start) / 1000;
    const spent = await pointSeconds(store);
    rmSync(store, { force: true });
    return 1 - spent / seconds;
  };
  await rate({ queue: redis.url });
  const overheads: number[] = [];
  for (let i = 0; i < 5; i++) overheads.push(await rate({ queue: redis.url }));
  console.log(
    `\nQueue and store with one warm worker: ${overheads.map((share) => `${(100 * share).toFixed(1)} %`).join(', ')} of the time was not points; median ${(100 * median(overheads)).toFixed(1)} %, target under 10`,
  );
  await worker.close();
  await redis.close();
}

/** The 2,000 points of datasets/sweeps/search-2000.json, all of them and as 11 searches of 400 evaluations see them. */
async function searching(): Promise<void> {
  const { readFileSync } = await import('node:fs');
  const spec = JSON.parse(readFileSync('datasets/sweeps/search-2000.json', 'utf8')) as SweepSpec;
  const folder = 'datasets/sweeps';
  const store = join(tmpdir(), `cimbook-bench-search-${process.pid}.duckdb`);
  const { sample: _, ...grid } = spec;
  const all = await sweep(grid, { folder, store });
  const { objectives } = all;
  const every = all.vectors();
  const reference = objectives.map((_objective, k) => Math.max(...every.map((vector) => vector[k]!)));
  const whole = hypervolume(every, reference);
  const shares: number[] = [];
  for (let seed = 0; seed < 11; seed++) {
    const found = await sweep({ ...spec, sample: { kind: 'search', count: 400, seed } }, { folder, store });
    shares.push(hypervolume(found.vectors(), reference) / whole);
  }
  rmSync(store, { force: true });
  console.log(
    `\n${all.points} points (front ${all.front.length}), ${objectives.join(', ')}; 400 evaluations find of the grid's hypervolume:`,
  );
  console.log(
    `${shares.map((share) => `${(100 * share).toFixed(2)} %`).join(', ')}; median ${(100 * median(shares)).toFixed(2)} %, target 98`,
  );
}

/** What the driver spends on a point besides computing it: CPU time, as others may be using the machine. */
async function driver(): Promise<void> {
  const spec: SweepSpec = { ...RESNET, axes: { arrays: { from: 17, to: 116 }, externalRate: { from: 1, to: 103 }, writeRow: [1, 2] } };
  const space = readSpec(spec, '.');
  const chip = chipOf(Object.values(space.chips)[0]!);
  const files = { model: () => 'a'.repeat(64), chip: () => chip };
  const points = 20_480;
  const each = (start: NodeJS.CpuUsage): string => {
    const { user, system } = process.cpuUsage(start);
    return ((user + system) / points).toFixed(0);
  };
  const rows: (string | number)[][] = [];
  let start = process.cpuUsage();
  const asked = [...genomesOf(space)].slice(0, points).map((genome) => {
    const settings = settingsAt(space, genome);
    const run = runOf(settings, files);
    return { settings, run, key: keyOf(run, space.area) };
  });
  rows.push(['settings, run and key', each(start)]);
  const path = join(tmpdir(), `cimbook-bench-driver-${process.pid}.duckdb`);
  const store = await openStore(path);
  const columns = Object.keys(asked[0]!.settings).map((field) => ({
    field,
    type: typeof asked[0]!.settings[field] as 'number' | 'string',
  }));
  await store.begin({ id: 'bench', title: '', version: '', seed: 0, spec: '', columns, constraints: {} });
  start = process.cpuUsage();
  for (let i = 0; i < points; i += 1024) await store.list(i, asked.slice(i, i + 1024));
  rows.push(['listed and looked up', each(start)]);
  const metrics = Object.fromEntries(METRICS.map(({ name }) => [name, 1.5])) as unknown as Metrics;
  const results = asked.map(({ run, key }) => ({ run, key, version: '', outcome: { status: 'done', metrics, milliseconds: 20 } as const }));
  start = process.cpuUsage();
  for (let i = 0; i < points; i += 64) await store.put(results.slice(i, i + 64));
  rows.push(['stored, 64 in a transaction', each(start)]);
  start = process.cpuUsage();
  for (let i = 0; i < points; i += 1024) await store.list(i, asked.slice(i, i + 1024));
  rows.push([`looked up among ${points} results`, each(start)]);
  store.close();
  rmSync(path, { force: true });
  const { REDIS_SERVER, TestRedis } = await import('../test/sweep/redis.ts');
  if (REDIS_SERVER !== undefined) {
    const { openQueueCrew } = await import('../lib/sweep/queue.ts');
    const { Worker } = await import('bullmq');
    const { queueName } = await import('../lib/sweep/connection.ts');
    const redis = await TestRedis.start('--appendonly', 'no');
    const outcomes = Array.from({ length: 8 }, () => ({ status: 'done', metrics, milliseconds: 1 }));
    const worker = new Worker(queueName(), async () => outcomes, { connection: { port: redis.port }, concurrency: 16 });
    const crew = await openQueueCrew(redis.url);
    const before = process.cpuUsage();
    const jobs = 1000;
    await Promise.all(
      Array.from({ length: jobs }, async (_, i) => {
        const runs = asked.slice(8 * i, 8 * i + 8).map(({ run }) => run);
        const job = { version: codeVersion(), chips: { [chip.hash]: chip.file }, area: DEFAULT_AREA, areaBounds: {}, runs };
        await crew.run(job);
        await crew.stored?.(job);
      }),
    );
    const { user, system } = process.cpuUsage(before);
    rows.push(['an eighth of a job through the queue, driver and worker together', ((user + system) / jobs / 8).toFixed(0)]);
    await worker.close();
    await crew.close();
    await redis.close();
  }
  console.log('\nDriver, microseconds of CPU a point');
  console.log(textTable(['what', 'us CPU'], rows));
}

const PARTS = { point, driver, cores, memory, queue, search: searching };
const asked = process.argv.slice(2);
console.log(`Node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} cores`);
for (const [name, run] of Object.entries(PARTS)) if (asked.length === 0 || asked.includes(name)) await run();
process.exit(0);
