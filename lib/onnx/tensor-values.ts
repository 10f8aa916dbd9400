// Values of a tensor: TensorProto -> elements in row-major order.
// 64-bit integers beyond 2^53 lose their last digits; shape arithmetic uses such values as "to the end" only.

import { endianness } from 'node:os';
import type { onnx } from 'onnx-proto';
import { type ElementArray, elementArray } from '../ir/elements.ts';
import { dtypeOf, rawBits, typeName } from './dtype.ts';
import { MOST_FOLDED } from './model.ts';
import { smallFloats } from './small-float.ts';

/** The `count` elements of a tensor, or undefined if it holds none, another number of them, or too many. */
export function elementsOf(tensor: onnx.ITensorProto, count: number): readonly number[] | undefined {
  if (count > MOST_FOLDED) return undefined;
  const values = valuesOf(tensor, count);
  return values === undefined ? undefined : Array.from(values);
}

/** The `count` elements of a tensor, or undefined if it holds another number of them. They are a copy. */
export function valuesOf(tensor: onnx.ITensorProto, count: number): ElementArray | undefined {
  const type = tensor.dataType ?? 0;
  const raw = tensor.rawData;
  if (raw && raw.length > 0) return valuesOfBytes(raw, type, count);
  return fromUnits(typedData(tensor, type), type, count);
}

/** The `count` elements that `raw` holds as raw_data does; undefined if it has another size. They are a copy. */
export function valuesOfBytes(raw: Uint8Array, type: number, count: number): ElementArray | undefined {
  const units = raw.length === Math.ceil((count * rawBits(type)) / 8) ? rawUnits(raw, type) : undefined;
  return units === undefined ? undefined : fromUnits(units, type, count);
}

/** Numbers as a file stores them: elements, bit patterns of floats, or bytes of several elements. */
type Units = ArrayLike<number>;

function typedData(tensor: onnx.ITensorProto, type: number): Units {
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
    default:
      return tensor.int32Data ?? [];
  }
}

/** raw_data is little-endian whatever the machine, and not aligned. */
function rawUnits(raw: Uint8Array, type: number): Units | undefined {
  const bits = rawBits(type);
  const own = Uint8Array.from(raw);
  if (endianness() === 'BE' && bits > 8) swapBytes(Buffer.from(own.buffer), bits);
  switch (dtypeOf(type)) {
    case 'float32':
      return new Float32Array(own.buffer);
    case 'float64':
      return new Float64Array(own.buffer);
    case 'int64':
      return Float64Array.from(new BigInt64Array(own.buffer), Number);
    case 'uint64':
      return Float64Array.from(new BigUint64Array(own.buffer), Number);
    case 'int32':
      return new Int32Array(own.buffer);
    case 'uint32':
      return new Uint32Array(own.buffer);
    case 'int16':
      return new Int16Array(own.buffer);
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      return new Uint16Array(own.buffer);
    case 'int8':
      return new Int8Array(own.buffer);
    case undefined:
    case 'string':
      return undefined;
    default:
      return own;
  }
}

function swapBytes(bytes: Buffer, bits: number): void {
  if (bits === 16) bytes.swap16();
  else if (bits === 32) bytes.swap32();
  else if (bits === 64) bytes.swap64();
}

function fromUnits(units: Units, type: number, count: number): ElementArray | undefined {
  const dtype = dtypeOf(type);
  const bits = rawBits(type);
  if (dtype === undefined || dtype === 'string') return undefined;
  const table = smallFloats(typeName(type));
  const patterns = bits < 8 ? unpack(units, count, bits, dtype === 'int4' || dtype === 'int2') : units;
  if (patterns === undefined || patterns.length !== count) return undefined;
  if (table === undefined) return elementArray(dtype, patterns);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = table[(patterns[i] ?? 0) & (table.length - 1)] ?? 0;
  return values;
}

/** Elements of 4 or 2 bits, the first in the lowest bits of a byte; undefined if they are not as many bytes. */
function unpack(bytes: Units, count: number, bits: number, isSigned: boolean): Units | undefined {
  const perByte = 8 / bits;
  const range = 2 ** bits;
  if (bytes.length !== Math.ceil(count / perByte)) return undefined;
  const elements = isSigned ? new Int8Array(count) : new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const element = ((bytes[Math.floor(i / perByte)] ?? 0) >> (bits * (i % perByte))) & (range - 1);
    elements[i] = isSigned && element >= range / 2 ? element - range : element;
  }
  return elements;
}
