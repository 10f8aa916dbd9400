import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DTYPES } from '../../lib/ir/graph.ts';
import { seededWeights } from '../../lib/workload/seeded-weights.ts';

const test = suite('workload: seeded weights');

test('values depend on seed, name and shape, and on nothing else', () => {
  const tensor = { name: 'w', dtype: 'float32', shape: [4, 4] } as const;
  const values = seededWeights(1)(tensor);
  assert.equal(seededWeights(1)(tensor), values);
  assert.not.equal(seededWeights(2)(tensor), values);
  assert.not.equal(seededWeights(1)({ ...tensor, name: 'v' }), values);
  assert.not.equal(seededWeights(1)({ ...tensor, shape: [2, 8] }), values);
});

test('kernels have the variance that keeps the size of signals, and vectors are positive', () => {
  const kernel = Array.from(seededWeights(3)({ name: 'k', dtype: 'float32', shape: [64, 32, 3, 3] }));
  const variance = kernel.reduce((sum, value) => sum + value * value, 0) / kernel.length;
  assert.ok(Math.abs(variance / (2 / (32 * 9)) - 1) < 0.05, `${variance}`);
  const scale = seededWeights(3)({ name: 's', dtype: 'float32', shape: [1000] });
  assert.ok(scale.every((value) => value >= 0.5 && value <= 1.5));
  assert.ok(scale.some((value) => value < 0.6) && scale.some((value) => value > 1.4));
});

test('real values have at most 8 significant bits, so that bfloat16 holds them exactly', () => {
  for (const shape of [[100], [30, 30]]) {
    for (const value of seededWeights(5)({ name: 'w', dtype: 'bfloat16', shape })) {
      const bits = new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
      assert.is(bits & 0xffff, 0);
    }
  }
});

test('every element type gets as many values as its shape says', () => {
  for (const dtype of DTYPES) {
    const values = seededWeights(7)({ name: 'w', dtype, shape: [3, 5] });
    assert.is(values.length, 15);
    assert.ok(values.every((value) => Number.isFinite(value)));
  }
});

test.run();
