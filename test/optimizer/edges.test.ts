// Who takes in whose data, and how much: constraint (6) on networks small enough to count by hand.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import { edgesOf, shareable } from '../../lib/optimizer/edges.ts';
import { flatten } from '../../lib/optimizer/flatten.ts';
import { smallChip } from '../support/chips.ts';
import { NetworkBuilder } from '../support/networks.ts';

/** 'producer>consumer:bytes' of every edge. */
function edges(graph: Graph, chip: Hardware, mostArrays = chip.arrays): readonly string[] {
  const flat = flatten(graph, chip, { mostArrays });
  return edgesOf(graph, flat, chip).map(({ producer, consumer, bytes }) => `${producer}>${consumer}:${bytes}`);
}

test('a chain has an edge a layer, of the bytes that are handed on; the network input has none', () => {
  const net = new NetworkBuilder();
  const map = net.conv(net.conv(net.conv(net.input(1, 4, 8, 8), 8), 16), 4);
  // 64 positions of 8 and of 16 channels.
  assert.equal(edges(net.finish([map]), smallChip({ arrays: 100 })), ['0>1:512', '1>2:1024']);
});

test('a residual connection makes a triangle', () => {
  const net = new NetworkBuilder();
  const map = net.conv(net.input(1, 4, 8, 8), 4);
  const out = net.conv(net.conv(map, 4), 4, { add: map });
  assert.equal(edges(net.finish([out]), smallChip({ arrays: 100 })), ['0>1:256', '0>2:256', '1>2:256']);
});

test('what a pool makes belongs to the product it rides with', () => {
  const net = new NetworkBuilder();
  const map = net.conv(net.pool(net.conv(net.input(1, 4, 8, 8), 8)), 8);
  // The pool leaves 16 positions of 8 channels.
  assert.equal(edges(net.finish([map]), smallChip({ arrays: 100 })), ['0>1:128']);
});

test('a piece takes in and makes its own part: groups side by side, outputs of the piece before', () => {
  const net = new NetworkBuilder();
  const map = net.conv(net.conv(net.conv(net.input(1, 4, 4, 4), 64), 64, { groups: 4 }), 4, { kernel: 1 });
  // 2 rows of 4 tiles: two pieces of 32 outputs. Then a piece a group: 144 rows are 5 tiles; it reads its 16 of 64 inputs.
  const chip = smallChip({ arrays: 100 });
  const graph = net.finish([map]);
  const flat = flatten(graph, chip, { mostArrays: 5 });
  const names = flat.subOperators.map(({ id }) => id);
  const found = edgesOf(graph, flat, chip).map(({ producer, consumer, bytes }) => `${names[producer]}>${names[consumer]}:${bytes}`);
  const [first, second, third] = graph.operators.map(({ id }) => id);
  assert.equal(found, [
    `${first}#0>${second}#0:256`,
    `${first}#0>${second}#1:256`,
    `${first}#1>${second}#2:256`,
    `${first}#1>${second}#3:256`,
    ...[0, 1, 2, 3].map((i) => `${second}#${i}>${third}:256`),
  ]);
});

test('partial sums go to the piece that adds to them', () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.linear(net.tokens(4, 128), 16)]);
  // 128 rows are 4 tile rows of 32, two to a piece: 4 positions of 16 sums of 4 bytes.
  assert.equal(edges(graph, smallChip({ arrays: 100 }), 2), ['0>1:256']);
});

test('operators that cannot be in one segment have no edge: too many tiles between them, or a right operand', () => {
  const net = new NetworkBuilder();
  const map = net.conv(net.input(1, 4, 8, 8), 4);
  const graph = net.finish([net.conv(net.conv(map, 4), 4, { add: map })]);
  // 36 rows are 2 tiles each: two fit 4 arrays, three do not.
  assert.equal(edges(graph, smallChip({ arrays: 4 })), ['0>1:256', '1>2:256']);
  const attention = new NetworkBuilder();
  const from = attention.tokens(8, 16);
  const key = attention.linear(from, 16);
  const scores = attention.product(attention.linear(from, 16), key);
  // The key is the right operand, written into arrays before the segment; only the query streams into the product.
  assert.equal(edges(attention.finish([scores]), smallChip({ arrays: 100 })), ['1>2:128']);
});

test('bytes become arrays rounded up or, as an option, down; a chip that only computes shares nothing', () => {
  const chip = smallChip();
  const data = [
    { producer: 0, consumer: 1, bytes: 1 },
    { producer: 1, consumer: 2, bytes: chip.memoryBytesPerArray * 2 },
    { producer: 2, consumer: 3, bytes: chip.memoryBytesPerArray * 2.5 },
  ];
  const arrays = (rule: 'up' | 'down' | false, on = chip): readonly number[] =>
    shareable(data, on, rule).map(({ mostShared }) => mostShared);
  assert.equal([arrays('up'), arrays('down'), arrays(false)], [[1, 2, 3], [2, 2], []]);
  assert.equal(arrays('up', { ...chip, dualMode: false, memoryBytesPerArray: 0 }), []);
});

test.run();
