// What every elementwise operator shares: its draft, and how its result is rounded when it is folded.

import type { DType } from '../../ir/graph.ts';
import type { DraftSpec, StepBody } from '../draft.ts';
import { isFloating } from '../dtype.ts';
import type { NodeView } from '../node-view.ts';
import { alignedAxes } from './broadcast.ts';

/** A step over the node's inputs, all of them unless told otherwise; activations among them are read as the output is made. */
export function stepDraft(view: NodeView, rank: number, step: Omit<StepBody, 'kind' | 'operands'>, operands = view.values()): DraftSpec {
  return {
    body: { kind: 'step', ...step, operands: operands.map(({ id }) => id) },
    inputs: operands
      .filter(({ constant }) => !constant)
      .map(({ id, shape }) => ({ value: id, reach: { kind: 'aligned' }, axes: alignedAxes(shape.length, rank) })),
  };
}

/** Bits of the integers that numbers here hold exactly, so that they can be wrapped; negative for signed types. */
const INTEGER_BITS: Partial<Record<DType, number>> = {
  int32: -32,
  int16: -16,
  int8: -8,
  int4: -4,
  int2: -2,
  uint32: 32,
  uint16: 16,
  uint8: 8,
  uint4: 4,
  uint2: 2,
};

/** A folded result as its type holds it: rounded if floating, wrapped around if an integer of up to 32 bits. */
export function rounded(value: number, dtype: DType): number {
  if (dtype === 'bool') return value === 0 ? 0 : 1;
  if (dtype === 'float64') return value;
  if (isFloating(dtype)) return Math.fround(value);
  const whole = Math.trunc(value);
  const bits = INTEGER_BITS[dtype];
  if (bits === undefined || !Number.isFinite(whole)) return whole;
  const range = 2 ** Math.abs(bits);
  const wrapped = ((whole % range) + range) % range;
  return bits < 0 && wrapped >= range / 2 ? wrapped - range : wrapped;
}

/** The largest float32: attributes stay plain JSON, which has no infinity. */
const LARGEST = 3.4028234663852886e38;

export function finite(value: number): number {
  if (Number.isNaN(value)) return 0;
  return Math.max(-LARGEST, Math.min(LARGEST, value));
}
