// Fig. 18: compile time beside the CIM-MLC policy's. Measured, so it varies with the machine. Every other row of the ledger is the same on
// every machine.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Row } from './csv.ts';
import { NETWORKS } from './fig14.ts';
import { MACHINE, PAPER, panels } from './pictures.ts';
import type { Claim, Section } from './section.ts';
import { RUNS, RUNS_OF_HIGHS, sizesOf } from './timing.ts';
import { geometricMean } from './verdict.ts';

const PUBLISHED = { least: 2.8, greatest: 6.3 };
const CNN_OVER_TRANSFORMER = 2.5;

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
        note: `planning and emitting; median processor time of ${RUNS} runs; solver exact`,
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
        note: `solver highs, ${RUNS_OF_HIGHS} run`,
      },
      {
        id: 'fig18-ratio-plan',
        where: 'Fig. 18',
        claim: "planning time over CIM-MLC's, emitting left out",
        published: { kind: 'range', ...PUBLISHED },
        unit: 'factor',
        paper: rows.map((row) => Number(row.ratioPlan)),
        machine: undefined,
        hangsOn: 'solver and computer',
        note: `median processor time of ${RUNS} runs; solver exact`,
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
  return 'sequence' in sizesOf(model);
}

/** In a process of its own, so that nothing else is in what it counts. */
function measureAll(): Promise<readonly Row[]> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./timing-worker.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] });
    child.on('message', (rows: readonly Row[]) => resolve(rows));
    child.on('exit', (code) => reject(new Error(`timing ended with code ${code}`)));
  });
}
