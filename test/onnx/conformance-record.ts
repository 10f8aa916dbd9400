// Node tests as lines of JSON that people can read, a few hundred bytes each: NodeTest <-> RecordLine.
// Tests of one node, without subgraphs. Values are recorded only where a shape depends on them.

import proto, { type onnx } from 'onnx-proto';
import { elementsOf } from '../../lib/onnx/tensor-values.ts';
import { type Constants, isConstant, type NodeTest } from './conformance.ts';

/** Whole numbers, text and lists of whole numbers are themselves. */
type RecordAttribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly texts: readonly string[] }
  | { readonly tensor: RecordTensor };

/** Name, TensorProto.DataType, dimensions, and elements where they count. */
type RecordTensor = readonly [name: string, type: number, dims: readonly number[], elements?: readonly number[]];

export interface RecordLine {
  readonly name: string;
  readonly op: string;
  readonly domain?: string;
  readonly opset: number;
  readonly in: readonly string[];
  readonly out: readonly string[];
  readonly attributes?: Readonly<Record<string, RecordAttribute>>;
  readonly inputs: readonly RecordTensor[];
  readonly outputs: readonly RecordTensor[];
  /** None if absent. */
  readonly constants?: Constants;
}

/** Types whose values are recorded: FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL, DOUBLE, UINT32, UINT64. */
const VALUED = new Set([1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 13]);
/** A longer list of values is not worth recording. */
const MOST_VALUES = 64;

/** The line for a test that passes with these inputs constant; undefined if it can't be recorded so. */
export function recordLine({ name, model, inputs, outputs }: NodeTest, constants: Constants): RecordLine | undefined {
  const { node: nodes = [], initializer = [], input: declared = [] } = model.graph ?? {};
  const [node] = nodes ?? [];
  if (node === undefined || nodes?.length !== 1 || (initializer?.length ?? 0) > 0 || declared?.length !== inputs.length) return undefined;
  const attributes = (node.attribute ?? []).map((attribute) => [attribute.name ?? '', recordedAttribute(attribute)] as const);
  const tensors = inputs.map((tensor) => recordedTensor(tensor, isConstant(tensor, constants)));
  const known = outputs.map(({ name: id, shape, type }) => (shape === undefined ? undefined : ([id, type, shape] as const)));
  if (attributes.some(([, value]) => value === undefined) || [...tensors, ...known].includes(undefined)) return undefined;
  const domain = node.domain ?? '';
  return {
    name,
    op: node.opType ?? '',
    ...(domain === '' ? {} : { domain }),
    opset: Number((model.opsetImport ?? []).find((one) => (one.domain ?? '') === domain)?.version ?? 1),
    in: node.input ?? [],
    out: node.output ?? [],
    ...(attributes.length === 0 ? {} : { attributes: Object.fromEntries(attributes) as Record<string, RecordAttribute> }),
    inputs: tensors as RecordTensor[],
    outputs: known as RecordTensor[],
    ...(constants === 'none' ? {} : { constants }),
  };
}

function recordedAttribute({ type, i, f, s, t, ints, floats, strings }: onnx.IAttributeProto): RecordAttribute | undefined {
  const kinds = proto.onnx.AttributeProto.AttributeType;
  const text = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('utf8');
  switch (type) {
    case kinds.INT:
      return Number(i);
    case kinds.FLOAT:
      return { float: f ?? 0 };
    case kinds.STRING:
      return text(s);
    case kinds.INTS:
      return (ints ?? []).map(Number);
    case kinds.FLOATS:
      return { floats: floats ?? [] };
    case kinds.STRINGS:
      return { texts: (strings ?? []).map(text) };
    case kinds.TENSOR: {
      const tensor = t ? recordedTensor(t, true) : undefined;
      return tensor && { tensor };
    }
    default:
      return undefined;
  }
}

function recordedTensor(tensor: onnx.ITensorProto, withValues: boolean): RecordTensor | undefined {
  const dims = (tensor.dims ?? []).map(Number);
  const head = [tensor.name ?? '', tensor.dataType ?? 0, dims] as const;
  if (!withValues) return head;
  if (!VALUED.has(tensor.dataType ?? 0)) return undefined;
  const elements = elementsOf(
    tensor,
    dims.reduce((a, b) => a * b, 1),
  );
  return elements === undefined || elements.length > MOST_VALUES || !elements.every(Number.isFinite) ? undefined : [...head, elements];
}

/** The test a line tells. */
export function recordedTest(line: RecordLine): NodeTest {
  const { domain = '' } = line;
  const input = line.inputs.map(([name, type, dims]) => ({
    name,
    type: { tensorType: { elemType: type, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
  }));
  const opsets = [{ domain, version: line.opset }, ...(domain === '' ? [] : [{ domain: '', version: 20 }])];
  const attribute = Object.entries(line.attributes ?? {}).map(([name, value]) => attributeOf(name, value));
  return {
    name: line.name,
    model: {
      irVersion: 10,
      opsetImport: opsets,
      graph: {
        name: line.name,
        input,
        output: line.outputs.map(([name]) => ({ name })),
        node: [{ opType: line.op, domain, input: [...line.in], output: [...line.out], attribute }],
      },
    },
    inputs: line.inputs.map(tensorOf),
    outputs: line.outputs.map(([name, type, shape]) => ({ name, type, shape })),
  };
}

function attributeOf(name: string, value: RecordAttribute): onnx.IAttributeProto {
  const kinds = proto.onnx.AttributeProto.AttributeType;
  if (typeof value === 'number') return { name, type: kinds.INT, i: value };
  if (typeof value === 'string') return { name, type: kinds.STRING, s: Buffer.from(value) };
  if ('float' in value) return { name, type: kinds.FLOAT, f: value.float };
  if ('floats' in value) return { name, type: kinds.FLOATS, floats: [...value.floats] };
  if ('texts' in value) return { name, type: kinds.STRINGS, strings: value.texts.map((text) => Buffer.from(text)) };
  if ('tensor' in value) return { name, type: kinds.TENSOR, t: tensorOf(value.tensor) };
  return { name, type: kinds.INTS, ints: [...value] };
}

/** Where elements don't count there are none; the import never asks for them. */
function tensorOf([name, dataType, dims, elements = []]: RecordTensor): onnx.ITensorProto {
  const { FLOAT, DOUBLE, INT64, UINT64, UINT32 } = proto.onnx.TensorProto.DataType;
  const tensor = { name, dataType, dims: [...dims] };
  if (dataType === FLOAT) return { ...tensor, floatData: [...elements] };
  if (dataType === DOUBLE) return { ...tensor, doubleData: [...elements] };
  if (dataType === INT64) return { ...tensor, int64Data: [...elements] };
  if (dataType === UINT64 || dataType === UINT32) return { ...tensor, uint64Data: [...elements] };
  return VALUED.has(dataType) ? { ...tensor, int32Data: [...elements] } : tensor;
}
