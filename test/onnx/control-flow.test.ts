import proto from 'onnx-proto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError, describe } from '../../lib/base/problem.ts';
import { importOnnx, runImport } from '../../lib/onnx/import-onnx.ts';
import { openWeights } from '../../lib/onnx/weights.ts';
import { BOOL, buildModel, FLOAT, type GraphSpec, type ModelSpec, node } from './build.ts';
import { impossible } from './impossible.ts';

const test = suite('onnx: control flow');

const YES = { yes: { shape: [], values: [1], type: BOOL } };
const NO = { yes: { shape: [], values: [0], type: BOOL } };

const branch = (op: string, outputs: readonly string[] = ['r']): GraphSpec => ({ outputs, nodes: [node(op, ['x'], ['r'])] });
const decide = (thenBranch: GraphSpec, elseBranch: GraphSpec, outputs = ['y']) =>
  node('If', ['yes'], outputs, { then_branch: { graph: thenBranch }, else_branch: { graph: elseBranch } }, 'decide');

function model(spec: Partial<ModelSpec>): Uint8Array {
  return buildModel({ inputs: { x: [2, 3] }, outputs: ['y'], nodes: [decide(branch('Relu'), branch('Sigmoid'))], weights: YES, ...spec });
}

function kinds(bytes: Uint8Array, bind = {}): string[] {
  return importOnnx(bytes, { bind }).operators.map(({ id, onnxType }) => `${id}: ${onnxType}`);
}

function refusal(bytes: Uint8Array): string {
  try {
    importOnnx(bytes);
    return impossible('this import');
  } catch (error) {
    assert.instance(error, CompileError);
    return (error as CompileError).problems.map(describe).join('\n');
  }
}

test('an If with a constant condition is the branch it takes', () => {
  assert.equal(kinds(model({})), ['decide/Relu: Relu']);
  assert.equal(kinds(model({ weights: NO })), ['decide/Sigmoid: Sigmoid']);
});

test('a condition that follows from the bound dimensions is constant', () => {
  const bytes = buildModel({
    inputs: { x: ['batch', 3] },
    outputs: ['y'],
    weights: { one: { shape: [1], values: [1] } },
    nodes: [
      node('Shape', ['x'], ['s'], { start: 0, end: 1 }),
      node('Equal', ['s', 'one'], ['yes']),
      decide(branch('Relu'), branch('Sigmoid')),
    ],
  });
  assert.equal(kinds(bytes, { batch: 1 }), ['decide/Relu: Relu']);
  assert.equal(kinds(bytes, { batch: 2 }), ['decide/Sigmoid: Sigmoid']);
});

test('the branch not taken may hold anything', () => {
  const unknown = { outputs: ['r'], nodes: [node('Mystery', ['x'], ['r'])] };
  assert.equal(kinds(model({ nodes: [decide(branch('Relu'), unknown)] })), ['decide/Relu: Relu']);
  assert.match(refusal(model({ nodes: [decide(unknown, branch('Relu'))] })), /Operator Mystery .* the first is 'decide\/Mystery'/);
});

test('branches read what is around them, wherever the If stands in the file', () => {
  const nodes = [
    decide({ outputs: ['r'], nodes: [node('Add', ['x', 'b'], ['r'])] }, branch('Relu')),
    node('Neg', ['a'], ['b']),
    node('Relu', ['x'], ['a']),
  ];
  assert.equal(kinds(model({ nodes })).length, 1);
  const captured = runImport(model({ nodes }), {}, 'infer').nodes.map(({ id }) => id);
  assert.equal(captured, ['Relu_0', 'Neg_0', 'decide/Add']);
});

test('names that both branches and the network use are kept apart', () => {
  const inner = { outputs: ['r'], nodes: [node('Relu', ['x'], ['t']), node('Neg', ['t'], ['r'])] };
  const bytes = model({ nodes: [node('Abs', ['x'], ['t']), decide(inner, inner, ['q']), node('Add', ['q', 't'], ['y'])] });
  const { values, graph } = runImport(bytes);
  assert.ok(values.has('t') && values.has('decide/t'));
  const steps = graph?.operators.flatMap(({ onnxType, epilogue }) => [onnxType, ...epilogue.map((step) => step.function)]) ?? [];
  assert.equal([...steps].sort(), ['Abs', 'Relu', 'add', 'neg']);
});

test('an If within a branch within a function is taken, too', () => {
  const tanh: GraphSpec = { outputs: ['q'], nodes: [node('Tanh', ['x'], ['q'])] };
  const attributes = { then_branch: { graph: tanh }, else_branch: { graph: branch('Sigmoid') } };
  const nested: GraphSpec = { outputs: ['r'], nodes: [node('If', ['yes'], ['r'], attributes, 'inner')] };
  const bytes = buildModel({
    inputs: { input: [2, 3] },
    outputs: ['out'],
    weights: { flag: { shape: [], values: [1], type: BOOL } },
    functions: [
      {
        name: 'F',
        domain: 'modules',
        inputs: ['x', 'yes'],
        outputs: ['y'],
        nodes: [decide(nested, branch('Relu'))],
      },
    ],
    nodes: [{ ...node('F', ['input', 'flag'], ['out'], {}, 'f'), domain: 'modules' }],
  });
  assert.equal(kinds(bytes), ['f/decide/inner/Tanh: Tanh']);
});

test('a function may be called from a branch', () => {
  const nodes = [decide({ outputs: ['r'], nodes: [{ ...node('F', ['x'], ['r'], {}, 'call'), domain: 'modules' }] }, branch('Relu'))];
  const functions = [{ name: 'F', domain: 'modules', inputs: ['a'], outputs: ['b'], nodes: [node('Tanh', ['a'], ['b'])] }];
  assert.equal(kinds(model({ nodes, functions })), ['decide/call/Tanh: Tanh']);
});

test('weights and values of a branch come out as they would outside', () => {
  const weighted: GraphSpec = {
    outputs: ['r', 'x'],
    nodes: [node('MatMul', ['x', 'w'], ['r'])],
    weights: { w: { shape: [3, 1], values: [1, 2, 3], type: FLOAT } },
  };
  const bytes = model({ outputs: ['y', 'z'], nodes: [decide(weighted, branch('Relu', ['r', 'r']), ['y', 'z'])] });
  const graph = importOnnx(bytes);
  assert.equal(graph.tensors.find(({ id }) => id === 'y')?.shape, [2, 1]);
  assert.equal(graph.tensors.find(({ id }) => id === 'z')?.shape, [2, 3]);
  assert.equal(Array.from(openWeights(bytes, graph)('decide/w').elements), [1, 2, 3]);
});

test('a condition that is computed when the network runs is refused by name', () => {
  const nodes = [
    node('ReduceMax', ['x'], ['m'], { keepdims: 0 }),
    node('Cast', ['m'], ['yes'], { to: BOOL }),
    decide(branch('Relu'), branch('Sigmoid')),
  ];
  assert.match(refusal(model({ nodes, weights: {} })), /Node 'decide' \(If\): its condition 'yes' is only known when the network runs/);
});

test('loops, sequences and optional values are refused by name', () => {
  const loops = ['Loop', 'Scan', 'SequenceMap'].map((op) => node(op, ['x'], ['y'], { body: { graph: branch('Relu') } }, 'again'));
  for (const loop of loops) assert.match(refusal(model({ nodes: [loop] })), /Node 'again' \(\w+\): it repeats a part of the network/);
  assert.match(refusal(model({ nodes: [node('SplitToSequence', ['x'], ['y'], {}, 'split')] })), /Node 'split' .* sequence of tensors/);
  assert.match(refusal(model({ nodes: [node('Optional', ['x'], ['y'], {}, 'maybe')] })), /Node 'maybe' .* may be absent/);
});

test('inputs that are sequences or optional are refused by name', () => {
  const of = (type: object): Uint8Array => {
    const decoded = proto.onnx.ModelProto.decode(model({}));
    Object.assign(decoded.graph?.input?.[0] ?? {}, { type });
    return proto.onnx.ModelProto.encode(decoded).finish();
  };
  const tensor = { tensorType: { elemType: FLOAT } };
  assert.match(refusal(of({ sequenceType: { elemType: tensor } })), /'x' is an input that is a sequence of tensors/);
  assert.match(refusal(of({ optionalType: { elemType: tensor } })), /'x' is an input that is optional/);
});

test('branches that make no sense are refused with names', () => {
  assert.match(
    refusal(model({ nodes: [decide(branch('Relu', ['r', 'r']), branch('Relu'))] })),
    /'decide' \(If\): its then branch has 2 outputs, and the node 1/,
  );
  assert.match(
    refusal(model({ nodes: [decide({ outputs: ['r'], nodes: [node('Relu', ['nobody'], ['r'])] }, branch('Relu'))] })),
    /'nobody' is not defined, and node 'decide' reads it/,
  );
  const circle = { outputs: ['r'], nodes: [node('Relu', ['r'], ['q']), node('Relu', ['q'], ['r'])] };
  assert.match(refusal(model({ nodes: [decide(circle, branch('Relu'))] })), /its output is needed for its own input/);
  assert.match(refusal(model({ nodes: [node('If', ['yes'], ['y'], {}, 'decide')] })), /'decide' \(If\): its then branch has 0 outputs/);
});

test('branches nested too deep are refused, not a crash', () => {
  let inside: GraphSpec = branch('Relu');
  for (let depth = 0; depth < 60; depth++)
    inside = { outputs: ['r'], nodes: [node('If', ['yes'], ['r'], { then_branch: { graph: inside } })] };
  assert.match(refusal(model({ nodes: [decide(inside, branch('Relu'))] })), /branches within branches, more than 32 deep/);
});

test.run();
