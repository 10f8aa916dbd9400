// Agreement: how close computed outputs are to those in real numbers: signal-to-noise ratio, and the same largest element.

export interface Agreement {
  /** 10 log10 of signal over noise power, in decibels; infinite if nothing differs. */
  readonly snrDecibels: number;
  /** Rows (samples) whose largest element is at the same place. */
  readonly sameTop: number;
  readonly rows: number;
}

/** Of `values` with `reference`, both with `width` elements a row. */
export function agreement(reference: ArrayLike<number>, values: ArrayLike<number>, width: number): Agreement {
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < reference.length; i++) {
    signal += reference[i]! ** 2;
    noise += (reference[i]! - values[i]!) ** 2;
  }
  const rows = reference.length / width;
  let sameTop = 0;
  for (let row = 0; row < rows; row++) if (topOf(reference, row, width) === topOf(values, row, width)) sameTop++;
  return { snrDecibels: noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise), sameTop, rows };
}

/** Place of the largest of a row's elements, the first of several. */
export function topOf(values: ArrayLike<number>, row: number, width: number): number {
  let top = 0;
  for (let i = 1; i < width; i++) if (values[row * width + i]! > values[row * width + top]!) top = i;
  return top;
}
