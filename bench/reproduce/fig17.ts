// Fig. 17: speedup over CIM-MLC against the tokens that come out (128 in) and that go in (128 out).

import type { Row } from './csv.ts';
import { NOMINAL } from './parameters.ts';
import { MACHINE, PAPER, type Panel, PUBLISHED, panels } from './pictures.ts';
import type { Claim, Section } from './section.ts';
import type { Found } from './verdict.ts';
import { generation, speedup } from './workloads.ts';

const LENGTHS = [32, 64, 128, 256, 512, 1024, 2048];
const FIXED = 128;
const NETWORKS = [
  { model: 'llama2-7b', name: 'LLaMA2-7B', published: [1.1, 1.24] },
  { model: 'opt-13b', name: 'OPT-13B', published: [1.43, 1.62] },
] as const;
const MODELS = ['paper', 'machine'] as const;

export const fig17: Section = {
  id: 'fig17',
  title: 'Fig. 17: speedup against input and output length',
  run: async (lab) => {
    const rows = await Promise.all(
      NETWORKS.flatMap(({ model }) =>
        (['output', 'input'] as const).flatMap((varied) =>
          LENGTHS.map(async (length): Promise<Row> => {
            const [input, output] = varied === 'output' ? [FIXED, length] : [length, FIXED];
            const { paper, machine } = await speedup(lab, generation(model, 1, input, output), NOMINAL);
            return { model, varied, input, output, paper, machine };
          }),
        ),
      ),
    );
    const of = (model: string, varied: string, column: string): number[] =>
      rows.filter((row) => row.model === model && row.varied === varied).map((row) => Number(row[column]));
    const claims = NETWORKS.flatMap(({ model, name, published: [least, greatest] }): Claim[] => {
      const note = 'batch 1';
      const flat = MODELS.map((column) => flatness(of(model, 'output', column)));
      const falls = MODELS.map((column) => falling(of(model, 'input', column)));
      return [
        {
          id: `fig17-${model}`,
          where: 'Fig. 17',
          claim: `${name}: speedup with ${FIXED} tokens in and 32 to 2,048 out`,
          published: { kind: 'range', least, greatest },
          unit: 'speedup',
          paper: of(model, 'output', 'paper'),
          machine: of(model, 'output', 'machine'),
          probe: `fig14-${model}`,
          note,
        },
        {
          id: `fig17-${model}-flat`,
          where: 'Fig. 17',
          claim: `${name}: a gain nearly flat over the output length`,
          published: { kind: 'holds' },
          unit: 'speedup',
          paper: flat[0],
          machine: flat[1],
          probe: `fig14-${model}`,
          note: 'holds if there is a gain above 1.01 everywhere and the largest is at most 15 % above the smallest; partly if only the latter',
        },
        {
          id: `fig17-${model}-input`,
          where: 'Fig. 17',
          claim: `${name}: with the output fixed, the gain falls as the input grows`,
          published: { kind: 'holds' },
          unit: 'speedup',
          paper: falls[0],
          machine: falls[1],
          probe: `fig14-${model}`,
          note: 'holds if it never rises by more than 0.01 and ends lower; partly if it only ends lower',
        },
      ];
    });
    return { claims, tables: { fig17: rows }, pictures: { fig17: picture(of) }, text: [] };
  },
};

/** Published: 1.10 to 1.24 and 1.43 to 1.62 are 13 % from end to end. */
function flatness(values: readonly number[]): Found {
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  if (greatest / least > 1.15) return 'does not hold';
  return least > 1.01 ? 'holds' : 'partly';
}

function falling(values: readonly number[]): Found {
  if (!(values.at(-1)! < values[0]! - 0.01)) return 'does not hold';
  return values.every((value, i) => i === 0 || value <= values[i - 1]! + 0.01) ? 'holds' : 'partly';
}

function picture(of: (model: string, varied: string, column: string) => readonly number[]) {
  return panels({
    title: 'Speedup over CIM-MLC against output and input length',
    subtitle: `batch 1; the other length is ${FIXED}; grey: the published range`,
    labels: LENGTHS.map(String),
    xTitle: 'Tokens',
    yTitle: 'Speedup',
    columns: 2,
    panels: NETWORKS.flatMap(({ model, name, published }) =>
      (['output', 'input'] as const).map(
        (varied): Panel => ({
          title: `${name}, ${varied} grows`,
          ...(varied === 'output' && { band: published }),
          lines: [
            ...(varied === 'output'
              ? [{ name: 'Published range', colour: PUBLISHED, values: LENGTHS.map(() => undefined), symbol: 'square' }]
              : []),
            { name: "Ours, the paper's cost", colour: PAPER, values: of(model, varied, 'paper') },
            { name: 'Ours, on the machine', colour: MACHINE, values: of(model, varied, 'machine'), symbol: 'diamond' },
          ],
        }),
      ),
    ),
  });
}
