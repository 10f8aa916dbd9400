// Where cmswitch, as published, loses: on the paper's own cost to a baseline or to a chip whose modes are frozen, over all shipped
// networks. The test holds the list on the paper's cost; `npm run losses` adds the simulator's side and writes docs/losses.md.

import { loadHardware } from '../../lib/hardware/read.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';

export const VISION = ['efficientnetb0', 'mobilenetv2', 'resnet18', 'resnet50', 'vgg16', 'vitb16'];
export const LANGUAGE = ['bert-large', 'gpt2', 'llama2-7b', 'mixtral-8x7b', 'opt-6.7b', 'opt-13b', 'qwen3-8b'];
export const RIVALS = ['static:1', 'static:0.75', 'static:0.5', 'static:0.25', 'puma', 'occ', 'cim-mlc'];
export const CHIPS = ['dynaplasia-paper', 'dynaplasia'];

/** Vision networks at batch 1 and 8; language models reading 64 tokens, batch 1. */
export const CASES = [
  ...VISION.flatMap((model) => [1, 8].map((batch) => ({ model, batch }))),
  ...LANGUAGE.map((model) => ({ model, batch: 1 })),
];

export interface Loss {
  readonly model: string;
  readonly batch: number;
  readonly chip: string;
  readonly rival: string;
  /** What the rival takes over what cmswitch takes. */
  readonly ratio: number;
}

/** Every case with what `measure` makes of each optimizer (cycles by each of its measures), and how many comparisons those were. */
export async function lossesOf(
  measure: (
    graph: ReturnType<typeof importOnnx>,
    hardware: ReturnType<typeof loadHardware>,
    optimizer: string,
  ) => Promise<readonly number[]>,
): Promise<{ readonly losses: readonly (readonly Loss[])[]; readonly compared: number }> {
  const losses: Loss[][] = [];
  let compared = 0;
  for (const { model, batch } of CASES) {
    const graph = importOnnx(`datasets/${model}.onnx`, { bind: { batch }, defaults: { sequence: 64, past: 0 } });
    for (const chip of CHIPS) {
      const hardware = loadHardware(`hw/${chip}.json`);
      const ours = await measure(graph, hardware, 'cmswitch');
      for (const rival of RIVALS) {
        const theirs = await measure(graph, hardware, rival);
        compared++;
        for (const [i, cycles] of theirs.entries()) {
          losses[i] ??= [];
          const ratio = cycles / (ours[i] ?? Number.NaN);
          if (ratio < 1 - 1e-9) losses[i].push({ model, batch, chip, rival, ratio });
        }
      }
    }
  }
  return { losses, compared };
}
