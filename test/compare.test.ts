// All optimizers side by side: what one of them cannot do is said of its row, and the others have their figures.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describe } from '../lib/base/problem.ts';
import { compare } from '../lib/compare.ts';
import { loadHardware } from '../lib/hardware/read.ts';
import { importOnnx } from '../lib/onnx/import-onnx.ts';
import { averageWatts } from '../lib/optimizer/objective.ts';
import type { Plan } from '../lib/optimizer/plan.ts';
import { problemsOfAsync } from './support/problems.ts';

const CHIP = loadHardware('hw/dynaplasia.json');
const GRAPH = importOnnx('datasets/narrow/gpt2.onnx', { bind: { batch: 1, sequence: 1, past: 16 } });
const watts = ({ analyticCycles, analyticPicojoules = 0 }: Plan): number =>
  averageWatts({ cycles: analyticCycles, energy: analyticPicojoules }, CHIP);

test('a row that cannot keep the power cap is named with its thriftiest plan, and the others have their figures', async () => {
  const powerCapWatts = 0.1;
  const { rows, failed, split } = await compare(GRAPH, CHIP, { powerCapWatts });
  assert.equal(
    failed.map(({ label }) => label),
    ['static:1', 'static:1 --prefetch', 'cmswitch', 'cmswitch --prefetch'],
  );
  for (const { reason, leastWatts } of failed) {
    assert.ok(leastWatts > powerCapWatts);
    assert.match(reason, `the thriftiest draws ${leastWatts.toPrecision(3)} W`);
  }
  const keeps = rows.flatMap(({ compilation: { plan } }) => (plan.powerCapWatts === undefined ? [] : [plan]));
  assert.ok(keeps.length >= 3 && keeps.every((plan) => watts(plan) <= powerCapWatts));
  assert.is(rows[0]?.gain, 1);
  assert.match(rows[0]?.label ?? '', /^static:0\.\d+ \(best of 5\)$/);
  assert.is(split, undefined, 'the parts of a gain over a row that is not there');
});

test('a power cap that no row can keep is one error, of the thriftiest row', async () => {
  const problems = await problemsOfAsync(() => compare(GRAPH, CHIP, { powerCapWatts: 1e-6 }));
  assert.is(problems.length, 1);
  const enough = Number(/Use --power-cap ([\d.e-]+)/.exec(describe(problems[0]!))?.[1]);
  assert.ok(enough > 1e-6 && enough < 0.1);
  const { rows } = await compare(GRAPH, CHIP, { powerCapWatts: enough });
  assert.ok(rows.some(({ compilation }) => compilation.plan.powerCapWatts === enough));
});

test.run();
