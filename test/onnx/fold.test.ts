import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { importOnnx, runImport } from '../../lib/onnx/import-onnx.ts';
import { type AttributeValue, BOOL, buildModel, FLOAT, INT64, type NodeSpec, node, type WeightSpec } from './build.ts';

const test = suite('onnx: constant folding');

/** Elements of y, from constants only. */
function folded(nodes: readonly NodeSpec[], weights: Readonly<Record<string, WeightSpec>>, opset = 20): readonly number[] | undefined {
  return runImport(buildModel({ inputs: {}, outputs: ['y'], nodes, weights, opset }), {}, 'infer')
    .values.get('y')
    ?.elements();
}

const ints = (...values: number[]): WeightSpec => ({ shape: [values.length], values });
const one = (
  op: string,
  weights: readonly WeightSpec[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
): readonly number[] | undefined => {
  const names = weights.map((_, i) => `w${i}`);
  return folded([node(op, names, ['y'], attributes)], Object.fromEntries(weights.map((weight, i) => [`w${i}`, weight])));
};

test('flattening by shape arithmetic disappears', () => {
  const bytes = buildModel({
    inputs: { x: ['batch', 6, 4, 4] },
    outputs: ['y'],
    nodes: [
      node('Shape', ['x'], ['shape']),
      node('Gather', ['shape', 'zero'], ['batch']),
      node('Unsqueeze', ['batch', 'first'], ['batch1']),
      node('Constant', [], ['rest'], { value: { tensor: ints(-1) } }),
      node('Concat', ['batch1', 'rest'], ['target'], { axis: 0 }),
      node('Reshape', ['x', 'target'], ['flat']),
      node('Gemm', ['flat', 'w'], ['y']),
    ],
    weights: { zero: { shape: [], values: [0] }, first: ints(0), w: { shape: [96, 10] } },
  });
  const { graph, fates } = runImport(bytes, { bind: { batch: 5 } });
  assert.equal(
    graph?.operators.map(({ id }) => id),
    ['Reshape_0', 'Gemm_0'],
  );
  assert.equal(
    ['Shape_0', 'Gather_0', 'Unsqueeze_0', 'Constant_0', 'Concat_0'].map((id) => fates.get(id)),
    Array(5).fill('folded'),
  );
  assert.equal(graph?.tensors.find(({ id }) => id === 'flat')?.shape, [5, 96]);
  // Numbers that only said a shape are no weights.
  assert.equal(
    graph?.tensors.filter(({ role }) => role === 'weight').map(({ id }) => id),
    ['w'],
  );
});

test('integers divide towards zero, and remainders take the sign asked for', () => {
  assert.equal(one('Div', [ints(7, -7, 7, -7), ints(2, 2, -2, -2)]), [3, -3, -3, 3]);
  assert.equal(one('Mod', [ints(7, -7, 7, -7), ints(3, 3, -3, -3)]), [1, 2, -2, -1]);
  assert.equal(one('Mod', [ints(7, -7), ints(3, 3)], { fmod: 1 }), [1, -1]);
});

test('slices clamp, count from the end and step backwards', () => {
  const x = ints(0, 1, 2, 3, 4);
  const slice = (from: number, to: number, step: number): readonly number[] | undefined =>
    one('Slice', [x, ints(from), ints(to), ints(0), ints(step)]);
  assert.equal(slice(1, 3, 1), [1, 2]);
  assert.equal(slice(-2, 2 ** 62, 1), [3, 4]);
  assert.equal(slice(-1, -(2 ** 62), -2), [4, 2, 0]);
  assert.equal(slice(9, 12, 1), []);
});

test('movement folds element by element', () => {
  const matrix: WeightSpec = { shape: [2, 3], values: [0, 1, 2, 3, 4, 5] };
  assert.equal(one('Transpose', [matrix]), [0, 3, 1, 4, 2, 5]);
  assert.equal(one('Gather', [matrix, ints(-1, 0)], { axis: 1 }), [2, 0, 5, 3]);
  assert.equal(one('Concat', [matrix, matrix], { axis: 1 }), [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5]);
  assert.equal(one('Expand', [ints(1, 2), ints(2, 1)]), [1, 2, 1, 2]);
  assert.equal(one('Tile', [ints(1, 2), ints(2)]), [1, 2, 1, 2]);
  assert.equal(one('ReduceSum', [matrix, ints(0)]), [3, 5, 7]);
  assert.equal(one('ReduceProd', [ints(2, 3, 4)]), [24]);
  assert.equal(
    one(
      'Range',
      [ints(3), ints(10), ints(3)].map((weight) => ({ ...weight, shape: [] })),
    ),
    [3, 6, 9],
  );
});

test('choices and comparisons fold with broadcasting', () => {
  const flag: WeightSpec = { shape: [2, 1], values: [1, 0], type: BOOL };
  assert.equal(one('Where', [flag, ints(1, 2), ints(8, 9)]), [1, 2, 8, 9]);
  assert.equal(one('Equal', [ints(-1, 4), ints(-1)]), [1, 0]);
});

test('floats are rounded as float32 holds them', () => {
  assert.equal(
    one('Add', [
      { shape: [1], values: [0.1], type: FLOAT },
      { shape: [1], values: [0.2], type: FLOAT },
    ]),
    [Math.fround(Math.fround(0.1) + Math.fround(0.2))],
  );
  assert.equal(one('Cast', [{ shape: [2], values: [2.7, -2.7], type: FLOAT }], { to: INT64 }), [2, -2]);
});

test('weights without values are constants all the same', () => {
  const bytes = buildModel({
    inputs: { x: [2, 8] },
    outputs: ['y'],
    nodes: [node('Transpose', ['w'], ['v'], { perm: [1, 0] }, 'transposed'), node('MatMul', ['x', 'v'], ['y'])],
    weights: { w: { shape: [4, 8] } },
  });
  const { graph, fates } = runImport(bytes);
  assert.is(fates.get('transposed'), 'folded');
  assert.is(graph?.tensors.find(({ id }) => id === 'v')?.role, 'weight');
  assert.is(graph?.operators.length, 1);
});

test('folding stops before it fills the memory', () => {
  const ranges = Array.from({ length: 2000 }, (_, i) => node('Expand', ['w', 'to'], [`e${i}`]));
  const sum = node(
    'Sum',
    ranges.map(({ outputs }) => outputs[0] ?? ''),
    ['y'],
  );
  const bytes = buildModel({ inputs: {}, outputs: ['y'], nodes: [...ranges, sum], weights: { w: ints(1), to: ints(60_000) } });
  const known = [...runImport(bytes, {}, 'infer').values.values()].filter((value) => (value.elements()?.length ?? 0) > 1);
  assert.ok(known.length < 300, `${known.length} are known`);
});

test('a constant that is an output is a weight of the graph', () => {
  const graph = importOnnx(
    buildModel({ inputs: { x: [2] }, outputs: ['y', 'c'], nodes: [node('Relu', ['x'], ['y']), node('Shape', ['x'], ['c'])] }),
  );
  assert.equal(
    graph.tensors.map(({ id, role }) => [id, role]),
    [
      ['x', 'input'],
      ['y', 'output'],
      ['c', 'weight'],
    ],
  );
});

test.run();
