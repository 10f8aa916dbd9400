// Fig. 1b and 5: a chip of 100 arrays whose modes are frozen. At which share of compute arrays is a network fastest?

import type { Row } from './csv.ts';
import type { Lab } from './lab.ts';
import { NOMINAL, type Setting } from './parameters.ts';
import { MACHINE, PAPER, PUBLISHED, panels } from './pictures.ts';
import type { Claim, Section } from './section.ts';
import { latency, onePass, type Workload } from './workloads.ts';

const ARRAYS = 100;
const SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
/** LLaMA2 generates one token behind a prompt of 64. */
const CASES: readonly { readonly id: string; readonly name: string; readonly workload: Workload; readonly published: number }[] = [
  { id: 'resnet50', name: 'ResNet-50, batch 1', workload: onePass('resnet50', { batch: 1 }), published: 0.8 },
  { id: 'llama2', name: 'LLaMA2-7B, one token', workload: onePass('llama2-7b', { batch: 1, sequence: 1, past: 64 }), published: 0.1 },
];

export const fig01: Section = {
  id: 'fig01',
  title: 'Fig. 1b and 5: the best fixed share of compute arrays',
  run: async (lab) => {
    const rows = (
      await Promise.all(
        CASES.map(async ({ id, workload }): Promise<readonly Row[]> => {
          const found = await sweepShares(lab, workload, NOMINAL, true);
          return found.map(({ share, paper, machine }) => ({ model: id, share, paper, machine }));
        }),
      )
    ).flat();
    const best = (model: string, column: 'paper' | 'machine'): number[] => {
      const mine = rows.filter((row) => row.model === model);
      return [Number(mine.reduce((a, b) => (Number(b[column]) < Number(a[column]) ? b : a)).share)];
    };
    const claims = CASES.map(
      ({ id, name, published }): Claim => ({
        id: `fig01-${id}`,
        where: 'Fig. 1b, 5',
        claim: `${name}: share of 100 arrays that compute where it is fastest`,
        published: { kind: 'value', value: published },
        unit: 'share',
        paper: best(id, 'paper'),
        machine: best(id, 'machine'),
        note: 'shares tried: 0.1, 0.2, ... 1',
      }),
    );
    const line = (model: string, column: 'paper' | 'machine'): number[] => {
      const values = rows.filter((row) => row.model === model).map((row) => Number(row[column]));
      return values.map((value) => Math.min(...values) / value);
    };
    const picture = panels({
      title: 'How many of 100 arrays should compute?',
      subtitle: 'speed relative to the best share; modes frozen; grey: the published best',
      labels: SHARES.map((share) => `${Math.round(share * 100)}`),
      xTitle: 'Arrays in compute mode (%)',
      yTitle: 'Speed / best',
      panels: CASES.map(({ id, name, published }) => ({
        title: name,
        lines: [
          {
            name: 'Published best',
            colour: PUBLISHED,
            values: SHARES.map((share) => (share === published ? 1 : undefined)),
            symbol: 'star',
          },
          { name: "Ours, the paper's cost", colour: PAPER, values: line(id, 'paper') },
          { name: 'Ours, on the machine', colour: MACHINE, values: line(id, 'machine'), symbol: 'diamond' },
        ],
      })),
    });
    return { claims, tables: { fig01: rows }, pictures: { fig01: picture }, text: [] };
  },
  probe: async (lab, setting, isSimulated) => {
    const values = await Promise.all(
      CASES.map(async ({ id, workload, published }) => {
        const found = await sweepShares(lab, workload, setting, isSimulated);
        const key = isSimulated ? 'machine' : 'paper';
        const value = found.reduce((a, b) => (b[key] < a[key] ? b : a)).share;
        return [`fig01-${id}`, { published, unit: 'share', value }] as const;
      }),
    );
    return Object.fromEntries(values);
  },
};

async function sweepShares(lab: Lab, workload: Workload, { set, ...rest }: Setting, isSimulated: boolean) {
  const setting: Setting = { ...rest, set: { ...set, 'arrays.count': ARRAYS } };
  return Promise.all(
    SHARES.map(async (share) => {
      const { paperCycles, machineCycles } = await latency(lab, workload, setting, `static:${share}`, isSimulated);
      return { share, paper: paperCycles, machine: machineCycles };
    }),
  );
}
