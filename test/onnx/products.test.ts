import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Graph, OperatorOf, Tensor } from '../../lib/ir/graph.ts';
import { verifyGraph } from '../../lib/ir/verify.ts';
import { importOnnx, runImport } from '../../lib/onnx/import-onnx.ts';
import { buildModel, FLOAT, float, type ModelSpec, node } from './build.ts';
import { evaluated, furthest, numbersOf } from './evaluate.ts';
import { impossible } from './impossible.ts';

const test = suite('onnx: products in other forms');

const [UINT8, INT8, INT32] = [2, 3, 6];

function importAll(spec: ModelSpec): Graph {
  const graph = importOnnx(buildModel(spec));
  assert.equal(verifyGraph(graph), []);
  return graph;
}

function products(graph: Graph): OperatorOf<'matMul'>[] {
  return graph.operators.filter((operator) => operator.kind === 'matMul');
}

const tensor = (graph: Graph, id: string): Tensor => graph.tensors.find((one) => one.id === id) ?? impossible(id);

/** Einstein's sum, term by term. */
function einsum(equation: string, sizes: ReadonlyMap<string, number>, operands: readonly (readonly number[])[]): number[] {
  const [terms = '', result = ''] = equation.split('->');
  const labels = [...sizes.keys()];
  const index = (term: string, at: ReadonlyMap<string, number>): number =>
    [...term].reduce((i, label) => i * (sizes.get(label) ?? 1) + (at.get(label) ?? 0), 0);
  const sums = Array<number>([...result].reduce((count, label) => count * (sizes.get(label) ?? 1), 1)).fill(0);
  const total = labels.reduce((count, label) => count * (sizes.get(label) ?? 1), 1);
  for (let i = 0; i < total; i++) {
    let rest = i;
    const at = new Map<string, number>();
    for (const label of labels) {
      const size = sizes.get(label) ?? 1;
      at.set(label, rest % size);
      rest = Math.floor(rest / size);
    }
    const factors = terms.split(',').map((term, k) => operands[k]?.[index(term, at)] ?? 0);
    sums[index(result, at)]! += factors.reduce((a, b) => a * b, 1);
  }
  return sums;
}

test('sums over named axes are products, transposes and reductions that compute the same', () => {
  const letters = ['a', 'b', 'c', 'd'];
  const term = fc.uniqueArray(fc.constantFrom(...letters), { minLength: 1, maxLength: 3 });
  const property = fc.property(
    fc.array(term, { minLength: 1, maxLength: 3 }),
    fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 4, maxLength: 4 }),
    fc.nat(1000),
    (terms, lengths, pick) => {
      const used = [...new Set(terms.flat())];
      const result = used.filter((_, i) => (pick >> i) % 2 === 0).sort((a, b) => ((pick >> 5) % 2 === 0 ? 1 : -1) * a.localeCompare(b));
      const sizes = new Map(used.map((label) => [label, lengths[letters.indexOf(label)] ?? 1]));
      const equation = `${terms.map((labels) => labels.join('')).join(',')}->${result.join('')}`;
      const shapes = terms.map((labels) => labels.map((label) => sizes.get(label) ?? 1));
      const inputs = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, shape]));
      const bytes = buildModel({ inputs, outputs: ['y'], nodes: [node('Einsum', Object.keys(inputs), ['y'], { equation })] });
      const operands = shapes.map((shape, i) =>
        numbersOf(
          `x${i}`,
          shape.reduce((a, b) => a * b, 1),
        ),
      );
      const { graph, outputs } = evaluated(bytes);
      assert.equal(verifyGraph(graph), [], equation);
      assert.ok(furthest(outputs[0], einsum(equation, sizes, operands)) < 1e-9, `${equation} of ${JSON.stringify(shapes)}`);
    },
  );
  fc.assert(property, { seed: 91, numRuns: 300 });
});

test('an Einsum of attention is the product it stands for', () => {
  const graph = importAll({
    inputs: { q: [2, 5, 4, 8], k: [2, 7, 4, 8] },
    outputs: ['y'],
    nodes: [node('Einsum', ['q', 'k'], ['y'], { equation: 'bqhd,bkhd->bhqk' })],
  });
  const [product, ...others] = products(graph);
  assert.is(others.length, 0);
  assert.equal([product?.attrs.matrix, product?.attrs.dynamic], [{ m: 5, n: 8, k: 7, groups: 8 }, true]);
  const dense = importAll({
    inputs: { x: [2, 5, 8] },
    outputs: ['y'],
    weights: { w: { shape: [8, 4, 6] } },
    nodes: [node('Einsum', ['x', 'w'], ['y'], { equation: 'btd,dhk->bthk' })],
  });
  assert.equal(products(dense)[0]?.attrs.matrix, { m: 10, n: 8, k: 24, groups: 1 });
});

test('a transposed convolution multiplies each position once and adds up the patches', () => {
  const graph = importAll({
    inputs: { x: [2, 8, 5, 5] },
    outputs: ['y'],
    nodes: [node('ConvTranspose', ['x', 'w', 'b'], ['y'], { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1], group: 2 }, 'up')],
    weights: { w: { shape: [8, 3, 3, 3] }, b: { shape: [6] } },
  });
  assert.equal(tensor(graph, 'y').shape, [2, 6, 10, 10]);
  const [product] = products(graph);
  assert.equal(product?.attrs.matrix, { m: 2 * 25, n: 4, k: 3 * 9, groups: 2 });
  const [, sum] = graph.operators;
  assert.equal([sum?.kind, sum?.epilogue.map((step) => step.function)], ['move', ['addToChannels']]);
});

test('a recurrent layer is a product of its inputs and one of its states, for all gates and directions', () => {
  const layer = (op: string, gates: number, outputs: string[]): Graph =>
    importAll({
      inputs: { x: [7, 2, 10] },
      outputs: outputs.filter((name) => name !== ''),
      nodes: [node(op, ['x', 'w', 'r', 'b'], outputs, { hidden_size: 6, direction: 'bidirectional' }, 'layer')],
      weights: { w: { shape: [2, gates * 6, 10] }, r: { shape: [2, gates * 6, 6] }, b: { shape: [2, 2 * gates * 6] } },
    });
  for (const [op, gates] of [
    ['LSTM', 4],
    ['GRU', 3],
    ['RNN', 1],
  ] as const) {
    const graph = layer(op, gates, ['y', 'h']);
    assert.equal(
      products(graph).map(({ attrs }) => attrs.matrix),
      [
        { m: 14, n: 10, k: 2 * gates * 6, groups: 1 },
        { m: 14, n: 6, k: gates * 6, groups: 2 },
      ],
    );
    assert.equal(tensor(graph, 'y').shape, [7, 2, 2, 6]);
    assert.equal(tensor(graph, 'h').shape, [2, 2, 6]);
    assert.is(graph.tensors.filter(({ role }) => role === 'state').length, 1);
  }
  assert.is(products(layer('LSTM', 4, ['', '', 'c'])).length, 2);
});

test('a matrix that meets a single vector is the stationary one', () => {
  const bytes = buildModel({ inputs: { a: [3, 4, 5], b: [3, 5, 1] }, outputs: ['y'], nodes: [node('MatMul', ['a', 'b'], ['y'])] });
  const { graph, outputs } = evaluated(bytes);
  const [product] = products(graph);
  assert.equal([product?.attrs.matrix, product?.attrs.weight], [{ m: 1, n: 5, k: 4, groups: 3 }, 'a']);
  const [a, b] = [numbersOf('a', 60), numbersOf('b', 15)];
  const expected = Array.from({ length: 12 }, (_, i) =>
    Array.from({ length: 5 }, (_, n) => (a[i * 5 + n] ?? 0) * (b[Math.floor(i / 4) * 5 + n] ?? 0)).reduce((x, y) => x + y, 0),
  );
  assert.ok(furthest(outputs[0], expected) < 1e-9);
});

const scales = {
  xs: { shape: [], values: [0.1], type: FLOAT },
  xz: { shape: [], values: [3], type: UINT8 },
  ws: { shape: [4], values: [0.1, 0.2, 0.3, 0.4], type: FLOAT },
  wz: { shape: [4], values: [0, 0, 0, 0], type: INT8 },
  ys: { shape: [], values: [0.2], type: FLOAT },
  yz: { shape: [], values: [5], type: UINT8 },
} as const;

test('a QLinear convolution is one of real values between quantised tensors', () => {
  const graph = importAll({
    inputs: { x: [1, 3, 8, 8] },
    inputType: UINT8,
    outputs: ['y'],
    nodes: [node('QLinearConv', ['x', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz', 'b'], ['y'], { pads: [1, 1, 1, 1] }, 'conv')],
    weights: { ...scales, w: { shape: [4, 3, 3, 3], type: INT8 }, b: { shape: [4], type: INT32 } },
  });
  const [conv, ...others] = graph.operators;
  assert.is(others.length, 0);
  if (conv?.kind !== 'conv') return impossible();
  assert.equal([conv.attrs.matrix, conv.attrs.bias], [{ m: 64, n: 27, k: 4, groups: 1 }, 'b']);
  assert.equal(
    conv.epilogue.map((step) => [step.function, ...step.operands]),
    [['quantize', 'ys', 'yz']],
  );
  assert.equal([tensor(graph, 'w').dtype, tensor(graph, 'w').quantization], ['int8', { scale: 'ws', zeroPoint: 'wz', axis: 0 }]);
  assert.equal([tensor(graph, 'y').dtype, tensor(graph, 'y').quantization], ['uint8', { scale: 'ys', zeroPoint: 'yz' }]);
});

test('a weight that is dequantised says how it is stored; steps between real and whole numbers join their producers', () => {
  const imported = runImport(
    buildModel({
      inputs: { x: [2, 3] },
      outputs: ['y'],
      nodes: [
        node('QuantizeLinear', ['x', 'xs', 'xz'], ['xq']),
        node('DequantizeLinear', ['xq', 'xs', 'xz'], ['xd']),
        node('DequantizeLinear', ['w', 'ws', 'wz'], ['wd'], { axis: 1 }),
        node('MatMul', ['xd', 'wd'], ['p'], {}, 'product'),
        node('QuantizeLinear', ['p', 'ys', 'yz'], ['y']),
      ],
      weights: { ...scales, w: { shape: [3, 4], type: INT8 } },
    }),
  );
  const graph = imported.graph ?? impossible();
  assert.equal(
    graph.operators.map(({ kind, epilogue }) => [kind, ...epilogue.map((step) => step.function)]),
    [
      ['elementwise', 'dequantize'],
      ['matMul', 'quantize'],
    ],
  );
  assert.equal(tensor(graph, 'wd').quantization, { scale: 'ws', zeroPoint: 'wz', axis: 1 });
  assert.equal(imported.values.get('wd')?.quantized?.stored, 'w');
});

test('values quantised by their own range are scaled at run time', () => {
  const graph = importAll({
    inputs: { x: [2, 3] },
    outputs: ['y', 's'],
    nodes: [
      node('DynamicQuantizeLinear', ['x'], ['q', 's', 'z'], {}, 'range'),
      node('MatMulInteger', ['q', 'w', 'z'], ['y'], {}, 'product'),
    ],
    weights: { w: { shape: [3, 4], type: INT8 } },
  });
  assert.equal(
    graph.operators.map(({ id, kind, epilogue }) => [id, kind, ...epilogue.map((step) => step.function)]),
    [
      ['range.quantizationScale', 'reduce'],
      ['range.quantizationZeroPoint', 'reduce'],
      ['range', 'elementwise', 'sub'],
      ['product', 'matMul'],
    ],
  );
  assert.is(tensor(graph, 'y').dtype, 'int32');
});

test('a feature map resized by whole factors streams row by row', () => {
  const windowOf = (mode: string, scale: number): unknown => {
    const graph = importAll({
      inputs: { x: [1, 2, 8, 8] },
      outputs: ['y'],
      nodes: [node('Resize', ['x', '', 's'], ['y'], { mode })],
      weights: { s: { shape: [4], values: [1, 1, scale, scale], type: FLOAT } },
    });
    const { rowsIn, rowsOut, widthOut, stride, reach, lead } = graph.operators[0]?.inputs[0]?.window ?? impossible();
    return { rowsIn, rowsOut, widthOut, stride, reach, lead };
  };
  assert.equal(windowOf('nearest', 2), { rowsIn: 8, rowsOut: 8, widthOut: 32, stride: 1, reach: 1, lead: 0 });
  assert.equal(windowOf('linear', 2), { rowsIn: 8, rowsOut: 8, widthOut: 32, stride: 1, reach: 2, lead: 1 });
  assert.equal(windowOf('nearest', 0.5), { rowsIn: 8, rowsOut: 4, widthOut: 4, stride: 2, reach: 2, lead: 0 });
  assert.equal(windowOf('nearest', 1.5), { rowsIn: 1, rowsOut: 1, widthOut: 144, stride: 1, reach: 1, lead: 0 });
});

test('a causal convolution with a state pads with what came before, and keeps the last of it', () => {
  const graph = importAll({
    inputs: { x: [2, 6, 5], past: [2, 6, 3] },
    outputs: ['y', 'state'],
    nodes: [node('CausalConvWithState', ['x', 'w', 'b', 'past'], ['y', 'state'], { activation: 'silu' }, 'conv')],
    weights: { w: { shape: [6, 1, 4] }, b: { shape: [6] } },
    opset: 27,
  });
  assert.equal(
    graph.operators.map(({ kind, epilogue }) => [kind, ...epilogue.map((step) => step.function)]),
    [['move'], ['move'], ['conv', 'swish']],
  );
  assert.equal(tensor(graph, 'state').shape, [2, 6, 3]);
});

test('fused products are taken apart', () => {
  const graph = importAll({
    inputs: { x: [1, 3, 8, 8], z: [1, 4, 8, 8] },
    outputs: ['y'],
    nodes: [
      {
        ...node('FusedConv', ['x', 'w', 'b', 'z'], ['y'], { activation: 'LeakyRelu', activation_params: [1], pads: [1, 1, 1, 1] }, 'conv'),
        domain: 'com.microsoft',
      },
    ],
    weights: { w: { shape: [4, 3, 3, 3] }, b: { shape: [4] } },
  });
  const [conv] = graph.operators;
  assert.equal(
    conv?.epilogue.map((step) => step.function),
    ['add', 'leakyRelu'],
  );
  const scaled = importAll({
    inputs: { a: [2, 3, 4], b: [2, 5, 4] },
    outputs: ['y'],
    nodes: [{ ...node('FusedMatMul', ['a', 'b'], ['y'], { alpha: float(0.125), transB: 1 }), domain: 'com.microsoft' }],
  });
  const [product] = products(scaled);
  assert.equal(
    [product?.attrs.matrix, product?.attrs.transposeWeight, product?.attrs.scale],
    [{ m: 3, n: 4, k: 5, groups: 2 }, true, 0.125],
  );
});

test.run();
