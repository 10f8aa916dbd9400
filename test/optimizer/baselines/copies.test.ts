// CIM-MLC's two steps on numbers alone: copies by a knapsack, then balancing from the head of the pipeline.

import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { balanceCopies, type Stage } from '../../../lib/optimizer/baselines/balance.ts';
import { type Item, knapsackCopies } from '../../../lib/optimizer/baselines/knapsack.ts';

const test = suite('optimizer: copies of CIM-MLC');

const conv = (stride = 1, scale = stride): Stage => ({ convolution: true, stride, scale });
const product: Stage = { convolution: false, stride: 1, scale: 1 };

test('copies 8, 16, 8 are balanced to 8, 8, 8', () => {
  assert.equal(balanceCopies([conv(), conv(), conv()], [8, 16, 8]), [8, 8, 8]);
});

test('behind a stride of 2 half of the copies keep up, and behind two of them a quarter', () => {
  assert.equal(balanceCopies([conv(), conv(2), conv(2, 4)], [8, 8, 8]), [8, 4, 2]);
  assert.equal(balanceCopies([conv(), conv(1, 2)], [7, 7]), [7, 3]);
});

test('the head keeps its copies and caps those behind it', () => {
  assert.equal(balanceCopies([conv(2), conv(), conv()], [2, 16, 4]), [2, 2, 2]);
});

test('a convolution that could have more copies than the one before follows that one', () => {
  assert.equal(balanceCopies([conv(), conv(), conv()], [8, 3, 8]), [8, 3, 3]);
  assert.equal(balanceCopies([conv(), conv(), conv(2, 1)], [8, 5, 8]), [8, 5, 2]);
});

test('no convolution is left without a copy', () => {
  assert.equal(balanceCopies([conv(), conv(4), conv(4, 16)], [2, 9, 9]), [2, 1, 1]);
});

test('matrix products are passed over, and one at the head caps its segment at one copy', () => {
  assert.equal(balanceCopies([conv(), product, conv()], [8, 1, 4]), [8, 1, 4]);
  assert.equal(balanceCopies([product, conv()], [1, 14]), [1, 1]);
});

const item: fc.Arbitrary<Item> = fc.record({
  arrays: fc.integer({ min: 1, max: 4 }),
  latency: fc.integer({ min: 1, max: 1000 }),
  allowed: fc.constantFrom([1], [1, 2], [1, 7], [1, 2, 4, 8], [1, 2, 3, 4, 6, 12]),
});

const total = (items: readonly Item[], copies: readonly number[], of: (item: Item, copies: number) => number): number =>
  items.reduce((sum, one, i) => sum + of(one, copies[i] ?? 0), 0);
const latency = ({ latency: one }: Item, copies: number): number => one / copies;
const arrays = ({ arrays: one }: Item, copies: number): number => one * copies;

/** The least sum of latencies over every choice of allowed copies. */
function bruteForce(items: readonly Item[], room: number, copies: readonly number[] = []): number {
  if (copies.length === items.length)
    return total(items, copies, arrays) <= room ? total(items, copies, latency) : Number.POSITIVE_INFINITY;
  return Math.min(...items[copies.length]!.allowed.map((count) => bruteForce(items, room, [...copies, count])));
}

test('the knapsack finds the least sum of latency / copies of all allowed choices', () => {
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 5 }), fc.integer({ min: 0, max: 60 }), (items, spare) => {
      const room = items.reduce((sum, one) => sum + one.arrays, spare);
      const copies = knapsackCopies(items, room);
      for (const [i, { allowed }] of items.entries()) assert.ok(allowed.includes(copies[i]!));
      assert.ok(total(items, copies, arrays) <= room);
      const best = bruteForce(items, room);
      assert.ok(Math.abs(total(items, copies, latency) - best) <= 1e-9 * best);
    }),
    { seed: 6, numRuns: 200 },
  );
});

test('it is the sum that counts, not the slowest: the copies go where they save most cycles an array', () => {
  const slowest: Item = { arrays: 8, latency: 100, allowed: [1, 2] };
  const small: Item = { arrays: 1, latency: 80, allowed: [1, 2, 4, 8] };
  assert.equal(knapsackCopies([slowest, small], 17), [1, 8]);
});

test.run();
