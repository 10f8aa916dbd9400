// Compile times: the processor time of planning and emitting, medians of runs that take turns.

import { emit } from '../../lib/emit/emit.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import type { Row } from './csv.ts';
import { NETWORKS } from './fig14.ts';
import { modelGraph } from './models.ts';
import { NOMINAL } from './parameters.ts';
import { chipOf } from './point.ts';

export const RUNS = 20;
/** A general solver takes seconds a run; the paper's is one, Gurobi. */
export const RUNS_OF_HIGHS = 1;

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
    const once = async (optimizer: string, solver: string): Promise<readonly [plan: number, compile: number]> => {
      const before = process.cpuUsage();
      const plan = await schedule(graph, hardware, { optimizer, solver });
      const planned = process.cpuUsage(before);
      emit(graph, plan, hardware);
      const emitted = process.cpuUsage(before);
      return [(planned.user + planned.system) / 1000, (emitted.user + emitted.system) / 1000];
    };
    type Samples = (readonly [number, number])[];
    const samples = { cimMlc: [] as Samples, cmswitch: [] as Samples, highs: [] as Samples };
    await once('cmswitch', 'exact');
    await once('cim-mlc', 'exact');
    for (let run = 0; run < RUNS; run++) {
      samples.cimMlc.push(await once('cim-mlc', 'exact'));
      samples.cmswitch.push(await once('cmswitch', 'exact'));
      if (run < RUNS_OF_HIGHS) samples.highs.push(await once('cmswitch', 'highs'));
    }
    const [planned, compiled] = [0, 1].map((part) => ({
      theirs: median(samples.cimMlc.map((sample) => sample[part]!)),
      ours: median(samples.cmswitch.map((sample) => sample[part]!)),
      highs: median(samples.highs.map((sample) => sample[part]!)),
    })) as [Times, Times];
    rows.push({
      model,
      cimMlc: rounded(compiled.theirs),
      cmswitch: rounded(compiled.ours),
      highs: rounded(compiled.highs),
      ratio: rounded(compiled.ours / compiled.theirs),
      ratioHighs: rounded(compiled.highs / compiled.theirs),
      ratioPlan: rounded(planned.ours / planned.theirs),
    });
  }
  return rows;
}

interface Times {
  readonly theirs: number;
  readonly ours: number;
  readonly highs: number;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}
