// ElementArray: the values of a tensor in memory, in row-major order; which array holds which element type exactly.

import type { DType } from './graph.ts';

export type ElementArray = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;

/** Values of a stored tensor. `elements` of a 64-bit integer type are rounded beyond 2^53; all others are exact. */
export interface TensorElements {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly elements: ElementArray;
}

const ARRAYS = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Float32Array,
  bfloat16: Float32Array,
  float8: Float32Array,
  float4: Float32Array,
  int64: Float64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  int4: Int8Array,
  int2: Int8Array,
  uint64: Float64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  uint4: Uint8Array,
  uint2: Uint8Array,
  bool: Uint8Array,
} as const satisfies Record<Exclude<DType, 'string'>, unknown>;

/** `count` zeros of an element type. */
export function zeros(dtype: Exclude<DType, 'string'>, count: number): ElementArray {
  return new ARRAYS[dtype](count);
}

/** `values` as the array that holds elements of `dtype`; the same array if it is one already. */
export function elementArray(dtype: Exclude<DType, 'string'>, values: ArrayLike<number>): ElementArray {
  const Elements = ARRAYS[dtype];
  return values instanceof Elements ? values : Elements.from(values);
}
