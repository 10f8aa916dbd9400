import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  counted,
  formatBytes,
  formatCycles,
  formatNumber,
  formatPercent,
  formatSi,
  printable,
  shortened,
  textTable,
} from '../../lib/base/text.ts';

const test = suite('text');

test('whole numbers are printed in full, with thousands separators', () => {
  assert.equal(
    [0, 7, 999, 1000, -1234567, 15470264320].map((value) => formatNumber(value)),
    ['0', '7', '999', '1,000', '-1,234,567', '15,470,264,320'],
  );
});

test('other numbers keep four significant digits and never lose their whole part', () => {
  assert.equal(
    [0.5, 1.6875, 51.5625, 1234.567, 0.0123456, 12345678.9].map((value) => formatNumber(value)),
    ['0.5', '1.688', '51.56', '1,235', '0.01235', '12,345,679'],
  );
  assert.equal(
    [Number.NaN, Infinity, -Infinity].map((value) => formatNumber(value)),
    ['n/a', '∞', '-∞'],
  );
});

test('SI prefixes change at a thousand, after rounding', () => {
  assert.equal(
    [999, 999.6, 1000, 15.47e9, 0].map((value) => formatSi(value)),
    ['999', '1 k', '1 k', '15.5 G', '0'],
  );
  assert.equal(
    [2e-3, 3.14159e-6, 1e-12].map((value) => formatSi(value, 's')),
    ['2 ms', '3.14 µs', '1 ps'],
  );
});

test('a kilobyte is 1,024 bytes', () => {
  assert.equal([0, 1023, 1024, 12800, 138357544].map(formatBytes), ['0 B', '1,023 B', '1 KB', '12.5 KB', '132 MB']);
});

test('cycles are given as time where the clock is known', () => {
  assert.is(formatCycles(1), '1 cycle');
  assert.is(formatCycles(1234567, 200e6), '1,234,567 cycles (6.17 ms)');
});

test('a share that is not zero is not printed as zero', () => {
  assert.equal([0, 1e-6, 0.208, 1, Number.NaN].map(formatPercent), ['0 %', '<0.1 %', '20.8 %', '100 %', 'n/a']);
});

test('control characters of a name are shown, not obeyed', () => {
  assert.is(printable('a\u001b[31mb\nc\u202ed'), 'a\\u{1b}[31mb\\u{a}c\\u{202e}d');
});

test('counted words have a plural, long texts an ellipsis', () => {
  assert.equal(
    [counted(1, 'array'), counted(1234, 'array'), shortened('abcdef', 4), shortened('abc', 4)],
    ['1 array', '1,234 arrays', 'abc…', 'abc'],
  );
});

test('a text table is aligned: words left, numbers right', () => {
  const text = textTable(
    ['operator', { title: 'MACs', align: 'right' }, 'intensity', 'dynamic'],
    [
      ['conv1', 86704128, 51.5625, false],
      ['a long name', 1849688064, 572.7, undefined],
      ['畳み込み', 7, null, true],
    ],
  );
  assert.is(
    text,
    [
      'operator              MACs  intensity  dynamic',
      '-----------  -------------  ---------  -------',
      'conv1           86,704,128      51.56  false',
      'a long name  1,849,688,064      572.7',
      '畳み込み                 7             true',
    ].join('\n'),
  );
});

test('a table without rows is its titles', () => {
  assert.is(textTable(['a', 'b'], []), 'a  b\n-  -');
});

test.run();
