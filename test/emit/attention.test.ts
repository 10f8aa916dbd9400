// Attention: products of many heads, whose right operands are made at run time.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { emit } from '../../lib/emit/emit.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { verifyPlan } from '../../lib/optimizer/verify.ts';
import { blocksOf } from '../../lib/program/blocks.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { verifyTrace } from '../../lib/simulator/verify.ts';
import { randomChip, smallChip } from '../support/chips.ts';
import { NetworkBuilder, randomFrom } from '../support/networks.ts';

function attention(tokens: number, features: number, heads: number): Graph {
  const net = new NetworkBuilder();
  return net.finish([net.attention(net.tokens(tokens, features), heads)], 'attention');
}

test('attention of random sizes is scheduled, emitted, verified and simulated on random chips', async () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = randomFrom(seed);
    const heads = random(1, 6);
    const graph = attention(random(1, 40), heads * random(1, 12), heads);
    const chip = randomChip(seed);
    for (const optimizer of ['cmswitch', 'static:1']) {
      const plan = await schedule(graph, chip, { optimizer });
      const program = emit(graph, plan, chip);
      assert.equal(verifyPlan(plan, graph), [], `plan of seed ${seed}, ${optimizer}`);
      assert.equal(verifyProgram(program, chip), [], `program of seed ${seed}, ${optimizer}`);
      const trace = simulate(program, chip, { verified: true });
      assert.equal(verifyTrace(trace), [], `trace of seed ${seed}, ${optimizer}`);
      assert.ok(trace.makespanCycles >= plan.lowerBoundCycles, `seed ${seed}, ${optimizer}: faster than the bound`);
    }
  }
});

test('all heads of a token are computed together: streams hold m positions of groups * k features', async () => {
  const graph = attention(12, 24, 3);
  const chip = smallChip();
  const { tensors, operators } = emit(graph, await schedule(graph, chip), chip);
  const products = operators.filter(({ matrix }) => (matrix?.groups ?? 1) > 1);
  assert.is(products.length, 2);
  for (const { matrix, inputs, output } of products) {
    assert.ok(matrix);
    const sizeOf = (id: string | undefined) => tensors.find((tensor) => tensor.id === id);
    const made = sizeOf(output);
    assert.equal([made?.positions, made?.features], [matrix.m, matrix.k * matrix.groups]);
    const streamed = sizeOf(inputs[0]?.tensor);
    assert.equal([streamed?.positions, streamed?.features], [matrix.m, matrix.n * matrix.groups]);
    assert.equal(
      inputs.map(({ use }) => use),
      ['stream', 'stationary'],
    );
  }
});

test('heads that do not fit together are computed in pieces, each of whole heads where one fits', async () => {
  const graph = attention(16, 48, 6);
  const chip = smallChip({ arrays: 2, grid: { x: 2, y: 1 }, tileRows: 8, tileColumns: 16 });
  const plan = await schedule(graph, chip);
  const pieces = plan.segments.flatMap(({ operators }) => operators).filter(({ parent }) => parent.startsWith('heads'));
  assert.ok(pieces.length > 2);
  for (const { piece, k } of pieces) assert.is((piece.outputs.to - piece.outputs.from) % k, 0);
  assert.equal(verifyProgram(emit(graph, plan, chip), chip), []);
});

test('the right operand is written from where it was made, in parts that add up to it', async () => {
  const graph = attention(16, 48, 6);
  const chip = smallChip({ multicastWeights: true });
  const program = emit(graph, await schedule(graph, chip), chip);
  for (const { boundary } of blocksOf(program)) {
    for (const op of boundary) {
      if (op.kind === 'CIM.write') assert.is(op.from.length > 0, op.operator.startsWith('heads'), op.operator);
    }
  }
  const { bytes } = simulate(program, chip);
  const projections = 4 * 48 * 48;
  assert.is(bytes.weightsFetched, projections, 'run-time operands are no weights');
});

test.run();
