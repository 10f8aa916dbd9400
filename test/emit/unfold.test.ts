// Repeated blocks: decided once, written as a loop, and the same run as if each instance were written out.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { emit } from '../../lib/emit/emit.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { foldGraph } from '../../lib/ir/fold.ts';
import { isMatrix } from '../../lib/ir/graph.ts';
import { verifyGraph } from '../../lib/ir/verify.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { blocksWorthFolding, totalCycles } from '../../lib/optimizer/folding.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { verifyPlan } from '../../lib/optimizer/verify.ts';
import { expandProgram } from '../../lib/program/expand.ts';
import { parseProgram } from '../../lib/program/parse.ts';
import { printProgram } from '../../lib/program/print.ts';
import { hasLoop } from '../../lib/program/signature.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { simulate } from '../../lib/simulator/simulate.ts';

const CHIP = loadHardware('hw/dynaplasia-paper.json', { weightBits: 8, activationBits: 8 });
const VIT = importOnnx('datasets/vitb16.onnx', { bind: { batch: 1 } });

test('a folded graph is a graph, with one instance of each big block', () => {
  const [index = -1] = blocksWorthFolding(VIT, CHIP);
  const { graph, folds } = foldGraph(VIT, [index]);
  assert.equal(verifyGraph(graph), []);
  assert.equal(
    folds.map(({ length, times }) => ({ length, times })),
    VIT.blocks.filter((_, i) => i === index).map(({ length, count }) => ({ length, times: count })),
  );
  const matrices = (operators: typeof VIT.operators) => operators.filter(isMatrix).length;
  const block = VIT.blocks[index]!;
  const once = matrices(VIT.operators.slice(block.first, block.first + block.length));
  assert.is(matrices(graph.operators), matrices(VIT.operators) - once * (block.count - 1));
});

for (const optimizer of ['cmswitch', 'static:1', 'static:0.5', 'cim-mlc', 'joint']) {
  test(`${optimizer}: a loop runs as its turns written out do`, async () => {
    const plan = await schedule(VIT, CHIP, { optimizer });
    assert.equal(verifyPlan(plan, VIT), []);
    assert.is(plan.repeats.length, 1);
    assert.is(plan.analyticCycles, totalCycles(plan.segments, plan.repeats));
    const program = emit(VIT, plan, CHIP);
    assert.ok(hasLoop(program));
    assert.equal(verifyProgram(program, CHIP), []);
    assert.equal(parseProgram(printProgram(program)), program);
    const written = expandProgram(program);
    assert.not.ok(hasLoop(written));
    assert.equal(verifyProgram(written, CHIP), []);
    const { events, ...run } = simulate(program, CHIP, { verified: true });
    const { events: eventsWritten, ...runWritten } = simulate(written, CHIP, { verified: true });
    assert.is(run.makespanCycles, runWritten.makespanCycles);
    assert.equal(run.energyPicojoules, runWritten.energyPicojoules);
    assert.is(events, eventsWritten);
    assert.is(run.segments.length, runWritten.segments.length);
  });
}

test('every instance is declared, and uses weights of its own', async () => {
  const plan = await schedule(VIT, CHIP);
  const program = expandProgram(emit(VIT, plan, CHIP));
  const written = new Set(program.body.flatMap((statement) => (statement.kind === 'CIM.write' ? [statement.operator] : [])));
  assert.equal(
    [...written].sort(),
    VIT.operators
      .filter(isMatrix)
      .map(({ id }) => id)
      .sort(),
  );
});

test('small blocks stay apart, so that segments may reach across them', () => {
  const resnet = importOnnx('datasets/resnet18.onnx', { bind: { batch: 1 } });
  assert.equal(blocksWorthFolding(resnet, CHIP), []);
  assert.ok(blocksWorthFolding(resnet, { ...CHIP, arrays: 1 }).length > 0);
});

test.run();
