// Fig. 5c and 6: arithmetic intensities, operations over elements moved once (`flopsPerMop`). Shapes alone decide: no chip, no cost.

import { inspect } from '../../lib/ir/inspect.ts';
import type { Row } from './csv.ts';
import { modelGraph } from './models.ts';
import { PAPER, PUBLISHED, panels } from './pictures.ts';
import type { Claim, Section } from './section.ts';
import { mean } from './verdict.ts';

const BERT_LENGTHS = [32, 64, 128, 256, 512, 1024, 2048];

/** Operations over elements of a whole network, and of each product; and of all if every function moves what it takes and gives. */
function intensities(model: string, bind: Readonly<Record<string, number>>) {
  const { model: total, operators } = inspect(modelGraph(model, bind));
  // At 8 bits an element is a byte. Functions on the way out (ReLU) are one element in, one out.
  const elements = operators.reduce(
    (sum, { inputBytes, weightBytes, outputBytes, steps }) => sum + inputBytes + weightBytes + (1 + 2 * steps.length) * outputBytes,
    0,
  );
  return {
    whole: total.flopsPerMop ?? 0,
    unfused: (2 * total.macs) / elements,
    each: operators.flatMap(({ macs, flopsPerMop }) => (macs > 0 ? [flopsPerMop ?? 0] : [])),
  };
}

export const fig06: Section = {
  id: 'fig06',
  title: 'Fig. 5c and 6: arithmetic intensities',
  run: async (lab) => {
    const rows = await lab.rows('fig06', async () => {
      const resnet = intensities('resnet50', { batch: 1 });
      const llama = intensities('llama2-7b', { batch: 1, sequence: 1, past: 64 });
      const layers = resnet.each.map((value, i): Row => ({ what: 'resnet50-layer', at: i + 1, value }));
      const bert = BERT_LENGTHS.map(
        (sequence): Row => ({ what: 'bert', at: sequence, value: intensities('bert-large', { batch: 1, sequence }).whole }),
      );
      const wholes: Row[] = [
        { what: 'resnet50', value: resnet.whole },
        { what: 'resnet50-mean', value: mean(resnet.each) },
        { what: 'resnet50-unfused', value: resnet.unfused },
        { what: 'llama2', value: llama.whole },
      ];
      return [...wholes, ...layers, ...bert].map((row) => ({ ...row, value: Number(Number(row.value).toPrecision(10)) }));
    });
    const of = (what: string): number[] => rows.filter((row) => row.what === what).map(({ value }) => Number(value));
    const claim = (id: string, text: string, published: Claim['published'], paper: readonly number[], note?: string): Claim => ({
      id: `fig06-${id}`,
      where: 'Fig. 5c, 6',
      claim: text,
      published,
      unit: 'factor',
      paper,
      machine: undefined,
      hangsOn: 'none: shapes alone',
      ...(note !== undefined && { note }),
    });
    const claims = [
      claim(
        'resnet50',
        'ResNet-50: intensity of the network',
        { kind: 'value', value: 66 },
        of('resnet50'),
        `operations of all products over all elements they move; the mean over products is ${of('resnet50-mean')[0]?.toFixed(0)}; ${of('resnet50-unfused')[0]?.toFixed(0)} if ReLU, additions and pools move theirs too; with a multiply-accumulate as one operation all of these are half, and LLaMA2's 2 is 1`,
      ),
      claim('llama2', 'LLaMA2-7B, one token: intensity', { kind: 'value', value: 2 }, of('llama2'), 'one token behind 64'),
      claim('layers', 'ResNet-50: intensities of its layers', { kind: 'spread', under: 100, over: 700 }, of('resnet50-layer')),
      claim(
        'bert',
        'BERT-large: intensity against the length of the sequence',
        { kind: 'spread', under: 150, over: 1000 },
        of('bert'),
        'batch 1, lengths 32 to 2,048; beyond 512 with a longer table of positions than the published network has',
      ),
    ];
    const layers = of('resnet50-layer');
    const picture = panels({
      title: 'Operations for each element moved',
      subtitle: 'grey lines: the published least and greatest',
      labels: [],
      xTitle: '',
      yTitle: 'Intensity',
      format: '.0f',
      columns: 2,
      panels: [
        {
          title: 'ResNet-50, layer by layer',
          labels: layers.map((_, i) => (i % 10 === 9 ? String(i + 1) : '')),
          lines: [...levels(layers.length, 100, 700), { name: 'Ours', colour: PAPER, values: layers }],
        },
        {
          title: 'BERT-large, by length',
          labels: BERT_LENGTHS.map(String),
          lines: [...levels(BERT_LENGTHS.length, 150, 1000), { name: 'Ours', colour: PAPER, values: of('bert') }],
        },
      ],
    });
    return { claims, tables: {}, pictures: { fig06: picture }, text: [] };
  },
};

function levels(count: number, ...values: readonly number[]) {
  return values.map((value) => ({
    name: `Published: ${value === values[0] ? 'under' : 'over'}`,
    colour: PUBLISHED,
    values: Array.from({ length: count }, () => value),
    dash: value === values[0] ? ('dot' as const) : ('dash' as const),
  }));
}
