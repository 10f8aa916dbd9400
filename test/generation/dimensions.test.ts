// Which dimensions of a model a workload sets: by the names exporters use, or by their places; and what it says if it cannot.

import { readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describe } from '../../lib/base/problem.ts';
import { graphsOf, importPrefill } from '../../lib/generation/graphs.ts';
import { bindingsOf, dimensionsOf, type ModelInput } from '../../lib/workload/dimensions.ts';
import { checkedWorkload, decodeOf, prefillOf } from '../../lib/workload/workload.ts';
import { problemsOf } from '../support/problems.ts';

const workload = { batch: 3, prompt: 16, generate: 4 };
const bindings = (inputs: readonly ModelInput[], pass = decodeOf(workload, 1)) => bindingsOf(dimensionsOf(inputs), workload.batch, pass);
const message = (call: () => unknown): string => problemsOf(call).map(describe).join('\n');

test("names of Optimum's exports", () => {
  const inputs = [
    { name: 'input_ids', dimensions: ['batch_size', 'sequence_length'] },
    { name: 'attention_mask', dimensions: ['batch_size', 'past_sequence_length + sequence_length'] },
    { name: 'past_key_values.0.key', dimensions: ['batch_size', 8, 'past_sequence_length', 64] },
  ];
  assert.equal(bindings(inputs), { batch_size: 3, sequence_length: 1, past_sequence_length: 17 });
  assert.equal(bindings(inputs, prefillOf(workload)), { batch_size: 3, sequence_length: 16, past_sequence_length: 0 });
});

test("names of onnxruntime-genai's: one for past and new tokens together", () => {
  const inputs = [
    { name: 'input_ids', dimensions: ['batch_size', 'sequence_length'] },
    { name: 'attention_mask', dimensions: ['batch_size', 'total_sequence_length'] },
    { name: 'past_key_values.0.key', dimensions: ['batch_size', 8, 'past_sequence_length', 64] },
  ];
  assert.equal(bindings(inputs), { batch_size: 3, sequence_length: 1, total_sequence_length: 18, past_sequence_length: 17 });
});

test('names nobody knows, by the places they have', () => {
  const inputs = [
    { name: 'input_ids', dimensions: ['s44', 's70'] },
    { name: 'attention_mask', dimensions: ['s44', 's12'] },
    { name: 'past_key_values.0.value', dimensions: ['s44', 8, 'DynamicDimension.0', 64] },
    { name: 'past_1', dimensions: [2, 's44', 8, undefined, 64] },
  ];
  assert.equal(bindings(inputs), { s44: 3, s70: 1, s12: 18, 'DynamicDimension.0': 17, 'past_1.3': 17 });
});

test('what a model cannot do is refused, with the next step', () => {
  const tokens = { name: 'input_ids', dimensions: ['batch', 'sequence'] };
  assert.match(
    message(() => bindings([tokens])),
    /no input for the KV cache.*17 tokens.*use_cache/,
  );
  assert.match(
    message(() => bindings([{ name: 'image', dimensions: ['batch', 3, 224, 224] }])),
    /without a dimension for the tokens/,
  );
  assert.match(
    message(() => bindings([tokens, { name: 'pixels', dimensions: ['batch', 3, 'height', 7] }])),
    /'height' of input 'pixels'.*--bind height=1/,
  );
  assert.match(
    message(() => importPrefill('datasets/narrow/qwen3-decode.onnx', workload)),
    /takes 1 new token a pass, and prefill needs 16.*a model for prefill and one for decoding/,
  );
  assert.match(
    message(() => importPrefill('datasets/narrow/llama2.onnx', workload, { past: 3 })),
    /'past' is bound to 3, and the workload sets it/,
  );
  for (const bad of [{ prompt: 0 }, { prompt: 1.5 }, { prompt: 4, generate: -1 }, { prompt: 4, batch: 0 }, { prompt: 1e9 }])
    assert.match(
      message(() => checkedWorkload(bad)),
      /Give a whole number from/,
    );
});

test('every shipped language model is bound by its workload, pass for pass', () => {
  const names = readdirSync('datasets/narrow').filter((name) => name.endsWith('.onnx'));
  assert.ok(names.length > 6);
  for (const name of names) {
    const decoder = name === 'qwen3-decode.onnx';
    const encoder = name === 'bert.onnx';
    const graphOf = graphsOf(`datasets/narrow/${name}`, workload.batch);
    if (!decoder) {
      const { bindings } = graphOf(prefillOf(workload));
      assert.equal(bindings, encoder ? { batch: 3, sequence: 16 } : { batch: 3, past: 0, sequence: 16 });
    }
    if (!encoder) {
      const graph = graphOf(decodeOf(workload, 3));
      assert.equal(graph.bindings, decoder ? { batch: 3, past: 19 } : { batch: 3, past: 19, sequence: 1 });
      assert.ok(graph.caches.every(({ tokens }) => tokens === 20));
    }
  }
});

test.run();
