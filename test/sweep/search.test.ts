import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hypervolume } from '../../lib/base/pareto.ts';
import { type Score, search } from '../../lib/sweep/search.ts';
import type { Genome } from '../../lib/sweep/space.ts';

const test = suite('multi-objective search');

/** Arrays, bandwidth, write cost, batch and a choice: a formula with the shape of a chip's trade-offs. */
function score([arrays = 0, rate = 0, write = 0, batch = 0, choice = 0]: Genome): Score {
  const cells = 24 * (arrays + 1);
  const bytes = 2 ** (rate + 2);
  const latency = 1e6 / (cells * (choice === 0 ? 0.7 : 1)) + 2e5 / bytes + (30_000 * [9, 4, 2, 1, 10][write]!) / cells;
  return { vector: [latency, cells * 3 + bytes ** 2 * 0.3 + batch * latency * 1e-3, cells * 0.2 + batch], violation: 0 };
}

const COUNTS = [10, 5, 5, 4, 2];
const REQUEST = { counts: COUNTS, ordered: [true, true, false, true, false], evaluations: 400 };

function everywhere(): readonly Genome[] {
  return COUNTS.reduce<readonly Genome[]>(
    (places, count) => places.flatMap((place) => Array.from({ length: count }, (_, gene) => [...place, gene])),
    [[]],
  );
}

test('a fifth of the evaluations finds 98 % of the hypervolume of the grid, median of 11 seeds', async () => {
  const grid = everywhere().map((place) => score(place).vector);
  const reference = [0, 1, 2].map((k) => Math.max(...grid.map((vector) => vector[k]!)));
  const shares: number[] = [];
  for (let seed = 0; seed < 11; seed++) {
    const found = await search({ ...REQUEST, seed }, async (places) => places.map(score));
    const vectors = found.map((place) => score(place).vector);
    shares.push(hypervolume(vectors, reference) / hypervolume(grid, reference));
  }
  assert.ok(shares.sort((a, b) => a - b)[5]! >= 0.98, shares.join(' '));
});

test('it evaluates as many places as it may, none twice, all in the space, and the same ones for the same seed', async () => {
  const request = fc.record({
    counts: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }),
    evaluations: fc.integer({ min: 1, max: 60 }),
    seed: fc.nat(100),
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ counts, evaluations, seed }) => {
      const run = () =>
        search({ counts, ordered: counts.map((_, k) => k % 2 === 0), evaluations, seed }, async (places) =>
          places.map((place) => ({ vector: [place.reduce((sum, gene) => sum + gene, 0), -place[0]!], violation: place.length - 1 })),
        );
      const found = await run();
      const size = counts.reduce((product, count) => product * count, 1);
      assert.is(found.length, Math.min(size, evaluations));
      assert.is(new Set(found.map(String)).size, found.length);
      for (const place of found) assert.ok(place.every((gene, k) => Number.isInteger(gene) && gene >= 0 && gene < counts[k]!));
      assert.equal(await run(), found);
    }),
    { seed: 2, numRuns: 60 },
  );
});

test('places outside the constraints are left for those inside, and failed ones do no harm', async () => {
  const limited = (place: Genome): Score => {
    const { vector } = score(place);
    const area = vector[2]!;
    if (place[2] === 4) return { vector: vector.map(() => Number.POSITIVE_INFINITY), violation: Number.POSITIVE_INFINITY };
    return { vector, violation: Math.max(0, area - 12) };
  };
  const found = await search({ ...REQUEST, seed: 1 }, async (places) => places.map(limited));
  const inside = (places: readonly Genome[]) => places.filter((place) => limited(place).violation === 0).length / places.length;
  assert.ok(inside(found.slice(80)) > 2 * inside(everywhere()), `${inside(found.slice(80))} against ${inside(everywhere())} by chance`);
});

test.run();
