// TensorProto in the file -> name, type and shape; its values only on demand, and never if they are weights.

import proto from 'onnx-proto';
import { dtypeOf, rawBits, typeName } from './dtype.ts';
import { elementCount, MOST_DIMENSIONS, MOST_FOLDED, type StoredTensor, unknownElements } from './model.ts';
import { elementsOf } from './tensor-values.ts';
import { appendIntegers, BYTES, type Frame, forEachField, frameOf, textOf, VARINT, WireError } from './wire.ts';

// Field numbers of TensorProto in onnx.proto3.
const DIMS = 1;
const DATA_TYPE = 2;
const NAME = 8;
const RAW_DATA = 9;
const DATA_LOCATION = 14;
const EXTERNAL = 1;
// Of SparseTensorProto.
const SPARSE_VALUES = 1;
const SPARSE_DIMS = 3;

/** What is wrong with a tensor, in words; `name` says which. */
export interface BadTensor {
  readonly name: string;
  readonly reason: string;
}

/** The tensor in `frame`. Values in other files are never read. */
export function storedTensor(frame: Frame): StoredTensor | BadTensor {
  const shape: number[] = [];
  let type = 0;
  let name = '';
  let external = false;
  let rawBytes = -1;
  forEachField(frame, (field) => {
    if (field.number === DIMS) appendDimensions(field, shape);
    else if (field.number === DATA_TYPE && field.wire === VARINT) type = field.value;
    else if (field.number === NAME && field.wire === BYTES) name = textOf(field);
    else if (field.number === RAW_DATA && field.wire === BYTES) rawBytes = field.to - field.from;
    else if (field.number === DATA_LOCATION) external = field.value === EXTERNAL;
  });
  const dtype = dtypeOf(type);
  if (dtype === undefined) return { name, reason: `has elements of ${typeName(type)}` };
  const bad = shape.find((dimension) => !Number.isSafeInteger(dimension) || dimension < 0);
  if (bad !== undefined) return { name, reason: `has a dimension of ${bad}` };
  const count = elementCount(shape);
  if (!Number.isSafeInteger(count)) return { name, reason: `has shape [${shape.join(', ')}], more elements than can be counted` };
  const needed = Math.ceil((count * rawBits(type)) / 8);
  if (!external && rawBytes >= 0 && dtype !== 'string' && rawBytes !== needed) {
    return { name, reason: `holds ${rawBytes} bytes of values, and its shape [${shape.join(', ')}] needs ${needed}` };
  }
  const own = frameOf(frame);
  return { name, dtype, shape, elements: external || count > MOST_FOLDED ? unknownElements : onDemand(own, count), frame: own };
}

/** A sparse tensor: its shape and the type of its values, which are never read. */
export function sparseTensor(frame: Frame): StoredTensor | BadTensor {
  const shape: number[] = [];
  let values: StoredTensor | BadTensor = { name: '', reason: 'has no values' };
  forEachField(frame, (field) => {
    if (field.number === SPARSE_VALUES && field.wire === BYTES) values = storedTensor(field);
    else if (field.number === SPARSE_DIMS) appendDimensions(field, shape);
  });
  if ('reason' in values) return values;
  const { name, dtype } = values as StoredTensor;
  return { name, dtype, shape, elements: unknownElements };
}

function appendDimensions(field: Parameters<typeof appendIntegers>[0], shape: number[]): void {
  if (field.to - field.from <= 10 * MOST_DIMENSIONS) appendIntegers(field, shape);
  if (field.to - field.from > 10 * MOST_DIMENSIONS || shape.length > MOST_DIMENSIONS) {
    throw new WireError(field.from, `a tensor has more than ${MOST_DIMENSIONS} dimensions`);
  }
}

/** A small tensor's values in the longest encoding, and its name. */
const MOST_BYTES = 10 * MOST_FOLDED + 2 ** 16;

/** Values decoded by onnx-proto when first asked for; none if the bytes are damaged, or more than such a tensor has. */
function onDemand({ bytes, from, to }: Frame, count: number): StoredTensor['elements'] {
  let known: readonly number[] | undefined;
  let asked = false;
  return () => {
    if (asked) return known;
    asked = true;
    if (to - from > MOST_BYTES) return undefined;
    try {
      known = elementsOf(proto.onnx.TensorProto.decode(bytes.subarray(from, to)), count);
    } catch {
      known = undefined;
    }
    return known;
  };
}
