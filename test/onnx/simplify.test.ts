import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Graph } from '../../lib/ir/graph.ts';
import { verifyGraph } from '../../lib/ir/verify.ts';
import { fuse } from '../../lib/onnx/fuse.ts';
import { type Imported, runImport } from '../../lib/onnx/import-onnx.ts';
import { layout } from '../../lib/onnx/layout.ts';
import { link } from '../../lib/onnx/link.ts';
import { randomFrom } from '../support/networks.ts';
import { buildModel, FLOAT, float, type ModelSpec, type NodeSpec, node, type WeightSpec } from './build.ts';
import { evaluate, furthest } from './evaluate.ts';
import { impossible } from './impossible.ts';

const test = suite('onnx: simplifying');

/** The graph as it would be without any rewriting. */
function unsimplified(bytes: Uint8Array): Imported {
  const state = runImport(bytes, {}, 'lower');
  for (const pass of [layout, fuse, link]) pass(state, []);
  assert.equal(verifyGraph(state.graph ?? impossible()), []);
  return state;
}

/** The graph of a model, after checking that it computes what it does without any rewriting. */
function simplified(spec: ModelSpec): Graph {
  const bytes = buildModel(spec);
  const plain = unsimplified(bytes);
  const imported = runImport(bytes);
  const graph = imported.graph ?? impossible();
  const [expected, found] = [evaluate(plain.graph ?? impossible(), plain), evaluate(graph, imported)];
  for (const [i, output] of expected.entries())
    assert.ok(furthest(found[i], output) < 1e-5, `output ${i} is off by ${furthest(found[i], output)}`);
  return graph;
}

const ints = (...values: number[]): WeightSpec => ({ shape: [values.length], values });
const scalar = (value: number): WeightSpec => ({ shape: [], values: [value], type: FLOAT });
const kinds = (graph: Graph): string[] =>
  graph.operators
    .filter(({ kind }) => kind !== 'view')
    .map(({ kind, epilogue }) => [kind, ...epilogue.map((step) => step.function)].join(' + '));

test('activations written as arithmetic are recognised, however they are written', () => {
  const x = 'x';
  const written: Readonly<Record<string, readonly NodeSpec[]>> = {
    swish: [node('Sigmoid', [x], ['s']), node('Mul', [x, 's'], ['y'])],
    'swish 1.702': [node('Mul', [x, 'c1702'], ['a']), node('Sigmoid', ['a'], ['s']), node('Mul', ['s', x], ['y'])],
    'swish by exp': [node('Neg', [x], ['n']), node('Exp', ['n'], ['e']), node('Add', ['e', 'one'], ['d']), node('Div', [x, 'd'], ['y'])],
    gelu: [
      node('Div', [x, 'root2'], ['a']),
      node('Erf', ['a'], ['e']),
      node('Add', ['e', 'one'], ['p']),
      node('Mul', [x, 'p'], ['m']),
      node('Mul', ['m', 'half'], ['y']),
    ],
    'gelu, half first': [
      node('Mul', [x, 'half'], ['h']),
      node('Mul', [x, 'invRoot2'], ['a']),
      node('Erf', ['a'], ['e']),
      node('Add', ['one', 'e'], ['p']),
      node('Mul', ['h', 'p'], ['y']),
    ],
    geluTanh: [
      node('Pow', [x, 'three'], ['c']),
      node('Mul', ['c', 'k3'], ['d']),
      node('Add', [x, 'd'], ['i']),
      node('Mul', ['i', 'k'], ['t']),
      node('Tanh', ['t'], ['u']),
      node('Add', ['u', 'one'], ['v']),
      node('Mul', [x, 'half'], ['h']),
      node('Mul', ['h', 'v'], ['y']),
    ],
    hardSwish: [node('HardSigmoid', [x], ['s'], { alpha: float(1 / 6), beta: float(0.5) }), node('Mul', [x, 's'], ['y'])],
    'hardSwish by clip': [
      node('Add', [x, 'three'], ['a']),
      node('Clip', ['a', 'zero', 'six'], ['c']),
      node('Mul', [x, 'c'], ['m']),
      node('Div', ['m', 'six'], ['y']),
    ],
    mish: [node('Softplus', [x], ['s']), node('Tanh', ['s'], ['t']), node('Mul', [x, 't'], ['y'])],
  };
  const constants = {
    one: 1,
    half: 0.5,
    three: 3,
    six: 6,
    zero: 0,
    c1702: 1.702,
    root2: Math.fround(Math.SQRT2),
    invRoot2: Math.fround(Math.SQRT1_2),
    k: Math.fround(Math.sqrt(2 / Math.PI)),
    k3: Math.fround(0.044715),
  };
  for (const [name, nodes] of Object.entries(written)) {
    const weights = Object.fromEntries(Object.entries(constants).map(([id, value]) => [id, scalar(value)]));
    const graph = simplified({ inputs: { x: [3, 40] }, outputs: ['y'], nodes, weights });
    const [only] = graph.operators;
    assert.is(graph.operators.length, 1, name);
    assert.is(only?.kind === 'activation' && only.attrs.function, name.split(/[ ,]/)[0], name);
  }
});

test('arithmetic that is no activation, or whose parts are read elsewhere, stays', () => {
  const weights = { c: scalar(2), v: { shape: [40] } };
  const spec = (nodes: NodeSpec[], outputs = ['y']): ModelSpec => ({ inputs: { x: [3, 40], z: [3, 40] }, outputs, nodes, weights });
  const gate = node('Sigmoid', ['x'], ['s']);
  assert.equal(kinds(simplified(spec([gate, node('Mul', ['s', 'x'], ['y'])], ['y', 's']))), ['activation', 'elementwise']);
  assert.equal(kinds(simplified(spec([gate, node('Mul', ['s', 'z'], ['y'])]))), ['activation + mul']);
  assert.equal(kinds(simplified(spec([node('Tanh', ['x'], ['s']), node('Mul', ['s', 'x'], ['y'])]))), ['activation + mul']);
  assert.equal(kinds(simplified(spec([node('Mul', ['x', 'v'], ['a']), node('Sigmoid', ['a'], ['s']), node('Mul', ['s', 'x'], ['y'])]))), [
    'elementwise + sigmoid + mul',
  ]);
});

test('normalisations written as arithmetic are one operator, scale and shift included', () => {
  const weights = { two: scalar(2), eps: scalar(1e-5), one: scalar(1), w: { shape: [16] }, b: { shape: [16] }, last: ints(-1) };
  const rms = (inverse: NodeSpec[]): ModelSpec => ({
    inputs: { x: [2, 5, 16] },
    outputs: ['y'],
    weights,
    nodes: [
      node('Pow', ['x', 'two'], ['p']),
      node('ReduceMean', ['p', 'last'], ['m']),
      node('Add', ['m', 'eps'], ['e']),
      node('Sqrt', ['e'], ['r']),
      ...inverse,
      node('Mul', ['w', 'n'], ['y']),
    ],
  });
  const ways = {
    'times the reciprocal': [node('Reciprocal', ['r'], ['i']), node('Mul', ['x', 'i'], ['n'])],
    'times one over': [node('Div', ['one', 'r'], ['i']), node('Mul', ['x', 'i'], ['n'])],
    divided: [node('Div', ['x', 'r'], ['n'])],
  };
  for (const [name, nodes] of Object.entries(ways)) {
    const [only, ...others] = simplified(rms(nodes)).operators;
    assert.is(others.length, 0, name);
    if (only?.kind !== 'normalize') return impossible(name);
    assert.equal(only.attrs, { function: 'rmsNorm', axis: 2, epsilon: Math.fround(1e-5), operands: ['w'] });
  }
  const [layer, ...rest] = simplified({
    inputs: { x: [2, 5, 16] },
    outputs: ['y'],
    weights,
    nodes: [
      node('ReduceMean', ['x', 'last'], ['m']),
      node('Sub', ['x', 'm'], ['c']),
      node('Pow', ['c', 'two'], ['p']),
      node('ReduceMean', ['p', 'last'], ['v']),
      node('Add', ['v', 'eps'], ['e']),
      node('Sqrt', ['e'], ['r']),
      node('Div', ['c', 'r'], ['n']),
      node('Mul', ['n', 'w'], ['s']),
      node('Add', ['s', 'b'], ['y']),
    ],
  }).operators;
  assert.is(rest.length, 0);
  assert.equal(layer?.kind === 'normalize' && layer.attrs, {
    function: 'layerNorm',
    axis: 2,
    epsilon: Math.fround(1e-5),
    operands: ['w', 'b'],
  });
});

/** Self-attention as PyTorch exports it: heads split and transposed, both factors scaled, keys shared by groups of heads. */
function attention({
  heads,
  keyHeads,
  past = 0,
  sliced = false,
}: {
  heads: number;
  keyHeads: number;
  past?: number;
  sliced?: boolean;
}): ModelSpec {
  const [batch, tokens, size] = [2, 3, 4];
  const total = past + tokens;
  const shared = heads / keyHeads;
  const part = (name: string, count: number): NodeSpec[] => [
    ...(sliced ? [] : [node('MatMul', ['x', `w${name}`], [name], {}, name)]),
    node('Reshape', [name, `${name}Split`], [`${name}4`]),
    node('Transpose', [`${name}4`], [`${name}t`], { perm: [0, 2, 1, 3] }),
    ...(name === 'q' || past === 0 ? [] : [node('Concat', [`past.${name}`, `${name}t`], [`present.${name}`], { axis: 2 })]),
    ...(name === 'q' || count === heads
      ? []
      : [
          node('Unsqueeze', [past === 0 ? `${name}t` : `present.${name}`, 'two'], [`${name}u`]),
          node('Expand', [`${name}u`, 'repeat'], [`${name}e`]),
          node('Reshape', [`${name}e`, 'joined'], [`${name}r`]),
        ]),
  ];
  const made = (name: string): string => (keyHeads < heads ? `${name}r` : past === 0 ? `${name}t` : `present.${name}`);
  const width = { q: heads * size, k: keyHeads * size, v: keyHeads * size };
  const cache = past === 0 ? {} : { 'past.k': [batch, keyHeads, past, size], 'past.v': [batch, keyHeads, past, size] };
  return {
    inputs: { x: [batch, tokens, 8], mask: [1, 1, tokens, total], ...cache },
    outputs: ['y', ...(past === 0 ? [] : ['present.k', 'present.v'])],
    weights: {
      ...(sliced
        ? { wqkv: { shape: [8, width.q + width.k + width.v] }, sizes: ints(width.q, width.k, width.v) }
        : { wq: { shape: [8, width.q] }, wk: { shape: [8, width.k] }, wv: { shape: [8, width.v] } }),
      qSplit: ints(batch, tokens, heads, size),
      kSplit: ints(batch, tokens, keyHeads, size),
      vSplit: ints(batch, tokens, keyHeads, size),
      two: ints(2),
      repeat: ints(batch, keyHeads, shared, total, size),
      joined: ints(batch, heads, total, size),
      flat: ints(batch * heads, total, size),
      back: ints(batch, heads, size, total),
      root: scalar(0.5),
      joinHeads: ints(batch, tokens, heads * size),
      wo: { shape: [heads * size, 8] },
    },
    nodes: [
      ...(sliced
        ? [node('MatMul', ['x', 'wqkv'], ['qkv'], {}, 'qkv'), node('Split', ['qkv', 'sizes'], ['q', 'k', 'v'], { axis: -1 }, 'split')]
        : []),
      ...part('q', heads),
      ...part('k', keyHeads),
      ...part('v', keyHeads),
      node('Reshape', [made('k'), 'flat'], ['kf']),
      node('Transpose', ['kf'], ['kft'], { perm: [0, 2, 1] }),
      node('Reshape', ['kft', 'back'], ['kT']),
      node('Mul', ['qt', 'root'], ['qs']),
      node('Mul', ['kT', 'root'], ['ks']),
      node('MatMul', ['qs', 'ks'], ['scores'], {}, 'scores'),
      node('Add', ['scores', 'mask'], ['masked']),
      node('Softmax', ['masked'], ['shares'], { axis: -1 }),
      node('MatMul', ['shares', made('v')], ['mixed'], {}, 'mixed'),
      node('Transpose', ['mixed'], ['mt'], { perm: [0, 2, 1, 3] }),
      node('Reshape', ['mt', 'joinHeads'], ['mj']),
      node('MatMul', ['mj', 'wo'], ['o'], {}, 'out'),
      node('Add', ['x', 'o'], ['y']),
    ],
  };
}

test('attention is what an architect draws: projections, QK^T, softmax, SV, output', () => {
  const graph = simplified(attention({ heads: 4, keyHeads: 4 }));
  assert.equal(kinds(graph), [
    'matMul',
    'matMul',
    'matMul',
    'move',
    'move',
    'matMul + add',
    'softmax',
    'move',
    'matMul',
    'move',
    'matMul + add',
  ]);
  const [scores] = graph.operators.filter(({ id }) => id === 'scores');
  if (scores?.kind !== 'matMul') return impossible();
  // Keys lie as they were projected, and both factors' scales are the product's.
  assert.equal([scores.attrs.transposeWeight, scores.attrs.scale, scores.attrs.dynamic], [true, 0.25, true]);
  assert.equal(scores.attrs.matrix, { m: 3, n: 4, k: 3, groups: 8 });
});

test('heads that share keys and values are vectors of one group, and nothing is repeated', () => {
  const graph = simplified(attention({ heads: 6, keyHeads: 2 }));
  const products = graph.operators.filter((operator) => operator.kind === 'matMul' && operator.attrs.dynamic);
  assert.equal(
    products.map((operator) => operator.kind === 'matMul' && operator.attrs.matrix),
    [
      { m: 9, n: 4, k: 3, groups: 4 },
      { m: 9, n: 3, k: 4, groups: 4 },
    ],
  );
  assert.ok(graph.operators.every((operator) => operator.kind !== 'move' || operator.attrs.function === 'transpose'));
});

test('with a cache, the products read it, and it is told which input and output it is', () => {
  for (const keyHeads of [4, 2]) {
    const graph = simplified(attention({ heads: 4, keyHeads, past: 5 }));
    assert.equal(
      graph.caches,
      ['key', 'value'].map((kind) => ({
        kind,
        operator: kind === 'key' ? 'scores' : 'mixed',
        past: `past.${kind.charAt(0)}`,
        present: `present.${kind.charAt(0)}`,
        tokens: 8,
        elementsPerToken: 2 * keyHeads * 4,
      })),
    );
    assert.is(graph.tensors.find(({ id }) => id === 'past.k')?.role, 'state');
    const weights = graph.operators.flatMap((operator) =>
      operator.kind === 'matMul' && operator.attrs.dynamic ? [operator.attrs.weight] : [],
    );
    assert.equal(weights, ['present.k', 'present.v']);
  }
  assert.equal(simplified(attention({ heads: 4, keyHeads: 4 })).caches, []);
});

test('queries, keys and values of one product are cut before they are transposed', () => {
  const graph = simplified(attention({ heads: 4, keyHeads: 2, sliced: true }));
  assert.equal(kinds(graph).slice(0, 4), ['matMul', 'move', 'move', 'move']);
});

test('a rotary embedding is a step of the projection it turns', () => {
  const [batch, tokens, heads, size] = [2, 3, 4, 6];
  const bytes = buildModel({
    inputs: { x: [batch, tokens, 8], cos: [batch, tokens, size], sin: [batch, tokens, size] },
    outputs: ['y'],
    weights: {
      w: { shape: [8, heads * size] },
      split: ints(batch, tokens, heads, size),
      one: ints(1),
      zero: ints(0),
      half: ints(size / 2),
      end: ints(size),
      last: ints(3),
    },
    nodes: [
      node('MatMul', ['x', 'w'], ['q'], {}, 'q'),
      node('Reshape', ['q', 'split'], ['q4']),
      node('Transpose', ['q4'], ['qt'], { perm: [0, 2, 1, 3] }),
      node('Unsqueeze', ['cos', 'one'], ['cosU']),
      node('Unsqueeze', ['sin', 'one'], ['sinU']),
      node('Mul', ['qt', 'cosU'], ['plain']),
      node('Slice', ['qt', 'zero', 'half', 'last'], ['lower']),
      node('Slice', ['qt', 'half', 'end', 'last'], ['upper']),
      node('Neg', ['upper'], ['minus']),
      node('Concat', ['minus', 'lower'], ['turned'], { axis: -1 }),
      node('Mul', ['turned', 'sinU'], ['other']),
      node('Add', ['plain', 'other'], ['r'], {}, 'rotated'),
      node('Softmax', ['r'], ['y'], { axis: -1 }),
    ],
  });
  const graph = runImport(bytes).graph ?? impossible();
  const [projection] = graph.operators.filter(({ id }) => id === 'q');
  assert.equal(
    projection?.epilogue.map((step) => [step.function, step.parameters, step.operands]),
    [['rotary', [heads, 0, 0], ['cosU', 'sinU']]],
  );
});

/** Random reshapes, transposes and repeats, one behind the other, read by a product or handed out. */
type Turn = readonly [kind: 'reshape' | 'transpose' | 'expand' | 'scale' | 'cut', seed: number];
const turns: fc.Arbitrary<Turn[]> = fc.array(fc.tuple(fc.constantFrom('reshape', 'transpose', 'expand', 'scale', 'cut'), fc.nat(10_000)), {
  minLength: 1,
  maxLength: 6,
});

test('random chains of reshapes, transposes, repeats, cuts and scales compute the same, alone or as a factor', () => {
  const property = fc.property(turns, fc.nat(3), fc.boolean(), (chain, reader, project) => {
    const nodes: NodeSpec[] = [];
    const weights: Record<string, WeightSpec> = { half: scalar(0.5), w: { shape: [6, 12] } };
    let shape = project ? [2, 4, 12] : [2, 4, 6];
    let at = 'x';
    if (project) nodes.push(node('MatMul', ['x', 'w'], ['projected']));
    if (project) at = 'projected';
    for (const [i, [kind, seed]] of chain.entries()) {
      const random = randomFrom(seed);
      const out = `v${i}`;
      const rank = shape.length;
      if (kind === 'scale') nodes.push(node('Mul', [at, 'half'], [out]));
      else if (kind === 'transpose') {
        const perm = shape.map((_, axis) => axis).sort(() => random(0, 1) - 0.5);
        nodes.push(node('Transpose', [at], [out], { perm }));
        shape = perm.map((axis) => shape[axis] ?? 1);
      } else if (kind === 'cut') {
        const axis = random(0, rank - 1);
        const size = shape[axis] ?? 1;
        const start = random(0, size - 1);
        const end = random(start + 1, size);
        Object.assign(weights, { [`s${i}`]: ints(start), [`e${i}`]: ints(end), [`a${i}`]: ints(axis) });
        nodes.push(node('Slice', [at, `s${i}`, `e${i}`, `a${i}`], [out]));
        shape = shape.with(axis, end - start);
      } else if (kind === 'expand') {
        const ones = [1, ...shape].flatMap((size, axis) => (size === 1 ? [axis] : []));
        const axis = ones[random(0, ones.length - 1)] ?? 0;
        const target = [1, ...shape].with(axis, 2);
        weights[`t${i}`] = ints(...target);
        nodes.push(node('Expand', [at, `t${i}`], [out]));
        shape = target;
      } else {
        const factors = shape.flatMap((size) => factorsOf(size));
        const target: number[] = [];
        for (const factor of factors) {
          if (target.length > 0 && random(0, 1) === 1) target.push((target.pop() ?? 1) * factor);
          else target.push(factor);
        }
        if (random(0, 2) === 0) target.splice(random(0, target.length), 0, 1);
        weights[`r${i}`] = ints(...target);
        nodes.push(node('Reshape', [at, `r${i}`], [out]));
        shape = target;
      }
      at = out;
      if (shape.length > 7 || shape.reduce((a, b) => a * b, 1) > 2000) return;
    }
    // Read by nobody, a softmax, a product as its vectors, or a product as its matrix.
    const [rows = 1, columns = 1] = shape.slice(-2);
    const others: Record<string, number[]> = {};
    if (reader === 1 && shape.length > 0) nodes.push(node('Softmax', [at], ['y'], { axis: -1 }));
    else if (reader === 2 && shape.length > 1) {
      weights.v = { shape: [columns, 3] };
      nodes.push(node('MatMul', [at, 'v'], ['y']));
    } else if (reader === 3 && shape.length > 1) {
      others.z = [...shape.slice(0, -2), 5, rows];
      nodes.push(node('MatMul', ['z', at], ['y']));
    } else nodes.push(node('Identity', [at], ['y']));
    simplified({ inputs: { x: [2, 4, 6], ...others }, outputs: ['y'], nodes, weights });
  });
  fc.assert(property, { seed: 57, numRuns: 400 });
});

function factorsOf(size: number): number[] {
  for (let factor = 2; factor <= size; factor++) if (size % factor === 0) return [factor, ...factorsOf(size / factor)];
  return [1];
}

test.run();
