// joint is never worse than another plan under the machine's cost, whatever the objective: on random networks and chips.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { machineCost } from '../../lib/cost/machine/total.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import { objectiveValue } from '../../lib/optimizer/objective.ts';
import type { Plan } from '../../lib/optimizer/plan.ts';
import { OBJECTIVES } from '../../lib/optimizer/plan.ts';
import { planWork } from '../../lib/optimizer/plan-work.ts';
import { type ScheduleOptions, schedule } from '../../lib/optimizer/schedule.ts';
import { randomChip } from '../support/chips.ts';
import { randomNetwork } from '../support/networks.ts';

const RIVALS = ['cmswitch', 'cim-mlc', 'puma', 'occ', 'static:1', 'static:0.75', 'static:0.5', 'static:0.25'];
const NEAR = 1.03;
const WAYS: readonly ScheduleOptions[] = [{}, { cost: 'machine' }, { prefetch: true }];

/** A plan re-costed: cuts, copies, memory arrays, staged weights and kept data as they are. */
function recosted(plan: Plan, graph: Graph, chip: Hardware): { cycles: number; energy: number } {
  const { work, allotments, homes } = planWork(plan, graph, chip);
  return machineCost(work, allotments, homes, chip);
}

test('joint takes no longer than any other plan re-costed under the machine’s cost', async () => {
  let better = 0;
  let compared = 0;
  for (let seed = 0; seed < 12; seed++) {
    const graph = randomNetwork(seed);
    const chip = randomChip(seed);
    const own = recosted(await schedule(graph, chip, { optimizer: 'joint' }), graph, chip).cycles;
    for (const optimizer of RIVALS) {
      if (Number(/^static:(.*)/.exec(optimizer)?.[1] ?? 1) * chip.arrays < 1) continue;
      for (const way of WAYS) {
        const other = recosted(await schedule(graph, chip, { optimizer, ...way }), graph, chip).cycles;
        assert.ok(own <= other * (1 + 1e-9), `seed ${seed}, ${optimizer} ${JSON.stringify(way)}: ${other}, joint ${own}`);
        compared++;
        if (own < other * 0.99) better++;
      }
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
