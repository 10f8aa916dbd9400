// Plans of the baselines go through the same emitter, verifiers and machine as ours.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Range } from '../../../lib/base/shapes.ts';
import { emit } from '../../../lib/emit/emit.ts';
import type { Hardware } from '../../../lib/hardware/hardware.ts';
import { loadHardware } from '../../../lib/hardware/read.ts';
import { type Graph, isMatrix } from '../../../lib/ir/graph.ts';
import { importOnnx } from '../../../lib/onnx/import-onnx.ts';
import { FORMS } from '../../../lib/optimizer/optimizer.ts';
import { schedule } from '../../../lib/optimizer/schedule.ts';
import { verifyPlan } from '../../../lib/optimizer/verify.ts';
import type { MetaOp, Statement } from '../../../lib/program/program.ts';
import { verifyProgram } from '../../../lib/program/verify.ts';
import { simulate } from '../../../lib/simulator/simulate.ts';
import { verifyTrace } from '../../../lib/simulator/verify.ts';
import { encoder, mobileBlock } from '../../functional/models.ts';
import { computedBy, expectedOf, prepared, withOwnWeights } from '../../functional/support.ts';
import { randomChip, smallChip } from '../../support/chips.ts';
import { NetworkBuilder, randomNetwork } from '../../support/networks.ts';

const test = suite('optimizer: baselines run');
const BASELINES = ['cim-mlc', 'puma', 'occ'];

/** Simulated cycles; every verifier is content. */
async function run(graph: Graph, chip: Hardware, optimizer: string, form: (typeof FORMS)[number]): Promise<number> {
  const plan = await schedule(graph, chip, { optimizer, form });
  assert.equal(verifyPlan(plan, graph), []);
  assert.is(plan.optimizer, optimizer);
  const program = emit(graph, plan, chip);
  assert.equal(verifyProgram(program, chip), []);
  assert.ok(program.body.every(({ kind }) => kind !== 'CM.switch'));
  const trace = simulate(program, chip, { verified: true });
  assert.equal(verifyTrace(trace), []);
  assert.is(trace.memoryModeShare, 0);
  assert.ok(trace.makespanCycles >= plan.lowerBoundCycles);
  return trace.makespanCycles;
}

test('random networks on random chips run in both forms', async () => {
  for (let seed = 0; seed < 30; seed++) {
    for (const optimizer of BASELINES) await run(randomNetwork(seed), randomChip(seed), optimizer, FORMS[seed % FORMS.length]!);
  }
});

test('attention runs: its keys and values are made before they are written', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.attention(net.attention(net.tokens(12, 32), 4), 2)]);
  for (const optimizer of BASELINES) for (const form of FORMS) await run(graph, smallChip(), optimizer, form);
});

test('in both forms, each computes what the reference computes, piece by piece of what is larger than the chip', async () => {
  const chips = [smallChip({ arrays: 40, memoryBytesPerArray: 2048 }), smallChip({ arrays: 5, bufferBytes: 1024 })];
  for (const bytes of [encoder(), mobileBlock()]) {
    const one = prepared(withOwnWeights(bytes), 1, chips[0]!.precision);
    const expected = expectedOf(one);
    assert.ok(new Set(expected).size > 4);
    for (const chip of chips) {
      for (const optimizer of BASELINES) {
        for (const form of FORMS) {
          await run(one.graph, chip, optimizer, form);
          const program = emit(one.graph, await schedule(one.graph, chip, { optimizer, form }), chip);
          assert.equal(computedBy(program, chip, one), expected, `${optimizer}, ${form}, ${chip.arrays} arrays`);
        }
      }
    }
  }
});

test('OCC writes every weight once, however many input rows meet it; CIM-MLC and PUMA once a copy', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.conv(net.conv(net.input(2, 3, 16, 16), 8), 16, { stride: 2 })]);
  const weights = graph.operators.filter(isMatrix).reduce((sum, { attrs: { matrix } }) => sum + matrix.n * matrix.k, 0);
  for (const optimizer of BASELINES) {
    const plan = await schedule(graph, smallChip(), { optimizer });
    const writes = metaOps(emit(graph, plan, smallChip()).body).filter((op) => op.kind === 'CIM.write');
    const area = (range: Range): number => range.to - range.from;
    assert.is(
      writes.reduce((sum, { outputs, inner }) => sum + area(outputs) * area(inner), 0),
      weights,
    );
    if (optimizer === 'occ') assert.ok(writes.every(({ copies }) => copies === 1));
    else assert.ok(writes.some(({ copies }) => copies > 1));
  }
});

function metaOps(statements: readonly Statement[]): readonly MetaOp[] {
  return statements.flatMap((statement) =>
    statement.kind === 'parallel' || statement.kind === 'loop' ? metaOps(statement.body) : [statement],
  );
}

test('ResNet-18 runs on both DynaPlasia files at batch 1 and 8, and ViT on one', async () => {
  for (const file of ['dynaplasia', 'dynaplasia-paper']) {
    const chip = loadHardware(`hw/${file}.json`);
    for (const batch of [1, 8]) {
      const graph = importOnnx('datasets/resnet18.onnx', { defaults: { batch } });
      const cycles = [];
      for (const optimizer of BASELINES) cycles.push(await run(graph, chip, optimizer, 'as-published'));
      // Pipelines beat one column of tiles at a time.
      assert.ok(cycles[0]! < cycles[2]! && cycles[1]! < cycles[2]!, `${file}, batch ${batch}: ${cycles}`);
    }
  }
  await run(
    importOnnx('datasets/vitb16.onnx', { defaults: { batch: 1 } }),
    loadHardware('hw/dynaplasia-paper.json'),
    'cim-mlc',
    'same-cost',
  );
});

test.run();
