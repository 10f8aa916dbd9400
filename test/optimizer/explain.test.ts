// explain and diff: what they say of a plan can be checked against the cost functions and against the plan itself.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { machineCost } from '../../lib/cost/machine/total.ts';
import { demandOf, operatorLatency } from '../../lib/cost/paper.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { diffPlans, diffSides, printDiff, readDiffSide } from '../../lib/optimizer/diff.ts';
import { explain } from '../../lib/optimizer/explain.ts';
import { LIMITS } from '../../lib/optimizer/explain-machine.ts';
import type { Plan } from '../../lib/optimizer/plan.ts';
import { planWork } from '../../lib/optimizer/plan-work.ts';
import { printExplanation } from '../../lib/optimizer/print-explanation.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';

const CHIP = loadHardware('hw/dynaplasia-paper.json', { weightBits: 8, activationBits: 8 });
const VGG = importOnnx('datasets/vgg16.onnx', { bind: { batch: 1 } });
const VIT = importOnnx('datasets/vitb16.onnx', { bind: { batch: 1 } });
const PLAN = await schedule(VGG, CHIP);

test('one more array brings exactly what Eq. (10) says', () => {
  const pieces = new Map(PLAN.segments.flatMap(({ operators }) => operators).map((operator) => [operator.id, operator]));
  for (const { id, oneMore, latencyCycles, copies, memoryArrays, tiles } of explain(PLAN, VGG, CHIP).operators) {
    const piece = pieces.get(id)!;
    const demand = demandOf(piece, CHIP);
    assert.is(latencyCycles, piece.latencyCycles, id);
    assert.is(oneMore.memory, latencyCycles - operatorLatency(demand, copies * tiles, memoryArrays + 1, CHIP), id);
    if (oneMore.copy !== null)
      assert.is(oneMore.copy, latencyCycles - operatorLatency(demand, (copies + 1) * tiles, memoryArrays, CHIP), id);
    else assert.is(copies, piece.m, id);
  }
});

test('every segment has a slowest operator, which sets its time', () => {
  const { operators } = explain(PLAN, VGG, CHIP);
  for (const { id, intraCycles, operators: members } of PLAN.segments) {
    if (members.length === 0) continue;
    const slowest = operators.filter((operator) => operator.segment === id && operator.slowest);
    assert.ok(slowest.length > 0);
    for (const { latencyCycles } of slowest) assert.ok(Math.abs(latencyCycles / intraCycles - 1) < 1e-9);
  }
});

test('a cut says why it is there: too many arrays, an operand made before it, or cost', () => {
  const { boundaries } = explain(PLAN, VGG, CHIP);
  assert.is(boundaries.length, PLAN.segments.length - 1);
  for (const { before, cut } of boundaries) {
    const members = [...PLAN.segments[before]!.operators, ...PLAN.segments[before + 1]!.operators];
    const needed = members.reduce((sum, { tiles }) => sum + tiles, 0);
    assert.is(cut.why === 'arrays', needed > CHIP.arrays, `boundary ${before}`);
    if (cut.why === 'arrays') assert.is(cut.needed, needed);
  }
});

test('attention is cut where an operand has to be in its arrays first, and where a repeated block ends', async () => {
  const plan = await schedule(VIT, CHIP);
  const reasons = new Set(explain(plan, VIT, CHIP).boundaries.map(({ cut }) => cut.why));
  assert.ok(reasons.has('operand') && reasons.has('block'), [...reasons].join());
});

for (const optimizer of ['joint', 'cmswitch', 'static:0.5']) {
  test(`on the machine's cost, ${optimizer}: the plan's own figures come out again, and one array more is priced by them`, async () => {
    const graph = importOnnx('datasets/resnet18.onnx', { bind: { batch: 1 } });
    const plan = await schedule(graph, CHIP, { optimizer, cost: 'machine', prefetch: true });
    const { work, allotments, homes, segments } = planWork(plan, graph, CHIP);
    const { cycles, energy } = machineCost(work, allotments, homes, CHIP);
    assert.ok(Math.abs(cycles / plan.analyticCycles - 1) < 1e-9 && Math.abs(energy / plan.analyticPicojoules! - 1) < 1e-9);
    const explained = explain(plan, graph, CHIP);
    assert.is(explained.figures, 'machine');
    const sample = explained.operators.filter((_, i) => i % 7 === 0);
    for (const { id, segment, oneMore, binding } of sample) {
      assert.ok((LIMITS as readonly string[]).includes(binding), binding);
      const s = segments.findIndex((candidate) => candidate.id === segment);
      const i = segments[s]!.operators.findIndex((operator) => operator.id === id);
      const memory = allotments[s]!.memory.map((count, at) => (at === i ? count + 1 : count));
      const changed = allotments.map((allotment, at) => (at === s ? { ...allotment, memory } : allotment));
      const saved = cycles - machineCost(work, changed, homes, CHIP).cycles;
      assert.ok(Math.abs(saved - oneMore.memory) < 1e-6 * cycles, `${id}: ${saved} and ${oneMore.memory}`);
    }
    const ahead = explained.boundaries.flatMap((boundary) => boundary.ahead.map(({ operator }) => operator));
    assert.equal(
      ahead,
      plan.segments.flatMap((segment) => {
        const early = new Set(segment.staged.map(({ operator }) => operator));
        return (plan.segments[segment.id + 1]?.operators ?? []).flatMap(({ id }) => (early.has(id) ? [id] : []));
      }),
    );
  });
}

test('what leaves and what stays at a boundary is what was made before it and is needed behind it', async () => {
  const graph = importOnnx('datasets/resnet18.onnx', { bind: { batch: 1 } });
  for (const optimizer of ['joint', 'cmswitch']) {
    const plan = await schedule(graph, CHIP, { optimizer });
    const { boundaries } = explain(plan, graph, CHIP);
    const sizes = new Map(graph.tensors.map(({ id, positions, features }) => [id, positions * features]));
    let whole = 0;
    for (const { leaves, stays, switched, written, ahead, before } of boundaries) {
      const tensors = new Set([...leaves, ...stays].map(({ tensor }) => tensor));
      for (const tensor of tensors) {
        const bytes = [...leaves, ...stays].reduce((sum, part) => sum + (part.tensor === tensor ? part.bytes : 0), 0);
        const size = sizes.get(tensor);
        if (size === undefined) continue;
        assert.ok(bytes <= size * (1 + 1e-9), `${optimizer}, ${before}: ${bytes} of ${size} bytes of ${tensor}`);
        if (bytes === size) whole++;
      }
      const [storing, next] = [plan.segments[before]!.memoryMode, plan.segments[before + 1]!.memoryMode];
      assert.is(switched.toMemory - switched.toCompute, next.length - storing.length);
      assert.is(written.length + ahead.length, plan.segments[before + 1]!.operators.length);
    }
    assert.ok(whole > 5, `${whole} whole tensors`);
  }
});

test('an explanation can be read', () => {
  const text = printExplanation(explain(PLAN, VGG, CHIP));
  assert.match(text, /limited by/);
  assert.match(text, /0 \| 1: write back .* cycles; /);
});

test('a plan does not differ from itself, nor from its own JSON', () => {
  const same = diffPlans(PLAN, PLAN);
  assert.equal([same.header, same.cutsOnlyInA, same.cutsOnlyInB, same.operators], [{}, [], [], []]);
  const read = readDiffSide(JSON.stringify(PLAN), 'plan.json');
  assert.equal(diffSides(read, read).operators, []);
  assert.match(printDiff(same), /Every piece gets the same/);
});

test('a diff names the copies that changed and nothing else', () => {
  const [first, ...others] = PLAN.segments;
  const [operator, ...rest] = first!.operators;
  const changed: Plan = {
    ...PLAN,
    segments: [{ ...first!, operators: [{ ...operator!, copies: operator!.copies + 1 }, ...rest] }, ...others],
  };
  const found = diffPlans(PLAN, changed);
  assert.equal(
    found.operators.map(({ id, a, b }) => [id, (b?.copies ?? 0) - (a?.copies ?? 0)]),
    [[operator!.id, 1]],
  );
});

test('anything that is neither plan nor report is refused with its path and place', () => {
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '{}',
    '{"schemaVersion":1}',
    JSON.stringify({ ...PLAN, segments: [{ id: 0, operators: [{}] }] }),
  ]) {
    assert.throws(() => readDiffSide(text, 'x.json'), /x\.json/, text.slice(0, 40));
  }
  fc.assert(
    fc.property(fc.json(), (text) => {
      try {
        readDiffSide(text, 'x.json');
      } catch (error) {
        assert.match((error as Error).message, /x\.json/);
      }
    }),
    { seed: 11, numRuns: 200 },
  );
});

test.run();
