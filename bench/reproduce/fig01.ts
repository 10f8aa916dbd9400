// Fig. 1b and 5: a chip of 100 arrays whose modes are frozen. At which share of compute arrays is a network fastest? Read in two ways: the
// latency of a plan, and the roofline that Fig. 5's own intensities draw.

import { inspect } from '../../lib/ir/inspect.ts';
import type { Row } from './csv.ts';
import type { Lab } from './lab.ts';
import { modelGraph } from './models.ts';
import { NOMINAL, parameters, type Setting, settingOf } from './parameters.ts';
import { MACHINE, PAPER, PUBLISHED, panels } from './pictures.ts';
import { chipOf } from './point.ts';
import type { Claim, Section } from './section.ts';
import { latency, onePass, type Workload } from './workloads.ts';

const ARRAYS = 100;
const SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
/** A latency within this part of the least one is as good. */
const AS_GOOD = 0.01;
/** The same chip as measured, whose arrays compute slower. */
const MEASURED_CHIP: Setting = { chip: 'dynaplasia', set: {} };
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
    const asGood = (model: string, column: 'paper' | 'machine'): string => {
      const mine = rows.filter((row) => row.model === model);
      const least = Math.min(...mine.map((row) => Number(row[column])));
      const shares = mine.filter((row) => Number(row[column]) <= (1 + AS_GOOD) * least).map(({ share }) => Number(share));
      return [...new Set([shares[0]!, shares.at(-1)!])].map(percent).join(' to ');
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
        note: `shares tried: 0.1, 0.2, ... 1; within ${100 * AS_GOOD} % of the least latency: ${asGood(id, 'paper')} (machine: ${asGood(id, 'machine')})`,
      }),
    );
    const roofline = await rooflineOf(lab);
    const byRoofline = CASES.map(
      ({ id, name, published }): Claim => ({
        id: `fig01-${id}-roofline`,
        where: 'Fig. 1b, 5',
        claim: `${name}: the same by a roofline over Fig. 5's intensities`,
        published: { kind: 'value', value: published },
        unit: 'share',
        paper: [bestByRoofline(roofline, id, NOMINAL)],
        machine: undefined,
        note: `sum over products of OP / min(arrays that compute * OP_cim, (memory arrays * D_cim + D_main) * OP / elements moved), no T_inter; on hw/${MEASURED_CHIP.chip}.json ${percent(bestByRoofline(roofline, id, MEASURED_CHIP))}`,
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
    return { claims: [...claims, ...byRoofline], tables: { fig01: rows }, pictures: { fig01: picture }, text: [] };
  },
  probe: async (lab, setting, isSimulated) => {
    const values = await Promise.all(
      CASES.map(async ({ id, workload, published }) => {
        const found = await sweepShares(lab, workload, setting, isSimulated);
        const key = isSimulated ? 'machine' : 'paper';
        const value = found.reduce((a, b) => (b[key] < a[key] ? b : a)).share;
        return [`fig01-${id}`, { published, unit: 'share', value, at: '100 arrays' }] as const;
      }),
    );
    if (isSimulated) return Object.fromEntries(values);
    const roofline = await rooflineOf(lab);
    const byRoofline = CASES.map(({ id, published }) => {
      const value = bestByRoofline(roofline, id, setting);
      return [`fig01-${id}-roofline`, { published, unit: 'share', value, at: '100 arrays' }] as const;
    });
    return Object.fromEntries([...values, ...byRoofline]);
  },
};

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

async function sweepShares(lab: Lab, workload: Workload, { set, ...rest }: Setting, isSimulated: boolean) {
  const setting: Setting = { ...rest, set: { ...set, 'arrays.count': ARRAYS } };
  return Promise.all(
    SHARES.map(async (share) => {
      const { paperCycles, machineCycles } = await latency(lab, workload, setting, `static:${share}`, isSimulated);
      return { share, paper: paperCycles, machine: machineCycles };
    }),
  );
}

/** The best share by a roofline, for both networks, at every value of every parameter and on the chip as measured. */
function rooflineOf(lab: Lab): Promise<readonly Row[]> {
  return lab.rows('fig01-roofline', async () => {
    const settings = parameters().flatMap(({ values }) => values.map((value) => settingOf(value)));
    const distinct = new Map([NOMINAL, MEASURED_CHIP, ...settings].map((setting) => [settingName(setting), setting]));
    return [...distinct.values()].flatMap(rooflineRows);
  });
}

function rooflineRows(setting: Setting): readonly Row[] {
  const { opCim, dCim, dMain } = chipOf(setting);
  return CASES.map(({ id, workload }): Row => {
    const { operators } = inspect(modelGraph(workload.model, workload.passes[0]!.bind));
    const latencyAt = (share: number): number => {
      const compute = Math.round(share * ARRAYS);
      const feed = (ARRAYS - compute) * dCim + dMain;
      // At 8 bits an element is a byte; two operations are one multiply-accumulate.
      return operators.reduce((sum, { macs, flopsPerMop }) => {
        return macs === 0 ? sum : sum + macs / Math.min(compute * opCim, (feed * (flopsPerMop ?? 0)) / 2);
      }, 0);
    };
    return { model: id, setting: settingName(setting), share: SHARES.reduce((a, b) => (latencyAt(b) < latencyAt(a) ? b : a)) };
  });
}

function bestByRoofline(rows: readonly Row[], model: string, setting: Setting): number {
  return Number(rows.find((row) => row.model === model && row.setting === settingName(setting))?.share);
}

/** How finely operators are cut is nothing to a roofline. */
function settingName({ chip, set }: Setting): string {
  return [chip, ...Object.entries(set).map(([path, value]) => `${path}=${value}`)].join(' ');
}
