// Units as soft brands: a plain number may become any of them, but one of them
// never becomes another, so bytes passed where cycles are meant do not compile.

/** Time in cycles of the chip's clock; whole once `hardware` has derived it. */
export type Cycles = number & { readonly unit?: 'cycle' };
/** Size in bytes; 1 KB is 1,024 bytes everywhere in this project. */
export type Bytes = number & { readonly unit?: 'byte' };
/** Data rate in bytes per cycle; need not be whole. */
export type BytesPerCycle = number & { readonly unit?: 'byte/cycle' };
/** Multiply-accumulate operations. */
export type Macs = number & { readonly unit?: 'MAC' };
/** Energy in picojoules. */
export type Picojoules = number & { readonly unit?: 'pJ' };
/** Frequency in hertz. */
export type Hertz = number & { readonly unit?: 'Hz' };

/** Bits of a stored weight and of an activation; a parameter of the run, never a constant. */
export interface Precision {
  readonly weightBits: number;
  readonly activationBits: number;
}

/** Bits of partial sums, and of what is counted or looked up (token ids, positions), which no quantisation makes smaller. */
export const WIDE_BITS = 32;

/** Bytes that `elements` values of `bits` bits take, rounded up once for the whole volume. */
export function bytesOf(elements: number, bits: number): Bytes {
  return Math.ceil((elements * bits) / 8);
}

/** Whole cycles in which `bytes` pass at `rate`; the epsilon absorbs division noise, not real work. */
export function cyclesAt(bytes: number, rate: number): Cycles {
  return Math.ceil(bytes / rate - 1e-9);
}

/** `a / b` rounded up, for non-negative integers. */
export function ceilDiv(a: number, b: number): number {
  return Math.ceil(a / b);
}

export function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
