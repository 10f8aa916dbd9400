// Large ONNX files for benches and tests, written piece by piece: weights of any size inside, or many nodes.

import { closeSync, openSync, writeSync } from 'node:fs';
import { bytesOf, forEachField, frameOf } from '../../lib/onnx/wire.ts';
import { buildModel, FLOAT, field, fieldHead, type ModelSpec, type NodeSpec, node, rawTensorHead } from './build.ts';

const GRAPH = 7;
const INITIALIZER = 5;

/** Writes the model of `spec` to `path`, with float32 weights of these shapes in raw_data, every byte `filler`. */
export function writeWithWeights(path: string, spec: ModelSpec, weights: Readonly<Record<string, readonly number[]>>, filler = 1): void {
  const bytes = Buffer.from(buildModel(spec));
  const others: Buffer[] = [];
  let graph: Buffer = Buffer.alloc(0);
  forEachField({ bytes, from: 0, to: bytes.length }, (one) => {
    const content = bytesOf(frameOf(one));
    if (one.number === GRAPH) graph = content;
    else others.push(one.wire === 2 ? field(one.number, content) : Buffer.concat([Buffer.from([8 * one.number + one.wire]), content]));
  });
  const tensors = Object.entries(weights).map(([name, shape]) => {
    const size = 4 * shape.reduce((product, dimension) => product * dimension, 1);
    const head = rawTensorHead(name, shape, FLOAT, size);
    return { head: Buffer.concat([fieldHead(INITIALIZER, head.length + size), head]), size };
  });
  const total = tensors.reduce((sum, { head, size }) => sum + head.length + size, graph.length);
  const file = openSync(path, 'w');
  try {
    for (const part of [...others, fieldHead(GRAPH, total), graph]) writeSync(file, part);
    for (const { head, size } of tensors) {
      writeSync(file, head);
      const data = Buffer.alloc(Math.min(size, 2 ** 24), filler);
      for (let left = size; left > 0; left -= data.length) writeSync(file, data, 0, Math.min(left, data.length));
    }
  } finally {
    closeSync(file);
  }
}

/** Layers of a product with a weight in a file that is not there. */
export function layersOf(count: number, size: number): { readonly spec: ModelSpec; readonly weights: Record<string, readonly number[]> } {
  const names = Array.from({ length: count }, (_, i) => `w${i}`);
  const nodes = names.map((name, i) => node('MatMul', [i === 0 ? 'x' : `y${i - 1}`, name], [`y${i}`], {}, `layer${i}`));
  return {
    spec: { inputs: { x: [1, size] }, outputs: [`y${count - 1}`], nodes },
    weights: Object.fromEntries(names.map((name) => [name, [size, size]])),
  };
}

/** A network of about `count` nodes: residual blocks of two products with weights of their own, biases and activations. */
export function deepModel(count: number): Uint8Array {
  const nodes: NodeSpec[] = [];
  const weights: Record<string, { readonly shape: readonly number[] }> = {};
  let value = 'x';
  const add = (op: string, inputs: readonly string[]): string => {
    const output = `v${nodes.length}`;
    nodes.push(node(op, inputs, [output], {}, `/blocks.${Math.floor(nodes.length / 8)}/${op}_${nodes.length % 8}`));
    return output;
  };
  const product = (input: string): string => {
    const [w, b] = [`w${nodes.length}`, `b${nodes.length}`];
    weights[w] = { shape: [64, 64] };
    weights[b] = { shape: [64] };
    return add('Add', [add('MatMul', [input, w]), b]);
  };
  while (nodes.length < count) {
    const inner = add('Relu', [product(value)]);
    value = add('Relu', [add('Add', [product(inner), value])]);
    value = add('Sigmoid', [value]);
  }
  return buildModel({ inputs: { x: [4, 64] }, outputs: [value], nodes, weights, name: 'deep' });
}
