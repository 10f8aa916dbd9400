// Whole-integer products with ideal converters: what bit-serial inputs and bit-sliced weights add up to. In doubles, in
// which sums below 2^53 are exact and which the processor multiplies and adds fastest; 2 x 4 results at a time.

import type { Block, Tile } from './cim-array.ts';

/** Row-major vectors and results; `offset`: where a tile's part of each begins. */
export interface Rows {
  readonly values: Float64Array;
  readonly width: number;
  readonly offset: number;
}

/** results[v] += vectors[v] * tile for v from .. to - 1. */
export function accumulate(vectors: Rows, tile: Tile, results: Rows, from: number, to: number): void {
  for (const block of tile.blocks) accumulateBlock(vectors, tile, block, results, from, to);
}

function accumulateBlock(
  vectors: Rows,
  { rows: height, weights }: Tile,
  { row, rows, column, columns }: Block,
  results: Rows,
  from: number,
  to: number,
): void {
  const x = vectors.values;
  const y = results.values;
  const { width } = results;
  let v = from;
  for (; v + 1 < to; v += 2) {
    const a = v * vectors.width + vectors.offset + row;
    const b = a + vectors.width;
    let out = v * width + results.offset + column;
    let c = 0;
    for (; c + 3 < columns; c += 4, out += 4) {
      const w = (column + c) * height + row;
      let [a0, a1, a2, a3, b0, b1, b2, b3] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let r = 0; r < rows; r++) {
        const xa = x[a + r]!;
        const xb = x[b + r]!;
        const w0 = weights[w + r]!;
        const w1 = weights[w + height + r]!;
        const w2 = weights[w + 2 * height + r]!;
        const w3 = weights[w + 3 * height + r]!;
        a0 += xa * w0;
        a1 += xa * w1;
        a2 += xa * w2;
        a3 += xa * w3;
        b0 += xb * w0;
        b1 += xb * w1;
        b2 += xb * w2;
        b3 += xb * w3;
      }
      y[out]! += a0;
      y[out + 1]! += a1;
      y[out + 2]! += a2;
      y[out + 3]! += a3;
      y[out + width]! += b0;
      y[out + width + 1]! += b1;
      y[out + width + 2]! += b2;
      y[out + width + 3]! += b3;
    }
    for (; c < columns; c++, out++) {
      const w = (column + c) * height + row;
      y[out]! += dot(x, a, weights, w, rows);
      y[out + width]! += dot(x, b, weights, w, rows);
    }
  }
  if (v < to) {
    const a = v * vectors.width + vectors.offset + row;
    for (let c = 0; c < columns; c++) {
      y[v * width + results.offset + column + c]! += dot(x, a, weights, (column + c) * height + row, rows);
    }
  }
}

function dot(x: Float64Array, a: number, weights: Float64Array, w: number, rows: number): number {
  let sum = 0;
  for (let r = 0; r < rows; r++) sum += x[a + r]! * weights[w + r]!;
  return sum;
}
