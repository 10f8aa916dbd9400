// Physical arrays: what is shared is one array with two roles, and no array switches or moves its data in vain.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describe } from '../../lib/base/problem.ts';
import { emit } from '../../lib/emit/emit.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import type { OperatorPlan, Plan, SegmentPlan } from '../../lib/optimizer/plan.ts';
import { printPlan } from '../../lib/optimizer/print.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { verifyPlan } from '../../lib/optimizer/verify.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { randomChip, smallChip } from '../support/chips.ts';
import { OPTIMIZERS } from '../support/compiled.ts';
import { NetworkBuilder, randomNetwork } from '../support/networks.ts';

/** Chips on which feeding is the bottleneck, so that many arrays are memory. */
function hungryChip(seed: number): Hardware {
  const chip = randomChip(seed);
  return { ...chip, mvmCycles: 1, bufferBytesPerCycle: 1, externalBytesPerCycle: 1, dMain: 2, writeCyclesPerArray: 1 };
}

interface Case {
  readonly name: string;
  readonly graph: Graph;
  readonly chip: Hardware;
  readonly plan: Plan;
}

const CASES: Case[] = [];
for (let seed = 0; seed < 60; seed++) {
  for (const optimizer of OPTIMIZERS) {
    const [graph, chip] = [randomNetwork(seed), hungryChip(seed)];
    CASES.push({ name: `${seed}, ${optimizer}`, graph, chip, plan: await schedule(graph, chip, { optimizer }) });
  }
}

/** Two convolutions and a residual on a chip with too few arrays for all the memory they could use. */
const NET = new NetworkBuilder();
const FIRST = NET.conv(NET.input(1, 16, 8, 8), 16);
const GRAPH = NET.finish([NET.conv(NET.conv(FIRST, 16), 16, { add: FIRST })]);
const CHIP = smallChip({ arrays: 24, mvmCycles: 1, bufferBytesPerCycle: 1, externalBytesPerCycle: 1, writeCyclesPerArray: 10_000 });
const SHARED = await schedule(GRAPH, CHIP);

function operatorsOf(plan: Plan): readonly OperatorPlan[] {
  return plan.segments.flatMap(({ operators }) => operators);
}

/** What verifyPlan says once one segment is changed. */
function problems(change: (segment: SegmentPlan) => SegmentPlan): string {
  const segments = SHARED.segments.map((segment) =>
    segment.operators.some(({ sharedIn }) => sharedIn.length > 0) ? change(segment) : segment,
  );
  return verifyPlan({ ...SHARED, segments }, GRAPH)
    .map(describe)
    .join('\n');
}

test('plans that share memory have no broken invariant, and there are many', () => {
  for (const { name, graph, plan } of CASES) assert.equal(verifyPlan(plan, graph).map(describe), [], name);
  const sharing = CASES.filter(({ plan }) => operatorsOf(plan).some(({ sharedIn }) => sharedIn.length > 0));
  assert.ok(sharing.length > 20, `${sharing.length} plans share memory`);
});

test('a shared array is output memory of one operator and input memory of one other, and counts once', () => {
  for (const { name, plan } of CASES) {
    for (const { id, operators } of plan.segments) {
      const sharedIn = operators.flatMap((operator) => operator.sharedIn);
      const memoryOut = operators.flatMap((operator) => operator.memoryOut);
      assert.equal([...sharedIn].sort(), [...memoryOut].sort(), `${name}, segment ${id}`);
      assert.is(new Set(sharedIn).size, sharedIn.length, `${name}, segment ${id}: an array is shared twice`);
      const arrays = new Set(operators.flatMap((operator) => [...operator.compute, ...operator.memoryIn, ...operator.memoryOut]));
      const counted = operators.reduce(
        (sum, { compute, memoryIn, memoryOut }) => sum + compute.length + memoryIn.length + memoryOut.length,
        0,
      );
      assert.is(arrays.size, counted - sharedIn.length, `${name}, segment ${id}`);
    }
  }
});

test('arrays are shared only when there are not enough for each operator to have its own', () => {
  for (const { name, plan, chip } of CASES) {
    const frozen = /static:(.*)$/.exec(plan.optimizer)?.[1];
    const most = frozen === undefined ? chip.arrays : chip.arrays - Math.floor(chip.arrays * Number(frozen));
    for (const { id, operators } of plan.segments) {
      if (operators.every(({ sharedIn }) => sharedIn.length === 0)) continue;
      const computing = operators.reduce((sum, { compute }) => sum + compute.length, 0);
      const storing = new Set(operators.flatMap(({ memoryIn, memoryOut }) => [...memoryIn, ...memoryOut])).size;
      assert.ok(computing + storing === chip.arrays || storing === most, `${name}, segment ${id}: ${computing} + ${storing}`);
    }
  }
});

test('between segments as few arrays switch as the numbers in each mode allow, and those that stay keep their data', () => {
  for (const { name, plan, chip } of CASES) {
    let before: ReadonlySet<number> = new Set();
    for (const [i, segment] of plan.segments.entries()) {
      const now = new Set(segment.memoryMode);
      const switched = [...now].filter((array) => !before.has(array)).length + [...before].filter((array) => !now.has(array)).length;
      const frozen = plan.optimizer.startsWith('static') && i === 0;
      assert.is(switched, Math.abs(now.size - before.size), `${name}, segment ${segment.id}`);
      const { writeBack: _, switch: cycles } = segment.interCycles;
      const each = now.size > before.size ? chip.switchCycles.computeToMemory : chip.switchCycles.memoryToCompute;
      if (!frozen) assert.is(cycles, switched * each, `${name}, segment ${segment.id}`);
      const next = new Set(plan.segments[i + 1]?.memoryMode);
      for (const { place, tensor } of segment.kept) {
        if (place.kind !== 'arrays') continue;
        assert.ok(
          place.arrays.every((array) => now.has(array) && next.has(array)),
          `${name}, segment ${segment.id}: ${tensor} is kept in an array that switches`,
        );
      }
      before = now;
    }
  }
});

test('an idle array keeps its mode', () => {
  for (const { name, plan, chip } of CASES) {
    let before = 0;
    for (const { id, operators, memoryMode } of plan.segments) {
      const computing = operators.reduce((sum, { compute }) => sum + compute.length, 0);
      const storing = new Set(operators.flatMap(({ memoryIn, memoryOut }) => [...memoryIn, ...memoryOut])).size;
      const frozen = plan.optimizer.startsWith('static');
      if (!frozen) assert.is(memoryMode.length, Math.max(storing, Math.min(before, chip.arrays - computing)), `${name}, segment ${id}`);
      before = memoryMode.length;
    }
  }
});

test('the plan of a residual block shares arrays along its edges, and says so', () => {
  const pairs = SHARED.segments.flatMap(({ operators }) =>
    operators.flatMap((operator) =>
      operators.flatMap((other) => (operator.memoryOut.some((array) => other.sharedIn.includes(array)) ? [[operator.id, other.id]] : [])),
    ),
  );
  assert.ok(pairs.length > 0);
  const ids = GRAPH.operators.map(({ id }) => id);
  for (const [producer = '', consumer = ''] of pairs) assert.ok(ids.indexOf(producer) < ids.indexOf(consumer));
  assert.match(printPlan(SHARED), /\d+ shared/);
});

test('plans that share memory become programs that verify and run, and use the shared arrays', () => {
  let used = 0;
  const sharing = CASES.filter(({ plan }) => operatorsOf(plan).some(({ sharedIn }) => sharedIn.length > 0));
  for (const { name, graph, chip, plan } of sharing.slice(0, 30)) {
    const program = emit(graph, plan, chip);
    assert.equal(verifyProgram(program, chip).map(describe), [], name);
    assert.ok(simulate(program, chip, { verified: true }).makespanCycles > 0, name);
    const shared = new Set(operatorsOf(plan).flatMap(({ sharedIn }) => sharedIn));
    if (program.regions.some(({ place }) => place.kind === 'arrays' && place.arrays.some((array) => shared.has(array)))) used++;
  }
  assert.ok(used > 20, `${used} programs hold data in shared arrays`);
});

test('verify finds arrays that are shared against the rules', () => {
  assert.is(
    problems((segment) => segment),
    '',
  );
  const shares = (operator: OperatorPlan): boolean => operator.sharedIn.length > 0;
  const edit = (pick: (operator: OperatorPlan) => boolean, change: (operator: OperatorPlan) => OperatorPlan) => (segment: SegmentPlan) => ({
    ...segment,
    operators: segment.operators.map((operator) => (pick(operator) ? change(operator) : operator)),
  });
  const gives = (operator: OperatorPlan): boolean => operator.memoryOut.length > 0;
  assert.match(problems(edit(gives, (operator) => ({ ...operator, memoryOut: [] }))), /nobody's output memory/);
  assert.match(problems(edit(shares, (operator) => ({ ...operator, sharedIn: [] }))), /is both output memory of .* and input memory/);
  assert.match(
    problems(
      edit(shares, (operator) => ({ ...operator, memoryIn: operator.memoryIn.filter((array) => !operator.sharedIn.includes(array)) })),
    ),
    /but not its input memory/,
  );
  const reversed = (segment: SegmentPlan): SegmentPlan => ({
    ...segment,
    operators: segment.operators.map((operator) => ({ ...operator, memoryOut: operator.sharedIn, sharedIn: operator.memoryOut })),
  });
  assert.match(problems(reversed), /which does not feed it/);
  const everyone = (segment: SegmentPlan): SegmentPlan => {
    const array = segment.operators.find(shares)?.sharedIn[0] ?? 0;
    const taker = (operator: OperatorPlan): OperatorPlan => ({
      ...operator,
      memoryIn: [...new Set([...operator.memoryIn, array])],
      sharedIn: [...new Set([...operator.sharedIn, array])],
    });
    return { ...segment, operators: segment.operators.map(taker) };
  };
  assert.match(problems(everyone), /is shared by .* and /);
});

test.run();
