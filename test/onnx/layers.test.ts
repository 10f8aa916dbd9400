// The layers of the shipped language models, as an architect would draw them.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Graph } from '../../lib/ir/graph.ts';
import { inspect } from '../../lib/ir/inspect.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { impossible } from './impossible.ts';
import { modelPath } from './models.ts';

const test = suite('onnx: layers of language models');

/** Each model is imported once for each binding. */
const imported = new Map<string, Graph>();
function graphOf(name: string, bind: Readonly<Record<string, number>>): Graph {
  const key = JSON.stringify([name, bind]);
  const graph = imported.get(key) ?? importOnnx(modelPath(name), { bind });
  imported.set(key, graph);
  return graph;
}

const PREFILL = { batch: 1, sequence: 64, past: 0 };
const DECODE = { batch: 1, sequence: 1, past: 64 };

/** Operators of the first layer, without views and moves, and what is fused into each. */
function layerOf(graph: Graph): string[] {
  const [{ first = 0, length = 0 } = impossible('no block')] = graph.blocks;
  return graph.operators
    .slice(first, first + length)
    .filter(({ kind }) => kind !== 'view' && kind !== 'move')
    .map((operator) => {
      const name =
        operator.kind === 'normalize'
          ? operator.attrs.function
          : operator.kind === 'matMul' && operator.attrs.dynamic
            ? 'dynamic'
            : operator.kind;
      return [name, ...operator.epilogue.map((step) => step.function)].join(' + ');
    });
}

test('a LLaMA layer is two norms, seven products with weights, QK^T, softmax and SV; the rest is fused', () => {
  for (const bind of [PREFILL, DECODE]) {
    assert.equal(layerOf(graphOf('llama2-7b', bind)), [
      'rmsNorm',
      'matMul + rotary',
      'matMul + rotary',
      'matMul',
      'dynamic + add',
      'softmax',
      'dynamic + where',
      'matMul + add',
      'rmsNorm',
      'matMul + swish',
      'matMul + mul',
      'matMul + add',
    ]);
  }
});

test('a GPT-2 layer has its projections in one product, and GELU on the way out of the next', () => {
  assert.equal(layerOf(graphOf('gpt2', PREFILL)), [
    'layerNorm',
    'matMul',
    'dynamic + add',
    'softmax',
    'dynamic + where',
    'matMul + add',
    'layerNorm',
    'matMul + geluTanh',
    'matMul + add',
  ]);
});

test('all layers of a model are one block that carries one tensor', () => {
  const layers = { gpt2: 12, 'llama2-7b': 32, 'mixtral-8x7b': 32 };
  for (const [name, count] of Object.entries(layers)) {
    const { blocks } = graphOf(name, DECODE);
    assert.equal(
      blocks.map((block) => [block.count, block.carried.length]),
      [[count, 1]],
      name,
    );
  }
});

test('the cache of a pass is told, in bytes a token as published', () => {
  // Layers * 2 * heads of keys and values * features of a head, 8 bits each.
  const bytes = { gpt2: 12 * 2 * 768, 'llama2-7b': 32 * 2 * 4096, 'mixtral-8x7b': 32 * 2 * 8 * 128 };
  for (const [name, expected] of Object.entries(bytes)) {
    for (const [bind, tokens] of [
      [PREFILL, 64],
      [DECODE, 65],
    ] as const) {
      const { caches } = inspect(graphOf(name, bind));
      assert.is(
        caches.reduce((sum, { bytesPerToken }) => sum + bytesPerToken, 0),
        expected,
        name,
      );
      assert.ok(caches.every((cache) => cache.tokens === tokens && cache.present !== null && (cache.past === null) === (bind.past === 0)));
    }
  }
});

test('keys are read as they lie in the cache', () => {
  for (const bind of [PREFILL, DECODE]) {
    const graph = graphOf('llama2-7b', bind);
    const presents = new Set(graph.caches.map(({ present }) => present));
    const dynamic = graph.operators.filter((operator) => operator.kind === 'matMul').filter(({ attrs }) => attrs.dynamic);
    assert.is(dynamic.length, 64);
    for (const { attrs } of dynamic) assert.ok(presents.has(attrs.weight), attrs.weight);
  }
});

test.run();
