// Against ONNX Runtime, which nobody here wrote: real numbers, QLinear models to the last bit, QDQ models within a step, and
// the trained network's accuracy on real images.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadHardware } from '../../lib/hardware/read.ts';
import { agreement } from '../../lib/workload/agreement.ts';
import { evaluateReal } from '../../lib/workload/reference/evaluate.ts';
import { seededInputs } from '../../lib/workload/samples.ts';
import { digits, digitsPrepared, rightOf } from './digits.ts';
import { encoder, functions, mobileBlock } from './models.ts';
import { runOnnx } from './onnx-runtime.ts';
import { computedBy, expectedOf, programFor, realsOf, withOwnWeights } from './support.ts';

const runtime = suite('against ONNX Runtime');

const CHIP = loadHardware('hw/dynaplasia.json');

for (const [name, bytes] of [
  ['attention', encoder()],
  ['convolutions, pools, gates', mobileBlock()],
  ['functions and moves', functions()],
] as const) {
  runtime(`the reference computes the same real numbers: ${name}`, async () => {
    const { graph, values } = withOwnWeights(bytes);
    const inputs = seededInputs(graph, 3);
    const real = evaluateReal(graph, values, inputs);
    for (const [id, expected] of Object.entries(await runOnnx(bytes, graph, inputs))) {
      const found = real.get(id) ?? [];
      assert.is(found.length, expected.length, id);
      for (const [i, value] of expected.entries()) {
        assert.ok(Math.abs(found[i]! - value) <= 2e-6 * Math.max(1, Math.abs(value)) + 1e-6, `${id}[${i}]: ${found[i]}, not ${value}`);
      }
    }
  });
}

runtime('a QLinear model computes the same integers to the last bit', async () => {
  const one = digitsPrepared('digits-qlinear', digits(90));
  const program = await programFor(one.graph, CHIP);
  const computed = computedBy(program, CHIP, one);
  assert.equal(computed, expectedOf(one));
  const expected = (await runOnnx(one.bytes, one.graph, one.inputs)).logits!;
  const { scale, zeroPoint } = one.network.formats.logits!;
  assert.equal(
    computed,
    Array.from(expected, (value) => Math.round(value / scale) + zeroPoint),
  );
});

runtime('a QDQ model stays within one step, and nearly all numbers are the same', async () => {
  const one = digitsPrepared('digits-qdq', digits(90));
  const computed = computedBy(await programFor(one.graph, CHIP), CHIP, one);
  assert.equal(computed, expectedOf(one));
  const { scale, zeroPoint } = one.network.formats.logits!;
  for (const optimised of [true, false]) {
    const expected = (await runOnnx(one.bytes, one.graph, one.inputs, optimised)).logits!;
    const steps = computed.map((integer, i) => Math.abs(integer - zeroPoint - Math.round(expected[i]! / scale)));
    assert.ok(Math.max(...steps) <= 1);
    assert.ok(steps.filter((step) => step === 0).length >= 0.99 * steps.length);
  }
});

runtime('the trained network keeps its accuracy on real images within one point', async () => {
  const data = digits();
  const one = digitsPrepared('digits', data);
  const computed = computedBy(await programFor(one.graph, CHIP), CHIP, one);
  assert.equal(computed, expectedOf(one));
  const real = (await runOnnx(one.bytes, one.graph, one.inputs)).logits!;
  const integers = realsOf(one, computed);
  const { snrDecibels, sameTop, rows } = agreement(real, integers, 10);
  assert.ok(rightOf(real, data.labels) > 0.95 * rows, 'the network is trained');
  assert.ok(Math.abs(rightOf(integers, data.labels) - rightOf(real, data.labels)) <= 0.01 * rows);
  assert.ok(snrDecibels > 30 && sameTop >= 0.99 * rows, `${snrDecibels} dB, ${sameTop} of ${rows}`);
});

runtime.run();
