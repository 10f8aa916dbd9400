import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { printGraph } from '../../lib/ir/print.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { buildModel, node } from '../onnx/build.ts';
import { matchesGolden } from '../onnx/golden.ts';
import { modelPath } from '../onnx/models.ts';

const test = suite('ir: print');

test("ResNet-18's operators are the recorded ones, in fewer than 100 lines", () => {
  matchesGolden('ir/resnet18.txt', printGraph(importOnnx(modelPath('resnet18'), { bind: { batch: 1 } })));
});

test('a run-time operand is marked, and steps name what they read', () => {
  const bytes = buildModel({
    inputs: { x: [4, 8], y: [8, 4] },
    outputs: ['z'],
    nodes: [node('MatMul', ['x', 'y'], ['p'], {}, 'scores'), node('Add', ['p', 'b'], ['z'])],
    weights: { b: { shape: [4] } },
  });
  const lines = printGraph(importOnnx(bytes)).trimEnd().split('\n');
  assert.equal(lines, [
    'graph tiny: 1 operator, 128 MACs',
    'input x [4, 8]',
    'input y [8, 4]',
    'output z [4, 4]',
    '',
    'scores  matMul  m=4 n=8 k=4 groups=1 dynamic  [4, 8] [8, 4] -> [4, 4]  + add(b)',
  ]);
});

test.run();
