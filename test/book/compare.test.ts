import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compareOutputs } from '../../lib/book/compare.ts';
import { type Output, parseNotebook } from '../../lib/book/notebook.ts';
import { provenance } from '../../lib/book/provenance.ts';
import { code, notebookText, printed, result, type TestCell, text } from './notebooks.ts';

const test = suite('comparing a notebook with its execution');

const PLOTLY = 'application/vnd.plotly.v1+json';
const figure = (y: number, template = 'a') => ({
  [PLOTLY]: { data: [{ type: 'bar', y: [1, y] }], layout: { template, height: 300 } },
  'image/png': template,
});

function outputsOf(cell: TestCell): readonly Output[] {
  const [parsed] = parseNotebook(notebookText(cell), 'now.ipynb').cells;
  return parsed?.kind === 'code' ? parsed.outputs : [];
}

/** What differs when `was` is recorded and `now` is shown. */
function differences(was: TestCell, now: TestCell): readonly string[] {
  const { differences: found } = compareOutputs(parseNotebook(notebookText(text('#'), was), 'was.ipynb'), [outputsOf(now)]);
  return found.map(({ cell, what, was: before, now: after }) => `${cell}: ${what}: ${before} | ${after}`);
}

test('the same is the same, however its streams were cut', () => {
  assert.equal(differences(code('', printed('a\nb\n')), code('', printed('a\n'), printed('b\n'))), []);
  assert.equal(differences(code('', result(figure(2))), code('', result(figure(2)))), []);
});

test('a number that moved by its last digit is found, with its place', () => {
  assert.equal(differences(code('', printed('a\n12,345 cycles\n')), code('', printed('a\n12,346 cycles\n'))), [
    '2: line 2 of the printed text: 12,345 cycles | 12,346 cycles',
  ]);
  assert.equal(differences(code('', result({ 'text/plain': '0.1' })), code('', result({ 'text/plain': '0.10000000000000002' }))), [
    '2: line 1 of the text: 0.1 | 0.10000000000000002',
  ]);
  assert.equal(differences(code('', result(figure(2))), code('', result(figure(2.0000000001)))), [
    '2: data[0].y[1] of the figure: 2 | 2.0000000001',
  ]);
});

test('the look of a figure and its static picture are no results', () => {
  assert.equal(differences(code('', result(figure(2, 'light'))), code('', result(figure(2, 'dark')))), []);
});

test('cells that read a clock may show other numbers, but no other words', () => {
  const timed = 'const t = performance.now(); console.log(t)';
  assert.equal(differences(code(timed, printed('took 9.5 ms\n')), code(timed, printed('took  123 ms\n'))), []);
  assert.is(differences(code(timed, printed('took 9.5 ms\n')), code(timed, printed('failed 123\n'))).length, 1);
  assert.is(differences(code('latency', printed('9.5 ms\n')), code('latency', printed('9.6 ms\n'))).length, 1);
  assert.equal(differences({ ...code('f()', printed('9 s\n')), metadata: { tags: ['timing'] } }, code('f()', printed('8 s\n'))), []);
});

test('missing, added and failing outputs are found', () => {
  assert.equal(differences(code('', printed('a\n')), code('')), ['2: line 1 of the printed text: a | ']);
  assert.equal(differences(code(''), code('', result({ 'text/plain': '1' }))), ['2: the number of outputs: 0 | 1']);
  const failing = code('', { output_type: 'error', ename: 'Error', evalue: 'no', traceback: [] });
  assert.equal(differences(code('', result({ 'text/plain': '1' })), failing), ['2: the outcome: a value | Error: no']);
});

test('provenance: another chip is a difference, another version of a tool a note', () => {
  const made = provenance({ seed: 1 });
  const older = {
    lines: [
      { kind: 'version', name: 'cimbook', value: '0.0.1' },
      ...made.lines.slice(1, -1),
      { kind: 'setting', name: 'seed', value: '2' },
    ],
  };
  const was = Object.assign(Object.create(Object.getPrototypeOf(made)), older) as typeof made;
  const recorded = code('', result({ 'text/plain': was.toText() }));
  assert.equal(differences(recorded, code('', result({ 'text/plain': made.toText() }))), ['2: provenance: setting seed: 2 | 1']);
  const { notes } = compareOutputs(parseNotebook(notebookText(recorded), 'a.ipynb'), [
    outputsOf(code('', result({ 'text/plain': made.toText() }))),
  ]);
  assert.is(notes.length, 1);
  assert.match(notes[0]!, /^made with cimbook 0\.0\.1, checked with \d/);
});

test('what is no notebook is refused in words', () => {
  const refused = (content: string): string => {
    try {
      parseNotebook(content, 'x.ipynb');
    } catch (error) {
      return (error as Error).message;
    }
    return 'accepted';
  };
  assert.match(refused('{'), /^x\.ipynb: is not a notebook: it is no JSON\. Give a Jupyter notebook/);
  assert.match(refused('[]'), /is not a notebook/);
  assert.match(refused('{"nbformat": 3}'), /is of nbformat 3, not 4/);
  assert.match(refused('{"nbformat": 4}'), /has no cells/);
  assert.match(refused('{"nbformat": 4, "cells": [7]}'), /has a cell 1 that is none/);
});

test.run();
