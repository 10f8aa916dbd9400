// Whole programs with converters that are not ideal: bits, noise, seeds.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { smallChip } from '../support/chips.ts';
import { NetworkBuilder } from '../support/networks.ts';
import { mobileBlock } from './models.ts';
import { computedBy, distance, expectedOf, prepared, programFor, withOwnWeights, withWeights } from './support.ts';

const converters = suite('converters');

const CHIP = smallChip({ arrays: 30 });

function network() {
  const net = new NetworkBuilder();
  const first = net.conv(net.input(1, 3, 7, 6), 10, { relu: true });
  return withWeights(net.finish([net.dense(net.conv(first, 8, { kernel: 1 }), 12)]), 4);
}

converters('bit by bit with ideal converters, programs compute the same numbers', async () => {
  for (const own of [network(), withOwnWeights(mobileBlock())]) {
    const one = prepared(own, 1, CHIP.precision);
    const program = await programFor(one.graph, CHIP);
    assert.equal(computedBy(program, CHIP, one, { bitSerial: true }), expectedOf(one));
    // 32 rows need 33 codes.
    assert.equal(computedBy(program, CHIP, one, { bitSerial: true, converter: { bits: 6 } }), expectedOf(one));
  }
});

converters('fewer bits of a converter, and more noise, take the numbers further away', async () => {
  const one = prepared(network(), 1, CHIP.precision);
  const program = await programFor(one.graph, CHIP);
  const expected = expectedOf(one);
  const errorOf = (converter: { bits?: number; noise?: number }, seed = 0): number =>
    distance(expected, computedBy(program, CHIP, one, { converter, seed }));
  const byBits = [6, 5, 4].map((bits) => errorOf({ bits }));
  assert.is(byBits[0], 0);
  for (const [i, error] of byBits.entries()) assert.ok(i === 0 || error > byBits[i - 1]!, `${byBits}`);
  const byNoise = [0, 0.15, 0.25, 0.8].map((noise) => errorOf({ noise }, 3));
  assert.is(byNoise[0], 0);
  for (const [i, error] of byNoise.entries()) assert.ok(i === 0 || error > byNoise[i - 1]!, `${byNoise}`);
});

converters('noise is a matter of the seed', async () => {
  const one = prepared(network(), 1, CHIP.precision);
  const program = await programFor(one.graph, CHIP);
  const run = (seed: number) => computedBy(program, CHIP, one, { converter: { noise: 2 }, seed });
  assert.equal(run(5), run(5));
  assert.not.equal(run(5), run(6));
});

converters.run();
