import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Graph, Operator, OperatorKind, OperatorOf, Tensor } from '../../lib/ir/graph.ts';
import { verifyGraph } from '../../lib/ir/verify.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { buildModel, FLOAT, float, INT64, type ModelSpec, node, type WeightSpec } from './build.ts';
import { impossible } from './impossible.ts';

const test = suite('onnx: operators');

function graphOf(spec: ModelSpec): Graph {
  const graph = importOnnx(buildModel(spec));
  assert.equal(verifyGraph(graph), []);
  return graph;
}

/** The operator that makes y, which has to be of this kind. */
function maker<K extends OperatorKind>(kind: K, graph: Graph): OperatorOf<K> {
  const operator = graph.operators.find(({ output }) => output === 'y');
  assert.is(operator?.kind, kind);
  return operator as Operator as OperatorOf<K>;
}

function tensor(graph: Graph, id: string): Tensor {
  return graph.tensors.find((one) => one.id === id) ?? impossible(id);
}

const ints = (...values: number[]): WeightSpec => ({ shape: [values.length], values });

test('grouped and depthwise convolutions have n and k per group', () => {
  const conv = (groups: number, outputs: number): OperatorOf<'conv'> =>
    maker(
      'conv',
      graphOf({
        inputs: { x: [2, 8, 10, 10] },
        outputs: ['y'],
        nodes: [node('Conv', ['x', 'w', 'b'], ['y'], { group: groups, pads: [1, 1, 1, 1], strides: [2, 2] })],
        weights: { w: { shape: [outputs, 8 / groups, 3, 3] }, b: { shape: [outputs] } },
      }),
    );
  assert.equal(conv(1, 6).attrs.matrix, { m: 2 * 25, n: 72, k: 6, groups: 1 });
  assert.equal(conv(4, 12).attrs.matrix, { m: 2 * 25, n: 18, k: 3, groups: 4 });
  assert.equal(conv(8, 16).attrs.matrix, { m: 2 * 25, n: 9, k: 2, groups: 8 });
  assert.is(conv(8, 16).attrs.bias, 'b');
});

test('convolutions in one and three dimensions stream along their first spatial axis', () => {
  const one = graphOf({
    inputs: { x: [2, 5, 30] },
    outputs: ['y'],
    nodes: [node('Conv', ['x', 'w'], ['y'])],
    weights: { w: { shape: [7, 5, 3] } },
  });
  assert.equal(maker('conv', one).attrs.matrix, { m: 2 * 28, n: 15, k: 7, groups: 1 });
  assert.equal(maker('conv', one).inputs[0]?.window, {
    samples: 2,
    rowsOut: 28,
    widthOut: 1,
    rowsIn: 30,
    widthIn: 1,
    stride: 1,
    reach: 3,
    lead: 0,
  });
  // [N, C, L] with channels first: 60 positions of 5 features.
  assert.equal([tensor(one, 'x').positions, tensor(one, 'x').features], [60, 5]);
  const three = graphOf({
    inputs: { x: [1, 2, 6, 5, 4] },
    outputs: ['y'],
    nodes: [node('Conv', ['x', 'w'], ['y'])],
    weights: { w: { shape: [3, 2, 2, 2, 2] } },
  });
  assert.equal(maker('conv', three).attrs.matrix, { m: 5 * 4 * 3, n: 16, k: 3, groups: 1 });
  assert.is(maker('conv', three).inputs[0]?.window.widthIn, 20);
});

test('Gemm takes its flags, its scale and its bias', () => {
  const gemm = (attributes: Record<string, number | { float: number }>, x: number[], w: number[], c?: WeightSpec): Graph =>
    graphOf({
      inputs: { x },
      outputs: ['y'],
      nodes: [node('Gemm', c === undefined ? ['x', 'w'] : ['x', 'w', 'c'], ['y'], attributes, 'gemm')],
      weights: { w: { shape: w }, ...(c === undefined ? {} : { c }) },
    });
  const plain = maker('matMul', gemm({ transB: 1, alpha: float(0.5) }, [4, 6], [3, 6], { shape: [3] }));
  assert.equal(plain.attrs, {
    matrix: { m: 4, n: 6, k: 3, groups: 1 },
    weight: 'w',
    transposeWeight: true,
    dynamic: false,
    scale: 0.5,
    bias: 'c',
  });
  const transposed = gemm({ transA: 1 }, [6, 4], [6, 3]);
  assert.equal(maker('matMul', transposed).attrs.matrix, { m: 4, n: 6, k: 3, groups: 1 });
  assert.equal([tensor(transposed, 'x').positions, tensor(transposed, 'x').features], [4, 6]);
  const scaled = maker('matMul', gemm({ beta: float(2) }, [4, 6], [6, 3], { shape: [3] }));
  assert.is(scaled.attrs.bias, undefined);
  assert.equal(scaled.epilogue, [{ id: 'gemm.bias', class: 'elementwise', function: 'addScaled', parameters: [2], operands: ['c'] }]);
  const whole = maker('matMul', gemm({}, [4, 6], [6, 3], { shape: [4, 3] }));
  assert.equal(
    whole.epilogue.map((step) => [step.function, ...step.operands]),
    [['add', 'c']],
  );
});

test('a product with a constant on the left streams the right operand', () => {
  const left = graphOf({
    inputs: { x: [2, 6, 5] },
    outputs: ['y'],
    nodes: [node('MatMul', ['w', 'x'], ['y'])],
    weights: { w: { shape: [3, 6] } },
  });
  assert.equal(maker('matMul', left).attrs, {
    matrix: { m: 10, n: 6, k: 3, groups: 1 },
    weight: 'w',
    transposeWeight: true,
    dynamic: false,
    streamAxis: 1,
    outputAxis: 1,
  });
  assert.equal([tensor(left, 'x').positions, tensor(left, 'x').features], [10, 6]);
  assert.equal([tensor(left, 'y').positions, tensor(left, 'y').features], [10, 3]);
});

test('a shared right operand multiplies the vectors, one for each batch the groups', () => {
  const product = (x: number[], w: number[]): OperatorOf<'matMul'> =>
    maker('matMul', graphOf({ inputs: { x }, outputs: ['y'], nodes: [node('MatMul', ['x', 'w'], ['y'])], weights: { w: { shape: w } } }));
  assert.equal(product([2, 7, 6], [6, 3]).attrs.matrix, { m: 14, n: 6, k: 3, groups: 1 });
  assert.equal(product([5, 7, 6], [5, 6, 3]).attrs.matrix, { m: 7, n: 6, k: 3, groups: 5 });
  assert.equal(product([2, 5, 7, 6], [5, 6, 3]).attrs.matrix, { m: 14, n: 6, k: 3, groups: 5 });
  assert.equal(product([2, 1, 7, 6], [5, 6, 3]).attrs.matrix, { m: 14, n: 6, k: 3, groups: 5 });
  assert.equal(product([6], [6, 3]).attrs.matrix, { m: 1, n: 6, k: 3, groups: 1 });
  assert.equal(product([7, 6], [6]).attrs.matrix, { m: 7, n: 6, k: 1, groups: 1 });
});

/** One transformer layer with 4 heads of 16, written as exporters write it. */
function attention(): Graph {
  const heads = ['q', 'k', 'v'].flatMap((name) => [
    node('MatMul', ['n', `w${name}`], [name], {}, name),
    node('Reshape', [name, 'split'], [`${name}4`], {}, `${name}4`),
    node('Transpose', [`${name}4`], [`${name}t`], { perm: name === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3] }, `${name}t`),
  ]);
  return graphOf({
    inputs: { ids: [2, 8] },
    inputType: INT64,
    outputs: ['y'],
    nodes: [
      node('Gather', ['table', 'ids'], ['x'], {}, 'embed'),
      node('LayerNormalization', ['x', 'g', 'g'], ['n'], {}, 'norm'),
      ...heads,
      node('MatMul', ['qt', 'kt'], ['s'], {}, 'scores'),
      node('Mul', ['s', 'scale'], ['t'], {}, 'scale'),
      node('Softmax', ['t'], ['p'], { axis: -1 }, 'softmax'),
      node('MatMul', ['p', 'vt'], ['o'], {}, 'mix'),
      node('Transpose', ['o'], ['ot'], { perm: [0, 2, 1, 3] }, 'back'),
      node('Reshape', ['ot', 'join'], ['oj'], {}, 'join'),
      node('MatMul', ['oj', 'wo'], ['op'], {}, 'out'),
      node('Add', ['g', 'op'], ['ob'], {}, 'bias'),
      node('Add', ['x', 'ob'], ['y'], {}, 'residual'),
    ],
    weights: {
      table: { shape: [1000, 64] },
      g: { shape: [64] },
      wq: { shape: [64, 64] },
      wk: { shape: [64, 64] },
      wv: { shape: [64, 64] },
      wo: { shape: [64, 64] },
      split: ints(0, 0, 4, 16),
      join: ints(0, 0, 64),
      scale: { shape: [], values: [0.25], type: FLOAT },
    },
  });
}

test('attention is two products with run-time operands, one group a head', () => {
  const graph = attention();
  const [scores, mix] = ['scores', 'mix'].map((id) => graph.operators.find((operator) => operator.id === id));
  if (scores?.kind !== 'matMul' || mix?.kind !== 'matMul') return impossible();
  assert.equal(scores.attrs, {
    matrix: { m: 8, n: 16, k: 8, groups: 8 },
    weight: 'kt.laid',
    transposeWeight: true,
    dynamic: true,
    producer: 'kt',
  });
  assert.equal(mix.attrs, {
    matrix: { m: 8, n: 8, k: 16, groups: 8 },
    weight: 'vt',
    transposeWeight: false,
    dynamic: true,
    producer: 'vt',
  });
  assert.equal(
    scores.epilogue.map(({ id }) => id),
    ['scale'],
  );
  // Queries come one by one; the keys have to be there whole.
  assert.equal(
    scores.inputs.map(({ tensor: id, window }) => [id, window.rowsIn, window.widthIn]),
    [
      ['qt', 64, 1],
      ['kt.laid', 1, 64],
    ],
  );
  assert.equal(
    graph.operators.find(({ id }) => id === 'out')?.epilogue.map(({ id }) => id),
    ['bias', 'residual'],
  );
});

test('tokens are positions and their vectors features, from embedding to output', () => {
  const graph = attention();
  const layout = (id: string): number[] => [tensor(graph, id).positions, tensor(graph, id).features];
  assert.equal(layout('ids'), [16, 1]);
  for (const id of ['x', 'n', 'q', 'oj', 'y']) assert.equal(layout(id), [16, 64], id);
  for (const id of ['q4', 'k4', 'v4', 'qt', 'kt.laid', 'vt', 'o', 'ot']) assert.equal(layout(id), [64, 16], id);
  assert.equal(layout('p'), [64, 8]);
  for (const id of ['embed', 'norm', 'q', 'softmax', 'q4', 'join']) {
    assert.is(graph.operators.find((operator) => operator.id === id)?.inputs[0]?.window.samples, 1, `${id} streams`);
  }
});

test('a table looked up by tokens is a move with the table as its operand', () => {
  const graph = attention();
  const [embed] = graph.operators;
  if (embed?.kind !== 'move') return impossible();
  assert.equal(embed.attrs, { function: 'gather', parameters: { axis: [0], operandAt: [0] }, operands: ['table'] });
  assert.is(tensor(graph, 'table').role, 'weight');
});

test('channels come first where convolutions read or write, last behind a transpose', () => {
  const graph = graphOf({
    inputs: { x: [1, 8, 8, 3] },
    outputs: ['y'],
    nodes: [
      node('Transpose', ['x'], ['a'], { perm: [0, 3, 1, 2] }),
      node('Conv', ['a', 'w'], ['b']),
      node('Transpose', ['b'], ['c'], { perm: [0, 2, 3, 1] }),
      node('MatMul', ['c', 'v'], ['y']),
    ],
    weights: { w: { shape: [16, 3, 1, 1] }, v: { shape: [16, 4] } },
  });
  const layout = (id: string): number[] => [tensor(graph, id).positions, tensor(graph, id).features];
  assert.equal(['x', 'a', 'b', 'c', 'y'].map(layout), [
    [64, 3],
    [64, 3],
    [64, 16],
    [64, 16],
    [64, 4],
  ]);
});

test('Split becomes one slice for each output that is used', () => {
  const graph = graphOf({
    inputs: { x: [2, 4, 12] },
    outputs: ['y', 'z'],
    nodes: [node('Split', ['x', 's'], ['a', 'y', 'b'], { axis: -1 }, 'qkv'), node('Relu', ['b'], ['z'])],
    weights: { s: ints(4, 6, 2) },
  });
  const slices = graph.operators.filter(({ kind }) => kind === 'move');
  assert.equal(
    slices.map(({ id }) => id),
    ['qkv.1', 'qkv.2'],
  );
  assert.equal(maker('move', graph).attrs.parameters, { starts: [0, 0, 4], steps: [1, 1, 1] });
  assert.is(maker('move', graph).inputs[0]?.window.rowsIn, 8, 'along the features it streams');
});

test('means over positions need a whole sample, means over features none', () => {
  const reduce = (axes: number[], keepdims: number): OperatorOf<'reduce'> =>
    maker(
      'reduce',
      graphOf({
        inputs: { x: [2, 5, 6] },
        outputs: ['y'],
        nodes: [node('ReduceMean', ['x', 'a'], ['y'], { keepdims })],
        weights: { a: ints(...axes) },
      }),
    );
  assert.equal(reduce([-1], 0).inputs[0]?.window.rowsIn, 10);
  assert.equal(reduce([1], 1).inputs[0]?.window, {
    samples: 2,
    rowsOut: 1,
    widthOut: 1,
    rowsIn: 1,
    widthIn: 5,
    stride: 1,
    reach: 1,
    lead: 0,
  });
  assert.equal(reduce([0], 1).inputs[0]?.window.samples, 1);
  assert.equal(reduce([1], 0).attrs, { function: 'mean', axes: [1], keepDims: false });
});

test('global pooling and a mean over the spatial axes are the same operator', () => {
  const spec = { inputs: { x: [2, 3, 4, 4] }, outputs: ['y'], weights: { a: ints(-1, -2) } };
  const mean = maker('reduce', graphOf({ ...spec, nodes: [node('ReduceMean', ['x', 'a'], ['y'])] }));
  const pool = maker('reduce', graphOf({ ...spec, nodes: [node('GlobalAveragePool', ['x'], ['y'])] }));
  assert.equal([mean.attrs, mean.inputs], [pool.attrs, pool.inputs]);
});

test('Clip takes its bounds from attributes or inputs, and one left out is the largest float', () => {
  const clip = (opset: number, inputs: string[], attributes: Record<string, { float: number }> = {}): readonly number[] =>
    maker(
      'activation',
      graphOf({
        inputs: { x: [2, 3] },
        outputs: ['y'],
        nodes: [node('Clip', inputs, ['y'], attributes)],
        weights: { low: { shape: [], values: [0], type: FLOAT }, six: { shape: [], values: [6], type: FLOAT } },
        opset,
      }),
    ).attrs.parameters;
  assert.equal(clip(13, ['x', 'low', 'six']), [0, 6]);
  assert.equal(clip(6 + 4, ['x'], { min: float(0), max: float(6) }), [0, 6]);
  const [low = 0, high = 0] = clip(13, ['x', '', 'six']);
  assert.is(high, 6);
  assert.ok(low < -3.4e38 && Number.isFinite(low));
});

test('what changes nothing disappears', () => {
  const graph = graphOf({
    inputs: { x: [2, 3, 4, 4] },
    outputs: ['y'],
    nodes: [
      node('Identity', ['x'], ['a']),
      node('Dropout', ['a'], ['b']),
      node('Reshape', ['b', 's'], ['c']),
      node('AveragePool', ['c'], ['d'], { kernel_shape: [1, 1] }),
      node('Transpose', ['d'], ['e'], { perm: [0, 1, 2, 3] }),
      node('Cast', ['e'], ['f'], { to: FLOAT }),
      node('Concat', ['f'], ['g'], { axis: 1 }),
      node('Relu', ['g'], ['y']),
    ],
    weights: { s: ints(0, 0, 4, -1) },
  });
  assert.equal(
    graph.operators.map(({ kind, inputs }) => [kind, inputs[0]?.tensor]),
    [['activation', 'x']],
  );
});

test('an output that is only another name of a value stays a view', () => {
  const graph = graphOf({ inputs: { x: [2, 3] }, outputs: ['y'], nodes: [node('Identity', ['x'], ['y'])] });
  assert.equal(maker('view', graph).attrs, { function: 'identity' });
  assert.is(tensor(graph, 'y').role, 'output');
});

test('ids are the node names where those are unique, and short', () => {
  const long = 'a'.repeat(5000);
  const graph = graphOf({
    inputs: { [long]: [2] },
    outputs: ['y'],
    nodes: [
      node('ReduceSum', [long], ['a'], {}, 'twice'),
      node('ReduceMax', ['a'], ['b'], {}, 'twice'),
      node('ReduceMin', ['b'], ['c'], {}, long),
      node('ReduceSum', ['c'], ['d'], {}, 'ReduceSum_0'),
      node('ReduceL1', ['d'], ['y'], {}, 'a "quoted"\n\u0000 name \u{1f9ee}'),
    ],
  });
  const ids = graph.operators.map(({ id }) => id);
  assert.is(new Set(ids).size, 5);
  assert.equal([ids[0], ids[1], ids[3]], ['ReduceSum_1', 'ReduceMax_0', 'ReduceSum_0']);
  assert.ok([...ids, ...graph.inputs].every(({ length }) => length > 0 && length <= 200));
  assert.match(ids[2] ?? '', /^a{180}#[0-9a-f]{16}$/);
});

test('a layer is called after the module its weight belongs to, if no other layer shares it', () => {
  const weight = { shape: [4, 4] };
  const graph = graphOf({
    inputs: { x: [2, 4] },
    outputs: ['y'],
    nodes: [
      node('MatMul', ['x', 'encoder.fc.weight'], ['a'], {}, 'node_0'),
      node('MatMul', ['a', 'tied.weight'], ['b'], {}, 'node_1'),
      node('MatMul', ['b', 'tied.weight'], ['y'], {}, 'node_2'),
    ],
    weights: { 'encoder.fc.weight': weight, 'tied.weight': weight },
  });
  assert.equal(
    graph.operators.map(({ id }) => id),
    ['encoder.fc', 'node_1', 'node_2'],
  );
});

test('nodes in any order are put into one that runs', () => {
  const nodes = [
    node('Relu', ['c'], ['y'], {}, 'last'),
    node('Flatten', ['b'], ['c'], {}, 'middle'),
    node('Softmax', ['x'], ['b'], {}, 'first'),
  ];
  assert.equal(
    graphOf({ inputs: { x: [2, 3, 4] }, outputs: ['y'], nodes }).operators.map(({ id }) => id),
    ['first', 'middle', 'last'],
  );
});

test('nodes no output depends on are left out', () => {
  const nodes = [node('Relu', ['x'], ['y'], {}, 'kept'), node('Softmax', ['x'], ['z'], {}, 'left')];
  assert.equal(
    graphOf({ inputs: { x: [2, 3] }, outputs: ['y'], nodes }).operators.map(({ id }) => id),
    ['kept'],
  );
});

test.run();
