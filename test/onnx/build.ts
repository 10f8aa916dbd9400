// Tiny ONNX models for tests, built with onnx-proto: nodes, inputs and weights by name -> the bytes of a file.

import proto, { type onnx } from 'onnx-proto';

export const FLOAT = 1;
export const INT64 = 7;
export const BOOL = 9;

/** Attribute values: whole numbers are integers unless wrapped by `float`. */
export type AttributeValue = number | string | readonly number[] | { readonly float: number } | { readonly tensor: WeightSpec };

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
export function buildModel({ inputs, outputs, nodes, weights = {}, opset = 20, inputType = FLOAT, name = 'tiny' }: ModelSpec): Uint8Array {
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
      node: nodes.map(({ op, inputs, outputs, attributes = {}, name = '', domain = '' }) => ({
        opType: op,
        name,
        domain,
        input: [...inputs],
        output: [...outputs],
        attribute: Object.entries(attributes).map(([key, one]) => attribute(key, one)),
      })),
    },
  };
  return proto.onnx.ModelProto.encode(model).finish();
}

function attribute(name: string, value: AttributeValue): onnx.IAttributeProto {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: Buffer.from(value) };
  if ('float' in value) return { name, type: 1, f: value.float };
  if ('tensor' in value) return { name, type: 4, t: tensor('', value.tensor) };
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
