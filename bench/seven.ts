// The paper's networks, and the chips they are measured on.

import type { Graph } from '../lib/ir/graph.ts';
import { importOnnx } from '../lib/onnx/import-onnx.ts';

export const SEVEN = ['mobilenetv2', 'resnet18', 'vgg16', 'bert-large', 'llama2-7b', 'opt-6.7b', 'opt-13b'];
export const CHIPS = ['dynaplasia-paper', 'dynaplasia'];

/** At batch 1; language models read 64 tokens. */
export function networkOf(model: string): Graph {
  return importOnnx(`datasets/${model}.onnx`, { bind: { batch: 1 }, defaults: { sequence: 64, past: 0 } });
}
