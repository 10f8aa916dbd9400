import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dominates, hypervolume, paretoFront } from '../../lib/base/pareto.ts';

const test = suite('pareto');

const SIDE = 6;
const vectors = (dimensions: number) =>
  fc.array(fc.array(fc.integer({ min: 0, max: SIDE }), { minLength: dimensions, maxLength: dimensions }), { maxLength: 14 });
const settings = { seed: 11, numRuns: 150 };

/** Unit cells of the grid whose upper corner some vector is not above: the volume, counted. */
function cellsDominated(list: readonly (readonly number[])[], dimensions: number): number {
  let count = 0;
  for (let index = 0; index < SIDE ** dimensions; index++) {
    const cell = Array.from({ length: dimensions }, (_, k) => Math.floor(index / SIDE ** k) % SIDE);
    if (list.some((vector) => vector.every((value, k) => value <= cell[k]!))) count++;
  }
  return count;
}

test('the hypervolume is the volume of what is dominated, in one to four dimensions', () => {
  for (const dimensions of [1, 2, 3, 4]) {
    fc.assert(
      fc.property(vectors(dimensions), (list) => {
        assert.is(hypervolume(list, new Array<number>(dimensions).fill(SIDE)), cellsDominated(list, dimensions));
      }),
      settings,
    );
  }
});

test('the front is exactly what nothing dominates, of equal vectors the first', () => {
  fc.assert(
    fc.property(vectors(3), (list) => {
      const front = list.flatMap((vector, i) => {
        const isBeaten = list.some((other, j) => dominates(other, vector) || (j < i && other.every((value, k) => value === vector[k])));
        return isBeaten ? [] : [i];
      });
      assert.equal(paretoFront(list), front);
    }),
    settings,
  );
});

test('one front is worth what all its points are', () => {
  fc.assert(
    fc.property(vectors(3), (list) => {
      const reference = [SIDE, SIDE, SIDE];
      assert.is(
        hypervolume(
          paretoFront(list).map((i) => list[i]!),
          reference,
        ),
        hypervolume(list, reference),
      );
    }),
    settings,
  );
});

test.run();
