// Graphs grown from two others are those that importing gives, hash apart.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { graphFamily } from '../../lib/ir/family.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';

const MODELS = ['llama2', 'gpt2', 'opt', 'qwen3', 'mixtral', 'mixtral-moe', 'qwen3-decode'];

for (const model of MODELS) {
  test(`${model}: decoding at any length of the cache`, () => {
    const at = (past: number) =>
      importOnnx(`datasets/narrow/${model}.onnx`, { bind: { batch: 2, past, ...(model.endsWith('decode') ? {} : { sequence: 1 }) } });
    const family = graphFamily(at(7), 7, at(500), 500);
    assert.ok(family !== undefined);
    for (const past of [7, 8, 31, 100, 499, 500]) assert.equal({ ...family(past), hash: '' }, { ...at(past), hash: '' }, `past ${past}`);
  });
}

test('networks that differ in more than numbers are no family', () => {
  const at = (sequence: number, past: number) => importOnnx('datasets/narrow/llama2.onnx', { bind: { batch: 1, sequence, past } });
  assert.is(graphFamily(at(4, 0), 0, at(4, 10), 10), undefined);
});

test('what does not grow linearly to a size is not made', () => {
  const at = (past: number) => importOnnx('datasets/narrow/llama2.onnx', { bind: { batch: 1, sequence: 1, past } });
  // Told wrong sizes, growth is a fraction of a token a step.
  assert.is(graphFamily(at(4), 4, at(5), 14)?.(6), undefined);
});

test.run();
