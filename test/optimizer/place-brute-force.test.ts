// Placement against trying everything: no other choice of physical arrays switches fewer, and nothing that has to stay is moved.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import type { Plan, SegmentPlan } from '../../lib/optimizer/plan.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { randomChip } from '../support/chips.ts';
import { randomFrom, randomNetwork } from '../support/networks.ts';

/** A chip of at most 8 arrays on which feeding matters, its two switches as dear as the seed says. */
function tinyChip(seed: number): Hardware {
  const chip = randomChip(seed);
  const random = randomFrom(seed + 1000);
  const arrays = random(2, 8);
  const switchCycles = { memoryToCompute: random(0, 9), computeToMemory: random(0, 9) };
  return {
    ...chip,
    arrays,
    grid: { x: arrays, y: 1 },
    switchCycles,
    mvmCycles: 1,
    bufferBytesPerCycle: 1,
    externalBytesPerCycle: 1,
    dMain: 2,
    writeCyclesPerArray: 1,
  };
}

const computing = ({ operators }: SegmentPlan): number => operators.reduce((sum, { compute }) => sum + compute.length, 0);
const storing = ({ operators }: SegmentPlan): number =>
  new Set(operators.flatMap(({ memoryIn, memoryOut }) => [...memoryIn, ...memoryOut])).size;

function switchCost(before: number, after: number, { switchCycles }: Hardware): number {
  const bits = (mask: number): number => mask.toString(2).replaceAll('0', '').length;
  return bits(after & ~before) * switchCycles.computeToMemory + bits(before & ~after) * switchCycles.memoryToCompute;
}

/** Fewest cycles of switching over all ways to set every array's mode in every segment: at least so many memory, so many compute. */
function fewestCycles(plan: Plan, chip: Hardware): number {
  const states = Array.from({ length: 2 ** chip.arrays }, (_, mask) => mask);
  const count = (mask: number): number => mask.toString(2).replaceAll('0', '').length;
  let best = new Map([[0, 0]]);
  for (const segment of plan.segments) {
    const next = new Map<number, number>();
    for (const mask of states) {
      if (count(mask) < storing(segment) || chip.arrays - count(mask) < computing(segment)) continue;
      for (const [before, cycles] of best) {
        const total = cycles + switchCost(before, mask, chip);
        if (total < (next.get(mask) ?? Number.POSITIVE_INFINITY)) next.set(mask, total);
      }
    }
    best = next;
  }
  return Math.min(...best.values());
}

test('no choice of arrays spends fewer cycles on switching than the one made, on up to 8 arrays', async () => {
  let switching = 0;
  for (let seed = 0; seed < 40; seed++) {
    const chip = tinyChip(seed);
    const plan = await schedule(randomNetwork(seed), chip);
    const spent = plan.segments.reduce((sum, { interCycles }) => sum + interCycles.switch, 0);
    const masks = plan.segments.map(({ memoryMode }) => memoryMode.reduce((mask, array) => mask | (1 << array), 0));
    const made = masks.reduce((sum, mask, i) => sum + switchCost(masks[i - 1] ?? 0, mask, chip), 0);
    assert.is(spent, made, `seed ${seed}: what is charged is what the arrays do`);
    assert.is(made, fewestCycles(plan, chip), `seed ${seed}`);
    if (made > 0) switching++;
  }
  assert.ok(switching > 10, `arrays switch in only ${switching} plans`);
});

for (const optimizer of ['cmswitch', 'static:0.5', 'cim-mlc', 'joint']) {
  test(`written ahead or kept, ${optimizer}: weights compute where they were written, data is read where it was left`, async () => {
    const counted = { staged: 0, kept: 0 };
    for (let seed = 0; seed < 12; seed++) {
      const chip = randomChip(seed);
      if (chip.arrays < 2) continue;
      const { segments } = await schedule(randomNetwork(seed), chip, { optimizer, prefetch: true });
      for (const [s, segment] of segments.entries()) {
        const busy = new Set(segment.operators.flatMap(({ compute, memoryIn, memoryOut }) => [...compute, ...memoryIn, ...memoryOut]));
        for (const { operator, arrays } of segment.staged) {
          const later = segments[s + 1]?.operators.find(({ id }) => id === operator);
          assert.equal(later?.compute, arrays, `seed ${seed}: ${operator} computes elsewhere`);
          for (const array of arrays) assert.not(busy.has(array), `seed ${seed}: array ${array} is written while it works`);
          counted.staged++;
        }
        for (const { place, tensor } of segment.kept) {
          if (place.kind !== 'arrays') continue;
          const next = new Set(segments[s + 1]?.memoryMode);
          for (const array of place.arrays) assert.ok(next.has(array), `seed ${seed}: ${tensor} was left in an array that switches`);
          counted.kept++;
        }
      }
    }
    // The others' segments leave no array idle on chips this small.
    assert.ok(optimizer !== 'joint' || counted.staged > 3, `${counted.staged} pieces written ahead`);
  });
}

test.run();
