// Values of a small tensor: TensorProto -> elements in row-major order, as numbers.
// 64-bit integers beyond 2^53 lose their last digits; shape arithmetic uses such values as "to the end" only.

import type { onnx } from 'onnx-proto';
import { dtypeOf, rawBits } from './dtype.ts';
import { MOST_FOLDED } from './model.ts';

/** The `count` elements of a tensor, or undefined if it holds none, another number of them, or too many. */
export function elementsOf(tensor: onnx.ITensorProto, count: number): readonly number[] | undefined {
  if (count > MOST_FOLDED) return undefined;
  if (count === 0) return [];
  const type = tensor.dataType ?? 0;
  const raw = tensor.rawData;
  if (raw && raw.length > 0) return raw.length === Math.ceil((count * rawBits(type)) / 8) ? fromRaw(raw, type, count) : undefined;
  const typed = fromTyped(tensor, type, count);
  return typed?.length === count ? typed : undefined;
}

function fromTyped(tensor: onnx.ITensorProto, type: number, count: number): readonly number[] | undefined {
  switch (dtypeOf(type)) {
    case 'float32':
      return tensor.floatData ?? [];
    case 'float64':
      return tensor.doubleData ?? [];
    case 'int64':
      return (tensor.int64Data ?? []).map(Number);
    case 'uint64':
    case 'uint32':
      return (tensor.uint64Data ?? []).map(Number);
    case 'float16':
      return (tensor.int32Data ?? []).map(fromFloat16);
    case 'bfloat16':
      return (tensor.int32Data ?? []).map((bits) => fromFloat32Bits(bits << 16));
    case 'int4':
    case 'uint4':
      return unpack4(tensor.int32Data ?? [], count, dtypeOf(type) === 'int4');
    case 'int32':
    case 'int16':
    case 'int8':
    case 'uint16':
    case 'uint8':
    case 'bool':
      return tensor.int32Data ?? [];
    default:
      return undefined;
  }
}

/** raw_data is little-endian whatever the machine, and not aligned. */
function fromRaw(raw: Uint8Array, type: number, count: number): readonly number[] | undefined {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const read = (bytes: number, at: (offset: number) => number): number[] => Array.from({ length: count }, (_, i) => at(i * bytes));
  switch (dtypeOf(type)) {
    case 'float32':
      return read(4, (o) => view.getFloat32(o, true));
    case 'float64':
      return read(8, (o) => view.getFloat64(o, true));
    case 'float16':
      return read(2, (o) => fromFloat16(view.getUint16(o, true)));
    case 'bfloat16':
      return read(2, (o) => fromFloat32Bits(view.getUint16(o, true) << 16));
    case 'int64':
      return read(8, (o) => Number(view.getBigInt64(o, true)));
    case 'uint64':
      return read(8, (o) => Number(view.getBigUint64(o, true)));
    case 'int32':
      return read(4, (o) => view.getInt32(o, true));
    case 'uint32':
      return read(4, (o) => view.getUint32(o, true));
    case 'int16':
      return read(2, (o) => view.getInt16(o, true));
    case 'uint16':
      return read(2, (o) => view.getUint16(o, true));
    case 'int8':
      return read(1, (o) => view.getInt8(o));
    case 'uint8':
    case 'bool':
      return read(1, (o) => view.getUint8(o));
    case 'int4':
    case 'uint4':
      return unpack4(raw, count, dtypeOf(type) === 'int4');
    default:
      return undefined;
  }
}

/** Two elements a byte, the first in the low half. */
function unpack4(bytes: ArrayLike<number>, count: number, isSigned: boolean): number[] {
  return Array.from({ length: count }, (_, i) => {
    const half = ((bytes[i >> 1] ?? 0) >> (4 * (i % 2))) & 15;
    return isSigned && half > 7 ? half - 16 : half;
  });
}

const scratch = new DataView(new ArrayBuffer(4));

function fromFloat32Bits(bits: number): number {
  scratch.setInt32(0, bits);
  return scratch.getFloat32(0);
}

function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
