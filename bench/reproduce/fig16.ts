// Fig. 16: speedup over CIM-MLC against batch and length. What "length" counts for a generation is not said: read as a prompt of that
// length and as many tokens generated; the prompt alone is the other reading.

import { speedupGrid } from '../../lib/report/charts/speedup-grid.ts';
import type { Row } from './csv.ts';
import { NOMINAL } from './parameters.ts';
import { MACHINE, PAPER, type Panel, PUBLISHED, panels } from './pictures.ts';
import type { Claim, Probe, ProbeValue, Section } from './section.ts';
import { geometricMean, isNear, mean, type Unit } from './verdict.ts';
import { generation, onePass, prefill, type Speedup, speedup, type Workload } from './workloads.ts';

export const LENGTHS = [32, 64, 128, 256, 512, 1024, 2048];
const BATCHES = [4, 8, 16];
/** From here on BERT-large is published without a gain. */
const LONG = 512;
/** The batch that stands for a network in the probe; the length is its first. */
const PROBED_BATCH = 4;

interface Reading {
  readonly id: string;
  readonly name: string;
  readonly model: string;
  readonly workload: (batch: number, length: number) => Workload;
  /** Published at the first and last of `lengths`. */
  readonly published: readonly [from: number, to: number];
  readonly lengths: readonly number[];
  /** The claim whose probe stands for this one, if it has none of its own. */
  readonly probe?: string;
}

const readings = (model: string, name: string, published: readonly [number, number], probe?: string): readonly Reading[] => [
  {
    id: model,
    name: `${name}, L in and L out`,
    model,
    workload: (batch, length) => generation(model, batch, length, length),
    published,
    lengths: LENGTHS,
    ...(probe !== undefined && { probe }),
  },
  {
    id: `${model}-prefill`,
    name: `${name}, the prompt alone`,
    model,
    workload: (batch, length) => prefill(model, batch, length),
    published,
    lengths: LENGTHS,
  },
];

const READINGS: readonly Reading[] = [
  {
    id: 'bert-large',
    name: 'BERT-large',
    model: 'bert-large',
    workload: (batch, sequence) => onePass('bert-large', { batch, sequence }),
    published: [1.19, 1.03],
    lengths: [32, 64, 128, 256],
  },
  ...readings('llama2-7b', 'LLaMA2-7B', [1.25, 1.08], 'fig14-llama2-7b'),
  ...readings('opt-6.7b', 'OPT-6.7B', [1.5, 1.23]),
  ...readings('opt-13b', 'OPT-13B', [1.76, 1.32], 'fig14-opt-13b'),
];

/** OPT-6.7B at batch 8: six speedups are printed for lengths 32 to 2048, of which there are seven. */
const OPT_BATCH_8 = { speedups: [1.41, 1.58, 1.27, 1.23, 1.22, 1.22], memory: [0.208, 0.12] };

export const fig16: Section = {
  id: 'fig16',
  title: 'Fig. 16: speedup against batch and length',
  run: async (lab) => {
    const rows = await Promise.all(
      READINGS.flatMap(({ id, workload }) =>
        BATCHES.flatMap((batch) =>
          LENGTHS.map(async (length): Promise<Row> => {
            const { paper, machine, ours } = await speedup(lab, workload(batch, length), NOMINAL);
            return { reading: id, batch, length, paper, machine, paperMemory: ours.paperMemory, machineMemory: ours.machineMemory };
          }),
        ),
      ),
    );
    const at = (reading: string, batch: number, length: number, column: string): number =>
      Number(rows.find((row) => row.reading === reading && row.batch === batch && row.length === length)?.[column]);
    /** By length, over the batches. */
    const series = (reading: string, lengths: readonly number[], column: string): number[] =>
      lengths.map((length) => {
        const values = BATCHES.map((batch) => at(reading, batch, length, column));
        return column.endsWith('Memory') ? mean(values) : geometricMean(values);
      });
    const both = (of: (column: 'paper' | 'machine') => readonly number[]) => ({ paper: of('paper'), machine: of('machine') });
    const claim = (
      id: string,
      text: string,
      published: Claim['published'],
      unit: Unit,
      found: ReturnType<typeof both>,
      note?: string,
      probe?: string,
    ): Claim => ({
      id: `fig16-${id}`,
      where: 'Fig. 16',
      claim: text,
      published,
      unit,
      ...found,
      ...(note !== undefined && { note }),
      ...(probe !== undefined && { probe }),
    });
    const falling = READINGS.map(({ id, name, published, lengths, probe }) =>
      claim(
        id,
        `${name}: speedup over lengths ${lengths[0]} to ${lengths.at(-1)?.toLocaleString('en-US')}`,
        { kind: 'series', values: published },
        'speedup',
        both((column) => series(id, lengths, column)),
        'geometric mean of batch 4, 8 and 16',
        probe,
      ),
    );
    const long = LENGTHS.filter((length) => length >= LONG);
    const shares = (reading: string, batch: number, lengths: readonly number[]) =>
      both((column) => lengths.map((length) => at(reading, batch, length, `${column}Memory`)));
    const others: Claim[] = [
      claim(
        'bert-large-long',
        'BERT-large: no speedup from 512 on',
        { kind: 'range', least: 1, greatest: 1 },
        'speedup',
        both((column) => series('bert-large', long, column)),
        'beyond 512 with a longer table of positions than the published network has',
      ),
      claim(
        'bert-large-memory',
        'BERT-large: the memory ratio falls to 0 at 512',
        { kind: 'value', value: 0 },
        'share',
        both((column) => series('bert-large', [LONG], `${column}Memory`)),
      ),
      ...['opt-6.7b', 'opt-6.7b-prefill'].flatMap((reading) => [
        claim(
          `${reading}-batch8`,
          `${READINGS.find(({ id }) => id === reading)?.name}, batch 8: six speedups over lengths 32 to 2,048`,
          { kind: 'series', values: OPT_BATCH_8.speedups },
          'speedup',
          both((column) => sixOf(LENGTHS.map((length) => at(reading, 8, length, column)))),
          'which six of seven lengths is not said: the six whose first and last are nearest',
          `fig16-${reading}`,
        ),
        claim(
          `${reading}-batch8-memory`,
          `${READINGS.find(({ id }) => id === reading)?.name}, batch 8: memory ratio over lengths 32 to 2,048`,
          { kind: 'series', values: OPT_BATCH_8.memory },
          'share',
          shares(reading, 8, LENGTHS),
        ),
      ]),
    ];
    const grids = Object.fromEntries(
      (['paper', 'machine'] as const).map((column) => [
        `fig16-grid-${column}`,
        speedupGrid({
          title: column === 'paper' ? "Speedup over CIM-MLC, the paper's cost" : 'Speedup over CIM-MLC, on the machine',
          rows: READINGS.flatMap(({ name }) => BATCHES.map((batch) => `${name}, batch ${batch}`)),
          columns: LENGTHS.map(String),
          columnTitle: 'Length L (tokens)',
          values: READINGS.flatMap(({ id }) => BATCHES.map((batch) => LENGTHS.map((length) => at(id, batch, length, column)))),
          marked: READINGS.flatMap(({ id, published, lengths }) =>
            BATCHES.map((batch) => LENGTHS.map((length) => isPublished(at(id, batch, length, column), length, published, lengths))),
          ),
          mark: 'near the published value at the ends of its series',
        }),
      ]),
    );
    return { claims: [...falling, ...others], tables: { fig16: rows }, pictures: { fig16: picture(series), ...grids }, text: [] };
  },
  probe: probeFirst,
};

/** Of seven numbers the six without the first or without the last, whichever begins and ends nearer to what is printed. */
function sixOf(seven: readonly number[]): readonly number[] {
  const { speedups } = OPT_BATCH_8;
  const distance = (six: readonly number[]): number =>
    Math.abs(Math.log(six[0]! / speedups[0]!)) + Math.abs(Math.log(six.at(-1)! / speedups.at(-1)!));
  const [early, late] = [seven.slice(0, 6), seven.slice(1)];
  return distance(early) <= distance(late) ? early : late;
}

function isPublished(found: number, length: number, [from, to]: readonly [number, number], lengths: readonly number[]): boolean {
  if (length === lengths[0]) return isNear(found, from, 'speedup');
  return length === lengths.at(-1) && isNear(found, to, 'speedup');
}

/** The speedup at the first length, beside the first one published; of BERT-large at 512 too, and memory ratios. */
async function probeFirst(...[lab, setting, isSimulated]: Parameters<Probe>): Promise<Readonly<Record<string, ProbeValue>>> {
  const values = await Promise.all(
    READINGS.filter(({ probe }) => probe === undefined).map(
      async ({ id, workload, published, lengths }): Promise<readonly (readonly [string, ProbeValue])[]> => {
        const at = (length: number) => speedup(lab, workload(PROBED_BATCH, length), setting, isSimulated);
        const gain = (found: Speedup): number => (isSimulated ? found.machine : found.paper);
        const memory = ({ ours }: Speedup): number => (isSimulated ? ours.machineMemory : ours.paperMemory);
        const [where, whereLong] = [lengths[0]!, LONG].map((length) => `batch ${PROBED_BATCH}, length ${length}`) as [string, string];
        const first = await at(lengths[0]!);
        const own = [`fig16-${id}`, { published: published[0], unit: 'speedup', value: gain(first), at: where }] as const;
        if (id.startsWith('opt-6.7b'))
          return [
            own,
            [`fig16-${id}-batch8-memory`, { published: OPT_BATCH_8.memory[0]!, unit: 'share', value: memory(first), at: where }],
          ];
        if (id !== 'bert-large') return [own];
        const long = await at(LONG);
        return [
          own,
          ['fig16-bert-large-long', { published: 1, unit: 'speedup', value: gain(long), at: whereLong }],
          ['fig16-bert-large-memory', { published: 0, unit: 'share', value: memory(long), at: whereLong }],
        ];
      },
    ),
  );
  return Object.fromEntries(values.flat());
}

function picture(series: (reading: string, lengths: readonly number[], column: string) => readonly number[]) {
  return panels({
    title: 'Speedup over CIM-MLC against length',
    subtitle: 'geometric mean of batch 4, 8 and 16; grey: the published ends',
    labels: LENGTHS.map(String),
    xTitle: 'Length L (tokens)',
    yTitle: 'Speedup',
    columns: 2,
    panels: READINGS.map(({ id, name, published, lengths }): Panel => {
      const ends = LENGTHS.map((length) => (length === lengths[0] ? published[0] : length === lengths.at(-1) ? published[1] : undefined));
      return {
        title: name,
        lines: [
          { name: 'Published', colour: PUBLISHED, values: ends, symbol: 'square' },
          { name: "Ours, the paper's cost", colour: PAPER, values: series(id, LENGTHS, 'paper') },
          { name: 'Ours, on the machine', colour: MACHINE, values: series(id, LENGTHS, 'machine'), symbol: 'diamond' },
        ],
      };
    }),
  });
}
