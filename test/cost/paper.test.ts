// The paper's equations on numbers worked out by hand, on the literal chip: 96 arrays of 320 x 40 weights,
// 8 cycles a product, 4 B/cycle a memory array, 36 B/cycle beside them, 320 cycles to write an array.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { MatrixShape } from '../../lib/base/shapes.ts';
import {
  computeLatency,
  demandOf,
  feedBytes,
  feedLatency,
  interLatency,
  intraLatency,
  keptBytes,
  operatorLatency,
  prefixLatency,
  rewriteLatency,
  switchLatency,
  writeBackLatency,
} from '../../lib/cost/paper.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { rowsWritten, tileGrid } from '../../lib/hardware/tile.ts';
import { flopsPerMop, inputReuse } from '../../lib/ir/inspect.ts';
import { smallChip } from '../support/chips.ts';
import { randomFrom } from '../support/networks.ts';

const LITERAL = loadHardware('hw/dynaplasia-paper.json');

function product(m: number, n: number, k: number, groups = 1): MatrixShape {
  return { m, n, k, groups };
}

/** VGG-16 at 224 x 224, as matrix products. */
const CONV1_1 = product(224 * 224, 27, 64);
const CONV3_2 = product(56 * 56, 2304, 256);
const CONV4_1 = product(28 * 28, 2304, 512);
const FC6 = product(1, 25088, 4096);
const FC8 = product(1, 4096, 1000);

test('the tiles of VGG-16 convolutions 1_1 to 4_2 are 2, 4, 8, 16, 28, 56, 56, 104', () => {
  const shapes = [
    [27, 64],
    [576, 64],
    [576, 128],
    [1152, 128],
    [1152, 256],
    [2304, 256],
    [2304, 256],
    [2304, 512],
  ] as const;
  assert.equal(
    shapes.map(([n, k]) => tileGrid({ n, k, groups: 1 }, LITERAL).tiles),
    [2, 4, 8, 16, 28, 56, 56, 104],
  );
});

test('the fully connected layers of VGG-16 take 8,137, 1,339 and 325 tiles', () => {
  // ceil(25088/320) * ceil(4096/40) = 79 * 103; ceil(4096/320) = 13 by 103; 13 by ceil(1000/40) = 25.
  assert.equal(
    [product(1, 25088, 4096), product(1, 4096, 4096), FC8].map((shape) => tileGrid(shape, LITERAL).tiles),
    [8137, 1339, 325],
  );
});

test('a tile grid has ceil(n/rows) by ceil(k/columns) tiles, and a full tile is one tile', () => {
  assert.equal(tileGrid({ n: 320, k: 40, groups: 1 }, LITERAL), { tiles: 1, rowTiles: 1, columnTiles: 1, groupsPerTile: 1 });
  assert.equal(tileGrid({ n: 321, k: 41, groups: 1 }, LITERAL), { tiles: 4, rowTiles: 2, columnTiles: 2, groupsPerTile: 1 });
});

test('floor(min(rows/n, columns/k)) groups share a tile', () => {
  // Depthwise 3 x 3: n = 9, k = 1: min(floor(320/9) = 35, 40) = 35 groups a tile; 64 groups take 2 tiles.
  assert.equal(tileGrid({ n: 9, k: 1, groups: 64 }, LITERAL), { tiles: 2, rowTiles: 1, columnTiles: 1, groupsPerTile: 35 });
  // n = 5, k = 9: min(64, floor(40/9) = 4) = 4 groups a tile; 6 groups take 2.
  assert.equal(tileGrid({ n: 5, k: 9, groups: 6 }, LITERAL), { tiles: 2, rowTiles: 1, columnTiles: 1, groupsPerTile: 4 });
  // Groups larger than a tile share nothing.
  assert.equal(tileGrid({ n: 330, k: 10, groups: 3 }, LITERAL), { tiles: 6, rowTiles: 2, columnTiles: 1, groupsPerTile: 1 });
});

test('the fullest tile sets the rows to write: block-diagonal groups stack', () => {
  assert.is(rowsWritten({ n: 27, k: 64, groups: 1 }, LITERAL), 27);
  assert.is(rowsWritten({ n: 321, k: 64, groups: 1 }, LITERAL), 320);
  assert.is(rowsWritten({ n: 9, k: 1, groups: 64 }, LITERAL), 35 * 9);
  assert.is(rowsWritten({ n: 9, k: 1, groups: 3 }, LITERAL), 27);
});

test('demand of conv3_2: 56 tiles, 25,088 cycles on one copy, 7,225,344 bytes of input', () => {
  assert.equal(demandOf(CONV3_2, LITERAL), { tiles: 56, computeCycles: 56 * 56 * 8, feedBytes: 3136 * 2304 });
});

test('Eq. (10), compute: cycles are MACs over arrays times the MACs an array does, edge tiles included', () => {
  // conv1_1 fills 27 * 64 of 2 * 320 * 40 cells; one copy does 27 * 64 MACs every 8 cycles.
  const demand = demandOf(CONV1_1, LITERAL);
  assert.is(computeLatency(demand, 2), 50176 * 8);
  assert.is(computeLatency(demand, 8), (50176 * 8) / 4);
  // OP / (Com * MACs an array does a cycle), spelled out.
  const perArray = (27 * 64) / 2 / 8;
  assert.is(computeLatency(demand, 8), (50176 * 27 * 64) / (8 * perArray));
});

test('Eq. (10), feed: bytes of input over Mem * D_cim + D_main', () => {
  const demand = demandOf(CONV4_1, LITERAL);
  assert.is(demand.feedBytes, 784 * 2304);
  assert.is(feedLatency(demand, 0, LITERAL), 1806336 / 36);
  assert.is(feedLatency(demand, 10, LITERAL), 1806336 / 76);
});

test('Eq. (10) is the larger of both terms', () => {
  // conv4_1, one copy (56 arrays), no memory: 6,272 cycles of compute, 50,176 of feed.
  const demand = demandOf(CONV4_1, LITERAL);
  assert.is(operatorLatency(demand, 56 * 2, 0, LITERAL), 50176);
  // fc8, one copy: 8 cycles of compute; 4,096 bytes at 36 a cycle are 113.8.
  assert.is(operatorLatency(demandOf(FC8, LITERAL), 325, 0, LITERAL), 4096 / 36);
  // The compute term wins when input is plentiful: 8 cycles against 25,088 bytes at 36 + 4 * 10,000.
  assert.is(operatorLatency(demandOf(FC6, LITERAL), 8137, 10_000, LITERAL), 8);
});

test('OP / min(Com * OP_cim, (Mem * D_cim + D_main) * AI) as printed equals the two terms', () => {
  const random = randomFrom(7);
  for (let i = 0; i < 500; i++) {
    const shape = product(random(1, 500), random(1, 1500), random(1, 300));
    const demand = demandOf(shape, LITERAL);
    const [compute, memory] = [demand.tiles * random(1, 5), random(0, 40)];
    const operations = shape.m * shape.n * shape.k;
    const opCim = (shape.n * shape.k) / demand.tiles / LITERAL.mvmCycles;
    const printed = operations / Math.min(compute * opCim, (memory * LITERAL.dCim + LITERAL.dMain) * inputReuse(shape));
    const ours = operatorLatency(demand, compute, memory, LITERAL);
    assert.ok(Math.abs(ours - printed) <= 1e-9 * printed, `${JSON.stringify(shape)}: ${ours}, printed form ${printed}`);
  }
});

test('L_i never grows with more arrays of either mode, and falls with those of the binding term', () => {
  const random = randomFrom(11);
  for (let i = 0; i < 500; i++) {
    const demand = demandOf(product(random(1, 500), random(1, 1500), random(1, 300), random(1, 3)), LITERAL);
    const [compute, memory] = [demand.tiles * random(1, 5), random(0, 40)];
    const before = operatorLatency(demand, compute, memory, LITERAL);
    assert.ok(operatorLatency(demand, compute + demand.tiles, memory, LITERAL) <= before);
    assert.ok(operatorLatency(demand, compute, memory + 1, LITERAL) <= before);
    assert.ok(operatorLatency(demand, compute + demand.tiles, memory + 1, LITERAL) < before);
  }
});

test('feed bytes count every group, and activations of 4 bits are half a byte', () => {
  assert.is(feedBytes(product(10, 9, 1, 32), { weightBits: 8, activationBits: 8 }), 2880);
  assert.is(feedBytes(product(10, 9, 1, 32), { weightBits: 8, activationBits: 4 }), 1440);
});

test('Eq. (9): a segment is as slow as its slowest operator, an empty one takes nothing', () => {
  assert.is(intraLatency([3, 9, 4]), 9);
  assert.is(intraLatency([]), 0);
});

test('Eq. (1): each direction of switching has its own latency', () => {
  const chip = smallChip({ switchCycles: { memoryToCompute: 3, computeToMemory: 5 } });
  assert.is(switchLatency(2, 7, chip), 3 * 2 + 5 * 7);
  assert.is(switchLatency(0, 0, chip), 0);
  assert.is(switchLatency(10, 4, LITERAL), 14);
});

test('Eq. (2): the operator with most arrays sets T_rw', () => {
  assert.is(
    rewriteLatency(
      [
        { parent: 'a', computeArrays: 8 },
        { parent: 'b', computeArrays: 56 },
        { parent: 'c', computeArrays: 32 },
      ],
      LITERAL,
    ),
    56 * 320,
  );
  assert.is(rewriteLatency([], LITERAL), 0);
});

test('sub-operators of one operator count as one in T_rw', () => {
  const pieces = [
    { parent: 'a', computeArrays: 30 },
    { parent: 'b', computeArrays: 40 },
    { parent: 'a', computeArrays: 20 },
  ];
  assert.is(rewriteLatency(pieces, LITERAL), 50 * 320);
});

test('T_wb: what the buffer and the staying memory arrays cannot hold is written back', () => {
  // 81,920 bytes of buffer and 2 arrays of 12,800: 107,520 stay.
  assert.is(keptBytes(200_000, 2, LITERAL), 107_520);
  assert.is(writeBackLatency(200_000, 2, LITERAL), (200_000 - 107_520) / 32);
  assert.is(writeBackLatency(107_520, 2, LITERAL), 0);
  assert.is(writeBackLatency(100, 0, LITERAL), 0);
});

test('Eq. (4) and (3): between segments all three latencies add, and a prefix adds its last segment', () => {
  assert.is(interLatency(100, 10, 1), 111);
  assert.is(prefixLatency(1000, 200, 30), 1230);
});

test('the two intensities are different numbers: k, and 2 * MACs over elements moved', () => {
  // conv3_2: k = 256; 2 * 1,849,688,064 over 802,816 inputs, 589,824 weights and 802,816 outputs.
  assert.is(inputReuse(CONV3_2), 256);
  assert.is(flopsPerMop(3136 * 2304 * 256, 3136 * 256, 2304 * 256, 3136 * 256), (2 * 1849688064) / 2195456);
});

test.run();
