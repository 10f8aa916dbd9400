import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError, describe } from '../../lib/base/problem.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import { importOnnx, runImport } from '../../lib/onnx/import-onnx.ts';
import { buildModel, type FunctionSpec, type ModelSpec, node } from './build.ts';
import { impossible } from './impossible.ts';

const test = suite('onnx: functions of the model');

const LINEAR: FunctionSpec = {
  name: 'Linear',
  domain: 'modules',
  inputs: ['x', 'weight', 'bias'],
  outputs: ['y'],
  nodes: [node('MatMul', ['x', 'weight'], ['product']), node('Add', ['product', 'bias'], ['y'])],
};

const BLOCK: FunctionSpec = {
  name: 'Block',
  domain: 'modules',
  inputs: ['x', 'w1', 'b1', 'w2', 'b2'],
  outputs: ['y'],
  nodes: [
    { ...node('Linear', ['x', 'w1', 'b1'], ['up'], {}, 'up'), domain: 'modules' },
    node('Relu', ['up'], ['active']),
    { ...node('Linear', ['active', 'w2', 'b2'], ['down'], {}, 'down'), domain: 'modules' },
    node('Add', ['x', 'down'], ['y']),
  ],
};

const call = (name: string, inputs: readonly string[], outputs: readonly string[], id: string, attributes = {}) => ({
  ...node(name, inputs, outputs, attributes, id),
  domain: 'modules',
});

const PARAMETERS = { 'a.weight': { shape: [4, 8] }, 'a.bias': { shape: [8] }, 'b.weight': { shape: [8, 4] }, 'b.bias': { shape: [4] } };

/** Two calls of a block that calls a layer twice, and the same without functions. */
const withFunctions: ModelSpec = {
  inputs: { x: [3, 4] },
  outputs: ['z'],
  functions: [BLOCK, LINEAR],
  weights: PARAMETERS,
  nodes: ['y', 'z'].map((out, i) => call('Block', [i === 0 ? 'x' : 'y', 'a.weight', 'a.bias', 'b.weight', 'b.bias'], [out], `block${i}`)),
};
const withoutFunctions: ModelSpec = {
  inputs: { x: [3, 4] },
  outputs: ['z'],
  weights: PARAMETERS,
  nodes: ['x', 'y'].flatMap((from, i) => [
    node('MatMul', [from, 'a.weight'], [`p${i}`]),
    node('Add', [`p${i}`, 'a.bias'], [`u${i}`]),
    node('Relu', [`u${i}`], [`r${i}`]),
    node('MatMul', [`r${i}`, 'b.weight'], [`q${i}`]),
    node('Add', [`q${i}`, 'b.bias'], [`d${i}`]),
    node('Add', [from, `d${i}`], [i === 0 ? 'y' : 'z']),
  ]),
};

/** All that tells operators apart but their names. */
function anonymous({ operators, tensors }: Graph): unknown {
  return [
    operators.map(({ kind, inputs, epilogue, attrs }) => [
      kind,
      'matrix' in attrs && attrs.matrix,
      inputs.length,
      epilogue.map((step) => step.function),
    ]),
    tensors.map(({ role, dtype, shape }) => [role, dtype, shape]),
  ];
}

function refusal(spec: Partial<ModelSpec>): string {
  try {
    importOnnx(buildModel({ inputs: { x: [3, 4] }, outputs: ['y'], nodes: [call('F', ['x'], ['y'], 'call')], ...spec }));
    return impossible('this import');
  } catch (error) {
    assert.instance(error, CompileError);
    return (error as CompileError).problems.map(describe).join('\n');
  }
}

const one = (nodes: FunctionSpec['nodes'], rest: Partial<FunctionSpec> = {}): FunctionSpec => ({
  name: 'F',
  domain: 'modules',
  inputs: ['a'],
  outputs: ['b'],
  nodes,
  ...rest,
});

test('functions within functions give the graph of their nodes', () => {
  assert.equal(anonymous(importOnnx(buildModel(withFunctions))), anonymous(importOnnx(buildModel(withoutFunctions))));
});

test("what is inside a call is named after it, and the network's values keep their names", () => {
  const { nodes } = runImport(buildModel(withFunctions), {}, 'sort');
  assert.equal(
    nodes.slice(0, 5).map(({ id, outputs }) => [id, ...outputs]),
    [
      ['block0/up/MatMul', 'block0/up/product'],
      ['block0/up/Add', 'block0/up'],
      ['block0/Relu', 'block0/active'],
      ['block0/down/MatMul', 'block0/down/product'],
      ['block0/down/Add', 'block0/down'],
    ],
  );
  assert.equal(nodes.at(-1)?.outputs, ['z']);
});

test('a layer whose weight only one call uses is named after the weight', () => {
  const bytes = buildModel({
    inputs: { x: [3, 4] },
    outputs: ['y'],
    functions: [LINEAR],
    weights: { 'head.weight': { shape: [4, 8] }, 'head.bias': { shape: [8] } },
    nodes: [call('Linear', ['x', 'head.weight', 'head.bias'], ['y'], 'node_3')],
  });
  assert.is(importOnnx(bytes).operators[0]?.id, 'head');
});

test("attributes are the call's, else the function's own, else absent", () => {
  const shape = (attributes: Record<string, number>, rest: Partial<FunctionSpec>): readonly number[] | undefined => {
    const flatten = one([node('Flatten', ['a'], ['b'], { axis: { from: 'start' } })], rest);
    const bytes = buildModel({
      inputs: { x: [2, 3, 4] },
      outputs: ['y'],
      functions: [flatten],
      nodes: [call('F', ['x'], ['y'], 'call', attributes)],
    });
    return runImport(bytes, {}, 'infer').values.get('y')?.shape;
  };
  assert.equal(shape({ start: 2 }, { attributes: ['start'] }), [6, 4]);
  assert.equal(shape({}, { defaults: { start: 0 } }), [1, 24]);
  assert.equal(shape({ start: 2 }, { defaults: { start: 0 } }), [6, 4]);
  // Flatten's own default is 1.
  assert.equal(shape({}, { attributes: ['start'] }), [2, 12]);
});

test("attributes reach a function's functions", () => {
  const inner = one([node('Flatten', ['a'], ['b'], { axis: { from: 'start' } })], { name: 'Inner', attributes: ['start'] });
  const outer = one([call('Inner', ['a'], ['b'], '', { start: { from: 'first' } })], { attributes: ['first'] });
  const bytes = buildModel({
    inputs: { x: [2, 3, 4] },
    outputs: ['y'],
    functions: [outer, inner],
    nodes: [call('F', ['x'], ['y'], 'call', { first: 2 })],
  });
  assert.equal(runImport(bytes, {}, 'infer').values.get('y')?.shape, [6, 4]);
});

test('each function has an opset of its own', () => {
  // Before opset 13 the axis of Softmax was 1 and all axes from it on were one; its lowering differs.
  const lowered = (opset: number): unknown => {
    const softmax = one([node('Softmax', ['a'], ['b'])], { opset });
    const bytes = buildModel({ inputs: { x: [2, 3, 4] }, outputs: ['y'], functions: [softmax], nodes: [call('F', ['x'], ['y'], 'call')] });
    return importOnnx(bytes).operators.map(({ inputs }) => inputs.map(({ window }) => window));
  };
  const plain = (opset: number): unknown =>
    importOnnx(buildModel({ inputs: { x: [2, 3, 4] }, outputs: ['y'], opset, nodes: [node('Softmax', ['x'], ['y'])] })).operators.map(
      ({ inputs }) => inputs.map(({ window }) => window),
    );
  assert.equal(lowered(11), plain(11));
  assert.equal(lowered(20), plain(20));
  assert.not.equal(lowered(11), lowered(20));
});

test('inputs left out stay left out, and an input may be handed out again', () => {
  const clip = one([node('Clip', ['a', 'low', 'high'], ['b'])], { inputs: ['a', 'low', 'high'], outputs: ['b', 'a', 'b'] });
  const bytes = buildModel({
    inputs: { x: [3, 4] },
    outputs: ['y', 'same', 'again'],
    functions: [clip],
    weights: { high: { shape: [], values: [6], type: 1 } },
    nodes: [call('F', ['x', '', 'high'], ['y', 'same', 'again'], 'call')],
  });
  const { values } = runImport(bytes);
  for (const name of ['y', 'same', 'again']) assert.equal(values.get(name)?.shape, [3, 4]);
});

test('an operator that is also given as a function stays that operator', () => {
  const gelu: FunctionSpec = { name: 'Gelu', domain: 'com.microsoft', inputs: ['x'], outputs: ['y'], nodes: [node('Relu', ['x'], ['y'])] };
  const bytes = buildModel({
    inputs: { x: [3, 4] },
    outputs: ['y'],
    functions: [gelu],
    nodes: [{ ...node('Gelu', ['x'], ['y'], {}, 'g'), domain: 'com.microsoft' }],
  });
  assert.is(importOnnx(bytes).operators[0]?.onnxType, 'com.microsoft.Gelu');
});

test('functions without an end are refused by the name of the call', () => {
  assert.match(
    refusal({ functions: [one([call('F', ['a'], ['b'], 'again')])] }),
    /'call\/again' \(modules.F\): it is a function that calls itself/,
  );
  const even = one([call('Odd', ['a'], ['b'], 'odd')]);
  const odd = one([call('F', ['a'], ['b'], 'even')], { name: 'Odd' });
  assert.match(refusal({ functions: [even, odd] }), /'call\/odd\/even' \(modules.F\): it is a function that calls itself/);
});

test('functions that double at every level are refused, not built', () => {
  const functions = Array.from({ length: 60 }, (_, i) => {
    const next = i === 59 ? 'Leaf' : `F${i + 1}`;
    return one([call(next, ['a'], ['m'], ''), call(next, ['m'], ['b'], '')], { name: i === 0 ? 'F' : `F${i}` });
  });
  functions.push(one([node('Relu', ['a'], ['b'])], { name: 'Leaf' }));
  assert.match(refusal({ functions }), /its functions make more than 250000 nodes/);
});

test('a function of thousands of nameless nodes takes no longer than its nodes', () => {
  const count = 20_000;
  const nodes = Array.from({ length: count }, (_, i) => node('Relu', [i === 0 ? 'a' : `v${i - 1}`], [i === count - 1 ? 'b' : `v${i}`]));
  const bytes = buildModel({ inputs: { x: [2] }, outputs: ['y'], functions: [one(nodes)], nodes: [call('F', ['x'], ['y'], 'call')] });
  assert.is(new Set(runImport(bytes, {}, 'sort').nodes.map(({ id }) => id)).size, count);
});

test('calls and bodies that make no sense are refused with names', () => {
  const relu = one([node('Relu', ['a'], ['b'])]);
  assert.match(
    refusal({ functions: [relu], nodes: [call('F', ['x', 'x'], ['y'], 'call')] }),
    /'call' .* 2 inputs and 1 outputs, and its function 1 inputs and 1 outputs/,
  );
  assert.match(refusal({ functions: [one([node('Relu', ['c'], ['b'])])] }), /'c' is read in function 'F' and not defined there/);
  assert.match(
    refusal({ functions: [one([node('Relu', ['a'], ['b']), node('Relu', ['a'], ['b'])])] }),
    /'b' is defined twice in function 'F'/,
  );
  assert.match(refusal({ functions: [one([node('Mystery', ['a'], ['b'])])] }), /Operator Mystery .* the first is 'call\/Mystery'/);
  assert.match(refusal({ functions: [one([node('Relu', ['a'], ['b'])], { opset: 400 })] }), /opset 400/);
  assert.match(refusal({ functions: [{ ...relu, name: 'G' }] }), /Operator modules.F/);
  assert.match(
    refusal({ functions: [one([node('Relu', ['b'], ['c']), node('Relu', ['c'], ['b'])])] }),
    /its output is needed for its own input/,
  );
});

test.run();
