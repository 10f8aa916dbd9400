// Against ONNX Runtime: `npm run conformance -- --runtime` checks all models, this a few that cost little.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { modelPath } from './models.ts';
import { compareShapes, PROMPT, SIZES } from './runtime-shapes.ts';

const test = suite('onnx: shapes that ONNX Runtime produces');

const CHEAP = ['mobilenetv2', 'resnet18', 'digits', 'digits-qdq', 'digits-qlinear'];
const NARROW = ['bert', 'gpt2', 'llama2', 'mixtral', 'opt', 'qwen3'].map((name) => `narrow/${name}`);

for (const name of [...CHEAP, ...NARROW]) {
  test(`every value of ${name} has the shape that is inferred`, async () => {
    const { values, tensors, differences } = await compareShapes(modelPath(name), SIZES);
    assert.equal(differences, []);
    assert.ok(values >= 8 && tensors >= 4, `${values} values, ${tensors} tensors`);
  });
}

test('a prompt with nothing before it has the shapes that are inferred, empty ones included', async () => {
  for (const name of ['narrow/llama2', 'narrow/opt']) {
    const { values, differences } = await compareShapes(modelPath(name), PROMPT);
    assert.equal(differences, []);
    assert.ok(values > 100);
  }
});

test.run();
