// The chips in hw/: each is read, printed and planned for, and says what was published of it.

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Hardware, HardwareFile, Quantity } from '../../lib/hardware/hardware.ts';
import { parameterRanges } from '../../lib/hardware/leaves.ts';
import { printHardware } from '../../lib/hardware/print.ts';
import { loadHardware, readHardwareFile } from '../../lib/hardware/read.ts';
import { verifyHardware } from '../../lib/hardware/verify.ts';
import { withOverrides } from '../../lib/hardware/with-overrides.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { compiled } from '../support/compiled.ts';
import { NetworkBuilder } from '../support/networks.ts';
import { problemsOfAsync } from '../support/problems.ts';
import { contentOf, contentWith, linesOf, pathOf, problemsOf, SHIPPED } from './chips.ts';

const test = suite('hardware: shipped chips');
const files = SHIPPED.map((chip) => readHardwareFile(pathOf(chip)));
const fileOf = (name: string): HardwareFile => readHardwareFile(pathOf(name));

/** A file at each precision it knows. */
function precisionsOf(file: HardwareFile): readonly Hardware[] {
  return Object.keys(file.compute.macEnergy).map((pair) => {
    const [activationBits, weightBits] = pair.split('x').map(Number);
    return loadHardware(file, { activationBits: activationBits!, weightBits: weightBits! });
  });
}

test('there are at least ten chips besides the two of DynaPlasia', () => {
  for (const chip of [
    'prime',
    'pipelayer',
    'isaac',
    'puma',
    'jia-isscc21',
    'jain-jssc21',
    'gslp-cim',
    'tsmc-isscc21',
    'tsmc-isscc22',
    'yue-isscc21',
  ])
    assert.ok(SHIPPED.includes(chip), chip);
});

test('every file is named as its chip, knows 8 bits, and is right at every precision it knows', () => {
  for (const [i, file] of files.entries()) {
    assert.is(file.name, SHIPPED[i]);
    assert.ok('8x8' in file.compute.macEnergy);
    for (const hardware of precisionsOf(file)) assert.equal(verifyHardware(hardware), []);
  }
});

test('every file prints without gaps, and says so where arrays only compute', () => {
  for (const file of files) {
    const text = printHardware(loadHardware(file));
    assert.not(/undefined|NaN|\[object/.test(text), file.name);
    assert.is(/^- Arrays only compute/m.test(text), file.memory === undefined);
    assert.is(/^switchCycles/m.test(text), file.memory !== undefined);
  }
});

test('a file can be read with each of its uncertain numbers at either end of its range', () => {
  for (const file of files) {
    for (const { path, least, greatest } of parameterRanges(file)) {
      for (const value of [least, greatest]) assert.equal(verifyHardware(loadHardware(withOverrides(file, { [path]: value }))), []);
    }
  }
});

test('docs/hardware.md lists every file with what follows from it', () => {
  const lines = readFileSync(new URL('../../docs/hardware.md', import.meta.url), 'utf8').split('\n');
  const digits = (value: number) => value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
  for (const file of files) {
    const chip = loadHardware(file);
    const { arrays, tileRows, tileColumns, mvmCycles, opCim, dCim, writeCyclesPerArray } = chip;
    const line = lines.find((text) => text.startsWith(`| \`${file.name}.json\` |`)) ?? '';
    const whole = (value: number) => value.toLocaleString('en-US');
    const memory = chip.dualMode ? digits(dCim) : 'none';
    const cells = [whole(arrays), `${tileRows} x ${tileColumns}`, whole(mvmCycles), digits(opCim), memory, whole(writeCyclesPerArray)];
    assert.equal(line.split(' | ').slice(2).join(' | '), `${cells.join(' | ')} |`, file.name);
  }
});

// Arrays that only compute

test('memory and switch stand together or not at all, and without them writing weights has its own energy', () => {
  const lines = (content: object) => linesOf(problemsOf(() => loadHardware(content)));
  assert.equal(lines(contentWith('dynaplasia', 'switch', undefined)), [
    '$.switch: nothing -> both memory and switch, or neither if arrays only compute',
  ]);
  assert.equal(lines(contentWith('dynaplasia', 'memory', undefined)), [
    '$.memory: nothing -> both memory and switch, or neither if arrays only compute',
    '$.compute.writeEnergy: nothing -> the energy of writing weights, because there is no memory.writeEnergy',
  ]);
  assert.equal(lines(contentWith('isaac', 'compute.writeEnergy', undefined)), [
    '$.compute.writeEnergy: nothing -> the energy of writing weights, because there is no memory.writeEnergy',
  ]);
});

test('an array that only computes has no capacity, no rate and no switch', () => {
  const { dualMode, memoryBytesPerArray, dCim, switchCycles, energy } = loadHardware(pathOf('isaac'));
  assert.equal([dualMode, memoryBytesPerArray, dCim, energy.memoryReadByte, energy.switchArray], [false, 0, 0, 0, 0]);
  assert.equal(switchCycles, { memoryToCompute: 0, computeToMemory: 0 });
  assert.is(energy.weightWriteByte, 8 * 0.645);
});

test('writing weights costs what writing memory costs, unless the file says otherwise', () => {
  const writing = { value: 2, unit: 'pJ/B', mark: 'D', source: 'test' };
  const energyOf = (content: object) => loadHardware(content).energy;
  const [same, own] = [energyOf(contentOf('dynaplasia')), energyOf(contentWith('dynaplasia', 'compute.writeEnergy', writing))];
  assert.is(same.weightWriteByte, same.memoryWriteByte);
  assert.equal([own.weightWriteByte, own.memoryWriteByte], [2, same.memoryWriteByte]);
});

function smallNetwork() {
  const net = new NetworkBuilder();
  return net.finish([net.dense(net.pool(net.conv(net.conv(net.input(1, 3, 8, 8), 40), 24, { stride: 2 })), 10)]);
}

test('CMSwitch keeps every array computing where none can be memory, and so plans like static:1', async () => {
  for (const file of files.filter(({ memory }) => memory === undefined)) {
    const [ours, frozen] = [
      await schedule(smallNetwork(), loadHardware(file)),
      await schedule(smallNetwork(), loadHardware(file), { optimizer: 'static:1' }),
    ];
    assert.ok(ours.segments.every(({ memoryMode }) => memoryMode.length === 0));
    assert.equal(ours.segments, frozen.segments);
  }
});

test('a static ratio that makes memory of arrays that only compute is refused', async () => {
  const problems = await problemsOfAsync(() => schedule(smallNetwork(), loadHardware(pathOf('puma')), { optimizer: 'static:0.5' }));
  assert.match(problems[0]?.kind === 'usage' ? problems[0].message : '', "1104 arrays of 'puma', which only compute");
});

test('a network runs on every chip', async () => {
  for (const file of files) {
    for (const optimizer of ['cmswitch', 'cim-mlc']) {
      const { program } = await compiled(smallNetwork(), loadHardware(file), optimizer);
      assert.ok(program.body.length > 0);
    }
  }
});

// What was published, from the files' own numbers

const nanoseconds = ({ value, unit }: Quantity): number => value * { ns: 1, us: 1e3 }[unit as 'ns' | 'us'];
const near = (found: number, published: number, relative = 0.01): void =>
  assert.ok(Math.abs(found - published) <= relative * published, `${found} instead of ${published}`);

/** Multiply-accumulates a second of all arrays, or of `arrays` of them. */
function macRate({ arrays, compute }: HardwareFile, bits: { weights: number; activations: number }, count = arrays.count.value): number {
  const { perRow } = compute.weights[bits.weights]!;
  return (count * compute.rows.value * perRow.value) / (nanoseconds(compute.activations[bits.activations]!.mvm) * 1e-9);
}

/** Picojoules of a multiply-accumulate. */
function macPicojoules({ compute }: HardwareFile, key: string): number {
  const { value, unit } = compute.macEnergy[key]!;
  return unit === 'fJ/MAC' ? value / 1000 : value;
}

test('DynaPlasia: 19.5 TOPS and 56.0 TOPS/W at 4b x 5b', () => {
  const file = fileOf('dynaplasia');
  near((2 * macRate(file, { weights: 4, activations: 4 })) / 1e12, 19.5);
  near(2 / macPicojoules(file, '4x4'), 56);
});

test('ISAAC: 41.3 TOPS at 16 bits; with every component at its full rate 65.8 W, so 627.5 GOPS/W', () => {
  const file = fileOf('isaac');
  const macs = macRate(file, { weights: 16, activations: 16 });
  near((2 * macs) / 1e12, 41.3, 0.001);
  const { buffer, external, vector, power } = file;
  const watts =
    macs * macPicojoules(file, '16x16') * 1e-12 +
    buffer.banks.value * buffer.bankRate.value * buffer.readEnergy.value * 1e-3 +
    vector.rate.value * file.clock.value * vector.energy.value * 1e-3 +
    external.rate.value * external.energy.value * 1e-3 +
    power.leakage.value;
  near(watts, 65.8, 0.002);
  near((2 * macs) / 1e9 / watts, 627.5, 0.002);
});

test('PUMA: a product of 2,304 ns and 43.97 nJ, 19.09 mW a unit, all units together within the 62.5 W of the chip', () => {
  const file = fileOf('puma');
  assert.is(loadHardware(file, { weightBits: 16, activationBits: 16 }).mvmCycles, 2304);
  const nanojoules = (macPicojoules(file, '16x16') * file.compute.rows.value * 128) / 1000;
  near(nanojoules, 43.97, 0.001);
  near((nanojoules / 2304) * 1000, 19.09, 0.001);
  assert.ok((nanojoules / 2304) * file.arrays.count.value < 62.5);
});

test('Jia: 30 TOPS/W at 8 bits, and 2.95 TOPS from its cores and steps', () => {
  const file = fileOf('jia-isscc21');
  near((2 * macRate(file, { weights: 8, activations: 8 })) / 1e12, 2.95);
  near(2 / macPicojoules(file, '8x8'), 30);
});

test('GSLP-CIM: 0.16 TOPS/mm2 on 1.27 mm2, 3.55 TOPS/W at 4 bits', () => {
  const file = fileOf('gslp-cim');
  near((2 * macRate(file, { weights: 4, activations: 4 })) / 1e12, 0.16 * 1.27);
  near(2 / macPicojoules(file, '4x4'), 3.55);
});

test('the digital macros: 89 TOPS/W in 22 nm; 254 TOPS/W in 5 nm at the least energy of its range', () => {
  near(2 / macPicojoules(fileOf('tsmc-isscc21'), '4x4'), 89);
  const [least] = fileOf('tsmc-isscc22').compute.macEnergy['4x4']!.range!;
  near(2000 / least, 254);
});

test('PRIME: 0.19 B/cycle from a mat, 10.6 us to write one, 2.10 TOPS/W', () => {
  const prime = loadHardware(pathOf('prime'));
  near(prime.dCim, 0.19, 0.02);
  near(fileOf('prime').compute.rows.value * fileOf('prime').compute.weights[8]!.writeRow.value, 10_600);
  near(2 / macPicojoules(fileOf('prime'), '6x8'), 2.1);
});

test('PipeLayer: 1,485 GOPS/mm2 on 82.63 mm2 and 142.9 GOPS/W at 16 bits; 29.31 ns a read spike, 50.88 ns and 3.91 nJ a write spike', () => {
  const file = fileOf('pipelayer');
  near((2 * macRate(file, { weights: 16, activations: 16 })) / 1e9, 1485 * 82.63, 0.001);
  near(2000 / macPicojoules(file, '16x16'), 142.9);
  const { compute, memory } = file;
  near(nanoseconds(compute.activations[16]!.mvm) / 16, 29.31, 0.001);
  for (const bits of [8, 16]) assert.is(nanoseconds(compute.weights[bits]!.writeRow), 50.88);
  near((128 * memory!.writeEnergy.value) / 1000, 3.91, 0.002);
  near(128 * memory!.readEnergy.value, 1.08, 0.01);
});

test('the chips that are written while they compute say so', () => {
  const concurrent = files.filter(({ compute }) => compute.writesWhileComputing.value).map(({ name }) => name);
  assert.equal(concurrent.sort(), ['jain-jssc21', 'tsmc-isscc22', 'yue-isscc21']);
});

test.run();
