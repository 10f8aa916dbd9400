import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError, describe, type Problem, type ProblemKind } from '../../lib/base/problem.ts';
import { type ImportOptions, importOnnx } from '../../lib/onnx/import-onnx.ts';
import { buildModel, FLOAT, field, type NodeSpec, node } from './build.ts';
import { impossible } from './impossible.ts';
import { layersOf, writeWithWeights } from './large.ts';
import { modelPath } from './models.ts';

const test = suite('onnx: bad input');

/** The problems importing throws; fails if it throws anything else, or nothing. */
function problemsOf(source: string | Uint8Array, options: ImportOptions = {}): readonly Problem[] {
  try {
    importOnnx(source, options);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    for (const problem of error.problems) assert.not.match(describe(problem), /undefined|\[object|\.\.$/);
    return error.problems;
  }
  return impossible('nothing was thrown');
}

/** The only problem, of the kind given. */
function onlyProblem<K extends ProblemKind>(
  kind: K,
  source: string | Uint8Array,
  options: ImportOptions = {},
): Extract<Problem, { kind: K }> {
  const problems = problemsOf(source, options);
  assert.is(problems.length, 1, problems.map(describe).join('\n'));
  assert.is(problems[0]?.kind, kind);
  return problems[0] as Extract<Problem, { kind: K }>;
}

const folder = mkdtempSync(join(tmpdir(), 'cimbook-'));
test.after(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const relu = (inputs: readonly (number | string)[] = [2, 3]): Uint8Array =>
  buildModel({ inputs: { x: inputs }, outputs: ['y'], nodes: [node('Relu', ['x'], ['y'])] });

test('a missing file, a directory and an empty file are one problem each', () => {
  assert.match(onlyProblem('onnx-file', join(folder, 'none.onnx')).reason, 'no such file');
  assert.match(onlyProblem('onnx-file', folder).reason, 'directory');
  assert.match(onlyProblem('onnx-file', fileOf('empty.onnx', '')).reason, 'empty');
  assert.is(onlyProblem('onnx-file', join(folder, 'none.onnx')).path, join(folder, 'none.onnx'));
});

test('a file that never ends is not read', () => {
  assert.match(onlyProblem('onnx-file', '/dev/zero').reason, /not a regular file|no such file/);
});

test('files of other formats are named', () => {
  const files: readonly (readonly [string | Uint8Array, RegExp])[] = [
    ['# A text\n'.repeat(50), /text/],
    [Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(100)]), /PNG/],
    [Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), Buffer.alloc(100)]), /ZIP/],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:0\n', /Git LFS/],
    ['<html></html>', /text/],
  ];
  for (const [content, expected] of files) assert.match(onlyProblem('onnx-file', fileOf('other.onnx', content)).reason, expected);
});

test('a model cut off anywhere is one problem, and never a smaller model', () => {
  const bytes = readFileSync(modelPath('vgg16'));
  for (let part = 1; part < 200; part++) {
    const { reason } = onlyProblem('onnx-file', bytes.subarray(0, Math.floor((bytes.length * part) / 200)), { bind: { batch: 1 } });
    assert.match(reason, /truncated|not an ONNX model|opset/);
  }
  onlyProblem('onnx-file', bytes.subarray(0, bytes.length - 1), { bind: { batch: 1 } });
});

test('random bytes are never a model', () => {
  const property = fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), (bytes) => {
    onlyProblem('onnx-file', bytes);
  });
  fc.assert(property, { seed: 2, numRuns: 2000 });
});

test('a model with flipped bytes is a Graph or a CompileError', () => {
  const whole = readFileSync(modelPath('mobilenetv2'));
  const flip = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }));
  const property = fc.property(fc.array(flip, { minLength: 1, maxLength: 20 }), (flips) => {
    const bytes = Buffer.from(whole);
    for (const [at, mask] of flips) bytes[at] = (bytes[at] ?? 0) ^ mask;
    try {
      importOnnx(bytes, { bind: { batch: 1 } });
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
    }
  });
  fc.assert(property, { seed: 3, numRuns: 300 });
});

test('all unknown operators are reported at once, grouped by type', () => {
  const bytes = buildModel({
    inputs: { x: [2, 3] },
    outputs: ['d'],
    nodes: [
      node('Mystery', ['x'], ['a'], {}, 'first'),
      node('Relu', ['a'], ['b']),
      { ...node('Enigma', ['b'], ['c'], {}, 'second'), domain: 'com.example' },
      node('Mystery', ['c'], ['d'], {}, 'third'),
      node('constructor', ['x'], ['e'], {}, 'fourth'),
    ],
  });
  assert.equal(problemsOf(bytes), [
    { kind: 'onnx-operator', nodes: ['first', 'third'], onnxType: 'Mystery', domain: '', opset: 20 },
    { kind: 'onnx-operator', nodes: ['second'], onnxType: 'Enigma', domain: 'com.example', opset: 1 },
    { kind: 'onnx-operator', nodes: ['fourth'], onnxType: 'constructor', domain: '', opset: 20 },
  ]);
});

test('an operator newer than the model says is unknown to it', () => {
  const bytes = buildModel({ inputs: { x: [2, 3] }, outputs: ['y'], nodes: [node('Gelu', ['x'], ['y'])], opset: 13 });
  assert.is(onlyProblem('onnx-operator', bytes).onnxType, 'Gelu');
});

test('unbound dimensions are listed with an example command', () => {
  const path = fileOf('tiny.onnx', relu(['batch', 'sequence']));
  assert.equal(onlyProblem('onnx-unbound', path), {
    kind: 'onnx-unbound',
    dimensions: [
      { name: 'batch', tensor: 'x' },
      { name: 'sequence', tensor: 'x' },
    ],
    example: `cimbook inspect ${path} --bind batch=1,sequence=1`,
  });
  assert.is(onlyProblem('onnx-unbound', path, { bind: { batch: 2 } }).dimensions.length, 1);
  assert.equal(importOnnx(path, { bind: { sequence: 5, batch: 2 } }).bindings, { batch: 2, sequence: 5 });
});

test('a dimension without a name is bound by input and axis', () => {
  const bytes = buildModel({ inputs: { x: [-1, 3] }, outputs: ['y'], nodes: [node('Relu', ['x'], ['y'])] });
  assert.equal(onlyProblem('onnx-unbound', bytes).dimensions, [{ name: 'x.0', tensor: 'x' }]);
  assert.equal(importOnnx(bytes, { bind: { 'x.0': 7 } }).tensors[0]?.shape, [7, 3]);
});

test('bindings that name nothing or are no size are problems', () => {
  const bytes = relu(['batch', 3]);
  assert.equal(onlyProblem('onnx-binding', bytes, { bind: { batch: 1, sequence: 4 } }).known, ['batch']);
  for (const size of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) onlyProblem('onnx-binding', bytes, { bind: { batch: size } });
  assert.is(problemsOf(bytes, { bind: { batch: -1, other: 1 } }).length, 2);
  assert.equal(onlyProblem('onnx-binding', relu(), { bind: { __proto__x: 1 } }).known, []);
  onlyProblem('onnx-value', relu(['batch', 2 ** 31]), { bind: { batch: 2 ** 31 } });
});

test('a cycle is reported with the names of its nodes', () => {
  const bytes = buildModel({
    inputs: { x: [2] },
    outputs: ['c'],
    nodes: [node('Add', ['x', 'c'], ['a'], {}, 'one'), node('Relu', ['a'], ['b'], {}, 'two'), node('Relu', ['b'], ['c'], {}, 'three')],
  });
  assert.match(onlyProblem('onnx-node', bytes).reason, "'two' -> 'three' -> 'one' -> 'two'");
});

test('a value defined twice or nowhere is reported by name', () => {
  const twice = buildModel({
    inputs: { x: [2] },
    outputs: ['y'],
    nodes: [node('Relu', ['x'], ['y'], {}, 'a'), node('Abs', ['x'], ['y'], {}, 'b')],
  });
  assert.match(onlyProblem('onnx-value', twice).reason, "twice, by node 'a' and node 'b'");
  const nowhere = buildModel({ inputs: { x: [2] }, outputs: ['z'], nodes: [node('Add', ['x', 'w'], ['y'])] });
  assert.equal(
    problemsOf(nowhere).map((problem) => problem.kind === 'onnx-value' && problem.value),
    ['w', 'z'],
  );
});

test('every node that does not fit its inputs is reported, and what depends on it is not', () => {
  const bytes = buildModel({
    inputs: { x: [1, 3, 8, 8], y: [4] },
    outputs: ['b', 'd'],
    nodes: [
      node('Conv', ['x', 'w'], ['a'], {}, 'conv'),
      node('Relu', ['a'], ['b'], {}, 'behind'),
      node('Add', ['x', 'y'], ['c'], {}, 'add'),
      node('MaxPool', ['c'], ['d'], { kernel_shape: [2, 2] }, 'behind, too'),
    ],
    weights: { w: { shape: [8, 4, 3, 3] } },
  });
  const problems = problemsOf(bytes);
  assert.equal(
    problems.map((problem) => problem.kind === 'onnx-node' && problem.node),
    ['conv', 'add'],
  );
  assert.match(problems.map(describe).join('\n'), /4 channels for each of 1 groups, and its input has 3/);
});

test('bad geometry, axes and shapes are refused with their numbers', () => {
  const refusal = (nodes: readonly NodeSpec[], weights: Parameters<typeof buildModel>[0]['weights'] = {}): string =>
    describe(onlyProblem('onnx-node', buildModel({ inputs: { x: [1, 4, 6, 6] }, outputs: ['y'], nodes, weights })));
  assert.match(
    refusal([node('MaxPool', ['x'], ['y'], { kernel_shape: [9, 2] })]),
    /covers 9 positions, and dimension 2 of its input has 6/,
  );
  assert.match(refusal([node('MaxPool', ['x'], ['y'], { kernel_shape: [2, 2], strides: [0, 1] })]), /strides are \[0, 1\]/);
  assert.match(refusal([node('MaxPool', ['x'], ['y'])]), /no kernel_shape/);
  assert.match(refusal([node('Softmax', ['x'], ['y'], { axis: 4 })]), /axis 4/);
  assert.match(refusal([node('Transpose', ['x'], ['y'], { perm: [0, 1, 1, 2] })]), /name one axis twice/);
  assert.match(refusal([node('Reshape', ['x', 's'], ['y'])], { s: { shape: [2], values: [5, -1] } }), /doesn't divide/);
  assert.match(refusal([node('Reshape', ['x', 's'], ['y'])], { s: { shape: [2], values: [-1, -1] } }), /not a shape/);
  assert.match(refusal([node('Reshape', ['x', 's'], ['y'])], { s: { shape: [2], type: FLOAT } }), /not in the file/);
  assert.match(refusal([node('Concat', ['x', 'w'], ['y'], { axis: 1 })], { w: { shape: [1, 4, 5, 6] } }), /differ in more than axis 1/);
  assert.match(refusal([node('Conv', ['x', 'x'], ['y'])]), /4 channels for each of 1 groups|computed when the network runs/);
  assert.match(refusal([node('Add', ['x'], ['y'])]), /input 1 is missing/);
  assert.match(refusal([node('Gather', ['x', 'i'], ['y'], { axis: 9 })], { i: { shape: [], values: [0] } }), /axis 9/);
  assert.match(refusal([node('MatMul', ['x', 'w'], ['y'])], { w: { shape: [7, 2] } }), /don't fit each other/);
});

test('a shape that depends on the input is refused', () => {
  const bytes = buildModel({
    inputs: { x: [2, 3] },
    outputs: ['y'],
    nodes: [node('Cast', ['x'], ['s'], { to: 7 }), node('ConstantOfShape', ['s'], ['y'])],
  });
  assert.match(onlyProblem('onnx-node', bytes).reason, 'only known when the network runs');
});

test('an output that only training has is refused where it is used', () => {
  const bytes = buildModel({
    inputs: { x: [1, 2, 4, 4] },
    outputs: ['i'],
    nodes: [node('BatchNormalization', ['x', 's', 's', 's', 's'], ['y', 'i'])],
    weights: { s: { shape: [2] } },
  });
  assert.match(onlyProblem('onnx-node', bytes).reason, "output 'i' is used");
});

test('weights whose bytes, type or dimensions are impossible are reported', () => {
  const bad = (weight: { shape: number[]; values?: number[]; type?: number }): string =>
    onlyProblem(
      'onnx-value',
      buildModel({ inputs: { x: [2] }, outputs: ['y'], nodes: [node('Add', ['x', 'w'], ['y'])], weights: { w: weight } }),
    ).reason;
  assert.match(bad({ shape: [-2] }), 'dimension of -2');
  assert.match(bad({ shape: [2 ** 40, 2 ** 40] }), 'more elements than can be counted');
  assert.match(bad({ shape: [2], type: 14 }), 'complex64');
  assert.match(bad({ shape: [2], type: 99 }), 'type 99');
});

test('an opset that is too old or unheard of is refused', () => {
  const of = (opset: number): Uint8Array => buildModel({ inputs: { x: [2] }, outputs: ['y'], nodes: [node('Relu', ['x'], ['y'])], opset });
  assert.match(onlyProblem('onnx-file', of(6)).reason, 'opset 6');
  assert.match(onlyProblem('onnx-file', of(400)).reason, 'opset 400');
});

test('messages nested thousands deep are refused, not a crash', () => {
  // A sequence of sequences of sequences ... as the type of an input.
  let type: Buffer = Buffer.alloc(0);
  for (let depth = 0; depth < 20_000; depth++) type = field(4, field(1, type));
  const input = Buffer.concat([field(1, Buffer.from('x')), field(2, type)]);
  const bytes = Buffer.concat([Buffer.from([0x08, 0x08]), field(7, field(11, input))]);
  assert.match(onlyProblem('onnx-file', bytes).reason, 'damaged');
});

test('a file of more than 2 GB is refused by its size, before it is read', () => {
  const path = fileOf('large.onnx', relu());
  // A hole: it takes no room on the disk.
  truncateSync(path, 2 ** 31);
  const { reason, next } = onlyProblem('onnx-file', path);
  assert.match(reason, /has 2147483648 bytes, and a protobuf message at most 2147483647/);
  assert.match(next, 'external data');
});

test('more nodes than are read are refused while they are counted', () => {
  // Written once and repeated: a node takes 11 bytes.
  const one = field(1, Buffer.concat([field(1, Buffer.from('x')), field(2, Buffer.from('y')), field(4, Buffer.from('R'))]));
  const graph = field(7, Buffer.alloc(one.length * 1_000_000, one));
  const { reason, next } = onlyProblem('onnx-file', Buffer.concat([Buffer.from([0x08, 0x08]), graph]));
  assert.match(reason, 'has more than 250000 nodes');
  assert.match(next, 'a part of the network');
});

test('inputs of the wrong rank are refused at the node that reads them, with their shapes', () => {
  const refusal = (
    shape: readonly number[],
    nodes: readonly NodeSpec[],
    weights: Parameters<typeof buildModel>[0]['weights'] = {},
  ): string => describe(onlyProblem('onnx-node', buildModel({ inputs: { x: shape }, outputs: ['y'], nodes, weights })));
  const conv = refusal([2, 3], [node('Conv', ['x', 'w'], ['y'], {}, 'first conv')], { w: { shape: [8, 3, 3, 3] } });
  assert.match(conv, /'first conv'.*\[2, 3\]|'first conv'.*2 dimensions/);
  assert.match(refusal([2, 3], [node('MaxPool', ['x'], ['y'], { kernel_shape: [2, 2] }, 'pool')]), /'pool'/);
  assert.match(refusal([2, 3, 4], [node('Gemm', ['x', 'w'], ['y'], {}, 'gemm')], { w: { shape: [4, 5] } }), /'gemm'/);
  assert.match(
    refusal([2, 3, 4], [node('GlobalAveragePool', ['x'], ['a']), node('Transpose', ['a'], ['y'], { perm: [1, 0] }, 'turn')]),
    /'turn'/,
  );
});

test('inputs of types that are no numbers, and dimensions that are none, are reported by name', () => {
  const of = (inputType: number): Uint8Array =>
    buildModel({ inputs: { picture: [2] }, outputs: ['y'], nodes: [node('Relu', ['picture'], ['y'])], inputType });
  for (const [type, words] of [
    [15, /complex128/],
    [99, /type 99/],
  ] as const) {
    const { value, reason } = onlyProblem('onnx-value', of(type));
    assert.is(value, 'picture');
    assert.match(reason, words);
  }
  // -3 is what some exporters write for "not known".
  const unknown = buildModel({ inputs: { x: [-3, 2] }, outputs: ['y'], nodes: [node('Relu', ['x'], ['y'])] });
  assert.is(onlyProblem('onnx-unbound', unknown).dimensions[0]?.name, 'x.0');
});

test('weights inside are left where they are: a model twenty times its graph is read in memory of its own size', () => {
  const path = join(folder, 'inside.onnx');
  const { spec, weights } = layersOf(4, 1024);
  writeWithWeights(path, spec, weights);
  const before = process.memoryUsage();
  const { operators } = importOnnx(path);
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  assert.is(operators.length, 4);
  // 16 MB of weights: the file's bytes once, and nothing made of them.
  assert.ok(arrayBuffers - before.arrayBuffers < 1.2 * 2 ** 24, `${arrayBuffers - before.arrayBuffers} bytes of buffers`);
  assert.ok(heapUsed - before.heapUsed < 2 ** 24, `${heapUsed - before.heapUsed} bytes of objects`);
});

test.run();
