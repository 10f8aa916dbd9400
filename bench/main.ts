// npm run bench: how long each stage takes, as medians and ratios within one run. Machines are noisy: quote
// medians and ratios, never a single time. Nothing here is asserted; the targets are printed beside.

import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { textTable } from '../lib/base/text.ts';
import { compile } from '../lib/compile.ts';
import { loadHardware } from '../lib/hardware/read.ts';
import { importOnnx } from '../lib/onnx/import-onnx.ts';
import { type AllocationProblem, SOLVERS, type Solver } from '../lib/optimizer/allocation.ts';
import { flatten } from '../lib/optimizer/flatten.ts';
import { schedule } from '../lib/optimizer/schedule.ts';
import { loadSolver } from '../lib/optimizer/solvers.ts';
import { verifyProgram } from '../lib/program/verify.ts';
import { simulate } from '../lib/simulator/simulate.ts';
import { KernelClient } from '../test/kernel/client.ts';

const RUNS = 9;
const MODELS = ['vgg16', 'resnet18', 'mobilenetv2'];
const CHIPS = ['dynaplasia-paper', 'dynaplasia'];

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function time(run: () => unknown, runs = RUNS): Promise<number> {
  const samples: number[] = [];
  for (let i = -1; i < runs; i++) {
    const start = performance.now();
    await run();
    if (i >= 0) samples.push(performance.now() - start);
  }
  return median(samples);
}

async function stages(): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const chip of CHIPS) {
    const hardware = loadHardware(`hw/${chip}.json`);
    for (const model of MODELS) {
      const path = `datasets/${model}.onnx`;
      const graph = importOnnx(path, { bind: { batch: 1 } });
      const { program, plan, trace } = await compile(graph, hardware);
      const simulateMs = await time(() => simulate(program, hardware, { verified: true }));
      rows.push([
        model,
        chip,
        plan.segments.length,
        (await time(() => importOnnx(path, { bind: { batch: 1 } }))).toFixed(1),
        (await time(() => schedule(graph, hardware))).toFixed(1),
        (await time(() => verifyProgram(program, hardware))).toFixed(1),
        simulateMs.toFixed(1),
        ((trace?.events ?? 0) / simulateMs / 1000).toFixed(2),
        ((trace?.makespanCycles ?? 0) / plan.analyticCycles).toFixed(2),
      ]);
    }
  }
  console.log(`\nStages, milliseconds (median of ${RUNS}); targets: schedule of VGG-16 under 100, simulate under 200`);
  console.log(
    textTable(['model', 'chip', 'segments', 'import', 'schedule', 'verify', 'simulate', 'M events/s', 'simulated / paper cost'], rows),
  );
}

/** Every segment the search weighs for a model, solved by all three. */
async function solvers(): Promise<void> {
  const [exact, ...others] = await Promise.all(SOLVERS.map((name) => loadSolver(name)));
  const rows: (string | number)[][] = [];
  for (const chip of CHIPS) {
    const hardware = loadHardware(`hw/${chip}.json`);
    for (const model of MODELS) {
      const problems = problemsOf(model, hardware);
      const run = (solver: Solver | undefined) => time(() => problems.map((problem) => solver?.solve(problem)), 3);
      const fast = await run(exact);
      const slow: number[] = [];
      for (const solver of others) slow.push(await run(solver));
      rows.push([model, chip, problems.length, fast.toFixed(2), ...slow.flatMap((ms) => [ms.toFixed(1), `${(ms / fast).toFixed(0)}x`])]);
    }
  }
  console.log('\nSolvers on the same segments, milliseconds in all (median of 3); target: exact at least 20x faster');
  console.log(textTable(['model', 'chip', 'segments solved', 'exact', ...others.flatMap(({ name }) => [name, 'ratio'])], rows));
}

function problemsOf(model: string, hardware: ReturnType<typeof loadHardware>): readonly AllocationProblem[] {
  const graph = importOnnx(`datasets/${model}.onnx`, { bind: { batch: 1 } });
  const { subOperators } = flatten(graph, hardware, { mostArrays: hardware.arrays });
  const budget = { compute: hardware.arrays, memory: hardware.arrays, together: hardware.arrays };
  const problems = new Map<string, AllocationProblem>();
  for (let first = 0; first < subOperators.length; first++) {
    let tiles = 0;
    for (let last = first; last < subOperators.length; last++) {
      tiles += subOperators[last]?.demand.tiles ?? 0;
      if (tiles > hardware.arrays) break;
      const claims = subOperators.slice(first, last + 1).map(({ demand, shape }) => ({ ...demand, mostCopies: shape.m }));
      problems.set(JSON.stringify(claims), { claims, budget, hardware, relaxed: false });
    }
  }
  return [...problems.values()];
}

/** The package in a fresh process, and as a notebook's first cell meets it. */
async function importTime(): Promise<void> {
  const code = "const s = performance.now(); await import('cimbook'); console.log(performance.now() - s)";
  const run = () => Number(spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }).stdout);
  const fresh = median(Array.from({ length: RUNS }, run));
  const cells: number[] = [];
  for (let i = 0; i < 3; i++) {
    const kernel = await KernelClient.start();
    await kernel.execute('1 + 1');
    const start = performance.now();
    await kernel.execute("import { importOnnx, compile } from 'cimbook';");
    cells.push(performance.now() - start);
    await kernel.shutdown();
  }
  console.log(`\nimport of the built package: ${fresh.toFixed(0)} ms in a fresh process (median of ${RUNS}),`);
  console.log(`${median(cells).toFixed(0)} ms as a cell of a warm kernel (median of 3; target under 500)`);
}

console.log(`Node ${process.version}, ${process.platform} ${process.arch}`);
await stages();
await solvers();
await importTime();
