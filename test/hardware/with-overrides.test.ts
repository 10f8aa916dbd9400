import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parameterRanges } from '../../lib/hardware/leaves.ts';
import { loadHardware, readHardwareFile } from '../../lib/hardware/read.ts';
import { type Overrides, withOverrides } from '../../lib/hardware/with-overrides.ts';
import { CHIPS, linesOf, pathOf, problemsOf } from './chips.ts';

const test = suite('hardware: overrides and ranges');
const chip = readHardwareFile(pathOf('dynaplasia'));
const literal = readHardwareFile(pathOf('dynaplasia-paper'));

function linesFor(overrides: Overrides): readonly string[] {
  return linesOf(problemsOf(() => withOverrides(chip, overrides)));
}

test('an override replaces a number and nothing else, and the file given stays as it is', () => {
  const changed = withOverrides(chip, { 'arrays.count': 48, 'external.multicastWeights': false });
  assert.equal([changed.arrays.count.value, changed.external.multicastWeights.value], [48, false]);
  assert.equal({ ...changed, arrays: chip.arrays, external: chip.external }, chip);
  assert.equal([chip.arrays.count.value, chip.external.multicastWeights.value], [96, true]);
});

test('an overridden chip is another chip: its hash differs', () => {
  assert.is.not(loadHardware(withOverrides(chip, { 'arrays.count': 48 })).hash, loadHardware(chip).hash);
});

test('an override is an assumption: its mark is U and its range reaches from the old value to the new', () => {
  const { count } = withOverrides(chip, { 'arrays.count': 48 }).arrays;
  assert.equal([count.mark, count.range], ['U', [48, 96]]);
  assert.match(count.source, 'set by hand; the file says 96 arrays [P]: JSSC 2024');
  const { rate } = withOverrides(withOverrides(chip, { 'external.rate': 128 }), { 'external.rate': 2 }).external;
  assert.equal([rate.value, rate.range, rate.source.split('set by hand').length], [2, [2, 128], 2]);
});

test("the literal file's other readings are overrides of one or two numbers", () => {
  const opCim = (overrides: Overrides) => loadHardware(withOverrides(literal, overrides)).opCim;
  assert.is(opCim({ 'compute.activations.8.mvm': 1 }), 12_800);
  assert.is(opCim({ 'compute.activations.8.mvm': 1, 'compute.weights.8.perRow': 320 }), 102_400);
});

test('more arrays than places get more lines, unless the grid is given too', () => {
  assert.equal(withOverrides(chip, { 'arrays.count': 100 }).arrays.grid, { x: 8, y: 13 });
  assert.equal(withOverrides(chip, { 'arrays.count': 100, 'arrays.grid.x': 10 }).arrays.grid, { x: 10, y: 12 });
  assert.equal(linesFor({ 'arrays.count': 100, 'arrays.grid.x': 4 }), [
    'override of dynaplasia: $.arrays.grid: 4 x 12 = 48 places -> at least one for each of the 100 arrays',
  ]);
});

test('all wrong overrides are reported at once: paths, kinds and values', () => {
  assert.equal(
    linesFor({
      'arrays.cuont': 48,
      'compute.rows': true,
      'external.multicastWeights': 1,
      'memory.read': -4,
      'arrays.count': 2.5,
      __proto__x: 1,
    }),
    [
      "override of dynaplasia: arrays.cuont: an unknown parameter -> 'arrays.count'",
      'override of dynaplasia: compute.rows: true -> a number',
      'override of dynaplasia: external.multicastWeights: 1 -> true or false',
      `override of dynaplasia: __proto__x: an unknown parameter -> one of ${pathsOf()}`,
      'override of dynaplasia: $.arrays.count.value: 2.5 -> a positive whole number, 1 to 1,000,000 array',
      'override of dynaplasia: $.memory.read.value: -4 -> a positive number, 0.00001 to 1,000,000 B/cycle',
    ],
  );
});

function pathsOf(): string {
  const [line = ''] = linesFor({ '': 1 });
  return line.replace(/^.*one of /, '');
}

test('a path that ends too early is told what lies below it', () => {
  assert.equal(linesFor({ 'compute.weights.8': 3 }), [
    'override of dynaplasia: compute.weights.8: an unknown parameter -> one of compute.weights.8.perRow, compute.weights.8.storedBits, compute.weights.8.writeRow',
  ]);
});

test('not a number is no override', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(linesFor({ clock: value }), [
      `override of dynaplasia: $.clock.value: ${value} -> a positive number, 0.001 to 100,000 MHz`,
    ]);
  }
});

test('every path that parameterRanges gives can be overridden with both ends of its range', () => {
  for (const file of [chip, literal]) {
    for (const { path, least, greatest } of parameterRanges(file)) {
      for (const value of [least, greatest]) loadHardware(withOverrides(file, { [path]: value }));
    }
  }
});

test('every unknown of both files has a range, and every range holds its value', () => {
  for (const name of CHIPS) {
    const ranges = parameterRanges(readHardwareFile(pathOf(name)));
    assert.ok(ranges.length > 10);
    for (const { path, value, least, greatest, source } of ranges)
      assert.ok(least <= value && value <= greatest && source.length > 10, path);
  }
  assert.equal(
    parameterRanges(chip).find((range) => range.path === 'external.rate'),
    {
      path: 'external.rate',
      value: 32,
      unit: 'B/cycle',
      least: 4,
      greatest: 64,
      mark: 'U',
      source: chip.external.rate.source,
    },
  );
});

test.run();
