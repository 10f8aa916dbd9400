// What each baseline is documented to do, on networks whose plans can be worked out by hand. `smallChip` has
// 16 arrays of 32 x 16 weights.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Hardware } from '../../../lib/hardware/hardware.ts';
import { loadHardware } from '../../../lib/hardware/read.ts';
import type { Graph } from '../../../lib/ir/graph.ts';
import { importOnnx } from '../../../lib/onnx/import-onnx.ts';
import type { Form } from '../../../lib/optimizer/optimizer.ts';
import type { OperatorPlan, Plan } from '../../../lib/optimizer/plan.ts';
import { schedule } from '../../../lib/optimizer/schedule.ts';
import { smallChip } from '../../support/chips.ts';
import { NetworkBuilder } from '../../support/networks.ts';

const test = suite('optimizer: policies of the baselines');

const operatorsOf = (plan: Plan): readonly OperatorPlan[] => plan.segments.flatMap(({ operators }) => operators);
const copiesOf = (plan: Plan): readonly number[] => operatorsOf(plan).map(({ copies }) => copies);
const sizesOf = (plan: Plan): readonly number[] => plan.segments.map(({ operators }) => operators.length);
const planned = (graph: Graph, chip: Hardware, optimizer: string, form: Form = 'as-published'): Promise<Plan> =>
  schedule(graph, chip, { optimizer, form });

/** One convolution of 27 x 16 weights, which is one array, with `height` rows of 8 outputs. */
function convolution(height = 8): Graph {
  const net = new NetworkBuilder();
  return net.finish([net.conv(net.input(1, 3, height, 8), 16)]);
}

test('segments are filled in topological order until the next operator does not fit', async () => {
  const net = new NetworkBuilder();
  let map = net.tokens(8, 64);
  for (const outputs of [64, 64, 32, 128]) map = net.linear(map, outputs);
  // 64 x 64 takes 2 * 4 arrays, 64 x 32 takes 4, 32 x 128 takes 8.
  const graph = net.finish([map]);
  for (const optimizer of ['cim-mlc', 'puma']) {
    assert.equal(sizesOf(await planned(graph, smallChip(), optimizer)), [2, 2]);
    assert.equal(sizesOf(await planned(graph, smallChip({ arrays: 20 }), optimizer)), [3, 1]);
  }
});

test('every array of a baseline computes, whatever its form', async () => {
  for (const optimizer of ['cim-mlc', 'puma', 'occ']) {
    for (const form of ['as-published', 'same-cost'] as const) {
      const plan = await planned(convolution(), smallChip(), optimizer, form);
      assert.ok(plan.segments.every(({ memoryMode }) => memoryMode.length === 0));
      assert.ok(operatorsOf(plan).every(({ memoryIn, memoryOut }) => memoryIn.length + memoryOut.length === 0));
    }
  }
});

test('CIM-MLC makes only copies that divide the output height', async () => {
  // One convolution of one array on 16: 8 rows allow 8 copies, 7 rows 7, 11 rows 11, 13 rows 13, 6 rows 6.
  for (const [height, copies] of [
    [8, 8],
    [7, 7],
    [11, 11],
    [6, 6],
    [20, 10],
  ] as const) {
    assert.equal(copiesOf(await planned(convolution(height), smallChip(), 'cim-mlc')), [copies]);
  }
});

test('CIM-MLC gives matrix products one copy, PUMA as many as their positions ask for', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.linear(net.tokens(64, 32), 16)]);
  assert.equal(copiesOf(await planned(graph, smallChip(), 'cim-mlc')), [1]);
  assert.equal(copiesOf(await planned(graph, smallChip(), 'puma')), [16]);
});

test('CIM-MLC counts the strides of convolutions and pools between the head and a convolution', async () => {
  const net = new NetworkBuilder();
  const pooled = net.pool(net.conv(net.input(1, 3, 16, 16), 3));
  const graph = net.finish([net.conv(net.conv(pooled, 3, { kernel: 1 }), 16, { stride: 2 })]);
  // 16, 8 and 4 rows; spare arrays go to the head first: 8 copies, then half of them, then a quarter.
  assert.equal(copiesOf(await planned(graph, smallChip(), 'cim-mlc')), [8, 4, 2]);
});

test('as published, weight writes are free to CIM-MLC and PUMA; with our cost they are weighed', async () => {
  const [cheap, dear] = [smallChip(), smallChip({ writeCyclesPerRow: 1000, writeCyclesPerArray: 32_000 })];
  for (const optimizer of ['cim-mlc', 'puma']) {
    assert.equal(copiesOf(await planned(convolution(), dear, optimizer)), copiesOf(await planned(convolution(), cheap, optimizer)));
    assert.equal(copiesOf(await planned(convolution(), dear, optimizer, 'same-cost')), [1]);
  }
});

test('PUMA copies in proportion to output positions, as many as fit', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.conv(net.conv(net.conv(net.input(1, 3, 16, 16), 3, { kernel: 1 }), 3, { stride: 2 }), 16, { stride: 2 })]);
  const operators = operatorsOf(await planned(graph, smallChip(), 'puma'));
  const loads = operators.map(({ m, copies }) => Math.ceil(m / copies));
  const load = Math.max(...loads);
  const copiesAt = (positions: number) => operators.map(({ m }) => Math.ceil(m / positions));
  assert.equal(
    operators.map(({ copies }) => copies),
    copiesAt(load),
  );
  assert.ok(copiesAt(load).reduce((sum, copies) => sum + copies, 0) <= 16);
  assert.ok(copiesAt(load - 1).reduce((sum, copies) => sum + copies, 0) > 16);
});

test('OCC runs one operator at a time, a column of tiles at once, without copies', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.linear(net.linear(net.tokens(8, 64), 40), 16)]);
  const plan = await planned(graph, smallChip(), 'occ');
  assert.ok(sizesOf(plan).every((size) => size === 1));
  assert.equal(
    operatorsOf(plan).map(({ n, k, tiles, copies }) => [n, k, tiles, copies]),
    [
      [64, 16, 2, 1],
      [64, 16, 2, 1],
      [64, 8, 2, 1],
      [40, 16, 2, 1],
    ],
  );
});

test('OCC writes every weight once: each input row meets a tile while it is there', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.linear(net.tokens(500, 100), 100)]);
  const operators = operatorsOf(await planned(graph, smallChip(), 'occ'));
  assert.is(
    operators.reduce((sum, { n, k }) => sum + n * k, 0),
    100 * 100,
  );
  assert.ok(operators.every(({ m }) => m === 500));
});

test('OCC cuts the reduction only where a column is taller than the chip, and keeps its blocks together', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.linear(net.tokens(8, 32 * 40), 32)]);
  const plan = await planned(graph, smallChip(), 'occ');
  const blocks = operatorsOf(plan).map(({ piece }) => [piece.outputs.from, piece.inner.from, piece.inner.to]);
  assert.equal(blocks, [
    [0, 0, 416],
    [0, 416, 832],
    [0, 832, 1280],
    [16, 0, 416],
    [16, 416, 832],
    [16, 832, 1280],
  ]);
});

test('with our cost OCC fills the chip with columns', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.linear(net.tokens(8, 64), 128)]);
  assert.is((await planned(graph, smallChip(), 'occ')).segments.length, 8);
  const plan = await planned(graph, smallChip(), 'occ', 'same-cost');
  assert.equal(
    operatorsOf(plan).map(({ tiles }) => tiles),
    [16],
  );
});

test('judged by our cost, a baseline never plans worse than as published', async () => {
  for (const chip of ['dynaplasia', 'dynaplasia-paper']) {
    const hardware = loadHardware(`hw/${chip}.json`);
    for (const model of ['resnet18', 'mobilenetv2']) {
      const graph = importOnnx(`datasets/${model}.onnx`, { defaults: { batch: 8 } });
      for (const optimizer of ['cim-mlc', 'puma', 'occ']) {
        const [published, ours] = [await planned(graph, hardware, optimizer), await planned(graph, hardware, optimizer, 'same-cost')];
        assert.ok(ours.analyticCycles <= published.analyticCycles, `${optimizer}, ${model}, ${chip}`);
      }
    }
  }
});

test.run();
