import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describe } from '../../lib/base/problem.ts';
import type { Graph, Operator, Tensor } from '../../lib/ir/graph.ts';
import { verifyGraph } from '../../lib/ir/verify.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { buildModel, node } from '../onnx/build.ts';
import { impossible } from '../onnx/impossible.ts';

const test = suite('ir: verify');

const graph = importOnnx(
  buildModel({
    inputs: { x: [2, 4, 6, 6] },
    outputs: ['y'],
    nodes: [
      node('Conv', ['x', 'w', 'b'], ['a'], { pads: [1, 1, 1, 1] }, 'conv'),
      node('Relu', ['a'], ['r'], {}, 'relu'),
      node('MaxPool', ['r'], ['p'], { kernel_shape: [2, 2], strides: [2, 2] }, 'pool'),
      node('Flatten', ['p'], ['f'], {}, 'flat'),
      node('Gemm', ['f', 'v'], ['g'], {}, 'dense'),
      node('MatMul', ['g', 't'], ['y'], {}, 'product'),
      node('Transpose', ['g'], ['t'], {}, 'transposed'),
    ],
    weights: { w: { shape: [8, 4, 3, 3] }, b: { shape: [8] }, v: { shape: [72, 5] } },
  }),
);

/** The graph with some tensors and operators changed, by id. */
function broken(tensors: Readonly<Record<string, Partial<Tensor>>>, operators: Readonly<Record<string, Partial<Operator>>> = {}): Graph {
  return {
    ...graph,
    tensors: graph.tensors.map((tensor) => ({ ...tensor, ...tensors[tensor.id] })),
    operators: graph.operators.map((operator) => ({ ...operator, ...operators[operator.id] }) as Operator),
  };
}

function reasons(changed: Graph): string {
  const problems = verifyGraph(changed);
  assert.ok(problems.length > 0, 'no problem was found');
  return problems.map(describe).join('\n');
}

const operator = (id: string): Operator => graph.operators.find((one) => one.id === id) ?? impossible(id);

test('an imported graph breaks no invariant', () => {
  assert.equal(verifyGraph(graph), []);
  assert.equal(
    graph.operators.map(({ id }) => id),
    ['conv', 'pool', 'flat', 'dense', 'product'],
  );
});

test('positions and features have to make up the elements', () => {
  assert.match(reasons(broken({ r: { positions: 71 } })), /'r': has 71 positions of 8 features, and 576 elements/);
  assert.match(reasons(broken({ f: { shape: [2, -72] } })), 'dimensions are whole numbers from 1');
  assert.match(reasons(broken({ f: { shape: [2, 7.5] } })), 'dimensions are whole numbers from 1');
});

test('a tensor that is not there, twice there or never made is found', () => {
  assert.match(reasons({ ...graph, tensors: graph.tensors.filter(({ id }) => id !== 'r') }), /'conv': makes 'r', which is not a tensor/);
  assert.match(
    reasons({ ...graph, tensors: graph.tensors.filter(({ id }) => id !== 'w') }),
    /'conv': has operand 'w', which is not a tensor/,
  );
  assert.match(reasons({ ...graph, tensors: [...graph.tensors, ...graph.tensors.slice(0, 1)] }), /'x': is there more than once/);
  assert.match(reasons({ ...graph, operators: graph.operators.slice(1) }), /'r': has role activation, and no operator makes it/);
  assert.match(reasons({ ...graph, outputs: ['nowhere'] }), /output 'nowhere': is not a tensor/);
  assert.match(reasons(broken({ x: { role: 'activation' } })), /input 'x': has role activation/);
});

test('an operator before what it reads is found', () => {
  assert.match(reasons({ ...graph, operators: graph.operators.toReversed() }), /'product': reads 'g' before it is made/);
});

test('ids have to be there, once', () => {
  assert.match(reasons(broken({}, { pool: { id: 'conv' } })), /'conv': is there more than once/);
  assert.match(reasons(broken({}, { pool: { id: 'relu' } })), /'relu': is there more than once/);
  assert.match(reasons(broken({}, { pool: { id: '' } })), 'empty id');
  assert.match(reasons(broken({}, { pool: { output: 'r' } })), /makes 'r', which an operator before it makes, too/);
});

test('windows have to cover the tensors they stand for', () => {
  const [input] = operator('pool').inputs;
  if (input === undefined) return impossible();
  const window = (change: Partial<typeof input.window>): Graph =>
    broken({}, { pool: { inputs: [{ ...input, window: { ...input.window, ...change } }] } });
  assert.match(reasons(window({ rowsIn: 5 })), /window over 60 of its 72 positions/);
  assert.match(reasons(window({ rowsOut: 2 })), /window for 12 output positions; 'p' has 18/);
  assert.match(reasons(window({ reach: 0.5 })), 'not of whole numbers');
  assert.match(reasons(broken({}, { pool: { inputs: [] } })), 'reads nothing');
});

test('a product has to make its output, of weights of its size', () => {
  const conv = operator('conv');
  if (conv.kind !== 'conv') return impossible();
  const shape = (change: Partial<typeof conv.attrs.matrix>): Graph =>
    broken({}, { conv: { attrs: { ...conv.attrs, matrix: { ...conv.attrs.matrix, ...change } } } });
  assert.match(reasons(shape({ m: 71 })), /makes 71 vectors of 8 in 1 groups, and 'r' has 72 positions of 8 features/);
  assert.match(reasons(shape({ n: 35 })), /weight of 288 elements; 35 x 8 in 1 groups are 280/);
  assert.match(reasons(shape({ k: 0 })), 'not whole numbers from 1');
  assert.match(reasons(broken({ w: { role: 'activation' } })), /has weight 'w', whose role is activation|no operator makes it/);
});

test('what a run-time operand says of itself has to be so', () => {
  const product = operator('product');
  if (product.kind !== 'matMul') return impossible();
  assert.equal([product.attrs.dynamic, product.attrs.producer], [true, 'dense']);
  const say = (change: Partial<typeof product.attrs>): Graph => broken({}, { product: { attrs: { ...product.attrs, ...change } } });
  assert.match(reasons(say({ dynamic: false })), /is not dynamic, and the role of 'g' is activation/);
  assert.match(reasons(say({ producer: 'pool' })), /says that 'pool' makes 'g', which it doesn't/);
});

test('operands of steps are weights, or among the inputs', () => {
  const step = { id: 'add', class: 'elementwise', function: 'add', parameters: [], operands: ['x'] } as const;
  assert.match(reasons(broken({}, { pool: { epilogue: [step] } })), /'pool': has operand 'x', which is not among its inputs/);
  assert.equal(verifyGraph(broken({}, { pool: { epilogue: [{ ...step, operands: ['b'] }] } })), []);
});

test('instances of a block are alike, numbered, within the graph, and in one block only', () => {
  const layers = importOnnx(
    buildModel({
      inputs: { x: [4, 8] },
      outputs: ['z'],
      nodes: Array.from({ length: 3 }, (_, k) => [
        node('MatMul', [k === 0 ? 'x' : `layer.${k - 1}`, `up.${k}`], [`inner.${k}`], {}, `first.${k}`),
        node('MatMul', [`inner.${k}`, `down.${k}`], [`layer.${k}`], {}, `second.${k}`),
      ])
        .flat()
        .concat(node('Softmax', ['layer.2'], ['z'], {}, 'last')),
      weights: Object.fromEntries([0, 1, 2].flatMap((k) => [`up.${k}`, `down.${k}`].map((name) => [name, { shape: [8, 8] }]))),
    }),
  );
  const [block = impossible()] = layers.blocks;
  assert.equal(block, { first: 0, length: 2, count: 3, number: 0, carried: [{ initial: 'x', next: 'layer.0' }] });
  assert.equal(verifyGraph(layers), []);
  const say = (...blocks: Partial<typeof block>[]): Graph => ({ ...layers, blocks: blocks.map((one) => ({ ...block, ...one })) });
  assert.match(reasons(say({ count: 4 })), /goes on behind the last of 7 operators/);
  assert.match(reasons(say({ count: 1 })), /not a range of operators that is there at least twice/);
  assert.match(reasons(say({ first: 0.5 })), /not a range of operators/);
  assert.match(reasons(say({ first: 1 })), /has an instance 2 that is not like the one before it/);
  assert.match(reasons(say({}, { first: 2, count: 2 })), /begins before operator 6/);
  assert.match(reasons(say({ carried: [] })), /carries x -> layer.0, and says nothing/);
  assert.match(reasons(say({ number: 1 })), /'first.0' and 'first.1' in one place, which are not numbered from 1/);
});

test('a cache is between an input and an output of the network, and read by a dynamic product', () => {
  const product = operator('product');
  const say = (change: object): Graph => ({
    ...graph,
    caches: [{ kind: 'key', operator: product.id, past: 'x', tokens: 2, elementsPerToken: 5, ...change }],
  });
  assert.equal(verifyGraph(say({})), []);
  assert.equal(verifyGraph(say({ present: 'y' })), []);
  assert.match(reasons(say({ operator: 'dense' })), /is read by no dynamic product of that name/);
  assert.match(reasons(say({ past: 'g' })), /has its past in 'g', which is not an input/);
  assert.match(reasons(say({ present: 'g' })), /has its present in 'g', which is not an output/);
  assert.match(reasons(say({ past: undefined })), /has neither past nor present/);
  assert.match(reasons(say({ tokens: 0 })), /has 0 tokens of 5 elements/);
});

test.run();
