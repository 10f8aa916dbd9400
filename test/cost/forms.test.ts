// Segments of one form cost the same wherever they stand and however the network is cut: what is found through forms that several ways of
// cutting share is what is worked out anew.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormTable, SegmentForms } from '../../lib/cost/machine/forms.ts';
import { type Home, LivingHomes } from '../../lib/cost/machine/living.ts';
import { segmentLoad } from '../../lib/cost/machine/segment.ts';
import { type Work, workOf } from '../../lib/cost/machine/work.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { flatten } from '../../lib/optimizer/flatten.ts';
import { randomChip } from '../support/chips.ts';
import { randomFrom, randomNetwork } from '../support/networks.ts';

type Draw = ReturnType<typeof randomFrom>;

/** Some of the tensors that are made and read, in the buffer, in arrays, or both. */
function randomHomes({ tensors }: Work, random: Draw): ReadonlyMap<number, Home> {
  const homes = new Map<number, Home>();
  for (const [tensor, { makers, readers, given, leaves }] of tensors.entries()) {
    if (given || leaves || makers.length === 0 || readers.length === 0 || random(0, 2) > 0) continue;
    const inBuffer = random(0, 2) / 4;
    const arrays = random(0, 2);
    homes.set(tensor, { tensor, inBuffer, inArrays: arrays === 0 ? 0 : 0.5, arrays });
  }
  return homes;
}

/** Compares every segment of every way of cutting; how many loads were asked for, and how many of them had to be worked out. */
function compare(graph: Graph, chip: Hardware, random: Draw): { readonly asked: number; readonly made: number } {
  const table = new FormTable();
  let made = 0;
  const keepLoad = table.keepLoad.bind(table);
  table.keepLoad = (...load) => {
    made++;
    return keepLoad(...load);
  };
  let asked = 0;
  for (const part of [1, 2, 1, 3]) {
    const mostArrays = Math.ceil(chip.arrays / part);
    const flat = flatten(graph, chip, { mostArrays, mostRows: Math.ceil(mostArrays / random(1, 2)) });
    const work = workOf(graph, flat, chip);
    const homes = part === 1 ? new Map<number, Home>() : randomHomes(work, random);
    const loads = new SegmentForms(work, chip, table).beside(homes);
    const living = new LivingHomes(work, homes);
    for (let last = 0; last < work.products.length; last++) {
      let tiles = 0;
      for (let first = last; first >= 0; first--) {
        tiles += work.products[first]!.tiles;
        if (tiles > chip.arrays || last - first > 6) break;
        const copies = Array.from({ length: last - first + 1 }, () => random(1, 2));
        const memory = copies.map(() => random(0, 2));
        const staged = random(0, 1) * 1000;
        const found = loads.of({ first, last, copies, memory }, staged);
        assert.equal(found, segmentLoad(work, { first, last, copies, memory }, living, chip, staged), `${graph.name}, ${first} .. ${last}`);
        asked++;
      }
    }
  }
  return { asked, made };
}

test('loads of random networks, cut in four ways', () => {
  let [asked, made] = [0, 0];
  for (let seed = 0; seed < 60; seed++) {
    const counts = compare(randomNetwork(seed), randomChip(seed), randomFrom(seed));
    asked += counts.asked;
    made += counts.made;
  }
  assert.ok(asked > 1000 && made < asked, `${made} of ${asked} worked out`);
});

test('loads of an attention network, whose repeated layers are alike', () => {
  const graph = importOnnx('datasets/bert-large.onnx', { bind: { batch: 1, sequence: 16 } });
  const { asked, made } = compare(graph, loadHardware('hw/dynaplasia.json'), randomFrom(1));
  assert.ok(made < 0.8 * asked, `${made} of ${asked} worked out`);
});

test.run();
