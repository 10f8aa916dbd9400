// npm run bench -- --only generation [--models NAME,...]: how long a generation takes to compile and simulate, how good the
// interpolation is, and events a second.
// Targets: LLaMA2-7B prefill and 512 tokens under 3 s in all and under 1 GB; 0.1 % off; a million events a second; ResNet-50 in 0.3 s.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { formatNumber, textTable } from '../lib/base/text.ts';
import { compile } from '../lib/compile.ts';
import { type GenerationOptions, simulateGeneration } from '../lib/generation/simulate-generation.ts';
import { loadHardware } from '../lib/hardware/read.ts';
import { importOnnx } from '../lib/onnx/import-onnx.ts';
import { simulate } from '../lib/simulator/simulate.ts';
import type { Workload } from '../lib/workload/workload.ts';

const RUNS = 25;
const TOKENS = 512;
const FRESH = ['gpt2', 'llama2-7b', 'qwen3-8b', 'mixtral-8x7b'];
const INTERPOLATED = ['narrow/llama2', 'narrow/mixtral-moe', 'gpt2', 'llama2-7b'];
const NETWORKS = ['resnet50', 'vgg16', 'mobilenetv2', 'efficientnetb0'];
const CHIPS = ['dynaplasia-paper', 'dynaplasia'];

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Nothing where none of the models asked for belongs. */
function show(title: string, columns: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  if (rows.length > 0) console.log(`${title}\n${textTable(columns, rows)}`);
}

async function timed(model: string, chip: string, workload: Workload, options: GenerationOptions = {}) {
  const start = performance.now();
  const generation = await simulateGeneration(`datasets/${model}.onnx`, loadHardware(`hw/${chip}.json`), workload, options);
  return { generation, seconds: (performance.now() - start) / 1000 };
}

const fresh = (model: string, chip: string, generate: number) => {
  const args = ['--import', 'tsx', fileURLToPath(new URL('one-generation.ts', import.meta.url)), model, chip, `${generate}`];
  return JSON.parse(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout) as Record<string, number>;
};

export async function generation(asked: readonly string[] = [...FRESH, ...INTERPOLATED, ...NETWORKS]): Promise<void> {
  const generations = CHIPS.flatMap((chip) =>
    FRESH.filter((model) => asked.includes(model)).map((model) => {
      const runs = Array.from({ length: 3 }, () => fresh(model, chip, TOKENS));
      const of = (name: string): number => median(runs.map((run) => run[name] ?? Number.NaN));
      return [
        model,
        chip,
        of('seconds').toFixed(2),
        of('cpuSeconds').toFixed(2),
        of('mainSeconds').toFixed(2),
        of('warmSeconds').toFixed(2),
        of('megabytes').toFixed(0),
        of('simulatedTokens'),
        `${formatNumber(100 * of('estimatedError'), 2)} %`,
        Math.round(of('cycles')),
      ];
    }),
  );
  show(
    '\nPrompt 64, 512 tokens, batch 1, cmswitch; medians of 3 fresh processes; targets for llama2-7b: 3 s, 1000 MB',
    [
      'model',
      'chip',
      's in all',
      'CPU s',
      'of the main thread',
      's the second time',
      'peak MB',
      'tokens simulated',
      'estimated error',
      'cycles in all',
    ],
    generations,
  );

  const errors: (string | number)[][] = [];
  for (const chip of CHIPS) {
    for (const model of INTERPOLATED.filter((one) => asked.includes(one))) {
      const workload = { prompt: 64, generate: 64 };
      const few = await timed(model, chip, workload);
      const all = await timed(model, chip, workload, { tolerance: 0 });
      const off = few.generation.decoding.cycles / all.generation.decoding.cycles - 1;
      const worst = Math.max(
        ...few.generation.tokenCycles.map((cycles, i) => Math.abs(cycles / (all.generation.tokenCycles[i] ?? cycles) - 1)),
      );
      const { simulatedTokens, estimatedError } = few.generation.interpolation;
      const percent = (share: number): string => `${(100 * share).toFixed(4)} %`;
      errors.push([
        model,
        chip,
        simulatedTokens,
        percent(estimatedError),
        percent(Math.abs(off)),
        percent(worst),
        few.seconds.toFixed(2),
        all.seconds.toFixed(2),
      ]);
    }
  }
  show(
    '\n64 tokens interpolated against 64 tokens simulated; target: sum within 0.1 %',
    ['model', 'chip', 'simulated', 'estimated', 'sum is off', 'worst token', 's', 's for all'],
    errors,
  );

  const speeds: (string | number)[][] = [];
  for (const chip of CHIPS) {
    for (const model of NETWORKS.filter((one) => asked.includes(one))) {
      const hardware = loadHardware(`hw/${chip}.json`);
      const { program } = await compile(importOnnx(`datasets/${model}.onnx`, { bind: { batch: 1 } }), hardware, { simulate: false });
      let events = 0;
      const run = (): number => {
        const before = process.cpuUsage();
        events = simulate(program, hardware, { verified: true }).events;
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1e3;
      };
      for (let i = 0; i < RUNS; i++) run();
      const milliseconds = median(Array.from({ length: RUNS }, run));
      speeds.push([model, chip, events, milliseconds.toFixed(1), (events / milliseconds / 1000).toFixed(2)]);
    }
  }
  show(
    `\nSimulation, CPU milliseconds, medians of ${RUNS}; targets: ResNet-50 under 300 ms, a million events a second`,
    ['model', 'chip', 'events', 'ms', 'M events/s'],
    speeds,
  );
}
