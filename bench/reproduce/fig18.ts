// Fig. 18: compile time beside the CIM-MLC policy's. Measured, so it varies with the machine: the processor time of one process, medians of
// runs that take turns. Every other row of the ledger is the same on every machine.

import { compile } from '../../lib/compile.ts';
import type { Row } from './csv.ts';
import { NETWORKS } from './fig14.ts';
import { modelGraph } from './models.ts';
import { NOMINAL } from './parameters.ts';
import { MACHINE, PAPER, panels } from './pictures.ts';
import { chipOf } from './point.ts';
import type { Claim, Section } from './section.ts';
import { geometricMean } from './verdict.ts';

export const RUNS = 20;
const PUBLISHED = { least: 2.8, greatest: 6.3 };
const CNN_OVER_TRANSFORMER = 2.5;
const SOLVERS = ['exact', 'highs'] as const;
/** A general solver takes seconds a run; the paper's is one, Gurobi. */
const RUNS_OF_HIGHS = 3;

/** What the paper compiles: batch 1, a pass over 64 tokens. */
function sizes(model: string): Readonly<Record<string, number>> {
  const passes = NETWORKS.find((network) => network.model === model)?.workload(1).passes;
  return passes?.[0]?.bind ?? { batch: 1 };
}

export const fig18: Section = {
  id: 'fig18',
  title: 'Fig. 18: compile time',
  run: async (lab) => {
    const rows = await lab.rows('fig18', measureAll);
    const ratios = rows.map((row) => Number(row.ratio));
    const times = (wanted: boolean): number =>
      geometricMean(rows.filter(({ model }) => isTransformer(String(model)) !== wanted).map((row) => Number(row.cmswitch)));
    const claims: Claim[] = [
      {
        id: 'fig18-ratio',
        where: 'Fig. 18',
        claim: "compile time over CIM-MLC's",
        published: { kind: 'range', ...PUBLISHED },
        unit: 'factor',
        paper: ratios,
        machine: undefined,
        hangsOn: 'solver and computer',
        note: `planning, emitting and verifying; median processor time of ${RUNS} runs; solver exact`,
      },
      {
        id: 'fig18-ratio-highs',
        where: 'Fig. 18',
        claim: "compile time over CIM-MLC's, with a general MIP solver as in the paper",
        published: { kind: 'range', ...PUBLISHED },
        unit: 'factor',
        paper: rows.map((row) => Number(row.ratioHighs)),
        machine: undefined,
        hangsOn: 'solver and computer',
        note: `solver highs, median of ${RUNS_OF_HIGHS} runs`,
      },
      {
        id: 'fig18-cnn',
        where: 'Fig. 18',
        claim: "a CNN's compile time over a transformer's, whose blocks are compiled once",
        published: { kind: 'value', value: CNN_OVER_TRANSFORMER },
        unit: 'factor',
        paper: [times(true) / times(false)],
        machine: undefined,
        hangsOn: 'solver and computer',
        note: 'geometric means, solver exact',
      },
    ];
    const names = rows.map(({ model }) => NETWORKS.find((network) => network.model === model)?.name ?? '');
    const picture = panels({
      title: "Compile time over CIM-MLC's",
      subtitle: `median of ${RUNS} runs (${RUNS_OF_HIGHS} with HiGHS); grey: the published range`,
      labels: names,
      xTitle: '',
      yTitle: 'Ratio of processor time',
      columns: 1,
      log: true,
      panels: [
        {
          title: '',
          band: [PUBLISHED.least, PUBLISHED.greatest],
          lines: [
            { name: 'Solver exact', colour: PAPER, values: ratios },
            { name: 'Solver HiGHS', colour: MACHINE, values: rows.map((row) => Number(row.ratioHighs)), symbol: 'diamond' },
          ],
        },
      ],
    });
    return { claims, tables: {}, pictures: { fig18: picture }, text: [] };
  },
};

function isTransformer(model: string): boolean {
  return 'sequence' in sizes(model);
}

async function measureAll(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { model } of NETWORKS) {
    const graph = modelGraph(model, sizes(model));
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
