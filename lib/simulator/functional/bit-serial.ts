// Products as an array makes them: inputs come one bit at a time, weights lie in slices of one bit, and each pair of an input
// bit and a weight slice gives every column a count of cells that are on, which a converter reads. Shifting and adding the
// counts is digital. Highest bits of signed numbers count negative (two's complement).
//
//   SUM x * w = SUM over i, j of +-2^(i + j) * convert(count of rows with bit i of x and bit j of w)

import type { Tile } from './cim-array.ts';
import type { Converter } from './converter.ts';
import type { Rows } from './gemm.ts';

/** Bits of the inputs and of the weights; the highest one is negative unless unsigned. */
export interface Slicing {
  readonly inputBits: number;
  readonly inputUnsigned: boolean;
  readonly weightBits: number;
}

const WORD = 32;

/** results[v] += what the converters read of vectors[v] * tile, for the vectors listed. */
export function accumulateBits(
  vectors: Rows,
  tile: Tile,
  results: Rows,
  from: number,
  to: number,
  slicing: Slicing,
  convert: Converter,
): void {
  const { inputBits, inputUnsigned, weightBits } = slicing;
  const words = Math.ceil(tile.rows / WORD);
  const weights = planes(tile.weights, tile.columns, tile.rows, weightBits, words);
  const row = new Float64Array(tile.rows);
  for (let v = from; v < to; v++) {
    const start = v * vectors.width + vectors.offset;
    row.set(vectors.values.subarray(start, start + tile.rows));
    const inputs = planes(row, 1, tile.rows, inputBits, words);
    for (let c = 0; c < tile.columns; c++) {
      let sum = 0;
      for (let i = 0; i < inputBits; i++) {
        const inputSign = i === inputBits - 1 && !inputUnsigned ? -1 : 1;
        for (let j = 0; j < weightBits; j++) {
          const weightSign = j === weightBits - 1 && !tile.unsigned ? -1 : 1;
          let count = 0;
          for (let word = 0; word < words; word++) count += ones(inputs[i * words + word]! & weights[(c * weightBits + j) * words + word]!);
          sum += inputSign * weightSign * 2 ** (i + j) * convert(count);
        }
      }
      results.values[v * results.width + results.offset + c]! += sum;
    }
  }
}

/** Bits of `vectors` vectors of `rows` numbers: [vector][bit][word], a bit of a word for each row. */
function planes(values: Float64Array, vectors: number, rows: number, bits: number, words: number): Int32Array {
  const result = new Int32Array(vectors * bits * words);
  for (let v = 0; v < vectors; v++) {
    for (let r = 0; r < rows; r++) {
      const value = values[v * rows + r]! | 0;
      for (let bit = 0; bit < bits; bit++) {
        if ((value >> bit) & 1) result[(v * bits + bit) * words + (r >> 5)]! |= 1 << (r & 31);
      }
    }
  }
  return result;
}

/** How many bits of a word are 1 (Warren, Hacker's Delight, Fig. 5-2). */
function ones(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
