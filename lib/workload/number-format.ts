// Number formats: how integers on the chip stand for real values, real = scale * (integer - zeroPoint).

/** One format for a whole tensor; integers lie in lowest .. highest. */
export interface NumberFormat {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly lowest: number;
  readonly highest: number;
  /** A model's own format: values become integers in float32, as ONNX Runtime does it. */
  readonly single?: true;
}

/** What is counted or looked up (token ids, masks) stands for itself. */
export const WHOLE_NUMBERS: NumberFormat = { scale: 1, zeroPoint: 0, lowest: -(2 ** 31), highest: 2 ** 31 - 1 };

/** Format of `bits` bits for values of magnitude up to `largest`, with 0 in the middle. */
export function symmetricFormat(bits: number, largest: number): NumberFormat {
  const highest = largestInteger(bits);
  const scale = largest > 0 && Number.isFinite(largest) ? largest / highest : 1;
  return { scale, zeroPoint: 0, lowest: -highest, highest };
}

/** Largest magnitude of a symmetric format: 127 for 8 bits. */
export function largestInteger(bits: number): number {
  return 2 ** (bits - 1) - 1;
}

/** The integer nearest to a real value; ties go to the even one, what is out of range to the end, NaN to zero. */
export function toInteger(value: number, { scale, zeroPoint, lowest, highest, single }: NumberFormat): number {
  const ratio = single ? Math.fround(Math.fround(value) / scale) : value / scale;
  const integer = roundHalfToEven(ratio) + zeroPoint;
  if (integer < lowest) return lowest;
  if (integer > highest) return highest;
  return Number.isNaN(integer) ? zeroPoint : integer;
}

/** Adding and subtracting 1.5 * 2^52 leaves no bits for a fraction, and the processor rounds ties to even. */
const ROUNDING = 1.5 * 2 ** 52;

export function roundHalfToEven(value: number): number {
  return Math.abs(value) < 2 ** 51 ? value + ROUNDING - ROUNDING : value;
}
