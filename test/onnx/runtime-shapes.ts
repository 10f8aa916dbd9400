// The shapes that ONNX Runtime really produces, for every value of a model, against those the import infers.
// Weights are seeded numbers; every intermediate is made an output, and as many are fetched at a time as memory allows.

import { readFileSync } from 'node:fs';
import proto from 'onnx-proto';
import * as ort from 'onnxruntime-web';
import type { DType } from '../../lib/ir/graph.ts';
import { type Imported, importOnnx, runImport } from '../../lib/onnx/import-onnx.ts';
import { elementCount, type Value } from '../../lib/onnx/model.ts';
import { seededWeights } from '../../lib/workload/seeded-weights.ts';
import { externalWeights } from '../support/external-weights.ts';
import type { Bindings } from './models.ts';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/** Bytes of the outputs of one run. */
const MOST_BYTES = 2 ** 28;

/** ONNX Runtime's own reason for not running a model: its WebAssembly form lacks some kernels. */
export class NotRun extends Error {}

export interface ShapeComparison {
  /** Values ONNX Runtime made. */
  readonly values: number;
  /** Tensors of the graph that are among them. */
  readonly tensors: number;
  /** `NAME: ours, not theirs`. */
  readonly differences: readonly string[];
}

/** Sizes that differ from each other, so that an axis in another's place shows. */
export const SIZES: Bindings = { batch: 2, sequence: 5, past: 3 };
/** A prompt without anything before it. */
export const PROMPT: Bindings = { ...SIZES, past: 0 };

/** Runs the model at `path` with those of `sizes` that it has dimensions for, and compares. Throws NotRun. */
export async function compareShapes(path: string, sizes: Bindings): Promise<ShapeComparison> {
  const inferred = runImport(path, { defaults: sizes }, 'infer');
  const graph = importOnnx(path, { defaults: sizes });
  const shapes = await runtimeShapes(path, inferred);
  const differences: string[] = [];
  const compare = (name: string, ours: readonly number[] | undefined): void => {
    const theirs = shapes.get(name);
    if (theirs !== undefined && ours?.join() !== theirs.join()) differences.push(`${name}: [${ours}], not [${theirs}]`);
  };
  for (const name of shapes.keys()) compare(name, inferred.values.get(name)?.shape);
  const tensors = graph.tensors.filter(({ id, source = id }) => shapes.has(source));
  for (const { id, source = id, shape } of tensors) compare(source, shape);
  return { values: shapes.size, tensors: tensors.length, differences };
}

async function runtimeShapes(path: string, { model, values }: Imported): Promise<Map<string, readonly number[]>> {
  const bytes = readFileSync(path);
  const { names, everything } = withEveryOutput(bytes);
  const externalData = [...externalWeights(bytes, 1)].map(([location, data]) => ({ path: location, data }));
  const session = await ort.InferenceSession.create(everything, {
    executionProviders: ['wasm'],
    // As written: no node fused away, no shape computed before the run.
    graphOptimizationLevel: 'disabled',
    externalData,
    logSeverityLevel: 4,
  }).catch(refused);
  const shapes = new Map<string, readonly number[]>();
  try {
    const feeds = Object.fromEntries(model.inputs.map(({ name }) => [name, inputTensor(values.get(name))]));
    for (const chunk of chunks(names, values)) {
      const outputs = await session.run(feeds, chunk, { logSeverityLevel: 4 }).catch(refused);
      for (const [name, { dims }] of Object.entries(outputs)) shapes.set(name, dims);
    }
  } finally {
    await session.release();
  }
  return shapes;
}

function refused(error: unknown): never {
  throw new NotRun(error instanceof Error ? error.message : String(error));
}

function withEveryOutput(bytes: Uint8Array): { readonly names: readonly string[]; readonly everything: Uint8Array } {
  const model = proto.onnx.ModelProto.decode(bytes);
  const made = (model.graph?.node ?? []).flatMap(({ output }) => output ?? []).filter((name) => name !== '');
  const known = new Set(model.graph?.output?.map(({ name }) => name));
  for (const name of made) if (!known.has(name)) model.graph?.output?.push(proto.onnx.ValueInfoProto.create({ name }));
  return { names: made, everything: proto.onnx.ModelProto.encode(model).finish() };
}

function chunks(names: readonly string[], values: ReadonlyMap<string, Value>): string[][] {
  const made: string[][] = [];
  let left = 0;
  for (const name of names) {
    const bytes = 8 * elementCount(values.get(name)?.shape ?? []);
    if (made.length === 0 || bytes > left) {
      made.push([]);
      left = MOST_BYTES;
    }
    made.at(-1)?.push(name);
    left -= bytes;
  }
  return made;
}

/** Whole numbers are 1: an index that every table has, a token that counts. */
function inputTensor(value: Value | undefined): ort.Tensor {
  const { id = '', dtype = 'float32', shape = [] } = value ?? {};
  const count = elementCount(shape);
  if (dtype === 'int64') return new ort.Tensor('int64', new BigInt64Array(count).fill(1n), shape);
  if (dtype === 'int32') return new ort.Tensor('int32', new Int32Array(count).fill(1), shape);
  if (dtype === 'bool') return new ort.Tensor('bool', new Uint8Array(count).fill(1), shape);
  return new ort.Tensor('float32', Float32Array.from(seededWeights(2)({ name: id, dtype: dtype satisfies DType, shape })), shape);
}
