// npm run bench: how long each stage takes, as medians and ratios within one run. Machines are noisy: quote
// medians and ratios, never a single time. Nothing here is asserted; the targets are printed beside.

import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { textTable } from '../lib/base/text.ts';
import { compile } from '../lib/compile.ts';
import { loadHardware } from '../lib/hardware/read.ts';
import type { Graph } from '../lib/ir/graph.ts';
import { importOnnx } from '../lib/onnx/import-onnx.ts';
import { type AllocationProblem, SOLVERS, type Solver } from '../lib/optimizer/allocation.ts';
import { edgesOf, shareable } from '../lib/optimizer/edges.ts';
import { flatten } from '../lib/optimizer/flatten.ts';
import { schedule } from '../lib/optimizer/schedule.ts';
import { chooseSegments, type SegmentStatistics } from '../lib/optimizer/segment.ts';
import { exactSolver } from '../lib/optimizer/solve-exact.ts';
import { loadSolver } from '../lib/optimizer/solvers.ts';
import { verifyProgram } from '../lib/program/verify.ts';
import { simulate } from '../lib/simulator/simulate.ts';
import { KernelClient } from '../test/kernel/client.ts';
import { NetworkBuilder } from '../test/support/networks.ts';

const RUNS = 9;
const MODELS = ['vgg16', 'resnet18', 'mobilenetv2'];
const ALL_MODELS = [...MODELS, 'resnet50', 'efficientnetb0', 'vitb16'];
const BASELINES = ['static:1', 'static:0.75', 'static:0.5', 'cim-mlc', 'puma', 'occ'];
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

/** Every segment the search weighs for a model, sharing on, solved by all three. All are warm: each has solved everything once. */
async function solvers(): Promise<void> {
  const [exact, ...others] = await Promise.all(SOLVERS.map((name) => loadSolver(name)));
  const cases = await Promise.all(
    CHIPS.flatMap((chip) =>
      MODELS.map(async (model) => ({ model, chip, problems: await problemsOf(model, loadHardware(`hw/${chip}.json`)) })),
    ),
  );
  const solveAll = (solver: Solver | undefined, problems: readonly AllocationProblem[]) =>
    problems.map((problem) => solver?.solve(problem));
  for (const { problems } of cases) solveAll(exact, problems);
  const rows: (string | number)[][] = [];
  const sums = new Map<Solver | undefined, number>();
  for (const { model, chip, problems } of cases) {
    const run = async (solver: Solver | undefined, runs: number): Promise<number> => {
      const ms = await time(() => solveAll(solver, problems), runs);
      sums.set(solver, (sums.get(solver) ?? 0) + ms);
      return ms;
    };
    const fast = await run(exact, RUNS);
    const slow: number[] = [];
    for (const solver of others) slow.push(await run(solver, solver.name === 'glpk' ? 3 : 1));
    rows.push([model, chip, problems.length, fast.toFixed(2), ...slow.flatMap((ms) => [ms.toFixed(1), `${(ms / fast).toFixed(0)}x`])]);
  }
  const all = sums.get(exact) ?? Number.NaN;
  const sumsOf = others.flatMap((solver) => [(sums.get(solver) ?? 0).toFixed(1), `${((sums.get(solver) ?? 0) / all).toFixed(0)}x`]);
  rows.push(['all', '', cases.reduce((sum, { problems }) => sum + problems.length, 0), all.toFixed(2), ...sumsOf]);
  console.log('\nSolvers on the same segments, sharing on, milliseconds (medians); target: exact at least 50x faster than glpk');
  console.log(textTable(['model', 'chip', 'segments solved', 'exact', ...others.flatMap(({ name }) => [name, 'ratio'])], rows));
}

/** The distinct allocation problems of the search, in its order. */
async function problemsOf(model: string, hardware: ReturnType<typeof loadHardware>): Promise<readonly AllocationProblem[]> {
  const problems: AllocationProblem[] = [];
  const recorder: Solver = {
    name: 'exact',
    solve: (problem) => {
      problems.push(problem);
      return exactSolver.solve(problem);
    },
  };
  const graph = importOnnx(`datasets/${model}.onnx`, { bind: { batch: 1 } });
  const flat = flatten(graph, hardware, { mostArrays: hardware.arrays });
  const budget = { compute: hardware.arrays, memory: hardware.arrays, together: hardware.arrays };
  const edges = shareable(edgesOf(graph, flat, hardware), hardware, 'up');
  await chooseSegments(flat, { hardware, solver: recorder, budget, edges, relaxed: false });
  return problems;
}

/** As published, CMSwitch may lose to a baseline: every such case, on the paper's cost and on the simulator. */
async function losses(): Promise<void> {
  const rows: (string | number)[][] = [];
  let compared = 0;
  for (const chip of CHIPS) {
    const hardware = loadHardware(`hw/${chip}.json`);
    for (const model of ALL_MODELS) {
      const graph = importOnnx(`datasets/${model}.onnx`, { bind: { batch: 1 } });
      const ours = await compile(graph, hardware);
      for (const optimizer of BASELINES) {
        const theirs = await compile(graph, hardware, { optimizer });
        const cost = theirs.plan.analyticCycles / ours.plan.analyticCycles;
        const simulated = (theirs.trace?.makespanCycles ?? Number.NaN) / (ours.trace?.makespanCycles ?? Number.NaN);
        compared++;
        if (Math.min(cost, simulated) < 1 - 1e-9) rows.push([model, chip, optimizer, cost.toFixed(3), simulated.toFixed(3)]);
      }
    }
  }
  console.log(`\nWhere cmswitch loses, batch 1: ${rows.length} of ${compared} comparisons; cycles of the other over those of cmswitch`);
  console.log(textTable(['model', 'chip', 'optimizer', "paper's cost", 'simulated'], rows));
}

/** One network, longer and longer on one chip, then on larger and larger chips: what the search takes. */
async function scaling(): Promise<void> {
  const paper = loadHardware('hw/dynaplasia-paper.json');
  const row = async (blocks: number, arrays: number): Promise<(string | number)[]> => {
    const graph = residualBlocks(blocks);
    const hardware = { ...paper, arrays, grid: { x: arrays, y: 1 } };
    let statistics: SegmentStatistics | undefined;
    const ms = await time(() => schedule(graph, hardware, { onStatistics: (found) => (statistics = found) }), 5);
    return [blocks, arrays, statistics?.candidates ?? 0, statistics?.solved ?? 0, ms.toFixed(1)];
  };
  const rows: (string | number)[][] = [];
  for (const blocks of [1, 8, 32, 128, 512]) rows.push(await row(blocks, paper.arrays));
  for (const arrays of [96, 1000, 10_000, 100_000]) rows.push(await row(16, arrays));
  console.log('\ncmswitch, milliseconds (median of 5): at most linear in blocks, no worse than n log n in arrays');
  console.log(textTable(['residual blocks', 'arrays', 'segments weighed', 'allocations solved', 'schedule'], rows));
}

function residualBlocks(count: number): Graph {
  const net = new NetworkBuilder();
  let map = net.conv(net.input(1, 16, 28, 28), 64);
  for (let block = 0; block < count; block++) map = net.conv(net.conv(net.conv(map, 64, { kernel: 1 }), 64), 64, { kernel: 1, add: map });
  return net.finish([map]);
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
await scaling();
await losses();
await importTime();
