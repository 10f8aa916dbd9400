// Plans become programs that the verifier accepts, whatever the network and the chip.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describe } from '../../lib/base/problem.ts';
import { emit } from '../../lib/emit/emit.ts';
import { isMatrix } from '../../lib/ir/graph.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { parseProgram } from '../../lib/program/parse.ts';
import { printProgram } from '../../lib/program/print.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { randomChip, smallChip } from '../support/chips.ts';
import { type Compiled, compiled, groupsOf, OPTIMIZERS } from '../support/compiled.ts';
import { NetworkBuilder, randomNetwork } from '../support/networks.ts';
import { problemsOf } from '../support/problems.ts';

const SEEDS = 120;

const PROGRAMS: Compiled[] = [];
for (let seed = 0; seed < SEEDS; seed++) {
  for (const optimizer of OPTIMIZERS) PROGRAMS.push(await compiled(randomNetwork(seed), randomChip(seed), optimizer));
}

function assertRight({ name, program, chip }: Compiled): void {
  assert.equal(verifyProgram(program, chip).map(describe), [], name);
}

test('every program of random networks on random chips passes the verifier', () => {
  for (const program of PROGRAMS) assertRight(program);
});

test('every program is the same after it is printed and parsed', () => {
  for (const { program, name } of PROGRAMS) assert.equal(parseProgram(printProgram(program)), program, name);
});

test('the program computes every product of the network once, and nothing else', () => {
  for (const { program, graph, name } of PROGRAMS) {
    let macs = 0;
    for (const op of groupsOf(program).flat()) {
      if (op.kind !== 'CIM.mvm') continue;
      const { m } = program.operators.find(({ id }) => id === op.operator)!.matrix!;
      macs += m * (op.outputs.to - op.outputs.from) * (op.inner.to - op.inner.from);
    }
    const expected = graph.operators
      .filter(isMatrix)
      .reduce((sum, { attrs: { matrix } }) => sum + matrix.m * matrix.n * matrix.k * matrix.groups, 0);
    assert.is(macs, expected, name);
  }
});

test("modes and arrays are the plan's: a product computes on its compute arrays, and memory is where the plan has memory", () => {
  for (const { program, plan, name } of PROGRAMS) {
    const blocks = groupsOf(program).filter((ops) => ops.some(({ kind }) => kind === 'CIM.mvm' || kind === 'VEC.run'));
    assert.is(blocks.length, plan.segments.length, name);
    const memory = new Set<number>();
    let segment = -1;
    for (const ops of groupsOf(program)) {
      for (const op of ops) {
        if (op.kind !== 'CM.switch') continue;
        for (const array of op.arrays) {
          if (op.to === 'TOM') assert.not(memory.has(array), `${name}: array ${array} is switched to what it is`);
          else assert.ok(memory.has(array), `${name}: array ${array} is switched to what it is`);
          if (op.to === 'TOM') memory.add(array);
          else memory.delete(array);
        }
      }
      if (!blocks.includes(ops)) continue;
      const planned = plan.segments[++segment]!;
      assert.equal(
        [...memory].sort((a, b) => a - b),
        [...planned.memoryMode].sort((a, b) => a - b),
        name,
      );
      for (const op of ops) {
        if (op.kind !== 'CIM.mvm') continue;
        const operator = planned.operators.find(
          ({ parent, piece }) => parent === op.operator && piece.outputs.from === op.outputs.from && piece.inner.from === op.inner.from,
        );
        assert.equal(op.arrays, operator?.compute, name);
      }
    }
  }
});

test('an all-compute program never switches an array and keeps no data in one', () => {
  for (const { program, plan, name } of PROGRAMS) {
    if (plan.optimizer !== 'static:1') continue;
    assert.not(
      groupsOf(program)
        .flat()
        .some(({ kind }) => kind === 'CM.switch'),
      name,
    );
    assert.not(
      program.regions.some(({ place }) => place.kind === 'arrays'),
      name,
    );
  }
});

test('the same plan gives the same program', () => {
  for (const { program, plan, graph, chip, name } of PROGRAMS.slice(0, 60)) assert.equal(emit(graph, plan, chip), program, name);
});

test('a relaxed plan is refused, and says which operator', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.conv(net.conv(net.input(1, 16, 12, 12), 24), 24)]);
  const plan = await schedule(graph, smallChip(), { relaxed: true });
  const uneven = plan.segments.flatMap(({ operators }) => operators).filter(({ copies }) => !Number.isInteger(copies));
  assert.ok(uneven.length > 0, 'the plan happens to have whole copies');
  const problems = problemsOf(() => emit(graph, plan, smallChip()));
  assert.equal(
    problems.map(({ kind }) => kind),
    uneven.map(() => 'plan'),
  );
  assert.match(problems.map(describe).join('\n'), uneven[0]!.id);
});

test('an operator taller than the chip is cut along its inner dimension and sums its parts', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.dense(net.conv(net.conv(net.input(2, 8, 6, 6), 24, { relu: true }), 20, { relu: true }), 30)], 'tall');
  for (const optimizer of ['cmswitch', 'static:1']) {
    const result = await compiled(graph, smallChip({ arrays: 2, tileRows: 8, writeCyclesPerArray: 8 }), optimizer);
    assertRight(result);
    for (const operator of result.program.operators.filter(({ matrix }) => matrix !== undefined && matrix.n > 16)) {
      assert.ok(operator.partials.length > 0, `${operator.id} has no partial sums`);
      for (const { tensor } of operator.partials) assert.is(result.program.tensors.find(({ id }) => id === tensor)?.bits, 32);
    }
    assert.ok(simulate(result.program, result.chip).makespanCycles > 0);
  }
});

test('a residual over many layers in one segment neither deadlocks nor exceeds a window', async () => {
  for (const depth of [2, 4, 8, 16]) {
    const net = new NetworkBuilder();
    const start = net.conv(net.input(1, 8, 24, 24), 8);
    let map = start;
    for (let i = 0; i < depth - 1; i++) map = net.conv(map, 8, { relu: true });
    const graph = net.finish([net.conv(map, 8, { add: start })], `residual over ${depth}`);
    for (const bufferBytes of [256, 2048, 65536]) {
      const result = await compiled(graph, smallChip({ arrays: 96, bufferBytes, memoryBytesPerArray: 2048 }));
      assertRight(result);
      assert.ok(simulate(result.program, result.chip).makespanCycles > 0);
    }
  }
});

test('residuals inside residuals run', async () => {
  const net = new NetworkBuilder();
  const outer = net.conv(net.input(2, 8, 16, 16), 8);
  const inner = net.conv(outer, 8, { relu: true });
  const closed = net.conv(net.conv(inner, 8), 8, { add: inner });
  const graph = net.finish([net.conv(net.conv(closed, 8, { kernel: 1 }), 8, { add: outer }), inner], 'nested');
  for (const optimizer of OPTIMIZERS) assertRight(await compiled(graph, smallChip({ arrays: 64 }), optimizer));
});

test('a dynamic product is written from where its operand lies', async () => {
  const net = new NetworkBuilder();
  const from = net.tokens(12, 24);
  const graph = net.finish([net.product(net.linear(from, 16), net.linear(from, 16))], 'scores');
  for (const optimizer of OPTIMIZERS) {
    const result = await compiled(graph, smallChip(), optimizer);
    assertRight(result);
    const writes = groupsOf(result.program)
      .flat()
      .filter((op) => op.kind === 'CIM.write' && op.operator.startsWith('product'));
    assert.ok(writes.length > 0 && writes.every((op) => op.kind === 'CIM.write' && op.from.length > 0));
  }
});

test("a dynamic product runs whose right operand is the network's input, moved or not", async () => {
  for (const moved of [false, true]) {
    const net = new NetworkBuilder();
    const from = net.tokens(12, 24);
    const graph = net.finish([net.product(from, moved ? net.pool(from, 1) : from)], moved ? 'moved' : 'own');
    assertRight(await compiled(graph, smallChip()));
  }
});

test('a network of vector operators only is a program without weights', async () => {
  const net = new NetworkBuilder();
  const result = await compiled(net.finish([net.pool(net.pool(net.input(1, 4, 16, 16)))], 'pools'), smallChip());
  assertRight(result);
  assert.not(
    groupsOf(result.program)
      .flat()
      .some(({ kind }) => kind === 'CIM.write'),
  );
});

test.run();
