// joint is never worse than another plan under the machine's cost, whatever the objective: on random networks and chips.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { objectiveValue } from '../../lib/optimizer/objective.ts';
import { OBJECTIVES } from '../../lib/optimizer/plan.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { randomChip } from '../support/chips.ts';
import { randomNetwork } from '../support/networks.ts';
import { recosted, rivalsOn } from '../support/rivals.ts';

const RATIOS = [1, 0.75, 0.5, 0.25];
const NEAR = 1.03;

test('joint takes no longer than any other plan re-costed under the machine’s cost', async () => {
  let better = 0;
  let compared = 0;
  for (let seed = 0; seed < 12; seed++) {
    const graph = randomNetwork(seed);
    const chip = randomChip(seed);
    const own = recosted(await schedule(graph, chip, { optimizer: 'joint' }), graph, chip).cycles;
    for (const rival of rivalsOn(chip, RATIOS)) {
      const other = recosted(await schedule(graph, chip, rival), graph, chip).cycles;
      assert.ok(own <= other * (1 + 1e-9), `seed ${seed}, ${JSON.stringify(rival)}: ${other}, joint ${own}`);
      compared++;
      if (own < other * 0.99) better++;
    }
  }
  assert.ok(better > compared / 2, `better in ${better} of ${compared}`);
});

test('what joint minimises is least with that objective', async () => {
  let different = 0;
  for (let seed = 200; seed < 206; seed++) {
    const graph = randomNetwork(seed);
    const chip = randomChip(seed);
    const plans = await Promise.all(OBJECTIVES.map((objective) => schedule(graph, chip, { optimizer: 'joint', objective })));
    const costs = plans.map((plan) => recosted(plan, graph, chip));
    for (const [i, objective] of OBJECTIVES.entries()) {
      const values = costs.map((cost) => objectiveValue(objective, cost));
      // Cutting, homes and budgets are heuristics: another objective's search may come upon something a little better.
      for (const value of values) assert.ok(values[i]! <= value * NEAR, `seed ${seed}, ${objective}: ${values}`);
    }
    if (costs[0]!.cycles < costs[1]!.cycles * 0.99) different++;
  }
  assert.ok(different > 0, 'latency and energy never differ');
});

test('a power cap is kept, at no less time than without', async () => {
  for (let seed = 300; seed < 303; seed++) {
    const graph = randomNetwork(seed);
    const chip = randomChip(seed);
    const free = recosted(await schedule(graph, chip, { optimizer: 'joint' }), graph, chip);
    const thrifty = recosted(await schedule(graph, chip, { optimizer: 'joint', objective: 'energy' }), graph, chip);
    const watts = ({ cycles, energy }: { cycles: number; energy: number }) => (energy * 1e-12 * chip.clockHz) / cycles;
    const cap = (watts(free) + Math.min(watts(thrifty), watts(free))) / 2;
    const capped = recosted(await schedule(graph, chip, { optimizer: 'joint', powerCapWatts: cap * (1 + 1e-9) }), graph, chip);
    assert.ok(watts(capped) <= cap * (1 + 1e-6), `seed ${seed}: ${watts(capped)} W, cap ${cap}`);
    assert.ok(capped.cycles * NEAR >= free.cycles, `seed ${seed}: ${capped.cycles} capped, ${free.cycles} free`);
  }
});

test.run();
