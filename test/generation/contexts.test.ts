// Contexts: which lengths of the cache are simulated, and that the sums over what lies between are those of a line.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { randomOf } from '../../lib/base/random.ts';
import { type ContextRequest, sampleContexts, sumOver } from '../../lib/generation/contexts.ts';

const request = (value: (context: number) => number, rest: Partial<ContextRequest> = {}): ContextRequest => ({
  first: 64,
  last: 575,
  boundaries: [],
  tolerance: 0.0005,
  measure: async (context) => value(context),
  ...rest,
});

const sampled = async (value: (context: number) => number, rest: Partial<ContextRequest> = {}) => {
  const asked = request(value, rest);
  const { contexts, estimatedError } = await sampleContexts(asked);
  const estimate = sumOver(contexts.map((context) => ({ context, value: value(context) })));
  let exact = 0;
  for (let context = asked.first; context <= asked.last; context++) exact += value(context);
  return { contexts, estimatedError, error: Math.abs(estimate - exact) / exact };
};

test('what is linear takes five contexts, and its sum is exact', async () => {
  const { contexts, estimatedError, error } = await sampled((context) => 1000 + 3 * context);
  assert.is(contexts.length, 5);
  assert.is(estimatedError, 0);
  assert.ok(error < 1e-12);
});

test('steps at tile boundaries are met on both sides, so that little of them is spread', async () => {
  const boundaries = Array.from({ length: 15 }, (_, i) => 97 + 32 * i);
  const { contexts, error } = await sampled((context) => 5000 + 200 * Math.ceil(context / 32) + context, { boundaries });
  assert.ok(contexts.length < 64, `${contexts.length} contexts`);
  assert.ok(error < 0.0005, `${error}`);
});

test('a kink or a step anywhere is found: the sum is within a thousandth', async () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = randomOf(seed);
    const at = 64 + Math.floor(512 * random());
    const [slope, more, step] = [10 * random(), seed % 2 === 0 ? 0 : 50 * random(), seed % 2 === 0 ? 2000 * random() : 0];
    const value = (context: number): number => 10_000 + slope * context + (context < at ? 0 : step + more * (context - at));
    const { error, contexts } = await sampled(value);
    assert.ok(error < 0.001, `seed ${seed}: ${error} with ${contexts.length} contexts`);
  }
});

test('tolerance 0 asks for every context, even on a line', async () => {
  const { contexts } = await sampled((context) => context, { first: 3, last: 40, tolerance: 0 });
  assert.equal(
    contexts,
    Array.from({ length: 38 }, (_, i) => 3 + i),
  );
});

test('one, two and three tokens are all simulated', async () => {
  for (const last of [64, 65, 66]) assert.is((await sampled((context) => context * context, { last })).contexts.length, last - 63);
});

test.run();
