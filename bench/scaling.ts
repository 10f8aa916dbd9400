// npm run bench -- --only scaling: what planning takes as networks get longer and chips larger, as CPU time once all is warm.

import { textTable } from '../lib/base/text.ts';
import type { Hardware } from '../lib/hardware/hardware.ts';
import { loadHardware } from '../lib/hardware/read.ts';
import { shortenGraph } from '../lib/ir/fold.ts';
import type { Graph } from '../lib/ir/graph.ts';
import { schedule } from '../lib/optimizer/schedule.ts';
import { NetworkBuilder } from '../test/support/networks.ts';
import { networkOf } from './seven.ts';

const OPTIMIZERS = ['cmswitch', 'joint'] as const;
const RUNS = 5;
/** A sample is as many calls as take this long, and so is what comes before the first. */
const LEAST_MS = 200;

/** CPU milliseconds of planning: the median of samples, each long enough for the clock, V8's compilers done. */
async function planningTime(graph: Graph, hardware: Hardware, optimizer: string): Promise<number> {
  const sample = async (times: number): Promise<number> => {
    const before = process.cpuUsage();
    for (let i = 0; i < times; i++) await schedule(graph, hardware, { optimizer });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  let times = 1;
  while ((await sample(times)) < LEAST_MS) times *= 2;
  const samples: number[] = [];
  for (let i = 0; i < RUNS; i++) samples.push((await sample(times)) / times);
  return samples.sort((a, b) => a - b)[RUNS >> 1] ?? Number.NaN;
}

type Case = readonly [label: string, size: number, graph: Graph, hardware: Hardware];

/** Rows of a series; each optimizer's time, and how many times that of the first. */
async function rowsOf(cases: readonly Case[]): Promise<readonly (string | number)[][]> {
  const rows: (string | number)[][] = [];
  const first = new Map<string, number>();
  for (const [label, size, graph, hardware] of cases) {
    const row: (string | number)[] = [label, size];
    for (const optimizer of OPTIMIZERS) {
      const ms = await planningTime(graph, hardware, optimizer);
      if (!first.has(optimizer)) first.set(optimizer, ms);
      row.push(ms.toFixed(1), `${(ms / (first.get(optimizer) ?? Number.NaN)).toFixed(2)}x`);
    }
    rows.push(row);
  }
  return rows;
}

export async function scaling(): Promise<void> {
  const paper = loadHardware('hw/dynaplasia-paper.json');
  const head = OPTIMIZERS.flatMap((optimizer) => [`${optimizer}, ms`, 'over the first']);
  const folded: (string | number)[][] = [];
  for (const [model, layers] of [
    ['llama2-7b', [1, 8, 32]],
    ['bert-large', [1, 8, 24]],
  ] as const) {
    const whole = networkOf(model);
    const cut = (count: number): Graph => (count === whole.blocks[0]?.count ? whole : shortenGraph(whole, [0], count));
    folded.push(...(await rowsOf(layers.map((count): Case => [model, count, cut(count), paper]))));
  }
  console.log('\nPlanning, CPU ms (median, warm): blocks that are decided once; target: 32 of them at most 1.3 times one');
  console.log(textTable(['network', 'layers', ...head], folded));

  const small = [1, 8, 32, 128].map((count): Case => ['residual blocks', count, residualBlocks(count), paper]);
  console.log('\nBlocks smaller than the chip, whose segments cross from one into the next; target: at most linear');
  console.log(textTable(['network', 'blocks', ...head], await rowsOf(small)));

  const chips = [100, 1000, 10_000, 100_000].map(
    (arrays): Case => ['16 residual blocks', arrays, residualBlocks(16), { ...paper, arrays, grid: { x: arrays, y: 1 } }],
  );
  console.log('\nLarger chips; target: no worse than n log n, which is 2,500 times the first here');
  console.log(textTable(['network', 'arrays', ...head], await rowsOf(chips)));
}

function residualBlocks(count: number): Graph {
  const net = new NetworkBuilder();
  let map = net.conv(net.input(1, 16, 28, 28), 64);
  for (let block = 0; block < count; block++) map = net.conv(net.conv(net.conv(map, 64, { kernel: 1 }), 64), 64, { kernel: 1, add: map });
  return net.finish([map]);
}
