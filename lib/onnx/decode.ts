// Bytes of an ONNX file -> Model. The bytes are not trusted: whatever they are, the outcome is a Model or a list of problems.
// Unlike protobuf, every frame has to end where it says it ends, and what makes a model a model has to be there.
// Field numbers: onnx.proto3 of onnx 1.23.

import proto from 'onnx-proto';
import type { Problem } from '../base/problem.ts';
import { dtypeOf, typeName } from './dtype.ts';
import type { Attribute, Dimension, Model, ModelInput, OnnxNode, StoredTensor } from './model.ts';
import { layerNames, shortName, uniqueIds } from './names.ts';
import { recognise } from './recognise.ts';
import { type BadTensor, sparseTensor, storedTensor } from './stored-tensor.ts';
import { BYTES, type Field, type Frame, forEachField, textOf, VARINT, WireError } from './wire.ts';

const MODEL = { irVersion: 1, graph: 7, opsetImport: 8 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12, sparseInitializer: 15 } as const;
const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE_NAME = 1;

/** IR version 13 is today's; a number far beyond it is not an IR version. */
const MOST_IR_VERSION = 1000;

export interface Decoded {
  readonly model?: Model;
  readonly problems: readonly Problem[];
}

/** The model in `bytes`; `path` is for messages. */
export function decodeModel(bytes: Buffer, path: string): Decoded {
  const next = 'Give an ONNX model, as torch.onnx.export writes it.';
  if (bytes.length === 0) return failed({ kind: 'onnx-file', path, reason: 'the file is empty', next });
  const other = recognise(bytes);
  if (other !== undefined)
    return failed({ kind: 'onnx-file', path, reason: `is ${other.what}, not an ONNX model`, next: other.next ?? next });

  const found: Found = { irVersion: 0, opsets: new Map() };
  try {
    forEachField({ bytes, from: 0, to: bytes.length }, (field) => readModelField(field, found));
    if (!(found.irVersion >= 1 && found.irVersion <= MOST_IR_VERSION) || found.graph === undefined) {
      const reason =
        found.irVersion === 0
          ? 'has no ONNX version'
          : found.graph === undefined
            ? 'has no graph'
            : `has ONNX IR version ${found.irVersion}`;
      return failed({ kind: 'onnx-file', path, reason: `is not an ONNX model, or the beginning of one: it ${reason}`, next });
    }
    return readGraph(found.graph, found, path);
  } catch (error) {
    // protobufjs throws plain Errors and RangeErrors, the stack's included: a message nested thousands deep is no model.
    if (!(error instanceof Error)) throw error;
    const what = found.irVersion >= 1 && found.irVersion <= MOST_IR_VERSION ? 'is truncated or damaged' : 'is not an ONNX model';
    const reason = `${what}: ${error instanceof WireError ? error.message : `a message in it can't be decoded (${error.message})`}`;
    return failed({ kind: 'onnx-file', path, reason, next: 'Check its size against the original, or download or export it again.' });
  }
}

function failed(problem: Problem): Decoded {
  return { problems: [problem] };
}

interface Found {
  irVersion: number;
  opsets: Map<string, number>;
  graph?: Frame;
}

function readModelField(field: Field, found: Found): void {
  if (field.number === MODEL.irVersion && field.wire === VARINT) found.irVersion = field.value;
  else if (field.number === MODEL.graph && field.wire === BYTES) found.graph = frameOf(field);
  else if (field.number === MODEL.opsetImport && field.wire === BYTES) {
    const { domain, version } = proto.onnx.OperatorSetIdProto.decode(bytesOf(field));
    found.opsets.set(domainOf(domain), Number(version));
  }
}

function readGraph(frame: Frame, found: Found, path: string): Decoded {
  const problems: Problem[] = [];
  const inputs: ModelInput[] = [];
  const outputs: string[] = [];
  const initializers: StoredTensor[] = [];
  const nodes: (Omit<OnnxNode, 'id'> & { name: string; type: string })[] = [];
  let graphName = '';

  const keep = (tensor: StoredTensor | BadTensor): void => {
    if ('reason' in tensor) {
      problems.push({
        kind: 'onnx-value',
        value: shortName(tensor.name),
        reason: tensor.reason,
        next: 'Export the model again; the file is damaged or its exporter is.',
      });
    } else initializers.push({ ...tensor, name: shortName(tensor.name) });
  };
  forEachField(frame, (field) => {
    if (field.wire !== BYTES) return;
    switch (field.number) {
      case GRAPH.node:
        nodes.push(readNode(field));
        break;
      case GRAPH.name:
        graphName = textOf(field);
        break;
      case GRAPH.initializer:
        keep(storedTensor(field));
        break;
      case GRAPH.sparseInitializer:
        keep(sparseTensor(field));
        break;
      case GRAPH.input:
        readInput(field, inputs, problems);
        break;
      case GRAPH.output:
        outputs.push(shortName(proto.onnx.ValueInfoProto.decode(bytesOf(field)).name));
        break;
    }
  });
  if (outputs.length === 0) {
    problems.push({ kind: 'onnx-file', path, reason: 'its graph has no outputs', next: 'Export the model again.' });
  }
  if (problems.length > 0) return { problems };

  // Before IR version 4 every initialiser was listed as an input too.
  const initialized = new Set(initializers.map(({ name }) => name));
  const names = layerNames(nodes, initialized);
  const ids = uniqueIds(nodes.map(({ type }, i) => ({ name: names[i] ?? '', type })));
  return {
    problems,
    model: {
      irVersion: found.irVersion,
      opsets: found.opsets,
      graphName,
      inputs: inputs.filter(({ name }) => !initialized.has(name)),
      outputs: [...new Set(outputs)],
      initializers,
      nodes: nodes.map(({ opType, domain, inputs, outputs, attributes }, i) => ({
        id: ids[i] ?? '',
        opType,
        domain,
        inputs,
        outputs,
        attributes,
      })),
    },
  };
}

function readNode(frame: Frame): Omit<OnnxNode, 'id'> & { name: string; type: string } {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Attribute[] = [];
  let name = '';
  let opType = '';
  let domain = '';
  forEachField(frame, (field) => {
    if (field.wire !== BYTES) return;
    if (field.number === NODE.input) inputs.push(shortName(textOf(field)));
    else if (field.number === NODE.output) outputs.push(shortName(textOf(field)));
    else if (field.number === NODE.name) name = shortName(textOf(field));
    else if (field.number === NODE.opType) opType = shortName(textOf(field));
    else if (field.number === NODE.domain) domain = domainOf(shortName(textOf(field)));
    else if (field.number === NODE.attribute) attributes.push(readAttribute(field));
  });
  return { name, type: opType, opType, domain, inputs, outputs, attributes };
}

function readAttribute(field: Field): Attribute {
  const frame = frameOf(field);
  let name = '';
  forEachField(frame, (inner) => {
    if (inner.number === ATTRIBUTE_NAME && inner.wire === BYTES) name = textOf(inner);
  });
  return { name, frame };
}

function readInput(field: Field, inputs: ModelInput[], problems: Problem[]): void {
  const { name: fullName, type } = proto.onnx.ValueInfoProto.decode(bytesOf(field));
  const name = shortName(fullName);
  const bad = (reason: string, next: string): void => void problems.push({ kind: 'onnx-value', value: name, reason, next });
  const tensor = type?.tensorType;
  if (!tensor) return bad('is an input, but not a tensor', 'Export the model with tensors as inputs.');
  const dtype = dtypeOf(tensor.elemType ?? 0);
  if (dtype === undefined) return bad(`has elements of ${typeName(tensor.elemType ?? 0)}`, 'Export the model with real numbers.');
  if (!tensor.shape) return bad('is an input without a shape', 'Export the model again, with a name for each dimension that varies.');
  const dimensions = (tensor.shape.dim ?? []).map((dim): Dimension => {
    if (dim.dimParam) return dim.dimParam;
    // Absent, or -1 as some exporters write it: not known.
    const size = Object.hasOwn(dim, 'dimValue') ? Number(dim.dimValue) : -1;
    return size >= 0 ? size : undefined;
  });
  inputs.push({ name, dtype, dimensions });
}

function domainOf(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function frameOf({ bytes, from, to }: Field): Frame {
  return { bytes, from, to };
}

function bytesOf({ bytes, from, to }: Frame): Buffer {
  return bytes.subarray(from, to);
}
