// Attributes of a node, decoded by onnx-proto when an operator asks for them by name.

import proto, { type onnx } from 'onnx-proto';
import type { OnnxNode, StoredTensor } from './model.ts';
import { type BadTensor, storedTensor } from './stored-tensor.ts';
import { BYTES, forEachField } from './wire.ts';

/** Pads, axes and splits take a few bytes a dimension; lists longer than this are not what operators here read. */
const MOST_BYTES = 1 << 20;

/** Field number of AttributeProto.t in onnx.proto3. */
const TENSOR = 5;

/** The attribute, or undefined if the node has none of that name. Throws if it is damaged or too long. */
export function attributeOf(node: OnnxNode, name: string): onnx.IAttributeProto | undefined {
  const frame = node.attributes.find((attribute) => attribute.name === name)?.frame;
  if (frame === undefined) return undefined;
  if (frame.to - frame.from > MOST_BYTES) throw new RangeError(`it has ${frame.to - frame.from} bytes`);
  return proto.onnx.AttributeProto.decode(frame.bytes.subarray(frame.from, frame.to));
}

/** The tensor an attribute holds; its values stay in the file. Throws if it is damaged. */
export function tensorAttribute(node: OnnxNode, name: string): StoredTensor | BadTensor | undefined {
  const frame = node.attributes.find((attribute) => attribute.name === name)?.frame;
  let tensor: StoredTensor | BadTensor | undefined;
  if (frame !== undefined) {
    forEachField(frame, (field) => {
      if (field.number === TENSOR && field.wire === BYTES) tensor = storedTensor(field);
    });
  }
  return tensor;
}
