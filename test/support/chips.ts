// Chips for tests: made by hand with round numbers, or random from a seed.

import { VECTOR_CLASSES } from '../../lib/base/shapes.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { randomFrom } from './networks.ts';

const TEMPLATE = loadHardware('hw/dynaplasia-paper.json');

/** A chip with round numbers: 16 arrays of 32 x 16 weights, 8 cycles a product, no latency. */
export function smallChip(change: Partial<Hardware> = {}): Hardware {
  const base: Hardware = {
    ...TEMPLATE,
    name: 'small',
    arrays: 16,
    grid: { x: 4, y: 4 },
    tileRows: 32,
    tileColumns: 16,
    memoryBytesPerArray: 512,
    mvmCycles: 8,
    memoryReadBytesPerCycle: 4,
    memoryWriteBytesPerCycle: 4,
    dCim: 4,
    bufferBytes: 8192,
    bufferBytesPerCycle: 8,
    externalBytesPerCycle: 16,
    externalLatencyCycles: 0,
    writeCyclesPerRow: 1,
    writeCyclesPerArray: 32,
    vectorElementsPerCycle: Object.fromEntries(VECTOR_CLASSES.map((kind) => [kind, 16])) as Hardware['vectorElementsPerCycle'],
  };
  const chip = { ...base, ...change };
  return {
    ...chip,
    dMain: chip.bufferBytesPerCycle + chip.externalBytesPerCycle,
    opCim: (chip.tileRows * chip.tileColumns) / chip.mvmCycles,
  };
}

export function randomChip(seed: number): Hardware {
  const random = randomFrom(seed ^ 0x5eed);
  const rate = random(1, 16);
  return smallChip({
    name: `random${seed}`,
    arrays: random(2, 40),
    grid: { x: 8, y: 5 },
    tileRows: random(2, 16) * 8,
    tileColumns: random(1, 8) * 8,
    memoryBytesPerArray: random(1, 16) * 256,
    mvmCycles: random(1, 40),
    memoryReadBytesPerCycle: rate,
    memoryWriteBytesPerCycle: rate,
    dCim: rate,
    bufferBytes: random(1, 64) * 512,
    bufferBytesPerCycle: random(1, 32),
    externalBytesPerCycle: random(1, 32),
    externalLatencyCycles: random(0, 20),
    writeCyclesPerRow: random(1, 10),
    multicastWeights: random(0, 1) === 1,
  });
}
