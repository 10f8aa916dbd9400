import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cyclesAt } from '../../lib/base/units.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import { loadHardware, readHardwareFile } from '../../lib/hardware/read.ts';
import { withOverrides } from '../../lib/hardware/with-overrides.ts';
import { CHIPS, contentOf, contentWith, linesOf, pathOf, problemsOf } from './chips.ts';

const test = suite('hardware: derived constants');

/** What `cimbook hardware --json` prints. */
function constantsOf(hardware: Hardware) {
  const {
    name,
    arrays,
    tileRows,
    tileColumns,
    memoryBytesPerArray,
    mvmCycles,
    opCim,
    dCim,
    dMain,
    bufferBytes,
    bufferBytesPerCycle,
    externalBytesPerCycle,
  } = hardware;
  const { writeCyclesPerArray, switchCycles, clockHz } = hardware;
  return {
    name,
    arrays,
    tileRows,
    tileColumns,
    memoryBytesPerArray,
    mvmCycles,
    opCim,
    dCim,
    dMain,
    bufferBytes,
    bufferBytesPerCycle,
    externalBytesPerCycle,
    writeCyclesPerArray,
    switchCycles,
    clockHz,
  };
}

const oneCycle = { memoryToCompute: 1, computeToMemory: 1 };

test('the literal file at 8 bits has 1,600 MAC/cycle an array and D_main 36', () => {
  assert.equal(constantsOf(loadHardware(pathOf('dynaplasia-paper'))), {
    name: 'dynaplasia-paper',
    arrays: 96,
    tileRows: 320,
    tileColumns: 40,
    memoryBytesPerArray: 12_800,
    mvmCycles: 8,
    opCim: 1_600,
    dCim: 4,
    dMain: 36,
    bufferBytes: 81_920,
    bufferBytesPerCycle: 4,
    externalBytesPerCycle: 32,
    writeCyclesPerArray: 320,
    switchCycles: oneCycle,
    clockHz: 200e6,
  });
});

test('the chip at 8 bits has 288 * 32 / 73 MAC/cycle an array and D_main 64', () => {
  assert.equal(constantsOf(loadHardware(pathOf('dynaplasia'))), {
    name: 'dynaplasia',
    arrays: 96,
    tileRows: 288,
    tileColumns: 32,
    memoryBytesPerArray: 12_800,
    mvmCycles: 73,
    opCim: (288 * 32) / 73,
    dCim: 4,
    dMain: 64,
    bufferBytes: 81_920,
    bufferBytesPerCycle: 32,
    externalBytesPerCycle: 32,
    writeCyclesPerArray: 2_592,
    switchCycles: oneCycle,
    clockHz: 200e6,
  });
});

test('at 4 bits a tile is wider, a product shorter and a row of the chip ten words', () => {
  const bits = { weightBits: 4, activationBits: 4 };
  const { tileColumns, mvmCycles, opCim, storedBitsPerWeight, writeCyclesPerArray } = loadHardware(pathOf('dynaplasia'), bits);
  assert.equal([tileColumns, mvmCycles, opCim, storedBitsPerWeight, writeCyclesPerArray], [64, 37, (288 * 64) / 37, 5, 2_880]);
  const literal = loadHardware(pathOf('dynaplasia-paper'), bits);
  assert.equal([literal.tileColumns, literal.mvmCycles, literal.opCim, literal.storedBitsPerWeight], [80, 4, 6_400, 4]);
});

test('energies are in picojoules per MAC, byte, element, switch and cycle', () => {
  const { energy } = loadHardware(pathOf('dynaplasia'));
  const close = (found: number, expected: number) => assert.ok(Math.abs(found - expected) < 1e-12, `${found}, not ${expected}`);
  close(energy.mac, 0.143);
  close(energy.memoryReadByte, 0.134 * 8);
  close(energy.bufferWriteByte, 0.105 * 8);
  close(energy.externalByte, 64);
  close(energy.switchArray, 37);
  close(energy.leakagePerCycle, 85);
  close(energy.refreshPerCycle, 13);
});

test('a chip without refresh spends nothing on it', () => {
  assert.is(loadHardware(contentWith('dynaplasia', 'power.refresh', undefined)).energy.refreshPerCycle, 0);
});

test('every unit of a time, a rate, a size and a power comes to the same', () => {
  const set = (path: string, value: number, unit: string) =>
    loadHardware(contentWith('dynaplasia', path, { value, unit, mark: 'D', source: 'test' }));
  assert.is(set('compute.activations.8.mvm', 0.363, 'us').mvmCycles, 73);
  assert.is(set('compute.activations.8.mvm', 72.6, 'cycle').mvmCycles, 73);
  assert.is(set('compute.activations.8.mvm', 365, 'ns').mvmCycles, 73);
  assert.is(set('external.rate', 6.4, 'GB/s').externalBytesPerCycle, 32);
  assert.is(set('buffer.bankBytes', 10, 'KB').bufferBytes, 81_920);
  assert.is(set('clock', 0.2, 'GHz').mvmCycles, 73);
  assert.is(set('clock', 200e6, 'Hz').mvmCycles, 73);
  assert.is(set('power.leakage', 0.017, 'W').energy.leakagePerCycle, 85);
  assert.is(set('external.energy', 64, 'pJ/B').energy.externalByte, 64);
  assert.is(set('switch.energy', 37_000, 'fJ').energy.switchArray, 37);
});

test('a time above zero takes at least a cycle, and a time of zero none', () => {
  const set = (value: number) =>
    loadHardware(contentWith('dynaplasia', 'switch.toCompute', { value, unit: 'ns', mark: 'D', source: 'test' })).switchCycles
      .memoryToCompute;
  assert.equal([set(0), set(1e-6), set(5), set(5.001)], [0, 1, 1, 2]);
});

test('D_cim is the slower of the two ports', () => {
  const file = readHardwareFile(pathOf('dynaplasia'));
  assert.is(loadHardware(withOverrides(file, { 'memory.read': 40 })).dCim, 4);
  assert.is(loadHardware(withOverrides(file, { 'memory.write': 2 })).dCim, 2);
});

test('a class of vector work has its own rate where the file gives one', () => {
  const rate = { value: 12, unit: 'element/cycle', mark: 'D', source: 'test' };
  const { vectorElementsPerCycle, formulas } = loadHardware(contentWith('dynaplasia', 'vector.rates', { softmax: rate }));
  assert.equal([vectorElementsPerCycle.softmax, vectorElementsPerCycle.pool], [12, 96]);
  assert.is(formulas['vectorElementsPerCycle.softmax'], '12 elements/cycle');
});

test('every constant has a formula with its numbers', () => {
  for (const chip of CHIPS) {
    const hardware = loadHardware(pathOf(chip));
    for (const field of [...Object.keys(constantsOf(hardware)), 'hash', ...Object.keys(hardware.energy).map((name) => `energy.${name}`)]) {
      assert.ok((hardware.formulas[field] ?? '').length > 0, `${chip}: ${field}`);
    }
  }
  const { formulas } = loadHardware(pathOf('dynaplasia'));
  assert.is(formulas.mvmCycles, 'ceil(363 ns * 200 MHz) = 73');
  assert.is(formulas.opCim, '288 rows * 32 weights / 73 cycles = 126.25');
  assert.is(formulas.writeCyclesPerArray, '288 rows * 9 cycles = 2592');
  assert.is(formulas.dMain, '32 external + 32 buffer = 64');
});

test('a precision the file has no numbers for is a problem that names those it has', () => {
  const problems = problemsOf(() => loadHardware(pathOf('dynaplasia'), { weightBits: 6, activationBits: 16 }));
  assert.equal(problems, [
    { kind: 'precision', hardware: 'dynaplasia', what: 'weight', bits: 6, known: [4, 8] },
    { kind: 'precision', hardware: 'dynaplasia', what: 'activation', bits: 16, known: [4, 8] },
  ]);
});

test('a pair of precisions without an energy is a problem, even where each is known', () => {
  const content = contentWith('dynaplasia', 'compute.macEnergy.8x4', undefined);
  assert.equal(
    problemsOf(() => loadHardware(content, { weightBits: 4 })),
    [{ kind: 'precision', hardware: 'dynaplasia', what: 'weight', bits: 4, known: [8], activationBits: 8 }],
  );
  assert.is(loadHardware(content).mvmCycles, 73);
});

test('the hash is of content and precision, not of layout', () => {
  const { hash } = loadHardware(pathOf('dynaplasia'));
  const reversed = Object.fromEntries(Object.entries(contentOf('dynaplasia')).reverse());
  assert.is(loadHardware({ ...reversed, $schema: 'elsewhere.json' }).hash, hash);
  assert.is.not(loadHardware(pathOf('dynaplasia'), { weightBits: 4 }).hash, hash);
  assert.is.not(loadHardware(contentWith('dynaplasia', 'compute.rows.value', 287)).hash, hash);
  assert.match(hash, /^[0-9a-f]{16}$/);
});

const RATES = ['memory.read', 'memory.write', 'buffer.bankRate', 'external.rate', 'vector.rate'];

test('raising any rate never raises a derived cycle count nor lowers a derived rate', () => {
  const files = CHIPS.map((chip) => readHardwareFile(pathOf(chip)));
  fc.assert(
    fc.property(
      fc.constantFrom(...files),
      fc.constantFrom(...RATES),
      fc.double({ min: 0.01, max: 1_000, noNaN: true }),
      fc.double({ min: 1, max: 100, noNaN: true }),
      fc.integer({ min: 0, max: 1_000_000 }),
      (file, path, rate, factor, bytes) => {
        const slow = timesOf(loadHardware(withOverrides(file, { [path]: rate })), bytes);
        const fast = timesOf(loadHardware(withOverrides(file, { [path]: rate * factor })), bytes);
        for (const [index, cycles] of fast.entries()) assert.ok(cycles <= (slow[index] ?? 0));
      },
    ),
    { seed: 2, numRuns: 300 },
  );
});

/** Every whole-cycle constant, and the cycles in which a volume passes each rate. */
function timesOf(hardware: Hardware, volume: number): readonly number[] {
  const { mvmCycles, writeCyclesPerRow, writeCyclesPerArray, externalLatencyCycles, switchCycles } = hardware;
  const {
    dCim,
    dMain,
    bufferBytesPerCycle,
    externalBytesPerCycle,
    memoryReadBytesPerCycle,
    memoryWriteBytesPerCycle,
    vectorElementsPerCycle,
  } = hardware;
  const rates = [
    dCim,
    dMain,
    bufferBytesPerCycle,
    externalBytesPerCycle,
    memoryReadBytesPerCycle,
    memoryWriteBytesPerCycle,
    vectorElementsPerCycle.softmax,
  ];
  return [
    mvmCycles,
    writeCyclesPerRow,
    writeCyclesPerArray,
    externalLatencyCycles,
    switchCycles.memoryToCompute,
    switchCycles.computeToMemory,
    ...rates.map((rate) => cyclesAt(volume, rate)),
  ];
}

test('a faster clock never shortens, in cycles, what takes a time', () => {
  const file = readHardwareFile(pathOf('dynaplasia'));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 0, max: 5_000 }), (clock, more) => {
      const mvmAt = (megahertz: number) => loadHardware(withOverrides(file, { clock: megahertz })).mvmCycles;
      const cycles = mvmAt(clock);
      assert.is(cycles, Math.ceil((363 * clock) / 1_000));
      assert.ok(mvmAt(clock + more) >= cycles);
    }),
    { seed: 3, numRuns: 200 },
  );
});

test('whatever a file may say, derived cycles and bytes are exact whole numbers', () => {
  const content = contentOf('dynaplasia');
  const extreme = loadHardware({
    ...content,
    clock: { value: 100, unit: 'GHz', mark: 'D', source: 'test' },
    compute: {
      ...(content.compute as object),
      rows: { value: 65_536, unit: 'row', mark: 'D', source: 'test' },
      weights: { 8: { ...quantities({ perRow: [65_536, 'weight'], storedBits: [64, 'bit'], writeRow: [1e6, 'us'] }) } },
      activations: { 8: { ...quantities({ mvm: [1e9, 'ns'] }) } },
      macEnergy: quantities({ '8x8': [0, 'fJ/MAC'] }),
    },
    buffer: quantities({
      banks: [1_000_000, 'bank'],
      bankBytes: [2 ** 32, 'B'],
      bankRate: [1e-5, 'B/cycle'],
      readEnergy: [0, 'pJ/B'],
      writeEnergy: [0, 'pJ/B'],
    }),
  });
  for (const value of [extreme.writeCyclesPerArray, extreme.mvmCycles, extreme.bufferBytes])
    assert.ok(Number.isSafeInteger(value), String(value));
});

function quantities(entries: Record<string, readonly [value: number, unit: string]>) {
  return Object.fromEntries(Object.entries(entries).map(([name, [value, unit]]) => [name, { value, unit, mark: 'D', source: 'test' }]));
}

test('the shipped files have no problems', () => {
  for (const chip of CHIPS) assert.equal(linesOf(problemsOf(() => loadHardware(pathOf(chip)))), []);
});

test.run();
