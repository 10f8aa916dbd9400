// What `inspect` prints and what `lowerBound` promises, on networks small enough to count.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lowerBound } from '../../lib/cost/bound.ts';
import { inspect, weightBytes } from '../../lib/ir/inspect.ts';
import { randomChip, smallChip } from '../support/chips.ts';
import { NetworkBuilder, randomNetwork } from '../support/networks.ts';

const EIGHT = { weightBits: 8, activationBits: 8 };

/** 4 channels of 6 x 6, a 3 x 3 convolution to 8, a pool, a dense layer to 10. */
function classifier() {
  const net = new NetworkBuilder();
  return net.finish([net.dense(net.pool(net.conv(net.input(1, 4, 6, 6), 8, { relu: true })), 10)], 'classifier');
}

test('inspect counts a convolution, a pool, a view and a dense layer as by hand', () => {
  const { model, operators } = inspect(classifier(), EIGHT);
  // Convolution: m = 36, n = 4 * 9 = 36, k = 8. Dense: m = 1, n = 8 * 9 = 72, k = 10.
  const [conv, pool, view, dense] = operators;
  assert.is(operators.length, 4);
  assert.equal(
    [conv?.m, conv?.n, conv?.k, conv?.groups, conv?.macs, conv?.weightBytes, conv?.inputBytes, conv?.outputBytes],
    [36, 36, 8, 1, 36 * 36 * 8, 288, 144, 288],
  );
  assert.is(conv?.inputReuse, 8);
  assert.is(conv?.flopsPerMop, (2 * 10368) / (144 + 288 + 288));
  assert.equal([pool?.macs, pool?.weightBytes, pool?.inputReuse, pool?.flopsPerMop, pool?.m], [0, 0, null, null, null]);
  assert.equal([view?.kind, view?.macs], ['view', 0]);
  assert.equal([dense?.macs, dense?.weightBytes, dense?.inputReuse], [720, 720, 10]);
  assert.equal([model.macs, model.weightBytes, model.operators], [10368 + 720, 288 + 720, 4]);
  assert.is(model.flopsPerMop, (2 * (10368 + 720)) / (144 + 288 + 288 + (72 + 720 + 10)));
});

test('a grouped product has the MACs and weights of all of its groups', () => {
  const net = new NetworkBuilder();
  const { operators } = inspect(net.finish([net.conv(net.input(2, 8, 5, 5), 8, { groups: 8 })]), EIGHT);
  assert.equal([operators[0]?.macs, operators[0]?.weightBytes], [50 * 9 * 8, 72]);
});

test('a dynamic product has no stored weights, and both operands are its input', () => {
  const net = new NetworkBuilder();
  const from = net.tokens(6, 16);
  const { operators } = inspect(net.finish([net.product(net.linear(from, 16), net.linear(from, 16))]), EIGHT);
  const product = operators.at(-1);
  assert.is(product?.dynamic, true);
  assert.equal([product?.macs, product?.weightBytes, product?.inputBytes], [6 * 16 * 6, 0, 2 * 96]);
});

test('weights of 4 bits take half the bytes, rounded up', () => {
  assert.is(weightBytes({ n: 3, k: 3, groups: 1 }, 4), 5);
  assert.is(inspect(classifier(), { weightBits: 4, activationBits: 8 }).model.weightBytes, 144 + 360);
});

test('the lower bound is the larger of compulsory traffic and array time, by hand', () => {
  const chip = smallChip();
  const bound = lowerBound(classifier(), chip);
  // Weights 288 + 720, input 144, output 10 bytes at 16 a cycle.
  assert.is(bound.externalBytes, 1162);
  assert.is(bound.externalCycles, 73);
  // Convolution: 36 vectors, ceil(36/32) * ceil(8/16) = 2 tiles; dense: ceil(72/32) * ceil(10/16) = 3; 8 cycles each on 16 arrays.
  assert.is(bound.computeCycles, Math.ceil((36 * 8 * 2 + 8 * 3) / 16));
  assert.is(bound.cycles, 73);
});

test('a chip that is better in any one number never has a higher lower bound', () => {
  for (let seed = 0; seed < 60; seed++) {
    const graph = randomNetwork(seed);
    const chip = randomChip(seed);
    const before = lowerBound(graph, chip).cycles;
    const better = [
      { arrays: chip.arrays + 1 },
      { externalBytesPerCycle: chip.externalBytesPerCycle * 2 },
      { mvmCycles: Math.max(1, chip.mvmCycles - 1) },
    ];
    for (const change of better)
      assert.ok(lowerBound(graph, { ...chip, ...change }).cycles <= before, `seed ${seed}: ${JSON.stringify(change)}`);
  }
});

test('the lower bound does not depend on what only moves data on chip', () => {
  for (let seed = 0; seed < 20; seed++) {
    const chip = randomChip(seed);
    const other = { ...chip, bufferBytes: 1, bufferBytesPerCycle: 1, dCim: 1, memoryBytesPerArray: 1 };
    assert.equal(lowerBound(randomNetwork(seed), other), lowerBound(randomNetwork(seed), chip));
  }
});

test.run();
