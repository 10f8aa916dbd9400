// joint: its plans are right on any network and chip, and on the shipped ones the machine is never slower than with its rivals.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { machineCost } from '../../lib/cost/machine/total.ts';
import { emit } from '../../lib/emit/emit.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { jointCandidates } from '../../lib/optimizer/joint/joint.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { verifyPlan } from '../../lib/optimizer/verify.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { randomChip } from '../support/chips.ts';
import { randomNetwork } from '../support/networks.ts';

const chipOf = (name: string) => loadHardware(`hw/${name}.json`, { weightBits: 8, activationBits: 8 });

test('any plan of joint is right, and so is its program', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const graph = randomNetwork(seed);
    const chip = randomChip(seed);
    const plan = await schedule(graph, chip, { optimizer: 'joint' });
    assert.equal(verifyPlan(plan, graph), [], `seed ${seed}`);
    assert.equal(verifyProgram(emit(graph, plan, chip), chip), [], `seed ${seed}`);
    assert.is(plan.cost, 'machine');
  }
});

for (const chip of ['dynaplasia-paper', 'dynaplasia']) {
  for (const model of ['resnet18', 'mobilenetv2']) {
    for (const batch of [1, 8]) {
      test(`${model}, batch ${batch}, ${chip}: the machine is not slower than with any rival`, async () => {
        const hardware = chipOf(chip);
        const graph = importOnnx(`datasets/${model}.onnx`, { bind: { batch } });
        const cycles = async (optimizer: string) =>
          simulate(emit(graph, await schedule(graph, hardware, { optimizer }), hardware), hardware, { verified: true }).makespanCycles;
        const own = await cycles('joint');
        for (const rival of ['cmswitch', 'static:1', 'static:0.5', 'static:0.25', 'cim-mlc', 'puma']) {
          const other = await cycles(rival);
          assert.ok(own <= 1.01 * other, `${rival}: ${other}, joint: ${own}`);
        }
      });
    }
  }
}

test('some weights are written ahead, each piece at most once, and never on arrays that something else uses', async () => {
  const plan = await schedule(importOnnx('datasets/resnet18.onnx', { bind: { batch: 1 } }), chipOf('dynaplasia-paper'), {
    optimizer: 'joint',
  });
  const staged = plan.segments.flatMap((segment) => segment.staged.map(({ operator }) => operator));
  assert.ok(staged.length > 0);
  assert.is(new Set(staged).size, staged.length);
});

test('on a chip whose arrays only compute, joint makes no memory of them', async () => {
  const chip = chipOf('jia-isscc21');
  assert.not.ok(chip.dualMode);
  const plan = await schedule(importOnnx('datasets/resnet18.onnx', { bind: { batch: 1 } }), chip, { optimizer: 'joint' });
  for (const { memoryMode } of plan.segments) assert.equal(memoryMode, []);
});

test('the candidates are sorted, and each costs what the machine’s formulas say of it', async () => {
  const hardware = chipOf('dynaplasia');
  const graph = importOnnx('datasets/mobilenetv2.onnx', { bind: { batch: 1 } });
  const candidates = await jointCandidates(graph, hardware, { staging: true, computeOnly: false, folds: [], weigh: (cycles) => cycles });
  assert.ok(candidates.length > 1);
  for (const [i, { value, work, allotments, homes }] of candidates.entries()) {
    assert.ok(i === 0 || value >= candidates[i - 1]!.value);
    assert.ok(Math.abs(machineCost(work, allotments, homes, hardware).cycles / value - 1) < 1e-9);
  }
});

test.run();
