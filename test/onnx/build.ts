// Tiny ONNX models for tests, built with onnx-proto: nodes, inputs and weights by name -> the bytes of a file.

import proto, { type onnx } from 'onnx-proto';

export const FLOAT = 1;
export const INT64 = 7;
export const BOOL = 9;

/** Attribute values: whole numbers are integers unless wrapped by `float`. */
export type AttributeValue =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly tensor: WeightSpec }
  /** A branch. */
  | { readonly graph: GraphSpec }
  /** In a function: that attribute of the call. */
  | { readonly from: string };

export interface GraphSpec {
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeSpec[];
  readonly weights?: Readonly<Record<string, WeightSpec>>;
}

export interface FunctionSpec {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeSpec[];
  /** Attributes without, and with, a value for calls that leave them out. */
  readonly attributes?: readonly string[];
  readonly defaults?: Readonly<Record<string, AttributeValue>>;
  readonly opset?: number;
}

export interface WeightSpec {
  readonly shape: readonly number[];
  /** Absent: external data in a file that doesn't exist, as in datasets/. */
  readonly values?: readonly number[];
  /** INT64 when there are values and FLOAT otherwise, unless given. */
  readonly type?: number;
}

export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly name?: string;
  readonly domain?: string;
}

export interface ModelSpec {
  /** Dimensions; a string is a symbolic one. */
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeSpec[];
  readonly weights?: Readonly<Record<string, WeightSpec>>;
  readonly opset?: number;
  /** Element type of the inputs. */
  readonly inputType?: number;
  readonly name?: string;
  readonly functions?: readonly FunctionSpec[];
}

export const float = (value: number): { readonly float: number } => ({ float: value });

export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  name = '',
): NodeSpec {
  return { op, inputs, outputs, attributes, name };
}

/** The bytes of an ONNX file. */
export function buildModel({
  inputs,
  outputs,
  nodes,
  weights = {},
  opset = 20,
  inputType = FLOAT,
  name = 'tiny',
  functions = [],
}: ModelSpec): Uint8Array {
  const value = (id: string, dims?: readonly (number | string)[]): onnx.IValueInfoProto => ({
    name: id,
    type: {
      tensorType: {
        elemType: inputType,
        ...(dims === undefined
          ? {}
          : { shape: { dim: dims.map((dim) => (typeof dim === 'string' ? { dimParam: dim } : { dimValue: dim })) } }),
      },
    },
  });
  const model: onnx.IModelProto = {
    irVersion: 8,
    producerName: 'cimbook tests',
    opsetImport: [{ domain: '', version: opset }],
    graph: {
      name,
      input: Object.entries(inputs).map(([id, dims]) => value(id, dims)),
      output: outputs.map((id) => value(id)),
      initializer: Object.entries(weights).map(([id, spec]) => tensor(id, spec)),
      node: nodes.map(nodeProto),
    },
  };
  // onnx-proto doesn't know the defaults of attributes of a function yet.
  return Buffer.concat([proto.onnx.ModelProto.encode(model).finish(), ...functions.map((one) => field(25, functionBytes(one, opset)))]);
}

function functionBytes(spec: FunctionSpec, opset: number): Uint8Array {
  const { name, domain, inputs, outputs, nodes, attributes = [], defaults = {}, opset: version = opset } = spec;
  const known = proto.onnx.FunctionProto.encode({
    name,
    domain,
    input: [...inputs],
    output: [...outputs],
    attribute: [...attributes],
    node: nodes.map(nodeProto),
    opsetImport: [{ domain: '', version }],
  }).finish();
  const given = Object.entries(defaults).map(([key, one]) => field(11, proto.onnx.AttributeProto.encode(attribute(key, one)).finish()));
  return Buffer.concat([known, ...given]);
}

/** A protobuf field of bytes. */
export function field(number: number, content: Uint8Array): Buffer {
  return Buffer.concat([fieldHead(number, content.length), content]);
}

/** What stands before the `size` bytes of a field. */
export function fieldHead(number: number, size: number): Buffer {
  return Buffer.concat([varint(8 * number + 2), varint(size)]);
}

/** A TensorProto up to its raw_data of `size` bytes. */
export function rawTensorHead(name: string, shape: readonly number[], type: number, size: number): Buffer {
  const known = proto.onnx.TensorProto.encode({ name, dims: [...shape], dataType: type }).finish();
  return Buffer.concat([known, fieldHead(9, size)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

function nodeProto({ op, inputs, outputs, attributes = {}, name = '', domain = '' }: NodeSpec): onnx.INodeProto {
  return {
    opType: op,
    name,
    domain,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([key, one]) => attribute(key, one)),
  };
}

function attribute(name: string, value: AttributeValue): onnx.IAttributeProto {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: Buffer.from(value) };
  if ('float' in value) return { name, type: 1, f: value.float };
  if ('tensor' in value) return { name, type: 4, t: tensor('', value.tensor) };
  if ('from' in value) return { name, refAttrName: value.from };
  if ('graph' in value) {
    const { outputs, nodes, weights = {} } = value.graph;
    const initializer = Object.entries(weights).map(([id, spec]) => tensor(id, spec));
    return { name, type: 5, g: { name: 'branch', node: nodes.map(nodeProto), output: outputs.map((id) => ({ name: id })), initializer } };
  }
  return { name, type: 7, ints: [...value] };
}

function tensor(name: string, { shape, values, type }: WeightSpec): onnx.ITensorProto {
  if (values === undefined) {
    return { name, dims: [...shape], dataType: type ?? FLOAT, dataLocation: 1, externalData: [{ key: 'location', value: 'tiny.weights' }] };
  }
  const dataType = type ?? INT64;
  const data =
    dataType === FLOAT ? { floatData: [...values] } : dataType === INT64 ? { int64Data: [...values] } : { int32Data: [...values] };
  return { name, dims: [...shape], dataType, ...data };
}
