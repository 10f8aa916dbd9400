// On random networks and chips: what compile makes of joint is never more than a hundredth behind any other optimizer on the
// simulator, whatever its options; and by the machine's cost it is behind no share of frozen arrays.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../../lib/compile.ts';
import { type ScheduleOptions, schedule } from '../../lib/optimizer/schedule.ts';
import { randomChip } from '../support/chips.ts';
import { randomNetwork } from '../support/networks.ts';
import { recosted, rivalsOn } from '../support/rivals.ts';

const RATIOS = [1, 0.9, 0.75, 0.6, 0.5, 0.25];

test('simulated, joint is not behind any other optimizer', async () => {
  let compared = 0;
  for (const seed of [0, 8, 19, 30]) {
    const graph = randomNetwork(seed);
    const chip = randomChip(seed);
    const own = (await compile(graph, chip, { optimizer: 'joint' })).trace?.makespanCycles ?? 0;
    for (const rival of rivalsOn(chip, RATIOS)) {
      const other = (await compile(graph, chip, rival)).trace?.makespanCycles ?? 0;
      assert.ok(own <= 1.01 * other, `seed ${seed}, ${JSON.stringify(rival)}: ${other}, joint ${own}`);
      compared++;
    }
  }
  assert.ok(compared > 80);
});

test('by the machine’s cost, joint is behind no share of arrays that compute for the whole run, with and without writing ahead', async () => {
  for (const seed of [8, 12, 26]) {
    const graph = randomNetwork(seed);
    const chip = randomChip(seed);
    const cycles = async (options: ScheduleOptions): Promise<number> => recosted(await schedule(graph, chip, options), graph, chip).cycles;
    const own = await cycles({ optimizer: 'joint' });
    for (let count = 1; count <= chip.arrays; count++) {
      const optimizer = `static:${Math.min(1, (count + 0.25) / chip.arrays)}`;
      for (const prefetch of [false, true]) {
        const other = await cycles({ optimizer, prefetch });
        assert.ok(own <= other * (1 + 1e-9), `seed ${seed}, ${optimizer}, ahead ${prefetch}: ${other}, joint ${own}`);
      }
    }
  }
});

test.run();
