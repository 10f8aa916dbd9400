// NumPy files: read back what was written, and what NumPy itself wrote.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readNumpy, writeNpz } from '../../lib/workload/npz.ts';

const npz = suite('npz');

/** numpy 2.3: np.savez_compressed(a=np.arange(6, dtype='>i2').reshape(2, 3), b=np.array([True, False]), c=np.asfortranarray([[1., 2.], [3., 4.]], dtype='f4'), h=np.array([0.5, -2, 65504], dtype='f2')) */
const BY_NUMPY =
  'UEsDBC0AAAAIAAAAIQCQvN3C//////////8FABQAYS5ucHkBABAAjAAAAAAAAABSAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6XaaSuo6Cell9UUpSYF59flJIKEn' +
  'dLzClOBYoXZyQWpAL5GkY6CsaaOgq1CmQDLgYGBkYGJgZmBhYGVgBQSwMELQAAAAgAAAAhAO4Zu13//////////wUAFABiLm5weQEAEACCAAAAAAAAAEYAAAAAAAAAm+wX' +
  '6hsQychQxlCtnpJanFykbqWgXpNkqK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaRjqaOgq1ChQALkYGAFBLAwQtAAAACAAAACEAiVL2Ff//////////BQAUAG' +
  'MubnB5AQAQAJAAAAAAAAAAUwAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2airqOgnpZfVFKUmBefX5SSChIPKSpNBQoXZyQWpAK5GkY6CkaaOgq1CuQDLgaGBnsG' +
  'BgcHBiABZDsAAFBLAwQtAAAACAAAACEASO0tTv//////////BQAUAGgubnB5AQAQAIYAAAAAAAAASgAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2akrqOgnpZfVF' +
  'KUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RrGOpo6CrUKFAAuBguGA/+rAVBLAQItAy0AAAAIAAAAIQCQvN3CUgAAAIwAAAAFAAAAAAAAAAAAAACAAQAAAABhLm5weVBLAQIt' +
  'Ay0AAAAIAAAAIQDuGbtdRgAAAIIAAAAFAAAAAAAAAAAAAACAAYkAAABiLm5weVBLAQItAy0AAAAIAAAAIQCJUvYVUwAAAJAAAAAFAAAAAAAAAAAAAACAAQYBAABjLm5weV' +
  'BLAQItAy0AAAAIAAAAIQBI7S1OSgAAAIYAAAAFAAAAAAAAAAAAAACAAZABAABoLm5weVBLBQYAAAAABAAEAMwAAAARAgAAAAA=';

npz('arrays come back as they were written', () => {
  const arrays = {
    image: { shape: [2, 3], values: [1, 2.5, -3, 4e300, 0, 6] },
    'a.b': { shape: [4], values: [9, 8, 7, 6] },
    one: { shape: [], values: [3] },
  };
  const read = readNumpy(writeNpz(arrays), 'x.npz');
  assert.equal(Object.keys(read), Object.keys(arrays));
  for (const [name, { shape, values }] of Object.entries(arrays)) {
    assert.equal(read[name]?.shape, shape);
    assert.equal([...(read[name]?.values ?? [])], values);
  }
});

npz("NumPy's own archive: packed, other byte orders, column-major", () => {
  const read = readNumpy(Buffer.from(BY_NUMPY, 'base64'), 'x.npz');
  assert.equal(Object.fromEntries(Object.entries(read).map(([name, { shape, values }]) => [name, [shape, [...values]]])), {
    a: [
      [2, 3],
      [0, 1, 2, 3, 4, 5],
    ],
    b: [[2], [1, 0]],
    c: [
      [2, 2],
      [1, 2, 3, 4],
    ],
    h: [[3], [0.5, -2, 65504]],
  });
});

npz('what is no such file, or a damaged one, is refused', () => {
  const whole = writeNpz({ a: { shape: [3], values: [1, 2, 3] } });
  assert.throws(() => readNumpy(Buffer.from('PK is not enough'), 'x.npz'), /x\.npz: is not a NumPy file.*not a ZIP archive/);
  assert.throws(() => readNumpy(whole.subarray(0, 60), 'x.npz'), /is not a NumPy file/);
  for (let at = 0; at < whole.length; at += 3) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 0x5a;
    try {
      readNumpy(damaged, 'x.npz');
    } catch (error) {
      assert.match((error as Error).message, /^x\.npz: is not a NumPy file/);
    }
  }
});

npz.run();
