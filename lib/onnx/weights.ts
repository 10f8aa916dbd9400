// Weights: what a graph's weight tensors hold, read when asked for. Importing needs none of it, only simulating values does.
// path or bytes + Graph -> a function from tensor id to values: from inside the model (raw or typed), from files beside
// it, or computed from those.

import proto from 'onnx-proto';
import { fail } from '../base/problem.ts';
import type { ElementArray, TensorElements } from '../ir/elements.ts';
import type { DType, Graph, Tensor, TensorId } from '../ir/graph.ts';
import { constantValues } from './constant-values.ts';
import { rawBits } from './dtype.ts';
import { type NoValues, readExternal } from './external-data.ts';
import { hashOf } from './hash.ts';
import { runImport } from './import-onnx.ts';
import { elementCount, type StoredTensor, shapeText } from './model.ts';
import { valuesOf, valuesOfBytes } from './tensor-values.ts';
import { bytesOf } from './wire.ts';

/** The values of a weight, by tensor id: integers as they are stored where the tensor has a quantisation of its own. */
export type WeightReader = (id: TensorId) => TensorElements;

/** Values for an initialiser whose file is not there: models in datasets/ come without weights. */
export type MissingValues = (tensor: { readonly name: string; readonly dtype: DType; readonly shape: readonly number[] }) => ElementArray;

export interface WeightOptions {
  readonly missing?: MissingValues;
}

/**
 * A reader of the weights of `graph`, which was imported from `source`. Each call reads again and keeps nothing, so that
 * a network may be larger than the memory. Calls throw `onnx-value` or `onnx-node` for values that can't be had.
 */
export function openWeights(source: string | Uint8Array, graph: Graph, { missing }: WeightOptions = {}): WeightReader {
  const imported = runImport(source, { bind: graph.bindings }, 'lower');
  if (hashOf(imported.bytes, graph.bindings) !== graph.hash) {
    const next = 'Give the file the graph was imported from.';
    fail({ kind: 'onnx-file', path: imported.path, reason: `is not the model of graph '${graph.name}'`, next });
  }
  const path = typeof source === 'string' ? source : undefined;
  const read = constantValues(imported, (tensor) => readStored(tensor, path, missing));
  const tensors = new Map(graph.tensors.map((tensor) => [tensor.id, tensor]));
  return (id) => {
    const tensor = tensors.get(id);
    if (tensor?.role !== 'weight') {
      const reason = tensor === undefined ? `is not a tensor of graph '${graph.name}'` : `is no weight of graph '${graph.name}'`;
      return fail({ kind: 'onnx-value', value: id, reason, next: 'Ask for a tensor whose role is weight.' });
    }
    const name = tensor.source ?? id;
    const { quantized } = imported.values.get(name) ?? {};
    return asTensor(tensor, quantized?.dtype ?? tensor.dtype, read(quantized?.stored ?? name));
  };
}

/** What is stored, in the tensor's own shape. */
function asTensor({ id, shape }: Tensor, dtype: DType, stored: TensorElements): TensorElements {
  const elements = elementCount(shape) === stored.elements.length ? stored.elements : unpackedRows(stored, dtype, shape);
  if (elements !== undefined) return { dtype, shape, elements };
  const reason = `has shape ${shapeText(shape)} of ${dtype}, and is stored as ${shapeText(stored.shape)} of ${stored.dtype}`;
  return fail({ kind: 'onnx-value', value: id, reason, next: 'Such packed values are not read.' });
}

/** Rows of bytes with two elements of 4 bits or four of 2 each, the first in the lowest bits: [rows, blocks, bytes] of MatMulNBits. */
function unpackedRows(
  { shape: packed, elements: bytes }: TensorElements,
  dtype: DType,
  shape: readonly number[],
): ElementArray | undefined {
  const perByte = dtype === 'uint4' ? 2 : dtype === 'uint2' ? 4 : 0;
  const [rows = 0, columns = 0] = shape;
  const width = bytes.length / rows;
  if (shape.length !== 2 || packed.length !== 3 || packed[0] !== rows || width * perByte < columns) return undefined;
  const bits = 8 / perByte;
  const elements = new Uint8Array(rows * columns);
  for (let i = 0; i < elements.length; i++) {
    const [row, column] = [Math.floor(i / columns), i % columns];
    elements[i] = ((bytes[row * width + Math.floor(column / perByte)] ?? 0) >> (bits * (column % perByte))) & (2 ** bits - 1);
  }
  return elements;
}

/** An element in the longest encoding, and what is in a TensorProto besides its elements. */
const MOST_BYTES_EACH = 11;
const MOST_BYTES_AROUND = 2 ** 16;

/** All values of a tensor stored in the model or beside it. */
function readStored({ name, dtype, shape, frame }: StoredTensor, path?: string, missing?: MissingValues): TensorElements {
  const count = elementCount(shape);
  const bad = ({ reason, next }: NoValues): never => fail({ kind: 'onnx-value', value: name, reason, next });
  const whole = (elements: ElementArray | undefined): TensorElements => {
    if (elements !== undefined) return { dtype, shape, elements };
    return bad({
      reason: `has shape ${shapeText(shape)} of ${dtype}, and its values are no such numbers`,
      next: 'Export the model again.',
    });
  };
  if (frame === undefined) return bad({ reason: 'is sparse, and its values are not read', next: 'Export the model with dense weights.' });
  // onnx-proto makes objects of what it finds, as much as it may be.
  if (frame.to - frame.from > MOST_BYTES_EACH * count + MOST_BYTES_AROUND) return whole(undefined);
  const tensor = proto.onnx.TensorProto.decode(bytesOf(frame));
  if (tensor.dataLocation !== proto.onnx.TensorProto.DataLocation.EXTERNAL) return whole(valuesOf(tensor, count));
  const type = tensor.dataType ?? 0;
  const bytes = readExternal(tensor.externalData ?? [], path, Math.ceil((count * rawBits(type)) / 8));
  if (bytes instanceof Uint8Array) return whole(valuesOfBytes(bytes, type, count));
  return bytes.absent && missing !== undefined ? whole(missing({ name, dtype, shape })) : bad(bytes);
}
