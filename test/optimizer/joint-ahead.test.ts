// Plans of other optimizers on the machine's terms: priced as they are, and with weights written ahead.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { machineCost } from '../../lib/cost/machine/total.ts';
import { workOf } from '../../lib/cost/machine/work.ts';
import { emit } from '../../lib/emit/emit.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import { onMachine } from '../../lib/optimizer/joint/ahead.ts';
import { placeAllotments } from '../../lib/optimizer/joint/place.ts';
import { priceOnMachine } from '../../lib/optimizer/joint/price.ts';
import type { Drafted, Optimizer } from '../../lib/optimizer/optimizer.ts';
import { findOptimizer } from '../../lib/optimizer/optimizers.ts';
import { placeSegments } from '../../lib/optimizer/place.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { costSegments } from '../../lib/optimizer/segment.ts';
import { exactSolver } from '../../lib/optimizer/solve-exact.ts';
import { verifyPlan } from '../../lib/optimizer/verify.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { randomChip } from '../support/chips.ts';
import { randomNetwork } from '../support/networks.ts';

const RIVALS = ['cmswitch', 'cim-mlc', 'puma', 'occ', 'static:1', 'static:0.5'];

async function draftsOf(optimizer: string, graph: Graph, hardware: Hardware): Promise<Drafted> {
  const goal = { objective: 'latency' } as const;
  const decided = { form: 'as-published', cost: 'paper', goal, prefetch: false, relaxed: false } as const;
  const request = { graph, folds: [], hardware, solver: exactSolver, ...decided };
  const found = await findOptimizer(optimizer).segment(request);
  if (!('drafts' in found)) throw new Error(`${optimizer} makes no drafts`);
  return found;
}

for (const prefetch of [false, true]) {
  test(`any plan has a right form on the machine, ${prefetch ? 'weights written ahead' : 'nothing written ahead'}`, async () => {
    let staged = 0;
    for (let seed = 0; seed < 40; seed++) {
      const graph = randomNetwork(seed);
      const chip = randomChip(seed);
      const rival = RIVALS[seed % RIVALS.length]!;
      if (chip.arrays < 2) continue;
      const drafted = await draftsOf(rival, graph, chip);
      const own: Optimizer = { name: rival, costs: ['machine'], segment: () => onMachine(graph, drafted, chip, prefetch) };
      const plan = await schedule(graph, chip, { optimizer: own });
      assert.equal(verifyPlan(plan, graph), [], `seed ${seed}, ${rival}`);
      assert.equal(verifyProgram(emit(graph, plan, chip), chip), [], `seed ${seed}, ${rival}`);
      assert.equal(
        plan.segments.flatMap(({ operators }) => operators.map(({ id, copies }) => [id, copies])),
        drafted.drafts.flatMap(({ first, allocation }) =>
          allocation.compute.map((arrays, i) => {
            const { id, demand } = drafted.flat.subOperators[first + i]!;
            return [id, arrays / demand.tiles];
          }),
        ),
      );
      if (drafted.frozenMemory !== undefined)
        for (const { memoryMode } of plan.segments) assert.is(memoryMode.length, drafted.frozenMemory, `seed ${seed}, ${rival}`);
      staged += plan.segments.flatMap((segment) => segment.staged).length;
    }
    assert.ok(prefetch ? staged > 10 : staged === 0, `${staged} pieces staged`);
  });
}

test('writing ahead costs nothing and mostly gains under the machine’s cost', async () => {
  let gains = 0;
  for (let seed = 100; seed < 130; seed++) {
    const graph = randomNetwork(seed);
    const chip = randomChip(seed);
    const drafted = await draftsOf('occ', graph, chip);
    const { work, allotments } = onMachine(graph, drafted, chip, true);
    const none = allotments.map((allotment) => ({ ...allotment, staged: allotment.staged.map(() => false) }));
    const ahead = machineCost(work, allotments, new Map(), chip).cycles;
    const behind = machineCost(work, none, new Map(), chip).cycles;
    assert.ok(ahead <= behind * (1 + 1e-9), `seed ${seed}: ${ahead} ahead, ${behind} behind`);
    if (ahead < behind * 0.999) gains++;
  }
  assert.ok(gains > 5, `${gains} gains`);
});

test('the price of a placed plan is that of its counts but for what switching idle arrays takes', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const graph = randomNetwork(seed);
    const chip = { ...randomChip(seed), switchCycles: { memoryToCompute: 0, computeToMemory: 0 } };
    const { flat, work, allotments, homes } = onMachine(graph, await draftsOf('cmswitch', graph, chip), chip, seed % 2 === 0);
    const priced = priceOnMachine(work, placeAllotments(flat, work, allotments, homes, chip), chip);
    const counted = machineCost(work, allotments, homes, chip);
    // Bytes kept are whole ones in a plan.
    assert.ok(Math.abs(priced.cost.cycles / counted.cycles - 1) < 0.01, `seed ${seed}: ${priced.cost.cycles} and ${counted.cycles}`);
  }
});

test('a plan placed for the paper’s cost is priced as it is', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const graph = randomNetwork(seed);
    const chip = randomChip(seed);
    const { flat, drafts } = await draftsOf('cmswitch', graph, chip);
    const placed = placeSegments(flat, costSegments(flat, drafts, { hardware: chip }), chip);
    const { segments, cost } = priceOnMachine(workOf(graph, flat, chip), placed, chip);
    assert.equal(
      segments.map(({ memoryMode, kept, staged }) => ({ memoryMode, kept, staged })),
      placed.map(({ memoryMode, kept, staged }) => ({ memoryMode, kept, staged })),
    );
    const sum = segments.reduce(
      (total, { intraCycles, interCycles: { writeBack, switch: s, rewrite } }) => total + intraCycles + writeBack + s + rewrite,
      0,
    );
    assert.ok(Math.abs(sum / cost.cycles - 1) < 1e-9);
  }
});

test.run();
