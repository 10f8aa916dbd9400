// As published, CMSwitch minimises each segment by itself and keeps one plan a prefix, so that a chip with frozen modes or a baseline can
// be faster, even on the paper's own cost. Where that is so is listed here, not hidden; `npm run losses` has the simulator's side.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { matchesGolden } from '../support/golden.ts';
import { CASES, CHIPS, lossesOf, RIVALS } from '../support/losses.ts';

test("where a frozen chip or a baseline beats cmswitch on the paper's cost is known, over all shipped networks", async () => {
  const { losses: measured, compared } = await lossesOf(async (graph, chip, optimizer) => [
    (await schedule(graph, chip, { optimizer })).analyticCycles,
  ]);
  const [losses = []] = measured;
  assert.is(compared, CASES.length * CHIPS.length * RIVALS.length);
  const lines = losses.map(
    ({ model, batch, chip, rival, ratio }) => `${model} batch ${batch} on ${chip}: ${rival} takes ${ratio.toFixed(3)} of the cycles`,
  );
  matchesGolden('plan/cmswitch-loses.txt', [`${lines.length} of ${compared} comparisons lost:`, ...lines].join('\n'));
});

test.run();
