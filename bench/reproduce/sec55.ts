// Sec. 5.5: what switching costs, and another chip: PRIME.

import { parameterRanges } from '../../lib/hardware/leaves.ts';
import { readHardwareFile } from '../../lib/hardware/read.ts';
import type { Row } from './csv.ts';
import { NETWORKS } from './fig14.ts';
import type { Lab } from './lab.ts';
import { NOMINAL, PRIME } from './parameters.ts';
import { grouped } from './pictures.ts';
import type { Claim, Section } from './section.ts';
import { generation, onePass, speedup, type Total } from './workloads.ts';

const SWITCHING = { least: 0.03, greatest: 0.05 };
const SEQUENCE = 64;
const ON_PRIME = [
  { model: 'bert-large', name: 'BERT-large', workload: onePass('bert-large', { batch: 1, sequence: SEQUENCE }), published: 1.48 },
  { model: 'llama2-7b', name: 'LLaMA2-7B', workload: generation('llama2-7b', 1, SEQUENCE, SEQUENCE), published: 1.09 },
  { model: 'opt-13b', name: 'OPT-13B', workload: generation('opt-13b', 1, SEQUENCE, SEQUENCE), published: 1.1 },
] as const;

/** What "switching" may have counted. */
const READINGS: readonly {
  readonly id: string;
  readonly what: string;
  readonly paper: (total: Total) => number;
  readonly machine?: (total: Total) => number;
}[] = [
  { id: 'alone', what: 'switching modes alone (T_swc)', paper: (t) => t.paperSwitch / t.paperCycles, machine: (t) => t.machineSwitch },
  { id: 'write-back', what: 'switching and write-back (T_swc + T_wb)', paper: (t) => (t.paperSwitch + t.paperWriteBack) / t.paperCycles },
  {
    id: 'boundary',
    what: 'all that is between segments (T_swc + T_wb + T_rw)',
    paper: (t) => (t.paperSwitch + t.paperWriteBack + t.paperRewrite) / t.paperCycles,
    machine: (t) => t.machineBoundary,
  },
];

/** What is uncertain of PRIME's file, tried at the ends of its ranges. */
const PRIME_PARAMETERS = [
  { name: 'buffer bandwidth', path: 'buffer.bankRate' },
  { name: 'memory write rate', path: 'memory.write' },
  { name: 'time of a product', path: 'compute.activations.8.mvm' },
  { name: 'weights a row', path: 'compute.weights.8.perRow' },
  { name: 'write latency', path: 'compute.weights.8.writeRow' },
] as const;

/** Speedups on the paper's cost with one number at an end of its range. */
async function primeEnds(lab: Lab): Promise<readonly Row[]> {
  const ranges = parameterRanges(readHardwareFile(`hw/${PRIME}.json`));
  const ends = PRIME_PARAMETERS.flatMap(({ name, path }) => {
    const range = ranges.find((each) => each.path === path);
    if (range === undefined) throw new Error(`hw/${PRIME}.json has no range for ${path}`);
    return [range.least, range.greatest].filter((value) => value !== range.value).map((value) => ({ name, path, value }));
  });
  return Promise.all(
    ends.map(async ({ name, path, value }): Promise<Row> => {
      const setting = { chip: PRIME, set: { [path]: value } };
      const found = await Promise.all(
        ON_PRIME.map(async ({ model, workload }) => [model, (await speedup(lab, workload, setting, false)).paper] as const),
      );
      return { name, value, ...Object.fromEntries(found) };
    }),
  );
}

function primeHangsOn(model: string, nominal: number, ends: readonly Row[]): string {
  const moved = PRIME_PARAMETERS.map(({ name }) => {
    const values = [nominal, ...ends.filter((row) => row.name === name).map((row) => Number(row[model]))];
    return { name, least: Math.min(...values), greatest: Math.max(...values) };
  })
    .filter(({ least, greatest }) => greatest - least > 0.02)
    .sort((a, b) => b.greatest - b.least - (a.greatest - a.least));
  if (moved.length === 0) return `none of ${PRIME_PARAMETERS.length} of its numbers`;
  return moved
    .slice(0, 2)
    .map(({ name, least, greatest }) => `${name} (${least.toFixed(2)} to ${greatest.toFixed(2)})`)
    .join(', ');
}

/** Where CMSwitch loses on its own cost, and why. */
function lossText(row: Row): string {
  if (Number(row.paper) >= 0.99) return '';
  const millions = (column: string): string => `${(Number(row[column]) / 1e6).toFixed(2)} M cycles`;
  return `; CMSwitch loses on the cost it charges, because Eq. (9) chooses arrays by T_intra (${millions('intra')}, CIM-MLC ${millions('cim-mlc intra')}) and \
leaves out what Eq. (2) then takes for writing them, T_rw (${millions('rewrite')}, CIM-MLC ${millions('cim-mlc rewrite')})`;
}

export const sec55: Section = {
  id: 'sec55',
  title: 'Sec. 5.5: the cost of switching, and PRIME',
  run: async (lab) => {
    const [switching, prime] = await Promise.all([
      Promise.all(
        NETWORKS.map(async ({ model, workload }): Promise<Row> => {
          const { ours } = await speedup(lab, workload(1), NOMINAL);
          const shares = READINGS.flatMap(({ id, paper, machine }) => [
            [`${id}-paper`, paper(ours)] as const,
            ...(machine === undefined ? [] : [[`${id}-machine`, machine(ours)] as const]),
          ]);
          return { model, batch: 1, ...Object.fromEntries(shares) };
        }),
      ),
      Promise.all(
        ON_PRIME.map(async ({ model, workload }): Promise<Row> => {
          const { paper, machine, ours, theirs } = await speedup(lab, workload, { chip: PRIME, set: {} });
          return {
            model,
            paper,
            machine,
            paperMemory: ours.paperMemory,
            machineMemory: ours.machineMemory,
            intra: ours.paperIntra,
            rewrite: ours.paperRewrite,
            'cim-mlc intra': theirs.paperIntra,
            'cim-mlc rewrite': theirs.paperRewrite,
          };
        }),
      ),
    ]);
    const ends = await primeEnds(lab);
    const shares = (column: string): number[] | undefined => {
      const values = switching.map((row) => row[column]).filter((value) => typeof value === 'number');
      return values.length === 0 ? undefined : values;
    };
    const claims: Claim[] = READINGS.map(({ id, what }) => ({
      id: `sec55-${id}`,
      where: 'Sec. 5.5',
      claim: `share of the run time: ${what}`,
      published: { kind: 'range', ...SWITCHING },
      unit: 'share',
      paper: shares(`${id}-paper`),
      machine: shares(`${id}-machine`),
      note: 'the six networks of Fig. 14 at batch 1; what was counted is not said',
    }));
    const onPrime = ON_PRIME.map(({ model, name, published }): Claim => {
      const row = prime.find((each) => each.model === model);
      return {
        id: `sec55-prime-${model}`,
        where: 'Sec. 5.5',
        claim: `PRIME: speedup of ${name} over CIM-MLC`,
        published: { kind: 'value', value: published },
        unit: 'speedup',
        paper: [Number(row?.paper)],
        machine: [Number(row?.machine)],
        hangsOn: primeHangsOn(model, Number(row?.paper), ends),
        note: `hw/prime.json, batch 1${row === undefined ? '' : lossText(row)}`,
      };
    });
    const picture = grouped({
      title: 'PRIME: speedup over CIM-MLC',
      subtitle: 'batch 1, 64 tokens in and 64 out; grey line: published',
      labels: ['batch 1'],
      axis: 'Speedup over CIM-MLC',
      groups: ON_PRIME.map(({ model, name, published }) => {
        const row = prime.find((each) => each.model === model);
        const at = { kind: 'range' as const, least: published, greatest: published, mean: published };
        return { name, published: at, paper: [Number(row?.paper)], machine: [Number(row?.machine)] };
      }),
    });
    return {
      claims: [...claims, ...onPrime],
      tables: { 'sec55-switching': switching, 'sec55-prime': prime, 'sec55-prime-ends': ends },
      pictures: { 'sec55-prime': picture },
      text: [],
    };
  },
  probe: async (lab, setting, isSimulated) => {
    const totals = await Promise.all(NETWORKS.map(async ({ workload }) => (await speedup(lab, workload(1), setting, isSimulated)).ours));
    const probed = READINGS.flatMap(({ id, paper, machine }) => {
      const of = isSimulated ? machine : paper;
      if (of === undefined) return [];
      const value = totals.reduce((sum, total) => sum + of(total), 0) / totals.length;
      const at = 'mean of six networks, batch 1';
      return [[`sec55-${id}`, { published: (SWITCHING.least + SWITCHING.greatest) / 2, unit: 'share', value, at }] as const];
    });
    return Object.fromEntries(probed);
  },
};
