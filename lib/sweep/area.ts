// Area: a linear model of the die, every coefficient part of the spec. Few chips publish more than one figure,
// so the default spreads DynaPlasia's 20.25 mm2 (28 nm, JSSC 59(1)) evenly over the bits of its 104 macros.
// Assumption: converters, links and control grow with the bits they serve; wider links and vector units are
// free unless their coefficients are given. Good for comparing chips of one family, not for absolute figures.

import type { Hardware } from '../hardware/hardware.ts';

/** In mm2. */
export interface AreaModel {
  readonly fixed: number;
  /** For each bit that the arrays store, with their converters and control. */
  readonly perArrayBit: number;
  readonly perBufferBit: number;
  readonly perExternalBytePerCycle: number;
  readonly perVectorElementPerCycle: number;
}

/** 20.25 mm2 / (104 macros * 320 * 320 bits) = 1.9 um2 a bit. Derived; published figures of other chips differ several times. */
const DYNAPLASIA_BIT = 20.25 / (104 * 320 * 320);

export const DEFAULT_AREA: AreaModel = {
  fixed: 0,
  perArrayBit: DYNAPLASIA_BIT,
  perBufferBit: DYNAPLASIA_BIT,
  perExternalBytePerCycle: 0,
  perVectorElementPerCycle: 0,
};

/** Area of a chip in mm2. */
export function areaOf(hardware: Hardware, model: AreaModel): number {
  const computeBits = hardware.tileRows * hardware.tileColumns * hardware.storedBitsPerWeight;
  const arrayBits = Math.max(computeBits, hardware.memoryBytesPerArray * 8);
  return (
    model.fixed +
    model.perArrayBit * arrayBits * hardware.arrays +
    model.perBufferBit * hardware.bufferBytes * 8 +
    model.perExternalBytePerCycle * hardware.externalBytesPerCycle +
    model.perVectorElementPerCycle * Math.max(...Object.values(hardware.vectorElementsPerCycle))
  );
}
