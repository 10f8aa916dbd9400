// Compile times: the processor time of planning, emitting and verifying, medians of runs that take turns.

import { compile } from '../../lib/compile.ts';
import type { Row } from './csv.ts';
import { NETWORKS } from './fig14.ts';
import { modelGraph } from './models.ts';
import { NOMINAL } from './parameters.ts';
import { chipOf } from './point.ts';

export const RUNS = 20;
/** A general solver takes seconds a run; the paper's is one, Gurobi. */
export const RUNS_OF_HIGHS = 3;
const SOLVERS = ['exact', 'highs'] as const;

/** What the paper compiles: batch 1, a pass over 64 tokens. */
export function sizesOf(model: string): Readonly<Record<string, number>> {
  const passes = NETWORKS.find((network) => network.model === model)?.workload(1).passes;
  return passes?.[0]?.bind ?? { batch: 1 };
}

/** Milliseconds of both compilers for the networks of Fig. 14, and their ratios. */
export async function measureAll(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { model } of NETWORKS) {
    const graph = modelGraph(model, sizesOf(model));
    const hardware = chipOf(NOMINAL);
    const once = async (optimizer: string, solver: string): Promise<number> => {
      const before = process.cpuUsage();
      await compile(graph, hardware, { optimizer, solver, simulate: false });
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    const samples = { cimMlc: [] as number[], cmswitch: [] as number[], highs: [] as number[] };
    for (const solver of SOLVERS) await once('cmswitch', solver);
    await once('cim-mlc', 'exact');
    for (let run = 0; run < RUNS; run++) {
      samples.cimMlc.push(await once('cim-mlc', 'exact'));
      samples.cmswitch.push(await once('cmswitch', 'exact'));
      if (run < RUNS_OF_HIGHS) samples.highs.push(await once('cmswitch', 'highs'));
    }
    const [theirs, ours, highs] = [median(samples.cimMlc), median(samples.cmswitch), median(samples.highs)];
    rows.push({
      model,
      cimMlc: rounded(theirs),
      cmswitch: rounded(ours),
      highs: rounded(highs),
      ratio: rounded(ours / theirs),
      ratioHighs: rounded(highs / theirs),
    });
  }
  return rows;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}
