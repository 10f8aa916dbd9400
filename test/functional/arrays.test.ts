// Arrays: numbers in bytes, tiles that survive switching, products bit by bit.

import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { accumulateBits } from '../../lib/simulator/functional/bit-serial.ts';
import { CimArray, type Tile } from '../../lib/simulator/functional/cim-array.ts';
import { pack, unpack } from '../../lib/simulator/functional/codec.ts';
import { converter, isIdeal } from '../../lib/simulator/functional/converter.ts';
import { accumulate, type Rows } from '../../lib/simulator/functional/gemm.ts';
import { randomFrom } from '../support/networks.ts';

const SEED = 20250;
const arrays = suite('arrays');

const GEOMETRY = { tileRows: 6, tileColumns: 5, memoryBytesPerArray: 40, precision: { weightBits: 8, activationBits: 8 } };

/** A tile of random whole numbers; `bits` of them, signed. */
function randomTile(rows: number, columns: number, bits: number, seed: number, unsigned = false): Tile {
  const random = randomFrom(seed);
  const [least, most] = unsigned ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  const weights = Float64Array.from({ length: rows * columns }, () => random(least, most));
  return { rows, columns, unsigned, weights, blocks: [{ row: 0, rows, column: 0, columns }] };
}

arrays('numbers of any width come back from their bytes, and those around them stay', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 32 }),
      fc.boolean(),
      fc.array(fc.integer(), { minLength: 1, maxLength: 20 }),
      fc.nat(30),
      (bits, signed, raw, first) => {
        const unused = 32 - bits;
        const values = raw.map((value) => (signed ? (value << unused) >> unused : (value << unused) >>> unused));
        const bytes = new Uint8Array(Math.ceil(((first + values.length + 2) * bits) / 8)).fill(0xa5);
        const before = [...bytes];
        pack(values, 0, values.length, bits, bytes, first * bits);
        const out = new Int32Array(values.length);
        unpack(bytes, first * bits, values.length, bits, signed, out, 0);
        assert.equal(signed ? [...out] : [...out].map((value) => value >>> 0), values);
        const bitOf = (of: ArrayLike<number>, bit: number): number => (of[bit >> 3]! >> (bit & 7)) & 1;
        for (let bit = 0; bit < first * bits; bit++) assert.is(bitOf(bytes, bit), bitOf(before, bit));
        for (let bit = (first + values.length) * bits; bit < bytes.length * 8; bit++) assert.is(bitOf(bytes, bit), bitOf(before, bit));
      },
    ),
    { seed: SEED, numRuns: 200 },
  );
});

arrays('weights that were read as memory and not written are still there', () => {
  const array = new CimArray(GEOMETRY);
  const tile = randomTile(6, 5, 8, 1);
  array.writeTile(tile);
  assert.is(array.readTile(6, 5, false), tile);
  array.read(0, 10);
  array.write(30, Uint8Array.of(1, 2, 3));
  assert.equal([...array.readTile(6, 5, false).weights], [...tile.weights]);
});

arrays('a byte written as memory changes the weight that lies there, and no other', () => {
  const array = new CimArray(GEOMETRY);
  const tile = randomTile(6, 5, 8, 2);
  array.writeTile(tile);
  // Row 2, column 3.
  array.write(2 * 5 + 3, Uint8Array.of(0x81));
  const expected = [...tile.weights];
  expected[3 * 6 + 2] = -127;
  assert.equal([...array.readTile(6, 5, false).weights], expected);
});

arrays('around a smaller tile the cells keep what they held', () => {
  const array = new CimArray(GEOMETRY);
  const large = randomTile(6, 5, 8, 3);
  const small = randomTile(2, 3, 8, 4);
  array.writeTile(large);
  array.writeTile(small);
  const found = array.readTile(6, 5, false);
  for (let r = 0; r < 6; r++) {
    for (let c = 0; c < 5; c++) {
      const expected = r < 2 && c < 3 ? small.weights[c * 2 + r] : large.weights[c * 6 + r];
      assert.is(found.weights[c * 6 + r], expected, `row ${r}, column ${c}`);
    }
  }
});

function rowsOf(values: readonly number[], width: number): Rows {
  return { values: Float64Array.from(values), width, offset: 0 };
}

arrays('whole-integer products are what bit-serial inputs and bit-sliced weights add up to', () => {
  const size = fc.record({
    rows: fc.integer({ min: 1, max: 70 }),
    columns: fc.integer({ min: 1, max: 9 }),
    vectors: fc.integer({ min: 1, max: 5 }),
  });
  const bits = fc.record({ inputBits: fc.integer({ min: 2, max: 8 }), weightBits: fc.integer({ min: 2, max: 8 }) });
  fc.assert(
    fc.property(
      size,
      bits,
      fc.boolean(),
      fc.boolean(),
      fc.nat(),
      ({ rows, columns, vectors }, { inputBits, weightBits }, inputUnsigned, unsigned, seed) => {
        const tile = randomTile(rows, columns, weightBits, seed, unsigned);
        const inputs = rowsOf([...randomTile(rows, vectors, inputBits, seed + 1, inputUnsigned).weights], rows);
        const fast = rowsOf(Array(vectors * columns).fill(7), columns);
        const slow = rowsOf(Array(vectors * columns).fill(7), columns);
        accumulate(inputs, tile, fast, 0, vectors);
        accumulateBits(inputs, tile, slow, 0, vectors, { inputBits, inputUnsigned, weightBits }, converter({}, rows, 0));
        assert.equal([...fast.values], [...slow.values]);
      },
    ),
    { seed: SEED, numRuns: 150 },
  );
});

arrays('block-diagonal tiles give what full ones with zeros between the blocks give', () => {
  const [groups, n, k] = [4, 3, 2];
  const rows = groups * n;
  const blocks = Array.from({ length: groups }, (_, g) => ({ row: g * n, rows: n, column: g * k, columns: k }));
  const random = randomFrom(5);
  const weights = new Float64Array(rows * groups * k).map((_, i) =>
    Math.floor((i % rows) / n) === Math.floor(i / rows / k) ? random(-9, 9) : 0,
  );
  const tile: Tile = { rows, columns: groups * k, unsigned: false, weights, blocks };
  const vectors = rowsOf(
    Array.from({ length: 3 * rows }, () => random(-9, 9)),
    rows,
  );
  const [sparse, full] = [rowsOf(Array(24).fill(0), 8), rowsOf(Array(24).fill(0), 8)];
  accumulate(vectors, tile, sparse, 0, 3);
  accumulate(vectors, { ...tile, blocks: [{ row: 0, rows, column: 0, columns: groups * k }] }, full, 0, 3);
  assert.equal([...sparse.values], [...full.values]);
});

arrays('a converter with a code for every count is ideal, one with fewer rounds to the nearest code', () => {
  assert.ok(isIdeal({ bits: 6 }, 63));
  assert.not.ok(isIdeal({ bits: 6 }, 64));
  assert.not.ok(isIdeal({ noise: 0.1 }, 4));
  const exact = converter({ bits: 6 }, 63, 0);
  const coarse = converter({ bits: 3 }, 63, 0);
  for (let count = 0; count <= 63; count++) {
    assert.is(exact(count), count);
    assert.ok(Math.abs(coarse(count) - count) <= 4.5);
    assert.is(coarse(count) % 9, 0);
  }
});

arrays('noise is normal, of the given deviation, and the same for the same seed', () => {
  const [a, b, other] = [1, 1, 2].map((seed) => converter({ noise: 3 }, 1000, seed));
  const readings = Array.from({ length: 4000 }, () => a!(500));
  assert.equal(
    readings.slice(0, 50),
    Array.from({ length: 50 }, () => b!(500)),
  );
  assert.not.equal(
    readings.slice(0, 50),
    Array.from({ length: 50 }, () => other!(500)),
  );
  const mean = readings.reduce((sum, value) => sum + value, 0) / readings.length;
  const deviation = Math.sqrt(readings.reduce((sum, value) => sum + (value - mean) ** 2, 0) / readings.length);
  assert.ok(Math.abs(mean - 500) < 0.2, `mean ${mean}`);
  assert.ok(Math.abs(deviation - 3) < 0.15, `deviation ${deviation}`);
});

arrays.run();
