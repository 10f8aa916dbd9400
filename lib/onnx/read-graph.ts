// GraphProto, FunctionProto and NodeProto -> nodes, values and stored tensors, with weights left where they are.
// What takes memory here is counted: a file of 2 GB could say a billion names.
// Field numbers: onnx.proto3 of onnx 1.23.

import proto from 'onnx-proto';
import type { Problem } from '../base/problem.ts';
import { dtypeOf, typeName } from './dtype.ts';
import {
  type Attribute,
  type Body,
  type Dimension,
  MOST_DIMENSIONS,
  type ModelFunction,
  type ModelInput,
  type OnnxNode,
  type StoredTensor,
} from './model.ts';
import { shortName } from './names.ts';
import { type BadTensor, sparseTensor, storedTensor } from './stored-tensor.ts';
import { BYTES, bytesOf, type Field, type Frame, forEachField, frameOf, textOf, WireError } from './wire.ts';

const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12, sparseInitializer: 15 } as const;
const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7, overload: 8 } as const;
const ATTRIBUTE = { name: 1, graph: 6, from: 21 } as const;
const FUNCTION = { name: 1, input: 4, output: 5, node: 7, opsetImport: 9, domain: 10, default: 11, overload: 13 } as const;
const VALUE_NAME = 1;

/** Ten times what unrolled networks of today have; one of so many takes about 1 GB and half a minute. */
export const MOST_NODES = 250_000;
/** Inputs, outputs, attributes and tensors, of all nodes and graphs. */
const MOST_NAMES = 16 * MOST_NODES;
/** Branches within branches. */
const MOST_DEPTH = 32;
/** Types of inputs, opset entries: small things that onnx-proto decodes. */
const MOST_BYTES = 1 << 20;

/** The model is larger than what is read. */
export class TooLarge extends Error {}

/** What may still be read, and what was wrong so far. */
export interface Reading {
  nodes: number;
  names: number;
  readonly problems: Problem[];
}

export function newReading(): Reading {
  return { nodes: MOST_NODES, names: MOST_NAMES, problems: [] };
}

export interface ReadGraph extends Body {
  readonly name: string;
  /** Those with initialisers included, as they were before IR version 4. */
  readonly typedInputs: readonly ModelInput[];
}

/** The graph in `frame`; that of a branch has no inputs of its own, and its types are not looked at. */
export function readGraph(frame: Frame, reading: Reading, depth = 0): ReadGraph {
  if (depth > MOST_DEPTH) throw new TooLarge(`has branches within branches, more than ${MOST_DEPTH} deep`);
  const typedInputs: ModelInput[] = [];
  const inputs: string[] = [];
  const outputs: string[] = [];
  const initializers: StoredTensor[] = [];
  const nodes: OnnxNode[] = [];
  let name = '';
  const keep = (tensor: StoredTensor | BadTensor): void => {
    countName(reading);
    if (!('reason' in tensor)) initializers.push({ ...tensor, name: shortName(tensor.name) });
    else {
      const next = 'Export the model again; the file is damaged or its exporter is.';
      reading.problems.push({ kind: 'onnx-value', value: shortName(tensor.name), reason: tensor.reason, next });
    }
  };
  forEachField(frame, (field) => {
    if (field.wire !== BYTES) return;
    switch (field.number) {
      case GRAPH.node:
        nodes.push(readNode(field, reading, depth));
        break;
      case GRAPH.name:
        name = textOf(field);
        break;
      case GRAPH.initializer:
        keep(storedTensor(field));
        break;
      case GRAPH.sparseInitializer:
        keep(sparseTensor(field));
        break;
      case GRAPH.input:
        countName(reading);
        if (depth === 0) readInput(field, typedInputs, reading.problems);
        else inputs.push(valueName(field));
        break;
      case GRAPH.output:
        countName(reading);
        outputs.push(valueName(field));
        break;
    }
  });
  return { name, typedInputs, inputs, outputs, initializers, nodes };
}

/** A function of the model, and what nodes call it. */
export function readFunction(frame: Frame, reading: Reading): ModelFunction & Pick<OnnxNode, 'domain' | 'opType' | 'overload'> {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const nodes: OnnxNode[] = [];
  const defaults: Attribute[] = [];
  const opsets = new Map<string, number>();
  let [domain, opType, overload] = ['', '', ''];
  const named = (field: Field): string => {
    countName(reading);
    return shortName(textOf(field));
  };
  forEachField(frame, (field) => {
    if (field.wire !== BYTES) return;
    if (field.number === FUNCTION.name) opType = named(field);
    else if (field.number === FUNCTION.domain) domain = domainOf(named(field));
    else if (field.number === FUNCTION.overload) overload = named(field);
    else if (field.number === FUNCTION.input) inputs.push(named(field));
    else if (field.number === FUNCTION.output) outputs.push(named(field));
    else if (field.number === FUNCTION.node) nodes.push(readNode(field, reading, 0));
    else if (field.number === FUNCTION.opsetImport) readOpset(field, opsets);
    else if (field.number === FUNCTION.default) defaults.push(readAttribute(field, reading));
  });
  const body: Body = { inputs, outputs, nodes, initializers: [] };
  checkBody(body, `function '${opType}'`, reading.problems);
  for (const value of readFromAround(body)) {
    const reason = `is read in function '${opType}' and not defined there`;
    reading.problems.push({ kind: 'onnx-value', value, reason, next: 'The file may be damaged; export it again.' });
  }
  return { ...body, domain, opType, overload, opsets, defaults };
}

function checkBody({ inputs, initializers, nodes }: Body, where: string, problems: Problem[]): void {
  const made = new Set([...inputs, ...initializers.map(({ name }) => name)]);
  for (const value of nodes.flatMap(({ outputs }) => outputs)) {
    if (value !== '' && made.has(value)) {
      const reason = `is defined twice in ${where}`;
      problems.push({ kind: 'onnx-value', value, reason, next: 'Give each value a name of its own.' });
    }
    made.add(value);
  }
}

/** Adds an OperatorSetIdProto to the versions by domain. */
export function readOpset(field: Field, opsets: Map<string, number>): void {
  const { domain, version } = proto.onnx.OperatorSetIdProto.decode(smallBytes(field));
  opsets.set(domainOf(domain), Number(version));
}

function readNode(frame: Frame, reading: Reading, depth: number): OnnxNode {
  if (reading.nodes-- <= 0) throw new TooLarge(`has more than ${MOST_NODES} nodes`);
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Attribute[] = [];
  let [id, opType, domain, overload] = ['', '', '', ''];
  forEachField(frame, (field) => {
    if (field.wire !== BYTES) return;
    if (field.number === NODE.input || field.number === NODE.output) {
      countName(reading);
      (field.number === NODE.input ? inputs : outputs).push(shortName(textOf(field)));
    } else if (field.number === NODE.name) id = shortName(textOf(field));
    else if (field.number === NODE.opType) opType = shortName(textOf(field));
    else if (field.number === NODE.domain) domain = domainOf(shortName(textOf(field)));
    else if (field.number === NODE.overload) overload = shortName(textOf(field));
    else if (field.number === NODE.attribute) attributes.push(readAttribute(field, reading));
  });
  const node = { id, opType, domain, inputs, outputs, attributes, ...(overload === '' ? {} : { overload }) };
  return opType === 'If' && domain === '' ? withBranches(node, reading, depth) : node;
}

function readAttribute(field: Field, reading: Reading): Attribute {
  countName(reading);
  const frame = frameOf(field);
  let name = '';
  let from = '';
  forEachField(frame, (inner) => {
    if (inner.wire !== BYTES) return;
    if (inner.number === ATTRIBUTE.name) name = textOf(inner);
    else if (inner.number === ATTRIBUTE.from) from = textOf(inner);
  });
  return { name, frame, ...(from === '' ? {} : { from }) };
}

/** An If with its branches read, and what they read from around them among its inputs. */
function withBranches(node: OnnxNode, reading: Reading, depth: number): OnnxNode {
  const branch = (name: string): Body => {
    let graph: Frame | undefined;
    const frame = node.attributes.find((attribute) => attribute.name === name)?.frame;
    if (frame !== undefined) {
      forEachField(frame, (field) => {
        if (field.number === ATTRIBUTE.graph && field.wire === BYTES) graph = frameOf(field);
      });
    }
    if (graph === undefined) return { inputs: [], outputs: [], initializers: [], nodes: [] };
    const body = readGraph(graph, reading, depth + 1);
    checkBody(body, `branch '${body.name}'`, reading.problems);
    return body;
  };
  const branches = { then: branch('then_branch'), else: branch('else_branch') };
  const captured = new Set([...readFromAround(branches.then), ...readFromAround(branches.else)]);
  for (const name of node.inputs) captured.delete(name);
  return { ...node, inputs: [...node.inputs, ...captured], branches };
}

/** Values a body reads and doesn't make. */
function readFromAround({ inputs, outputs, initializers, nodes }: Body): Set<string> {
  const own = new Set(['', ...inputs]);
  for (const { name } of initializers) own.add(name);
  for (const node of nodes) for (const name of node.outputs) own.add(name);
  const around = new Set<string>();
  for (const node of nodes) for (const name of node.inputs) if (!own.has(name)) around.add(name);
  for (const name of outputs) if (!own.has(name)) around.add(name);
  return around;
}

function readInput(field: Field, inputs: ModelInput[], problems: Problem[]): void {
  const { name: fullName, type } = proto.onnx.ValueInfoProto.decode(smallBytes(field));
  const name = shortName(fullName);
  const bad = (reason: string, next: string): void => void problems.push({ kind: 'onnx-value', value: name, reason, next });
  const tensor = type?.tensorType;
  if (!tensor) {
    const kind = type?.sequenceType ? 'a sequence of tensors' : type?.optionalType ? 'optional' : 'not a tensor';
    return bad(`is an input that is ${kind}`, 'Export the model with tensors as inputs.');
  }
  const dtype = dtypeOf(tensor.elemType ?? 0);
  if (dtype === undefined) return bad(`has elements of ${typeName(tensor.elemType ?? 0)}`, 'Export the model with real numbers.');
  if (!tensor.shape) return bad('is an input without a shape', 'Export the model again, with a name for each dimension that varies.');
  const count = tensor.shape.dim?.length ?? 0;
  if (count > MOST_DIMENSIONS)
    return bad(`has ${count} dimensions; inputs of up to ${MOST_DIMENSIONS} are read`, 'Export the model again.');
  const dimensions = (tensor.shape.dim ?? []).map((dim): Dimension => {
    if (dim.dimParam) return shortName(dim.dimParam);
    // Absent, or -1 as some exporters write it: not known.
    const size = Object.hasOwn(dim, 'dimValue') ? Number(dim.dimValue) : -1;
    return size >= 0 ? size : undefined;
  });
  inputs.push({ name, dtype, dimensions });
}

function valueName(field: Field): string {
  let name = '';
  forEachField(field, (inner) => {
    if (inner.number === VALUE_NAME && inner.wire === BYTES) name = textOf(inner);
  });
  return shortName(name);
}

function domainOf(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function countName(reading: Reading): void {
  if (reading.names-- <= 0) throw new TooLarge(`has more than ${MOST_NAMES} inputs, outputs, attributes and tensors`);
}

function smallBytes(field: Field): Buffer {
  const size = field.to - field.from;
  if (size > MOST_BYTES) throw new WireError(field.from, `there are ${size} bytes where a type or a version should be`);
  return bytesOf(field);
}
