import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parameterRanges } from '../../lib/hardware/leaves.ts';
import { printHardware } from '../../lib/hardware/print.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { CHIPS, contentOf, type JsonObject, pathOf } from './chips.ts';

const test = suite('hardware: print');

test('a chip prints its constants with formulas and its unknowns with ranges', () => {
  const text = printHardware(loadHardware(pathOf('dynaplasia')));
  assert.match(text, /^dynaplasia: DynaPlasia as measured/);
  assert.match(text, /opCim +126\.25 +MAC\/cycle +288 rows \* 32 weights \/ 73 cycles = 126\.25/);
  assert.match(text, /clock +200 +165 \.\. 265 +MHz +\[U\] +Not printed/);
  assert.match(text, /multicastWeights +true +true or false +\[U\]/);
  assert.match(text, /^bufferBytes +81,920 +B /m);
});

test('every uncertain number is printed, and no line is padded or broken', () => {
  for (const chip of CHIPS) {
    const hardware = loadHardware(pathOf(chip));
    const lines = printHardware(hardware).split('\n');
    for (const { path } of parameterRanges(hardware.file))
      assert.ok(
        lines.some((line) => line.startsWith(`${path} `)),
        path,
      );
    for (const line of lines) assert.ok(line === line.trimEnd() && !/undefined|NaN|\[object/.test(line), line);
  }
});

test('a chip without uncertain numbers says so', () => {
  const certain = JSON.parse(JSON.stringify(contentOf('dynaplasia')), (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('mark' in value)) return value;
    const { range: _range, ...rest } = value as JsonObject;
    return { ...rest, mark: 'D' };
  }) as object;
  assert.match(printHardware(loadHardware(certain)), 'Nothing in this file is marked as uncertain.');
});

test.run();
