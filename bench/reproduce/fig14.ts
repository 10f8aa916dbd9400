// Fig. 14: speedup of CMSwitch over CIM-MLC, six networks, batch 1 to 16, sequences of 64 tokens.

import type { Row } from './csv.ts';
import { interpolationRows, interpolationText } from './interpolation.ts';
import type { Lab } from './lab.ts';
import { NOMINAL } from './parameters.ts';
import { grouped } from './pictures.ts';
import type { Claim, ProbeValue, Section } from './section.ts';
import { geometricMean, type Published } from './verdict.ts';
import { generation, onePass, speedup, type Workload } from './workloads.ts';

export interface Network {
  readonly model: string;
  readonly name: string;
  readonly workload: (batch: number) => Workload;
  readonly published: Published & { readonly kind: 'range' };
}

const SEQUENCE = 64;
export const BATCHES = [1, 2, 4, 8, 16];
/** Where one number stands for a network: the batch in the middle. */
const PROBED_BATCH = 4;

const language = (model: string) => (batch: number) => generation(model, batch, SEQUENCE, SEQUENCE);
const pictures = (model: string) => (batch: number) => onePass(model, { batch });
const range = (least: number, greatest: number, mean?: number) => ({
  kind: 'range' as const,
  least,
  greatest,
  ...(mean !== undefined && { mean }),
});

export const NETWORKS: readonly Network[] = [
  {
    model: 'bert-large',
    name: 'BERT-large',
    workload: (batch) => onePass('bert-large', { batch, sequence: SEQUENCE }),
    published: range(1.02, 1.25, 1.17),
  },
  { model: 'llama2-7b', name: 'LLaMA2-7B', workload: language('llama2-7b'), published: range(1.13, 1.3, 1.24) },
  { model: 'opt-13b', name: 'OPT-13B', workload: language('opt-13b'), published: range(1.2, 2.03, 1.73) },
  { model: 'mobilenetv2', name: 'MobileNetV2', workload: pictures('mobilenetv2'), published: range(1.06, 1.23) },
  { model: 'resnet18', name: 'ResNet-18', workload: pictures('resnet18'), published: range(1.07, 1.23) },
  { model: 'vgg16', name: 'VGG-16', workload: pictures('vgg16'), published: range(1.32, 1.48) },
];
const OVERALL = { mean: 1.31, greatest: 2.03 };

export const fig14: Section = {
  id: 'fig14',
  title: 'Fig. 14: speedup over CIM-MLC',
  isProbedOnMachine: true,
  run: async (lab) => {
    const rows: Row[] = (await Promise.all(NETWORKS.flatMap((network) => BATCHES.map((batch) => rowOf(lab, network, batch))))).flat();
    const of = (model: string, column: string): number[] => rows.filter((row) => row.model === model).map((row) => Number(row[column]));
    const claims = NETWORKS.map(
      ({ model, name, published }): Claim => ({
        id: `fig14-${model}`,
        where: 'Fig. 14',
        claim: `${name}: speedup over CIM-MLC, batch 1 to 16`,
        published,
        unit: 'speedup',
        paper: of(model, 'paper'),
        machine: of(model, 'machine'),
      }),
    );
    const means = (column: string): number[] => [geometricMean(NETWORKS.map(({ model }) => geometricMean(of(model, column))))];
    const most = (column: string): number[] => [Math.max(...rows.map((row) => Number(row[column])))];
    const overall: Claim[] = [
      {
        id: 'fig14-mean',
        where: 'Fig. 14',
        claim: 'mean speedup of all six networks',
        published: { kind: 'value', value: OVERALL.mean },
        unit: 'speedup',
        paper: means('paper'),
        machine: means('machine'),
        note: 'geometric means',
      },
      {
        id: 'fig14-most',
        where: 'Fig. 14',
        claim: 'greatest speedup',
        published: { kind: 'value', value: OVERALL.greatest },
        unit: 'speedup',
        paper: most('paper'),
        machine: most('machine'),
      },
    ];
    const text = [interpolationText(await interpolationRows(lab))];
    return { claims: [...claims, ...overall], tables: { fig14: rows }, pictures: { fig14: picture(rows) }, text };
  },
  probe: async (lab, setting, isSimulated) => {
    const values = await Promise.all(
      NETWORKS.map(async ({ model, workload, published }) => {
        const found = await speedup(lab, workload(PROBED_BATCH), setting, isSimulated);
        const value = isSimulated ? found.machine : found.paper;
        const wanted = published.mean ?? (published.least + published.greatest) / 2;
        const at = workload(1).passes.length === 1 ? `batch ${PROBED_BATCH}` : `batch ${PROBED_BATCH}, ${SEQUENCE} in and ${SEQUENCE} out`;
        return [`fig14-${model}`, { published: wanted, unit: 'speedup', value, at } satisfies ProbeValue] as const;
      }),
    );
    const all = values.map(([, { value }]) => value);
    const overall = { unit: 'speedup', at: `batch ${PROBED_BATCH}` } as const;
    return {
      ...Object.fromEntries(values),
      'fig14-mean': { ...overall, published: OVERALL.mean, value: geometricMean(all) },
      'fig14-most': { ...overall, published: OVERALL.greatest, value: Math.max(...all) },
    };
  },
};

async function rowOf(lab: Lab, { model, workload }: Network, batch: number): Promise<Row> {
  const { paper, machine, ours } = await speedup(lab, workload(batch), NOMINAL);
  return { model, batch, paper, machine, paperMemory: ours.paperMemory, machineMemory: ours.machineMemory };
}

function picture(rows: readonly Row[]) {
  return grouped({
    title: 'Speedup over CIM-MLC',
    subtitle: 'from left to right: batch 1, 2, 4, 8, 16; grey: the published range, with its mean where printed',
    groups: NETWORKS.map(({ model, name, published }) => ({
      name,
      published,
      paper: rows.filter((row) => row.model === model).map((row) => Number(row.paper)),
      machine: rows.filter((row) => row.model === model).map((row) => Number(row.machine)),
    })),
    labels: BATCHES.map((batch) => `batch ${batch}`),
    axis: 'Speedup over CIM-MLC',
  });
}
