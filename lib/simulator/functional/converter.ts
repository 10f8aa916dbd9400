// Converter: what an array's analog-to-digital converter reads of a column's count of cells that are on.

import { randomOf } from '../../base/random.ts';

/** An ideal converter reads every count as it is. */
export interface ConverterOptions {
  /** Resolution: codes 0 .. 2^bits - 1 spread over all of an array's rows; a step is never less than one cell. */
  readonly bits?: number;
  /** Standard deviation of the noise on a column, in cells. */
  readonly noise?: number;
}

/** What is read for a count. */
export type Converter = (count: number) => number;

export function isIdeal({ bits, noise = 0 }: ConverterOptions, rows: number): boolean {
  return noise === 0 && (bits === undefined || 2 ** bits - 1 >= rows);
}

/** A converter for columns of `rows` cells; its noise comes from a seed, one number a reading. */
export function converter({ bits = Number.POSITIVE_INFINITY, noise = 0 }: ConverterOptions, rows: number, seed: number): Converter {
  const codes = Math.min(2 ** bits - 1, rows);
  const step = rows / codes;
  const normal = normalNumbers(seed);
  return (count) => {
    const analog = noise === 0 ? count : count + noise * normal();
    return step * Math.max(0, Math.min(codes, Math.round(analog / step)));
  };
}

/** Normal numbers by Box and Muller (1958). */
function normalNumbers(seed: number): () => number {
  const uniform = randomOf(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
