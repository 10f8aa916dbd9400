// The networks of the paper as graphs; a process keeps the last few.

import { readFileSync } from 'node:fs';
import proto from 'onnx-proto';
import type { Graph } from '../../lib/ir/graph.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';

/** Files in datasets/ that the paper's evaluation has. */
export const MODELS = ['bert-large', 'llama2-7b', 'opt-6.7b', 'opt-13b', 'mobilenetv2', 'resnet18', 'resnet50', 'vgg16'];

const MOST_GRAPHS = 6;
/** Positions that BERT-large learned; longer sequences get a longer table. */
const BERT_POSITIONS = 512;

const kept = new Map<string, Graph>();

/** The graph of a file in datasets/ with its sizes bound. */
export function modelGraph(model: string, bind: Readonly<Record<string, number>>): Graph {
  const key = JSON.stringify([model, bind]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const path = `datasets/${model}.onnx`;
  const isTooLong = model === 'bert-large' && (bind.sequence ?? 0) > BERT_POSITIONS;
  const graph = importOnnx(isTooLong ? longBert(path, bind.sequence ?? 0) : path, { bind });
  kept.set(key, graph);
  for (const oldest of [...kept.keys()].slice(0, -MOST_GRAPHS)) kept.delete(oldest);
  return graph;
}

/**
 * BERT-large with a table of more positions, as Fig. 6 and 16 must have had: the published network ends at 512. Nothing else
 * changes, and the table is looked up, not multiplied.
 */
function longBert(path: string, positions: number): Uint8Array {
  const model = proto.onnx.ModelProto.decode(readFileSync(path));
  for (const tensor of model.graph?.initializer ?? []) {
    if (tensor.name === 'embeddings.position_embeddings.weight') tensor.dims = [positions, 1024];
    if (tensor.name !== 'embeddings.position_ids') continue;
    tensor.dims = [1, positions];
    tensor.rawData = new Uint8Array(BigInt64Array.from({ length: positions }, (_, i) => BigInt(i)).buffer);
  }
  return proto.onnx.ModelProto.encode(model).finish();
}
