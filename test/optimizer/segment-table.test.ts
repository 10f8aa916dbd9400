// The table that notebooks draw is the one the search fills.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadHardware } from '../../lib/hardware/read.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { segmentTable } from '../../lib/optimizer/segment-table.ts';

const CHIP = loadHardware('hw/dynaplasia-paper.json', { weightBits: 8, activationBits: 8 });
const RESNET = importOnnx('datasets/resnet18.onnx', { bind: { batch: 1 } });

test('the chosen segments are those of the plan, and the last of them costs what the plan costs', async () => {
  const table = await segmentTable(RESNET, CHIP);
  const plan = await schedule(RESNET, CHIP);
  assert.equal(
    table.chosen.map(({ first, last }) => table.operators.slice(first, last + 1)),
    plan.segments.map(({ operators }) => operators.map(({ id }) => id)),
  );
  const end = table.chosen.at(-1)!;
  const cell = table.candidates.find(({ first, last }) => first === end.first && last === end.last);
  assert.ok(Math.abs(cell!.total / plan.analyticCycles - 1) < 1e-9);
});

test('no candidate exceeds the chip, and each is at least as dear as the best of its column', async () => {
  const { candidates, operators } = await segmentTable(RESNET, CHIP);
  for (const [last] of operators.entries()) {
    const column = candidates.filter((candidate) => candidate.last === last);
    assert.ok(column.length > 0);
    for (const { compute, memory } of column) assert.ok(compute + memory <= CHIP.arrays, `${compute} + ${memory}`);
  }
});

test.run();
