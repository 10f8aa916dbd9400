// `npx tsx bench/joint.ts [CHIP,...] [BATCH,...]`: simulated cycles of joint beside its rivals over the paper's seven models, what each part
// of it brings, what bounds the rows that gain nothing, and how long it takes. Sequence 64, empty caches; geometric means of ratios.

import { textTable } from '../lib/base/text.ts';
import { compile } from '../lib/compile.ts';
import { lowerBound } from '../lib/cost/bound.ts';
import { loadHardware } from '../lib/hardware/read.ts';
import type { Graph } from '../lib/ir/graph.ts';
import { importOnnx } from '../lib/onnx/import-onnx.ts';
import { type ScheduleOptions, schedule } from '../lib/optimizer/schedule.ts';
import { NetworkBuilder } from '../test/support/networks.ts';

const [chips = 'dynaplasia-paper,dynaplasia', batches = '1,4,8,16'] = process.argv.slice(2);
const VISION = ['mobilenetv2', 'resnet18', 'vgg16'];
const LANGUAGE = ['bert-large', 'llama2-7b', 'opt-6.7b', 'opt-13b'];
const PLANS: readonly { readonly name: string; readonly options: ScheduleOptions }[] = [
  { name: 'cim-mlc', options: { optimizer: 'cim-mlc' } },
  { name: 'cmswitch', options: { optimizer: 'cmswitch' } },
  { name: 'static:1', options: { optimizer: 'static:1' } },
  { name: 'static:1 --prefetch', options: { optimizer: 'static:1', prefetch: true } },
  { name: 'joint --compute-only', options: { optimizer: 'joint', computeOnly: true } },
  { name: 'joint', options: { optimizer: 'joint' } },
];
/** Pairs whose ratio is a part of the gain. */
const RATIOS = [
  ['cim-mlc', 'joint', 'joint over cim-mlc'],
  ['cmswitch', 'joint', 'joint over cmswitch'],
  ['static:1', 'static:1 --prefetch', 'writing ahead'],
  ['static:1 --prefetch', 'joint --compute-only', 'cuts and residency in the buffer'],
  ['joint --compute-only', 'joint', 'arrays as memory'],
] as const;

function load(model: string, batch: number): Graph {
  const bind = VISION.includes(model) ? { batch } : model === 'bert-large' ? { batch, sequence: 64 } : { batch, sequence: 64, past: 0 };
  return importOnnx(`datasets/${model}.onnx`, { bind });
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((total, value) => total + Math.log(value), 0) / values.length);
}

for (const chip of chips.split(',')) {
  const hardware = loadHardware(`hw/${chip}.json`, { weightBits: 8, activationBits: 8 });
  const rows: (string | number)[][] = [];
  const found: Map<string, number>[] = [];
  for (const model of [...VISION, ...LANGUAGE]) {
    for (const batch of VISION.includes(model) ? [1] : batches.split(',').map(Number)) {
      const graph = load(model, batch);
      const cycles = new Map<string, number>();
      for (const { name, options } of PLANS) cycles.set(name, (await compile(graph, hardware, options)).trace?.makespanCycles ?? 0);
      found.push(cycles);
      const bound = lowerBound(graph, hardware);
      const own = cycles.get('joint') ?? 0;
      const streaming = bound.externalCycles >= bound.computeCycles ? 'channel' : 'compute';
      rows.push([model, batch, ...cycles.values(), bound.cycles, streaming, (own / bound.cycles).toFixed(2)]);
    }
  }
  const head = ['model', 'batch', ...PLANS.map(({ name }) => name), 'lower bound', 'bound by', 'joint over bound'];
  console.log(`\n${chip}\n${textTable(head, rows)}`);
  for (const [from, to, what] of RATIOS) {
    const ratios = found.map((cycles) => (cycles.get(from) ?? 1) / (cycles.get(to) ?? 1));
    console.log(
      `${what}: ${geometricMean(ratios).toFixed(2)}x (geometric mean), least ${Math.min(...ratios).toFixed(2)}x, most ${Math.max(...ratios).toFixed(2)}x`,
    );
  }
}

/** CPU time of one call, the least of three. */
async function cpuMilliseconds(run: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

const paper = loadHardware('hw/dynaplasia-paper.json', { weightBits: 8, activationBits: 8 });
const times: (string | number)[][] = [];
for (const model of [...VISION, ...LANGUAGE]) {
  const graph = load(model, 1);
  const row: (string | number)[] = [model];
  for (const optimizer of ['cmswitch', 'joint']) row.push(Math.round(await cpuMilliseconds(() => schedule(graph, paper, { optimizer }))));
  times.push(row);
}
const total = (column: number): number => times.reduce((sum, row) => sum + Number(row[column]), 0);
console.log(`\nCPU time to plan, ms, dynaplasia-paper, batch 1 (targets: 1,000 and 5,000 in total)`);
console.log(textTable(['model', 'cmswitch', 'joint'], [...times, ['total', total(1), total(2)]]));

function chain(layers: number): Graph {
  const network = new NetworkBuilder();
  let map = network.input(1, 32, 14, 14);
  for (let i = 0; i < layers; i++) map = network.conv(map, 32 + 16 * (i % 5), { relu: true });
  return network.finish([map]);
}

const layers: (string | number)[][] = [];
for (const count of [16, 32, 64, 128, 256]) {
  const graph = chain(count);
  const ms = await cpuMilliseconds(() => schedule(graph, paper, { optimizer: 'joint' }));
  layers.push([count, Math.round(ms), (ms / count).toFixed(1)]);
}
console.log(`\njoint, a chain of convolutions, dynaplasia-paper\n${textTable(['layers', 'ms', 'ms a layer'], layers)}`);

const arrays: (string | number)[][] = [];
const fixed = chain(32);
for (const count of [100, 1000, 10_000, 100_000]) {
  const chip = { ...paper, arrays: count, grid: { x: count, y: 1 } };
  const ms = await cpuMilliseconds(() => schedule(fixed, chip, { optimizer: 'joint' }));
  arrays.push([count, Math.round(ms), ((1000 * ms) / (count * Math.log2(count))).toFixed(2)]);
}
console.log(`\njoint, 32 convolutions, more arrays\n${textTable(['arrays', 'ms', 'us / (n log n)'], arrays)}`);
console.log(`peak memory of this run: ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
