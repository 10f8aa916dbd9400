// The most arrays that edges can share: against trying everything, and against the bound that proves it.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boundOf, type Link, maximise } from '../../lib/optimizer/b-matching.ts';
import { type Edge, Sharing, spreadSharing } from '../../lib/optimizer/sharing.ts';
import { triedSharing } from '../support/allocations.ts';
import { randomFrom } from '../support/networks.ts';

const GRAPHS = 4000;

interface Case {
  readonly edges: readonly Edge[];
  readonly memory: readonly number[];
}

/** Up to 7 operators and 9 edges, sparse or dense, with few arrays or many. */
function randomCase(seed: number): Case {
  const random = randomFrom(seed);
  const operators = random(2, 7);
  const density = random(1, 4);
  const most = random(1, 5);
  const edges: Edge[] = [];
  for (let producer = 0; producer < operators; producer++) {
    for (let consumer = producer + 1; consumer < operators; consumer++) {
      if (random(1, 4) <= density && edges.length < 9) edges.push({ producer, consumer, mostShared: random(0, most) });
    }
  }
  return { edges, memory: Array.from({ length: operators }, () => random(0, most)) };
}

function linksOf(edges: readonly Edge[]): readonly Link[] {
  return edges.map(({ producer, consumer, mostShared }) => ({ a: producer, b: consumer, most: mostShared }));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Whether no edge and no operator shares more than it may. */
function isAllowed({ edges, memory }: Case, shared: readonly number[]): boolean {
  const used = memory.map(() => 0);
  for (const [e, { producer, consumer }] of edges.entries()) {
    used[producer]! += shared[e]!;
    used[consumer]! += shared[e]!;
  }
  return (
    shared.every((arrays, e) => Number.isInteger(arrays) && arrays >= 0 && arrays <= edges[e]!.mostShared) &&
    used.every((arrays, i) => arrays <= memory[i]!)
  );
}

test('as many arrays are shared as trying everything finds, and the cover proves that there are no more', () => {
  for (let seed = 0; seed < GRAPHS; seed++) {
    const { edges, memory } = randomCase(seed);
    const links = linksOf(edges);
    const shared = links.map(() => 0);
    const cover = maximise(memory, links, shared);
    const best = triedSharing(edges, memory);
    assert.ok(isAllowed({ edges, memory }, shared), `graph ${seed}`);
    assert.is(total(shared), best, `graph ${seed}`);
    assert.is(boundOf(cover, memory, links), best, `graph ${seed}: bound`);
  }
});

test('a cover bounds what can be shared for other memory arrays, too', () => {
  for (let seed = 0; seed < GRAPHS; seed++) {
    const { edges, memory } = randomCase(seed);
    const links = linksOf(edges);
    const cover = maximise(
      memory,
      links,
      links.map(() => 0),
    );
    const random = randomFrom(seed + GRAPHS);
    const other = memory.map(() => random(0, 5));
    assert.ok(boundOf(cover, other, links) >= triedSharing(edges, other), `graph ${seed}`);
  }
});

test('asked for one number after another, the answer is yes up to the most and no above it', () => {
  for (let seed = 0; seed < GRAPHS; seed++) {
    const { edges, memory } = randomCase(seed);
    const sharing = new Sharing(edges, memory.length);
    const most = triedSharing(edges, memory);
    for (const needed of [most + 1, most, Math.ceil(most / 2), most + 1]) {
      const shared = sharing.atLeast(needed, memory);
      assert.is(shared !== undefined, needed <= most, `graph ${seed}: ${needed} of ${most}`);
      if (shared !== undefined) assert.ok(isAllowed({ edges, memory }, shared) && total(shared) >= needed, `graph ${seed}`);
    }
  }
});

test('three triangles around one operator share four arrays, not the five of a linear program', () => {
  const triangle = (first: number): Edge[] => [
    { producer: 0, consumer: first, mostShared: 1 },
    { producer: first, consumer: first + 1, mostShared: 1 },
    { producer: first, consumer: first + 2, mostShared: 1 },
    { producer: first + 1, consumer: first + 2, mostShared: 1 },
  ];
  const links = linksOf([1, 4, 7].flatMap(triangle));
  const memory = new Array<number>(10).fill(1);
  const shared = links.map(() => 0);
  const cover = maximise(memory, links, shared);
  assert.is(total(shared), 4);
  assert.is(boundOf(cover, memory, links), 4);
  assert.equal(cover.own, [0]);
});

test('a thousand arrays an operator are as exact as ten', () => {
  const random = randomFrom(3);
  const edges = Array.from({ length: 60 }, (_, i): Edge => ({ producer: i % 29, consumer: 29 - (i % 7), mostShared: random(0, 1000) }));
  const links = linksOf(edges.filter(({ producer, consumer }) => producer < consumer));
  const memory = Array.from({ length: 30 }, () => random(0, 1000));
  const shared = links.map(() => 0);
  assert.is(boundOf(maximise(memory, links, shared), memory, links), total(shared));
});

test('spread, as many are shared, and in a chain no operator gives away more than its half', () => {
  const chain = Array.from({ length: 7 }, (_, i): Edge => ({ producer: i, consumer: i + 1, mostShared: 100 }));
  const memory = new Array<number>(8).fill(20);
  const spread = spreadSharing(chain, memory, 70);
  assert.ok(total(spread) >= 70 && spread.every((arrays) => arrays <= 10), `${spread}`);
  for (let seed = 0; seed < 500; seed++) {
    const { edges, memory } = randomCase(seed);
    const most = triedSharing(edges, memory);
    const shared = spreadSharing(edges, memory, most);
    assert.ok(isAllowed({ edges, memory }, shared) && total(shared) >= most, `graph ${seed}`);
  }
});

test.run();
