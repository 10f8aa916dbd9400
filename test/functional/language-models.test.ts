// Language models of datasets/narrow, with seeded weights: attention over a cache, grouped heads, rotary embeddings, masks.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadHardware } from '../../lib/hardware/read.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { openWeights } from '../../lib/onnx/weights.ts';
import { agreement } from '../../lib/workload/agreement.ts';
import { evaluateReal } from '../../lib/workload/reference/evaluate.ts';
import { seededInputs } from '../../lib/workload/samples.ts';
import { seededWeights } from '../../lib/workload/seeded-weights.ts';
import { runOnnx, withSeededWeights } from './onnx-runtime.ts';
import { computedBy, expectedOf, type Numbered, prepared, programFor } from './support.ts';

const models = suite('language models');

const RANDOM = seededWeights(1);
const CHIP = loadHardware('hw/dynaplasia-paper.json');

function seeded(name: string): Numbered & { readonly path: string } {
  const path = `datasets/narrow/${name}.onnx`;
  const graph = importOnnx(path, { bind: { batch: 1, sequence: 3, past: 4 } });
  const read = openWeights(path, graph, { missing: RANDOM });
  return { path, graph, values: ({ id }) => read(id).elements };
}

for (const name of ['gpt2', 'llama2', 'qwen3', 'qwen3-decode']) {
  models(`${name}: real numbers are ONNX Runtime's, and the program's integers the reference's`, async () => {
    const { path, graph, values } = name === 'qwen3-decode' ? decoding(name) : seeded(name);
    const inputs = seededInputs(graph, 2);
    const real = evaluateReal(graph, values, inputs);
    const found = await runOnnx(withSeededWeights(path, RANDOM), graph, inputs);
    const { snrDecibels, sameTop, rows } = agreement(found.logits!, real.get('logits')!, 96);
    assert.ok(snrDecibels > 110 && sameTop === rows, `${snrDecibels} dB`);
    const one = prepared({ graph, values }, 2, CHIP.precision, inputs);
    assert.equal(computedBy(await programFor(graph, CHIP), CHIP, one), expectedOf(one));
  });
}

/** One token behind four. */
function decoding(name: string): ReturnType<typeof seeded> {
  const path = `datasets/narrow/${name}.onnx`;
  const graph = importOnnx(path, { bind: { batch: 1, past: 4 } });
  const read = openWeights(path, graph, { missing: RANDOM });
  return { path, graph, values: ({ id }) => read(id).elements };
}

models.run();
