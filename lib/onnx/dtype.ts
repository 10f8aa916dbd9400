// Element types of ONNX: TensorProto.DataType numbers <-> DType of the graph.
// Source: onnx.proto3 of onnx 1.23. Complex numbers have no DType and are refused by name.

import type { DType } from '../ir/graph.ts';

interface ElementType {
  readonly name: string;
  readonly dtype?: DType;
  /** Bits of one element in raw_data; 0 where the size varies (strings). */
  readonly bits: number;
}

/** By TensorProto.DataType number. */
const ELEMENT_TYPES: readonly ElementType[] = [
  { name: 'undefined', bits: 0 },
  { name: 'float', dtype: 'float32', bits: 32 },
  { name: 'uint8', dtype: 'uint8', bits: 8 },
  { name: 'int8', dtype: 'int8', bits: 8 },
  { name: 'uint16', dtype: 'uint16', bits: 16 },
  { name: 'int16', dtype: 'int16', bits: 16 },
  { name: 'int32', dtype: 'int32', bits: 32 },
  { name: 'int64', dtype: 'int64', bits: 64 },
  { name: 'string', dtype: 'string', bits: 0 },
  { name: 'bool', dtype: 'bool', bits: 8 },
  { name: 'float16', dtype: 'float16', bits: 16 },
  { name: 'double', dtype: 'float64', bits: 64 },
  { name: 'uint32', dtype: 'uint32', bits: 32 },
  { name: 'uint64', dtype: 'uint64', bits: 64 },
  { name: 'complex64', bits: 64 },
  { name: 'complex128', bits: 128 },
  { name: 'bfloat16', dtype: 'bfloat16', bits: 16 },
  { name: 'float8e4m3fn', dtype: 'float8', bits: 8 },
  { name: 'float8e4m3fnuz', dtype: 'float8', bits: 8 },
  { name: 'float8e5m2', dtype: 'float8', bits: 8 },
  { name: 'float8e5m2fnuz', dtype: 'float8', bits: 8 },
  { name: 'uint4', dtype: 'uint4', bits: 4 },
  { name: 'int4', dtype: 'int4', bits: 4 },
  { name: 'float4e2m1', dtype: 'float4', bits: 4 },
  { name: 'float8e8m0', dtype: 'float8', bits: 8 },
  { name: 'uint2', dtype: 'uint2', bits: 2 },
  { name: 'int2', dtype: 'int2', bits: 2 },
];

/** The graph's element type, or undefined for a number that is unknown or has none. */
export function dtypeOf(number: number): DType | undefined {
  return ELEMENT_TYPES[number]?.dtype;
}

/** The type's name for messages. */
export function typeName(number: number): string {
  return ELEMENT_TYPES[number]?.name ?? `type ${number}`;
}

/** Bits of one element in raw_data, 0 when unknown. */
export function rawBits(number: number): number {
  return ELEMENT_TYPES[number]?.bits ?? 0;
}

const INTEGER = new Set<DType>([
  'int64',
  'int32',
  'int16',
  'int8',
  'uint64',
  'uint32',
  'uint16',
  'uint8',
  'int4',
  'uint4',
  'int2',
  'uint2',
]);
const FLOATING = new Set<DType>(['float64', 'float32', 'float16', 'bfloat16', 'float8', 'float4']);

export function isInteger(dtype: DType): boolean {
  return INTEGER.has(dtype);
}

export function isFloating(dtype: DType): boolean {
  return FLOATING.has(dtype);
}
