import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Graph, OperatorOf } from '../../lib/ir/graph.ts';
import { verifyGraph } from '../../lib/ir/verify.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { buildModel, FLOAT, float, type ModelSpec, type NodeSpec, node, type WeightSpec } from './build.ts';
import { evaluated, furthest, numbersOf } from './evaluate.ts';

const test = suite('onnx: attention as one operator');

const MICROSOFT = 'com.microsoft';
const [BATCH, HEADS, TOKENS, SIZE] = [2, 4, 3, 8];
const INT32 = 6;

const ofMicrosoft = (op: string, inputs: string[], outputs: string[], attributes: NodeSpec['attributes'] = {}): NodeSpec => ({
  ...node(op, inputs, outputs, attributes, op),
  domain: MICROSOFT,
});

function dynamicProducts(graph: Graph): OperatorOf<'matMul'>[] {
  return graph.operators.filter((operator) => operator.kind === 'matMul').filter(({ attrs }) => attrs.dynamic);
}

const shapes = (graph: Graph): unknown => dynamicProducts(graph).map(({ attrs }) => [attrs.matrix, attrs.transposeWeight]);

function importAll(spec: ModelSpec): Graph {
  const graph = importOnnx(buildModel(spec));
  assert.equal(verifyGraph(graph), []);
  return graph;
}

/** softmax(Q K^T scale) V, element by element: [B, Hq, S, D], [B, Hkv, T, D] twice. */
function attentionOf(
  q: number[],
  k: number[],
  v: number[],
  { heads, keyHeads, keys }: { heads: number; keyHeads: number; keys: number },
): number[] {
  const result: number[] = [];
  for (let row = 0; row < BATCH * heads * TOKENS; row++) {
    const head = Math.floor(row / TOKENS);
    const group = Math.floor(head / heads) * keyHeads + Math.floor((head % heads) / (heads / keyHeads));
    const query = q.slice(row * SIZE, (row + 1) * SIZE);
    const at = (key: number): number => (group * keys + key) * SIZE;
    const scores = Array.from(
      { length: keys },
      (_, key) => query.reduce((sum, x, i) => sum + x * (k[at(key) + i] ?? 0), 0) / Math.sqrt(SIZE),
    );
    const weights = scores.map((score) => Math.exp(score - Math.max(...scores)));
    const total = weights.reduce((a, b) => a + b, 0);
    for (let i = 0; i < SIZE; i++) result.push(weights.reduce((sum, weight, key) => sum + (weight / total) * (v[at(key) + i] ?? 0), 0));
  }
  return result;
}

test('Attention computes what it is defined to, with heads of its own or shared ones', () => {
  for (const keyHeads of [4, 2, 1]) {
    const keys = 5;
    const inputs = { q: [BATCH, HEADS, TOKENS, SIZE], k: [BATCH, keyHeads, keys, SIZE], v: [BATCH, keyHeads, keys, SIZE] };
    const bytes = buildModel({ inputs, outputs: ['y'], nodes: [node('Attention', ['q', 'k', 'v'], ['y'])], opset: 23 });
    const { graph, outputs } = evaluated(bytes);
    const [q, k, v] = Object.entries(inputs).map(([name, shape]) =>
      numbersOf(
        name,
        shape.reduce((a, b) => a * b, 1),
      ),
    );
    assert.ok(
      furthest(outputs[0], attentionOf(q ?? [], k ?? [], v ?? [], { heads: HEADS, keyHeads, keys })) < 1e-9,
      `${keyHeads} heads with keys`,
    );
    const m = (HEADS / keyHeads) * TOKENS;
    assert.equal(shapes(graph), [
      [{ m, n: SIZE, k: keys, groups: BATCH * keyHeads }, true],
      [{ m, n: keys, k: SIZE, groups: BATCH * keyHeads }, false],
    ]);
  }
});

test('heads side by side are those of three-dimensional queries, keys and values', () => {
  const inputs = { q: [BATCH, TOKENS, HEADS * SIZE], k: [BATCH, 5, 2 * SIZE], v: [BATCH, 5, 2 * SIZE] };
  const attributes = { q_num_heads: HEADS, kv_num_heads: 2 };
  const { graph, outputs } = evaluated(
    buildModel({ inputs, outputs: ['y'], nodes: [node('Attention', ['q', 'k', 'v'], ['y'], attributes)], opset: 23 }),
  );
  /** [B, S, H, D] -> [B, H, S, D]. */
  const split = (name: string, [batch = 1, tokens = 1, width = 1]: readonly number[]): number[] => {
    const [x, heads] = [numbersOf(name, batch * tokens * width), width / SIZE];
    return Array.from({ length: x.length }, (_, i) => {
      const [d, token, head, b] = [
        i % SIZE,
        Math.floor(i / SIZE) % tokens,
        Math.floor(i / SIZE / tokens) % heads,
        Math.floor(i / SIZE / tokens / heads),
      ];
      return x[(b * tokens + token) * width + head * SIZE + d] ?? 0;
    });
  };
  const apart = attentionOf(split('q', inputs.q), split('k', inputs.k), split('v', inputs.v), { heads: HEADS, keyHeads: 2, keys: 5 });
  const joined = Array.from({ length: apart.length }, (_, i) => {
    const [d, head, token, b] = [
      i % SIZE,
      Math.floor(i / SIZE) % HEADS,
      Math.floor(i / SIZE / HEADS) % TOKENS,
      Math.floor(i / SIZE / HEADS / TOKENS),
    ];
    return apart[((b * HEADS + head) * TOKENS + token) * SIZE + d] ?? 0;
  });
  assert.ok(furthest(outputs[0], joined) < 1e-9);
  assert.is(dynamicProducts(graph).length, 2);
});

/** A layer's attention between its projections, past keys and values given. */
function cached(attention: NodeSpec, weights: Readonly<Record<string, WeightSpec>> = {}, names = ['q', 'k', 'v']): ModelSpec {
  return {
    inputs: { x: [BATCH, 1, 16], 'past.key': [BATCH, 2, 7, SIZE], 'past.value': [BATCH, 2, 7, SIZE] },
    outputs: ['y', 'present.key', 'present.value'],
    nodes: [
      ...names.map((name) => node('MatMul', ['x', `w${name}`], [name], {}, name)),
      attention,
      node('MatMul', ['mixed', 'wo'], ['y'], {}, 'out'),
    ],
    weights: {
      ...Object.fromEntries(names.map((name) => [`w${name}`, { shape: [16, (name === 'q' ? 4 : name === 'qkv' ? 8 : 2) * SIZE] }])),
      wo: { shape: [4 * SIZE, 16] },
      lengths: { shape: [BATCH], values: [7, 7], type: INT32 },
      total: { shape: [], values: [8], type: INT32 },
      cos: { shape: [32, SIZE / 2] },
      sin: { shape: [32, SIZE / 2] },
      ...weights,
    },
    opset: 23,
  };
}

const DECODE = [
  [{ m: 2, n: SIZE, k: 8, groups: BATCH * 2 }, true],
  [{ m: 2, n: 8, k: SIZE, groups: BATCH * 2 }, false],
];

test('attention with a cache is the same two products, whoever wrote it, and the cache is recognised', () => {
  const outputs = ['mixed', 'present.key', 'present.value'];
  const caches = (operator: string) => [
    {
      kind: 'key',
      operator: `${operator}.scores`,
      past: 'past.key',
      present: 'present.key',
      tokens: 8,
      elementsPerToken: BATCH * 2 * SIZE,
    },
    {
      kind: 'value',
      operator: `${operator}.mixed`,
      past: 'past.value',
      present: 'present.value',
      tokens: 8,
      elementsPerToken: BATCH * 2 * SIZE,
    },
  ];
  const onnx = importAll(
    cached(node('Attention', ['q', 'k', 'v', '', 'past.key', 'past.value'], outputs, { q_num_heads: 4, kv_num_heads: 2 }, 'Attention')),
  );
  assert.equal(shapes(onnx), DECODE);
  assert.equal(onnx.caches, caches('Attention'));

  const heads = { num_heads: 4, kv_num_heads: 2 };
  const given = ['past.key', 'past.value', 'lengths', 'total'];
  const grouped = importAll(cached(ofMicrosoft('GroupQueryAttention', ['q', 'k', 'v', ...given], outputs, heads)));
  assert.equal(shapes(grouped), DECODE);
  assert.equal(grouped.caches, caches('GroupQueryAttention'));
  assert.equal(
    dynamicProducts(grouped).map(({ attrs }) => attrs.weight),
    ['present.key', 'present.value'],
  );

  const packed = importAll(cached(ofMicrosoft('GroupQueryAttention', ['qkv', '', '', ...given], outputs, heads), {}, ['qkv']));
  assert.equal(shapes(packed), DECODE);
  assert.equal(packed.caches, caches('GroupQueryAttention'));
});

test('a rotary embedding inside the attention is a step of the projections', () => {
  const inputs = ['q', 'k', 'v', 'past.key', 'past.value', 'lengths', 'total', 'cos', 'sin'];
  const attributes = { num_heads: 4, kv_num_heads: 2, do_rotary: 1 };
  const graph = importAll(cached(ofMicrosoft('GroupQueryAttention', inputs, ['mixed', 'present.key', 'present.value'], attributes)));
  const steps = (id: string): unknown =>
    graph.operators.find((operator) => operator.id === id)?.epilogue.map((step) => [step.function, step.parameters]);
  assert.equal(steps('q'), [['rotary', [4, 0, 0]]]);
  assert.equal(steps('k'), [['rotary', [2, 0, 0]]]);
  assert.equal(steps('v'), []);
});

test("ONNX Runtime's Attention projects its own queries, keys and values", () => {
  const graph = importAll({
    inputs: { x: [BATCH, TOKENS, 16] },
    outputs: ['y'],
    nodes: [ofMicrosoft('Attention', ['x', 'w', 'b'], ['y'], { num_heads: 4, unidirectional: 1 })],
    weights: { w: { shape: [16, 96] }, b: { shape: [96] } },
  });
  const [projection] = graph.operators;
  if (projection?.kind !== 'matMul') throw new Error('no product first');
  assert.equal([projection.attrs.matrix, projection.attrs.bias], [{ m: 6, n: 16, k: 96, groups: 1 }, 'b']);
  assert.equal(shapes(graph), [
    [{ m: 3, n: 8, k: 3, groups: 8 }, true],
    [{ m: 3, n: 3, k: 8, groups: 8 }, false],
  ]);
  assert.equal(
    dynamicProducts(graph)[0]?.epilogue.map((step) => step.function),
    ['causalMask'],
  );
});

test('masks, a bound on scores and scores as an output are steps and outputs of the first product', () => {
  const attributes = { softcap: float(30), is_causal: 1, qk_matmul_output_mode: 2 };
  const graph = importAll({
    inputs: { q: [1, 4, 3, 8], k: [1, 4, 5, 8], v: [1, 4, 5, 8], mask: [3, 5] },
    outputs: ['y', 's'],
    nodes: [node('Attention', ['q', 'k', 'v', 'mask'], ['y', '', '', 's'], attributes)],
    opset: 23,
  });
  const [scores] = dynamicProducts(graph);
  assert.is(scores?.output, 's');
  assert.equal(
    scores?.epilogue.map((step) => step.function),
    ['softcap', 'add', 'causalMask'],
  );
});

test('linear attention writes its state and reads it, in two products', () => {
  const graph = importAll({
    inputs: { q: [2, 3, 32], k: [2, 3, 16], v: [2, 3, 24], past: [2, 2, 8, 12], decay: [2, 3, 2] },
    outputs: ['y', 'state'],
    nodes: [
      node('LinearAttention', ['q', 'k', 'v', 'past', 'decay'], ['y', 'state'], { q_num_heads: 4, kv_num_heads: 2, update_rule: 'gated' }),
    ],
    opset: 27,
  });
  assert.equal(
    dynamicProducts(graph).map(({ attrs }) => attrs.matrix),
    [
      { m: 8, n: 3, k: 12, groups: 4 },
      { m: 6, n: 8, k: 12, groups: 4 },
    ],
  );
});

test('a mixture of experts has a product an expert, of the tokens it can expect', () => {
  const experts = (tokens: number): OperatorOf<'matMul'>[] =>
    importAll({
      inputs: { x: [tokens, 16], router: [tokens, 8] },
      outputs: ['y'],
      nodes: [ofMicrosoft('MoE', ['x', 'router', 'up', '', 'down', '', 'linear'], ['y'], { k: 2, activation_type: 'silu' })],
      weights: { up: { shape: [8, 24, 16] }, down: { shape: [8, 16, 24] }, linear: { shape: [8, 24, 16] } },
    }).operators.filter((operator) => operator.kind === 'matMul');
  const sizes = (tokens: number): unknown => experts(tokens).map(({ attrs }) => attrs.matrix);
  // 2 of 8 experts a token: 64 tokens are 16 for each expert, and one token has two experts.
  assert.equal(sizes(64), [
    { m: 16, n: 16, k: 24, groups: 8 },
    { m: 16, n: 16, k: 24, groups: 8 },
    { m: 16, n: 24, k: 16, groups: 8 },
  ]);
  assert.equal(sizes(1), [
    { m: 1, n: 16, k: 24, groups: 2 },
    { m: 1, n: 16, k: 24, groups: 2 },
    { m: 1, n: 24, k: 16, groups: 2 },
  ]);
  assert.equal(
    experts(64).map(({ epilogue }) => epilogue.map((step) => step.function)),
    [['swish'], ['mul'], []],
  );
});

test('residual sums in front of a normalisation join what they are added to', () => {
  for (const [op, name] of [
    ['SkipLayerNormalization', 'layerNorm'],
    ['SkipSimplifiedLayerNormalization', 'rmsNorm'],
  ] as const) {
    const graph = importAll({
      inputs: { x: [2, 3, 16] },
      outputs: ['y', 's'],
      nodes: [node('MatMul', ['x', 'w'], ['p'], {}, 'p'), ofMicrosoft(op, ['p', 'x', 'g'], ['y', '', '', 's'])],
      weights: { w: { shape: [16, 16] }, g: { shape: [16] } },
    });
    assert.equal(
      graph.operators.map(({ kind, epilogue }) => [kind, ...epilogue.map((step) => step.function)]),
      [['matMul', 'add'], ['normalize']],
    );
    const [, norm] = graph.operators;
    assert.is(norm?.kind === 'normalize' && norm.attrs.function, name);
  }
});

test('packed weights are the matrices they stand for, of as many bits', () => {
  const graph = importAll({
    inputs: { x: [2, 3, 64] },
    outputs: ['y'],
    nodes: [ofMicrosoft('MatMulNBits', ['x', 'w', 's', 'z'], ['y'], { K: 64, N: 10, bits: 4, block_size: 32 })],
    weights: { w: { shape: [10, 2, 16], type: 2 }, s: { shape: [10, 2], type: FLOAT }, z: { shape: [10, 1], type: 2 } },
  });
  const [product] = dynamicProducts(graph).concat(graph.operators.filter((operator) => operator.kind === 'matMul'));
  assert.equal([product?.attrs.matrix, product?.attrs.transposeWeight], [{ m: 6, n: 64, k: 10, groups: 1 }, true]);
  const weight = graph.tensors.find(({ id }) => id === 'w');
  assert.equal([weight?.shape, weight?.dtype], [[10, 64], 'uint4']);
  assert.equal(weight?.quantization, { scale: 's', zeroPoint: 'z', axis: 1, blockSize: 32 });
});

test.run();
