// Cost, objective, power cap and prefetch: what makes sense works with every optimizer, and what does not is refused by name.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describe } from '../../lib/base/problem.ts';
import { emit } from '../../lib/emit/emit.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { averageWatts, bestOf, type Judged, objectiveValue, searchGoal } from '../../lib/optimizer/objective.ts';
import { findOptimizer } from '../../lib/optimizer/optimizers.ts';
import type { Plan } from '../../lib/optimizer/plan.ts';
import { printPlan } from '../../lib/optimizer/print.ts';
import { type ScheduleOptions, schedule } from '../../lib/optimizer/schedule.ts';
import { verifyPlan } from '../../lib/optimizer/verify.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { randomChip, smallChip } from '../support/chips.ts';
import { randomFrom, randomNetwork } from '../support/networks.ts';
import { problemsOfAsync } from '../support/problems.ts';

const RESNET = importOnnx('datasets/resnet18.onnx', { bind: { batch: 1 } });
const CHIP = loadHardware('hw/dynaplasia.json');

const watts = ({ analyticCycles, analyticPicojoules = 0 }: Plan): number =>
  averageWatts({ cycles: analyticCycles, energy: analyticPicojoules }, CHIP);

/** Every optimizer with everything that makes sense with it. */
const COMBINATIONS: readonly ScheduleOptions[] = ['cmswitch', 'static:1', 'static:0.5', 'cim-mlc', 'puma', 'occ', 'joint'].flatMap(
  (optimizer): ScheduleOptions[] => {
    const baseline = ['cim-mlc', 'puma', 'occ'].includes(optimizer);
    const costs = optimizer === 'joint' ? (['machine'] as const) : (['paper', 'machine'] as const);
    const plain = costs.flatMap((cost) => [false, true].map((prefetch) => ({ optimizer, cost, prefetch })));
    if (optimizer === 'occ') return [...plain, { optimizer, form: 'same-cost', cost: 'machine' }];
    const confined = optimizer === 'joint' ? [{ optimizer, computeOnly: true }] : [];
    if (optimizer === 'joint' && findOptimizer('joint').objectives === undefined) return [...plain, ...confined];
    const form = baseline ? ({ form: 'same-cost' } as const) : {};
    const goals = (['energy', 'edp'] as const).map((objective) => ({ optimizer, objective, prefetch: true, ...form }));
    return [...plain, ...goals, { optimizer, powerCapWatts: 1e6, ...form }, ...confined];
  },
);

test('with every combination that makes sense the plan, its program and its run are right', async () => {
  for (const [i, options] of COMBINATIONS.entries()) {
    for (const seed of [i]) {
      const graph = randomNetwork(seed);
      const chip = randomChip(seed);
      if (chip.arrays < 2) continue;
      const name = `${JSON.stringify(options)}, seed ${seed}`;
      const plan = await schedule(graph, chip, options);
      assert.equal(verifyPlan(plan, graph).map(describe), [], name);
      const program = emit(graph, plan, chip);
      assert.equal(verifyProgram(program, chip).map(describe), [], name);
      assert.ok(simulate(program, chip, { verified: true }).makespanCycles > 0, name);
      assert.is(plan.figures, plan.cost === 'machine' || plan.prefetch ? 'machine' : 'paper', name);
      assert.is(plan.analyticPicojoules !== undefined, plan.figures === 'machine', name);
      if (options.optimizer === 'static:1' || plan.computeOnly)
        for (const { memoryMode } of plan.segments) assert.equal(memoryMode, [], name);
      if (!plan.prefetch) for (const { staged } of plan.segments) assert.equal(staged, [], name);
    }
  }
});

test('a plan says what was asked for', async () => {
  const plan = await schedule(RESNET, CHIP, { objective: 'edp', powerCapWatts: 5, prefetch: true, computeOnly: true });
  assert.equal([plan.cost, plan.objective, plan.powerCapWatts, plan.prefetch, plan.computeOnly], ['machine', 'edp', 5, true, true]);
  const asked = "cmswitch with exact on the machine's cost, least energy-delay, at most 5 W, all arrays computing, weights written ahead";
  assert.ok(printPlan(plan).includes(asked), printPlan(plan).split('\n')[0]);
});

test('energy and energy-delay cost less of what they minimise than latency does', async () => {
  const plans = await Promise.all(
    (['latency', 'energy', 'edp'] as const).map((objective) => schedule(RESNET, CHIP, { cost: 'machine', objective })),
  );
  const [latency, energy, edp] = plans.map(({ analyticCycles, analyticPicojoules = 0 }) => ({
    cycles: analyticCycles,
    energy: analyticPicojoules,
  }));
  assert.ok(energy!.energy < latency!.energy && energy!.cycles > latency!.cycles);
  const product = (plan: Judged | undefined): number => objectiveValue('edp', plan!);
  assert.ok(product(edp) <= Math.min(product(latency), product(energy)));
});

test('a power cap is kept, costs time, and is refused with the least power found when nothing keeps it', async () => {
  const free = await schedule(RESNET, CHIP, { cost: 'machine' });
  const cap = 0.8 * watts(free);
  const capped = await schedule(RESNET, CHIP, { powerCapWatts: cap });
  assert.ok(watts(capped) <= cap && capped.analyticCycles > free.analyticCycles);
  const [problem] = await problemsOfAsync(() => schedule(RESNET, CHIP, { powerCapWatts: 1e-6 }));
  const text = describe(problem!);
  assert.match(text, /no plan found draws at most 0\.000001 W on average: the thriftiest draws/);
  const enough = Number(/Use --power-cap ([\d.e-]+)/.exec(text)?.[1]);
  assert.ok(watts(await schedule(RESNET, CHIP, { powerCapWatts: enough })) <= enough);
});

test('the search for a goal ends at the best supported decision', async () => {
  const random = randomFrom(7);
  for (let round = 0; round < 200; round++) {
    const all = Array.from({ length: random(1, 30) }, () => ({ cycles: random(1, 1000), energy: random(1, 1000) }));
    const search = (weigh: (cycles: number, energy: number) => number) => [
      [...all].sort((a, b) => weigh(a.cycles, a.energy) - weigh(b.cycles, b.energy))[0]!,
    ];
    const chip = { clockHz: 1e9, energy: CHIP.energy };
    for (const objective of ['latency', 'energy'] as const) {
      const found = await searchGoal({ objective }, chip, search);
      assert.is(objectiveValue(objective, found), Math.min(...all.map((one) => objectiveValue(objective, one))));
    }
    // Decisions that no weights favour are beyond such a search; from latency's on, the product only falls.
    const product = objectiveValue('edp', await searchGoal({ objective: 'edp' }, chip, search));
    assert.ok(product <= objectiveValue('edp', await searchGoal({ objective: 'latency' }, chip, search)));
    const cap = { objective: 'latency', powerCapWatts: averageWatts(all[0]!, chip) } as const;
    const possible = bestOf(cap, all, chip);
    assert.ok(possible !== undefined);
    try {
      const found = await searchGoal(cap, chip, search);
      assert.ok(averageWatts(found, chip) <= cap.powerCapWatts && found.cycles >= possible.cycles);
    } catch (error) {
      assert.match((error as Error).message, /no plan found draws at most/);
    }
  }
});

for (const [options, expected] of [
  [{ cost: 'gpu' as 'paper' }, /unknown cost 'gpu'.*paper or machine/],
  [{ objective: 'area' as 'energy' }, /unknown objective 'area'.*latency, energy or edp/],
  [{ objective: 'energy', cost: 'paper' }, /the paper's cost counts cycles only, so it cannot judge objective 'energy'.*--cost machine/],
  [{ powerCapWatts: 1, cost: 'paper' }, /cannot judge a power cap/],
  [{ powerCapWatts: 0 }, /a power cap of 0 W/],
  [{ powerCapWatts: Number.NaN }, /a power cap of NaN W/],
  [{ powerCapWatts: -1 }, /a power cap of -1 W/],
  [{ optimizer: 'joint', cost: 'paper' }, /joint minimises the machine's cost/],
  [{ optimizer: 'cim-mlc', objective: 'edp' }, /cim-mlc as-published minimises its own objective.*--form same-cost/],
  [{ optimizer: 'occ', form: 'same-cost', objective: 'edp' }, /occ minimises its own objective.*cmswitch/],
  [{ relaxed: true, prefetch: true }, /relaxed plans have no whole copies of weights to write/],
  [{ seed: 1.5 }, /seed 1\.5/],
  [{ optimizer: 'static:0.5', computeOnly: true }, /static:0\.5 makes memory of 8 arrays/],
] as const satisfies readonly (readonly [ScheduleOptions, RegExp])[]) {
  test(`refused: ${JSON.stringify(options)}`, async () => {
    const problems = await problemsOfAsync(() => schedule(randomNetwork(1), smallChip(), options));
    assert.is(problems.length, 1);
    assert.match(describe(problems[0]!), expected);
  });
}

test.run();
