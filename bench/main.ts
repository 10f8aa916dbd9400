// npm run bench: how long each stage takes, as medians and ratios within one run. Machines are noisy: quote
// medians and ratios, never a single time. Nothing here is asserted; the targets are printed beside.

import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { textTable } from '../lib/base/text.ts';
import { compile } from '../lib/compile.ts';
import { loadHardware } from '../lib/hardware/read.ts';
import { foldGraph } from '../lib/ir/fold.ts';
import type { Graph } from '../lib/ir/graph.ts';
import { importOnnx } from '../lib/onnx/import-onnx.ts';
import type { AllocationProblem, Solver } from '../lib/optimizer/allocation.ts';
import { edgesOf, shareable } from '../lib/optimizer/edges.ts';
import { flatten } from '../lib/optimizer/flatten.ts';
import { blocksWorthFolding } from '../lib/optimizer/folding.ts';
import { schedule } from '../lib/optimizer/schedule.ts';
import { chooseSegments } from '../lib/optimizer/segment.ts';
import { exactSolver } from '../lib/optimizer/solve-exact.ts';
import { loadGlpk } from '../lib/optimizer/solve-glpk.ts';
import { loadHighs } from '../lib/optimizer/solve-highs.ts';
import { verifyProgram } from '../lib/program/verify.ts';
import { simulate } from '../lib/simulator/simulate.ts';
import { KernelClient } from '../test/kernel/client.ts';
import { costAccuracy } from './cost-accuracy.ts';
import { dominance, dominanceOfNetworks } from './dominance.ts';
import { functional } from './functional.ts';
import { generation } from './generation.ts';
import { scaling } from './scaling.ts';
import { CHIPS, networkOf, SEVEN } from './seven.ts';

const RUNS = 9;
const LEAST_SAMPLE_MS = 10;
const SETTLE_MS = 500;
const MODELS = ['vgg16', 'resnet18', 'mobilenetv2'];

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

/**
 * CPU time of a call, in milliseconds, once it has settled: V8 compiles on other threads, which would count. The median of `runs` samples,
 * each long enough for the clock. Other work on the machine does not count.
 */
function cpuTime(run: () => void, runs: number): number {
  const sample = (times: number): number => {
    const before = process.cpuUsage();
    for (let i = 0; i < times; i++) run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  for (const start = performance.now(); performance.now() - start < SETTLE_MS; ) run();
  let times = 1;
  while (sample(times) < LEAST_SAMPLE_MS) times *= 2;
  return median(Array.from({ length: runs }, () => sample(times) / times));
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

/** Every segment the search weighs for the seven models, sharing on, solved by all three in this thread. All are warm: each has solved once. */
async function solvers(): Promise<void> {
  const glpk = await loadGlpk();
  const highs = await loadHighs();
  const others: readonly (readonly [string, Solve, number])[] = [
    ['glpk', (problem) => glpk(problem, LIMIT_SECONDS), 3],
    ['highs', (problem) => highs(problem, LIMIT_SECONDS), 1],
  ];
  const cases: { model: string; chip: string; problems: readonly AllocationProblem[] }[] = [];
  for (const chip of CHIPS)
    for (const [model, graph] of sevenModels())
      cases.push({ model, chip, problems: await problemsOf(graph, loadHardware(`hw/${chip}.json`)) });
  const rows: (string | number)[][] = [];
  const sums = new Map<string, number>();
  let timeouts = 0;
  const solveAll = (solve: Solve, problems: readonly AllocationProblem[]): void => {
    for (const problem of problems) {
      try {
        solve(problem);
      } catch {
        timeouts++;
      }
    }
  };
  for (const { model, chip, problems } of cases) {
    const run = (name: string, solve: Solve, runs: number): number => {
      const ms = cpuTime(() => solveAll(solve, problems), runs);
      sums.set(name, (sums.get(name) ?? 0) + ms);
      return ms;
    };
    const fast = run('exact', exactSolver.solve, RUNS);
    const slow = others.map(([name, solve, runs]) => run(name, solve, runs));
    rows.push([model, chip, problems.length, fast.toFixed(2), ...slow.flatMap((ms) => [ms.toFixed(1), `${(ms / fast).toFixed(0)}x`])]);
  }
  const all = sums.get('exact') ?? Number.NaN;
  const sumsOf = others.flatMap(([name]) => [(sums.get(name) ?? 0).toFixed(1), `${((sums.get(name) ?? 0) / all).toFixed(0)}x`]);
  rows.push(['all', '', cases.reduce((sum, { problems }) => sum + problems.length, 0), all.toFixed(2), ...sumsOf]);
  console.log(
    `\nSolvers on the same segments, sharing on, CPU milliseconds (medians); target: exact at least 50x faster than glpk; ${timeouts} time-outs of ${LIMIT_SECONDS} s`,
  );
  console.log(textTable(['model', 'chip', 'segments solved', 'exact', ...others.flatMap(([name]) => [name, 'ratio'])], rows));
}

type Solve = (problem: AllocationProblem) => unknown;
const LIMIT_SECONDS = 60;

/** The paper's models at batch 1; language models read 64 tokens. */
function sevenModels(): readonly (readonly [string, Graph])[] {
  return SEVEN.map((model) => [model, networkOf(model)]);
}

/** Whole plans of the seven models, and how often progress is told meanwhile. */
async function seven(): Promise<void> {
  const graphs = sevenModels();
  for (const chip of CHIPS) {
    const hardware = loadHardware(`hw/${chip}.json`);
    const rows: (string | number)[][] = [];
    const sums = [0, 0];
    for (const [model, graph] of graphs) {
      const cells = [];
      for (const [i, optimizer] of ['cmswitch', 'joint'].entries()) {
        let told = 0;
        const ms = await time(() => schedule(graph, hardware, { optimizer, onProgress: () => told++ }), i === 0 ? 5 : 1);
        sums[i]! += ms;
        cells.push(ms.toFixed(1), Math.round(told / (i === 0 ? 6 : 2)));
      }
      rows.push([model, ...cells]);
    }
    rows.push(['all', sums[0]!.toFixed(0), '', sums[1]!.toFixed(0), '']);
    console.log(
      `\nThe seven models of the paper on ${chip}, milliseconds; targets: cmswitch with exact under 1,000 in all, joint under 5,000`,
    );
    console.log(textTable(['model', 'cmswitch', 'progress told', 'joint', 'progress told'], rows));
  }
  console.log(`Peak memory so far: ${Math.round(process.resourceUsage().maxRSS / 1024)} MB (target under 500)`);
}

/** From the moment work shall stop, whether or not it lets that be heard, until it has stopped: searches at their beginning, whole compilations anywhere. */
async function stopping(): Promise<void> {
  const hardware = loadHardware('hw/dynaplasia-paper.json');
  const rows: (string | number)[][] = [];
  const measure = async (what: string, afterMs: readonly number[], run: (signal: AbortSignal) => Promise<unknown>): Promise<void> => {
    const samples: number[] = [];
    for (const after of afterMs) {
      const controller = new AbortController();
      const start = performance.now();
      const timer = setTimeout(() => controller.abort(), after);
      const stopped = await run(controller.signal).then(
        () => false,
        () => true,
      );
      clearTimeout(timer);
      if (stopped) samples.push(performance.now() - start - after);
    }
    rows.push([what, samples.length, median(samples).toFixed(0), Math.max(...samples).toFixed(0)]);
  };
  const searched = networkOf('bert-large');
  for (const options of [{ optimizer: 'joint' }, { solver: 'glpk' }, { solver: 'highs' }])
    await measure(`search, ${Object.values(options).join()}`, Array(5).fill(5), (signal) =>
      schedule(searched, hardware, { ...options, signal }),
    );
  for (const [model, optimizer] of [
    ['vgg16', 'joint'],
    ['llama2-7b', 'occ'],
    ['llama2-7b', 'joint'],
  ] as const) {
    const graph = networkOf(model);
    const start = performance.now();
    await compile(graph, hardware, { optimizer });
    const whole = performance.now() - start;
    const times = Array.from({ length: 15 }, (_, i) => (whole * (i + 0.5)) / 15);
    await measure(`compile ${model}, ${optimizer}`, times, (signal) => compile(graph, hardware, { optimizer, signal }));
  }
  console.log('\nStopping, milliseconds from the moment it shall until it has; target: under 200');
  console.log(textTable(['what', 'times', 'median', 'most'], rows));
}

/** The distinct allocation problems of the search, in its order. */
async function problemsOf(graph: Graph, hardware: ReturnType<typeof loadHardware>): Promise<readonly AllocationProblem[]> {
  const problems: AllocationProblem[] = [];
  const recorder: Solver = {
    name: 'exact',
    solve: (problem) => {
      problems.push(problem);
      return exactSolver.solve(problem);
    },
  };
  const { graph: folded, folds } = foldGraph(graph, blocksWorthFolding(graph, hardware));
  const flat = flatten(folded, hardware, { mostArrays: hardware.arrays, folds });
  const budget = { compute: hardware.arrays, memory: hardware.arrays, together: hardware.arrays };
  const edges = shareable(edgesOf(folded, flat, hardware), hardware, 'up');
  await chooseSegments(flat, { hardware, solver: recorder, budget, edges, relaxed: false });
  return problems;
}

/** `--only NAME,...` runs some of the parts; `--models NAME,...` generation, cost-accuracy, dominance-networks and functional for these models only. */
const { values } = parseArgs({ options: { only: { type: 'string' }, models: { type: 'string' } } });
const [only, models] = [values.only?.split(','), values.models?.split(',')];

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
const PARTS: Readonly<Record<string, (models?: readonly string[]) => Promise<void>>> = {
  stages,
  solvers,
  scaling,
  seven,
  stopping,
  importTime,
  generation,
  'cost-accuracy': costAccuracy,
  dominance,
  'dominance-networks': dominanceOfNetworks,
  functional,
};
for (const [name, part] of Object.entries(PARTS)) if (only === undefined || only.includes(name)) await part(models);
