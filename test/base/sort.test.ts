import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sortByKey } from '../../lib/base/sort.ts';

/** Few different keys, so that many are equal; runs of them ascend. */
const KEYS = fc
  .array(fc.array(fc.integer({ min: -3, max: 9 }), { maxLength: 20 }).map((run) => run.sort((a, b) => a - b)))
  .map((runs) => runs.flat());

test('items are sorted by key, equal ones in the order they came in, and the list given stays as it was', () => {
  fc.assert(
    fc.property(KEYS, fc.boolean(), (keys, backwards) => {
      const items = keys.map((_, i) => (backwards ? keys.length - 1 - i : i));
      const given = Int32Array.from(items);
      const sorted = sortByKey(given, Float64Array.from(keys));
      // Array.prototype.sort is stable.
      assert.equal(
        [...sorted],
        [...items].sort((a, b) => keys[a]! - keys[b]!),
      );
      assert.equal([...given], items);
    }),
    { seed: 1, numRuns: 500 },
  );
});

test.run();
