import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DISPLAY } from '../../lib/report/figure.ts';
import { operatorFrame, operatorRows } from '../../lib/report/operators.ts';
import { isDataFrame, renderDataFrame, table } from '../../lib/report/table.ts';
import { graph, HOSTILE } from './nouns.ts';

const test = suite('tables');

const ROWS = [
  { name: 'conv1', cycles: 1234567, share: 0.5 },
  { name: HOSTILE, cycles: 7, share: null },
];

test('numbers stand on the right with thousands separators, words on the left, units in the titles', () => {
  const html = table(ROWS, { units: { cycles: 'cycles of the chip' } }).toHTML();
  assert.match(html, /<th align="right" style="text-align: right;[^"]*">cycles \(cycles of the chip\)<\/th>/);
  assert.match(html, /<td align="right" style="text-align: right;[^"]*">1,234,567<\/td>/);
  assert.match(html, /<td align="left" style="text-align: left;[^"]*">conv1<\/td>/);
});

test('hostile names, titles and columns are text', () => {
  const html = table([{ [HOSTILE]: HOSTILE }], { title: HOSTILE, units: { [HOSTILE]: HOSTILE } }).toHTML();
  assert.not.match(html, /<script|<img|<b>/);
  assert.is(html.match(/&lt;script&gt;/g)?.length, 4);
});

test('the text of a table is aligned and has its title', () => {
  assert.is(
    table(ROWS.slice(0, 1), { title: 'Operators' }).toText(),
    ['Operators', '', 'name      cycles  share', '-----  ---------  -----', 'conv1  1,234,567    0.5'].join('\n'),
  );
});

test('a long table shows its beginning and counts the rest', () => {
  const rows = Array.from({ length: 1500 }, (_, i) => ({ i }));
  const long = table(rows, { mostRows: 10 });
  assert.is(long.toHTML().match(/<tr>/g)?.length, 11);
  assert.match(long.toHTML(), /and 1,490 more rows/);
  assert.match(long.toText(), /and 1,490 more rows$/);
});

test('a table is shown as HTML and text', () => {
  assert.equal(Object.keys(table(ROWS)[DISPLAY]()), ['text/html', 'text/plain']);
});

test('a table becomes a danfojs DataFrame, and back', async () => {
  const frame = await table(ROWS).toDataFrame();
  assert.ok(isDataFrame(frame));
  assert.equal(frame.columns, ['name', 'cycles', 'share']);
  assert.equal(frame.shape, [2, 3]);
  const { 'text/html': html, 'text/plain': text } = renderDataFrame(frame, 'Frame');
  assert.match(String(html), /1,234,567/);
  assert.not.match(String(html), /<script/);
  assert.match(String(text), /^Frame\n\n +name/);
});

test('a Series is shown as a column', async () => {
  const frame = await table([{ a: 1 }, { a: 2 }]).toDataFrame();
  assert.match(String(renderDataFrame(frame.column('a') as never)['text/plain']), /0 {2}1\n1 {2}2$/);
});

test('other values are not taken for DataFrames', () => {
  for (const value of [null, undefined, 1, 'x', [], {}, { columns: [], index: [], values: [] }, graph()])
    assert.is(isDataFrame(value), false);
});

test('the operator table has the columns promised, and a row a matrix operator', async () => {
  const frame = await operatorFrame(graph());
  assert.equal(frame.columns, ['id', 'kind', 'm', 'n', 'k', 'groups', 'MACs', 'weight KB', 'inputReuse', 'flopsPerMop']);
  assert.equal(frame.values[0], ['conv1', 'conv', 64, 27, 16, 1, 27648, 432 / 1024, 16, (2 * 27648) / (192 + 432 + 1024)]);
  assert.equal(frame.values[1], ['scores', 'matMul', 64, 16, 32, 1, 32768, 0, 32, (2 * 32768) / (1024 + 512 + 2048)]);
});

test('four-bit weights take half the room', () => {
  assert.is(operatorRows(graph(), 4)[0]?.['weight KB'], 216 / 1024);
});

test.run();
