// What a second core gives a sweep: the same points on warm pools of one thread and of two, in turn, and, as a control, on one
// process alone and two side by side that share nothing. If the control is far under 2, the machine is what is short.
// Warm: V8 compiles a thread's code during its first hundreds of points, on whatever core is free, the second one above all.

import { type ChildProcess, fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { textTable } from '../lib/base/text.ts';
import { readSpec } from '../lib/sweep/check-spec.ts';
import type { Crew } from '../lib/sweep/crew.ts';
import { driverOf } from '../lib/sweep/driver.ts';
import { createEvaluator } from '../lib/sweep/evaluate.ts';
import type { Job } from '../lib/sweep/outcome.ts';
import { openPool } from '../lib/sweep/pool.ts';
import { chipOf, runOf } from '../lib/sweep/run.ts';
import { genomesOf, settingsAt } from '../lib/sweep/space.ts';
import type { SweepSpec } from '../lib/sweep/spec.ts';
import { openStore } from '../lib/sweep/store.ts';
import { codeVersion } from '../lib/sweep/version.ts';

/** 832 points, none of which shares a program with one near it. */
const GRID: SweepSpec = {
  fixed: { model: 'datasets/resnet18.onnx', hardware: 'hw/dynaplasia-paper.json' },
  axes: { arrays: { from: 48, to: 144, step: 8 }, externalRate: { from: 8, to: 64, count: 16, scale: 'log' }, writeRow: [1, 2, 4, 8] },
};
const space = readSpec(GRID, '.');
const points = [...genomesOf(space)].map((genome) => settingsAt(space, genome));
const chips = new Map(Object.entries(space.chips).map(([name, file]) => [name, chipOf(file)]));
const [[sha256, path]] = Object.values(space.models).map((model) => [model.sha256, model.path]) as [[string, string]];
const TURNS = 5;
/** After as many a thread's cost of a point has settled. */
const WARM = points.length;
const CONTROL = points.length / 4;

interface Timed {
  readonly perSecond: number;
  readonly cpuMilliseconds: number;
  /** Share of the threads' time that was not points: store, messages, waiting. */
  readonly overhead: number;
}

/** Everything that a sweep does but start its threads. */
async function timed(crew: Crew, threads: number, count: number): Promise<Timed> {
  const file = join(tmpdir(), `cimbook-bench-cores-${process.pid}.duckdb`);
  const store = await openStore(file);
  const columns = [{ field: 'arrays', type: 'number' } as const];
  await store.begin({ id: 'cores', title: '', version: '', seed: 0, spec: '', columns, constraints: {} });
  let spent = 0;
  const run = async (job: Job) => {
    const outcomes = await crew.run(job);
    for (const { milliseconds } of outcomes) spent += milliseconds;
    return outcomes;
  };
  const before = process.cpuUsage();
  const start = performance.now();
  await driverOf({ space, store, crew: { ...crew, run }, version: codeVersion() }, chips).compute(points.slice(0, count), 0);
  const milliseconds = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  store.close();
  rmSync(file, { force: true });
  return {
    perSecond: (1000 * count) / milliseconds,
    cpuMilliseconds: (user + system) / 1000 / count,
    overhead: 1 - spent / (threads * milliseconds),
  };
}

/** Points a second of a process of its own, which evaluates them on its main thread. */
function rateOf(process: ChildProcess, count: number): Promise<number> {
  return new Promise((resolve, reject) => {
    process.once('message', (rate) => resolve(Number(rate)));
    process.once('exit', (code) => reject(new Error(`the control ended with ${code}`)));
    process.send(count);
  });
}

/** The control's side: a number of points comes, their rate goes back. */
function control(): void {
  const [chip] = [...chips.values()];
  const evaluate = createEvaluator(() => path);
  const files = { model: () => sha256, chip: () => chip! };
  const shared = { version: codeVersion(), chips: { [chip!.hash]: chip!.file }, area: space.area, areaBounds: {} };
  process.on('message', async (count: number) => {
    const start = performance.now();
    for (const settings of points.slice(0, count)) await evaluate({ ...shared, runs: [runOf(settings, files)] });
    process.send?.((1000 * count) / (performance.now() - start));
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export async function cores(): Promise<void> {
  const pools = [1, 2].map((workers) => openPool({ workers, paths: { [sha256]: path }, folders: [] })) as [Crew, Crew];
  const controls = [1, 2].map(() => fork(fileURLToPath(import.meta.url), ['control'])) as [ChildProcess, ChildProcess];
  const cold = await timed(pools[0], 1, CONTROL);
  await timed(pools[0], 1, WARM);
  await timed(pools[1], 2, WARM);
  await timed(pools[1], 2, WARM);
  await Promise.all(controls.map((each) => rateOf(each, WARM)));

  const turns: { readonly one: Timed; readonly two: Timed; readonly alone: number; readonly pair: number }[] = [];
  for (let i = 0; i < TURNS; i++) {
    const two = i % 2 === 0 ? undefined : await timed(pools[1], 2, points.length);
    const one = await timed(pools[0], 1, points.length);
    const alone = await rateOf(controls[i % 2]!, CONTROL);
    const pair = await Promise.all(controls.map((each) => rateOf(each, CONTROL)));
    turns.push({ one, two: two ?? (await timed(pools[1], 2, points.length)), alone, pair: pair[0]! + pair[1]! });
  }
  for (const each of controls) each.disconnect();
  for (const pool of pools) await pool.close();

  const rows = turns.map(({ one, two, alone, pair }) => [
    ...[one.perSecond, two.perSecond].map((rate) => rate.toFixed(1)),
    (two.perSecond / one.perSecond).toFixed(2),
    ...[alone, pair].map((rate) => rate.toFixed(1)),
    (pair / alone).toFixed(2),
    ...[one.cpuMilliseconds, two.cpuMilliseconds].map((cpu) => cpu.toFixed(1)),
  ]);
  const speedup = median(turns.map(({ one, two }) => two.perSecond / one.perSecond));
  const given = median(turns.map(({ alone, pair }) => pair / alone));
  console.log(`\nResNet-18, ${points.length} points on warm threads, ${cpus().length} cores: points a second, and ms of CPU a point`);
  console.log(
    textTable(
      ['one thread', 'two threads', 'ratio', 'one process', 'two processes', 'ratio (control)', 'CPU, one thread', 'CPU, two threads'],
      rows,
    ),
  );
  console.log(
    `Two threads over one: median ${speedup.toFixed(2)}, target 1.8. The machine gives two processes that share nothing ` +
      `${given.toFixed(2)}: two threads get ${((100 * speedup) / given).toFixed(0)} % of that.`,
  );
  const overhead = median(turns.map(({ one }) => one.overhead));
  console.log(`Time of one thread that was not points (store, messages): median ${(100 * overhead).toFixed(1)} %, target under 10.`);
  console.log(
    `The first ${CONTROL} points of a thread: ${cold.cpuMilliseconds.toFixed(1)} ms of CPU each, V8's compiler on the other cores included.`,
  );
}

if (process.argv[2] === 'control') control();
