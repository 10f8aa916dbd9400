// ONNX Runtime, compiled to WebAssembly, on one core: a model's bytes and inputs -> outputs. Nothing is downloaded.

import { readFileSync } from 'node:fs';
import proto from 'onnx-proto';
import * as ort from 'onnxruntime-web';
import type { Graph } from '../../lib/ir/graph.ts';
import type { MissingValues } from '../../lib/onnx/weights.ts';
import type { NetworkInputs } from '../../lib/workload/reference/evaluate.ts';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/** Outputs by name, row-major. `optimised`: with the runtime's own fusing of operators. */
export async function runOnnx(
  bytes: Uint8Array,
  graph: Graph,
  inputs: NetworkInputs,
  optimised = true,
): Promise<Record<string, Float64Array>> {
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: optimised ? 'all' : 'disabled',
  });
  try {
    const feeds = Object.fromEntries(graph.inputs.map((id) => [id, inputTensor(graph, id, inputs[id] ?? [])]));
    const outputs = await session.run(feeds);
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { data }]) => [name, Float64Array.from(data as ArrayLike<number | bigint>, Number)]),
    );
  } finally {
    await session.release();
  }
}

function inputTensor(graph: Graph, id: string, values: ArrayLike<number>): ort.Tensor {
  const { dtype, shape } = graph.tensors.find((tensor) => tensor.id === id) ?? { dtype: 'float32', shape: [] };
  if (dtype === 'int64')
    return new ort.Tensor(
      'int64',
      BigInt64Array.from(Array.from(values), (value) => BigInt(value)),
      shape,
    );
  if (dtype === 'bool') return new ort.Tensor('bool', Uint8Array.from(Array.from(values)), shape);
  return new ort.Tensor('float32', Float32Array.from(Array.from(values)), shape);
}

/** A weight-free model's file with values in place of those that are not there. */
export function withSeededWeights(path: string, random: MissingValues): Uint8Array {
  const model = proto.onnx.ModelProto.decode(readFileSync(path));
  for (const tensor of model.graph?.initializer ?? []) {
    if (tensor.dataLocation !== 1) continue;
    const shape = (tensor.dims ?? []).map(Number);
    const { buffer, byteOffset, byteLength } = random({ name: tensor.name ?? '', dtype: 'float32', shape });
    tensor.rawData = new Uint8Array(buffer, byteOffset, byteLength);
    tensor.externalData = [];
    tensor.dataLocation = 0;
  }
  return proto.onnx.ModelProto.encode(model).finish();
}
