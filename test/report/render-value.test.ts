import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError, type Problem } from '../../lib/base/problem.ts';
import { closeRenderer } from '../../lib/report/render.ts';
import { renderValue } from '../../lib/report/render-value.ts';
import { HOSTILE, plan } from './nouns.ts';

const test = suite('values without a display of their own');
test.after(closeRenderer);

const PROBLEM: Problem = { kind: 'file', path: HOSTILE, reason: 'there is no such file', next: 'Choose another.' };

test('a plain plotly figure is shown as plotly shows it, typed arrays included', async () => {
  const bundle = await renderValue({ data: [{ x: new Float32Array([1, 2]), y: [3, 4] }], layout: { title: { text: 'Two points' } } });
  const spec = bundle?.['application/vnd.plotly.v1+json'] as { data: { type: string; x: number[] }[] };
  assert.equal([spec.data[0]?.type, spec.data[0]?.x], ['scatter', [1, 2]]);
  assert.ok(bundle?.['image/png'] && bundle['text/html']);
  assert.is(bundle['text/plain'], 'Figure: Two points');
});

test('problems, and the error that carries them, are shown as sentences, escaped', async () => {
  for (const value of [PROBLEM, [PROBLEM], new CompileError([PROBLEM])]) {
    const bundle = await renderValue(value);
    assert.match(String(bundle?.['text/plain']), /^1 problem\n {2}- .*there is no such file\. Choose another\.$/);
    assert.not.match(String(bundle?.['text/html']), /<script|<img|<b>/);
    assert.not.match(String(bundle?.['text/plain']), /[\u001b\u202e]/);
  }
});

test('a noun keeps its summary', async () => {
  assert.match(String((await renderValue(plan()))?.['text/plain']), /^Plan of /);
});

test('what only looks like one of these is left alone', async () => {
  const values = [
    null,
    1,
    [],
    {},
    new Error('x'),
    { kind: 'file' },
    { kind: 'square', side: 1 },
    { data: [1, 2], layout: {} },
    { data: [{}] },
    { data: [{}], layout: {}, rows: 3 },
    { data: [{ x: [1n] }], layout: {} },
    new Map([['data', []]]),
  ];
  for (const value of values) assert.is(await renderValue(value), undefined);
});

test.run();
