import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describe } from '../../lib/base/problem.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { verifyHardware } from '../../lib/hardware/verify.ts';
import { CHIPS, linesOf, pathOf } from './chips.ts';

const test = suite('hardware: verify');
const chip = loadHardware(pathOf('dynaplasia'));

function linesFor(changes: Partial<Hardware>): readonly string[] {
  return linesOf(verifyHardware({ ...chip, ...changes })).map((line) => line.replace("hardware 'dynaplasia': ", ''));
}

test('what loadHardware returns has no problems, at every precision of the files', () => {
  for (const name of CHIPS) {
    for (const weightBits of [4, 8]) {
      for (const activationBits of [4, 8]) assert.equal(verifyHardware(loadHardware(pathOf(name), { weightBits, activationBits })), []);
    }
  }
});

test('it survives JSON and structuredClone', () => {
  assert.equal(JSON.parse(JSON.stringify(chip)), chip);
  assert.equal(structuredClone(chip), chip);
});

test('constants that must be whole, positive or equal to their formula are checked', () => {
  assert.equal(linesFor({ arrays: 0 }), ['arrays: 0 -> a whole number, at least 1']);
  assert.equal(linesFor({ externalLatencyCycles: 1.5 }), ['externalLatencyCycles: 1.5 -> a whole number, at least 0']);
  assert.equal(linesFor({ opCim: 127 }), ['opCim: 127 -> tileRows * tileColumns / mvmCycles = 126.25']);
  assert.equal(linesFor({ dMain: 32 }), ['dMain: 32 -> externalBytesPerCycle + bufferBytesPerCycle = 64']);
  assert.equal(linesFor({ dCim: 5 }), ['dCim: 5 -> min(memoryReadBytesPerCycle, memoryWriteBytesPerCycle) = 4']);
  assert.equal(linesFor({ writeCyclesPerArray: 3_200 }), ['writeCyclesPerArray: 3200 -> tileRows * writeCyclesPerRow = 2592']);
  assert.equal(linesFor({ arrays: 97 }), ['grid: 8 x 12 places -> at least one for each of the 97 arrays']);
  assert.equal(linesFor({ switchCycles: { memoryToCompute: -1, computeToMemory: 1 } }), [
    'switchCycles.memoryToCompute: -1 -> a whole number, at least 0',
  ]);
  assert.equal(linesFor({ energy: { ...chip.energy, mac: Number.NaN } }), ['energy.mac: NaN -> zero or a positive number']);
  assert.equal(linesFor({ vectorElementsPerCycle: { ...chip.vectorElementsPerCycle, pool: 0 } }), [
    'vectorElementsPerCycle.pool: 0 -> a positive number',
  ]);
});

test('all problems are returned at once, those of its file too', () => {
  const lines = linesFor({ clockHz: 0, tileRows: -1, file: { ...chip.file, name: 'No Name' } });
  assert.ok(lines.length >= 4, lines.join('\n'));
  assert.match(lines.at(-1) ?? '', 'file $.name: "No Name"');
});

test('an object with parts missing has problems and throws nothing', () => {
  const { energy: _, grid: __, ...rest } = chip;
  const problems = verifyHardware(rest as Hardware);
  assert.equal(problems.map(describe), [
    "hardware 'dynaplasia': grid: found nothing, expected an object.",
    "hardware 'dynaplasia': energy: found nothing, expected an object.",
  ]);
  assert.ok(verifyHardware({ ...rest, file: undefined, energy: {}, grid: {} } as unknown as Hardware).length > 0);
});

test.run();
