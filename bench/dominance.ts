// Is joint ever behind? Random networks on random chips, against every other optimizer in three ways and ten shares of frozen arrays:
// by the machine's cost, and on the simulator. The tests hold a sample of this.

import { textTable } from '../lib/base/text.ts';
import { compile } from '../lib/compile.ts';
import { randomChip } from '../test/support/chips.ts';
import { randomNetwork } from '../test/support/networks.ts';
import { recosted, rivalsOn } from '../test/support/rivals.ts';

const SEEDS = 40;
const RATIOS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
/** The target: never more than this behind on the simulator. */
const BEHIND = 1.01;

export async function dominance(): Promise<void> {
  const cost: number[] = [];
  const simulated: number[] = [];
  for (let seed = 0; seed < SEEDS; seed++) {
    const graph = randomNetwork(seed);
    const chip = randomChip(seed);
    const own = await compile(graph, chip, { optimizer: 'joint' });
    const best = (await compile(graph, chip, { optimizer: 'joint', simulate: false })).plan;
    const ownCost = recosted(best, graph, chip).cycles;
    for (const rival of rivalsOn(chip, RATIOS)) {
      const other = await compile(graph, chip, rival);
      cost.push(ownCost / recosted(other.plan, graph, chip).cycles);
      simulated.push((own.trace?.makespanCycles ?? Number.NaN) / (other.trace?.makespanCycles ?? Number.NaN));
    }
  }
  const row = (name: string, ratios: readonly number[], limit: number): (string | number)[] => {
    const behind = ratios.filter((ratio) => ratio > limit).length;
    const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
    return [name, ratios.length, mean.toFixed(3), Math.max(...ratios).toFixed(4), limit, behind];
  };
  console.log(`\njoint's cycles over a rival's, ${SEEDS} random networks and chips`);
  console.log(
    textTable(
      ['judged by', 'comparisons', 'geometric mean', 'worst', 'at most', 'over that'],
      [row("the machine's cost", cost, 1 + 1e-9), row('the simulator', simulated, BEHIND)],
    ),
  );
}
