// How far off are generations that are summed over a fixed ladder of contexts? Beside `simulateGeneration`, which adds contexts until the
// lines between them hold to 0.05 %.

import { simulateGeneration } from '../../lib/generation/simulate-generation.ts';
import type { Row } from './csv.ts';
import type { Lab } from './lab.ts';
import { NOMINAL } from './parameters.ts';
import { chipOf } from './point.ts';
import { generation, latency } from './workloads.ts';

const CHECKED = [{ model: 'llama2-7b', prompt: 64, generate: 64 }] as const;

/** Cycles on the machine by both ways, CMSwitch, batch 1. */
export async function interpolationRows(lab: Lab): Promise<readonly Row[]> {
  const ours = await Promise.all(
    CHECKED.map(({ model, prompt, generate }) => latency(lab, generation(model, 1, prompt, generate), NOMINAL, 'cmswitch')),
  );
  return lab.rows('interpolation', async () => {
    const rows: Row[] = [];
    for (const [i, { model, prompt, generate }] of CHECKED.entries()) {
      const finer = await simulateGeneration(
        `datasets/${model}.onnx`,
        chipOf(NOMINAL),
        { batch: 1, prompt, generate },
        { optimizer: 'cmswitch' },
      );
      const ladder = ours[i]!.machineCycles;
      const deviation = Number((ladder / finer.total.cycles - 1).toPrecision(3));
      rows.push({
        model,
        prompt,
        generate,
        ladder: Math.round(ladder),
        finer: finer.total.cycles,
        contexts: finer.decode.length,
        deviation,
      });
    }
    return rows;
  });
}

export function interpolationText(rows: readonly Row[]): string {
  const found = rows.map(
    ({ model, prompt, generate, deviation }) =>
      `${(100 * Math.abs(Number(deviation))).toFixed(2)} % (${model}, ${prompt} in, ${generate} out)`,
  );
  return `Generations are summed over passes at contexts of powers of two, linear between. Beside \`simulateGeneration\`, which adds contexts until lines hold
to 0.05 %, their latency on the machine is off by ${found.join(' and ')}.`;
}
