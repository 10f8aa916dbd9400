// Bytes of an ONNX file -> Model. The bytes are not trusted: whatever they are, the outcome is a Model or a list of problems.
// Unlike protobuf, every frame has to end where it says it ends, and what makes a model a model has to be there.
// Field numbers: onnx.proto3 of onnx 1.23.

import type { Problem } from '../base/problem.ts';
import { functionKey, type Model, type ModelFunction } from './model.ts';
import { layerNames, uniqueIds } from './names.ts';
import { MOST_NODES, newReading, type Reading, readFunction, readGraph, readOpset, TooLarge } from './read-graph.ts';
import { recognise } from './recognise.ts';
import { BYTES, type Field, type Frame, forEachField, frameOf, VARINT, WireError } from './wire.ts';

const MODEL = { irVersion: 1, graph: 7, opsetImport: 8, function: 25 } as const;

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

  const found: Found = { irVersion: 0, opsets: new Map(), functions: [] };
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
    return readModel(found.graph, found, path);
  } catch (error) {
    // protobufjs throws plain Errors and RangeErrors, the stack's included: a message nested thousands deep is no model.
    if (!(error instanceof Error)) throw error;
    if (error instanceof TooLarge) {
      return failed({ kind: 'onnx-file', path, reason: error.message, next: 'Export a part of the network, or some of its layers.' });
    }
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
  readonly opsets: Map<string, number>;
  graph?: Frame;
  readonly functions: Frame[];
}

function readModelField(field: Field, found: Found): void {
  if (field.number === MODEL.irVersion && field.wire === VARINT) found.irVersion = field.value;
  else if (field.number === MODEL.graph && field.wire === BYTES) found.graph = frameOf(field);
  else if (field.number === MODEL.opsetImport && field.wire === BYTES) readOpset(field, found.opsets);
  else if (field.number === MODEL.function && field.wire === BYTES) {
    if (found.functions.push(frameOf(field)) > MOST_NODES) throw new TooLarge(`has more than ${MOST_NODES} functions`);
  }
}

function readModel(frame: Frame, { irVersion, opsets, functions }: Found, path: string): Decoded {
  const reading = newReading();
  const { problems } = reading;
  const { name, typedInputs, outputs, initializers, nodes } = readGraph(frame, reading);
  if (outputs.length === 0) {
    problems.push({ kind: 'onnx-file', path, reason: 'its graph has no outputs', next: 'Export the model again.' });
  }
  const byKey = readFunctions(functions, reading);
  if (problems.length > 0) return { problems };

  // Before IR version 4 every initialiser was listed as an input too.
  const initialized = new Set(initializers.map((tensor) => tensor.name));
  const names = layerNames(
    nodes.map(({ id, inputs }) => ({ name: id, inputs })),
    initialized,
  );
  const ids = uniqueIds(nodes.map(({ opType }, i) => ({ name: names[i] ?? '', type: opType })));
  return {
    problems,
    model: {
      irVersion,
      opsets,
      graphName: name,
      inputs: typedInputs.filter((input) => !initialized.has(input.name)),
      outputs: [...new Set(outputs)],
      initializers,
      nodes: nodes.map((node, i) => ({ ...node, id: ids[i] ?? '' })),
      functions: byKey,
    },
  };
}

function readFunctions(frames: readonly Frame[], reading: Reading): Map<string, ModelFunction> {
  const functions = new Map<string, ModelFunction>();
  for (const frame of frames) {
    const { domain, opType, overload, ...rest } = readFunction(frame, reading);
    functions.set(functionKey({ domain, opType, overload: overload ?? '' }), rest);
  }
  return functions;
}
