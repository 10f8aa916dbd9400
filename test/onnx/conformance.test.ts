// ONNX's own node tests, as many as fit into a small record. `npm run conformance` judges them all and writes the record.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CONSTANTS, judge, type NodeTest } from './conformance.ts';
import { type RecordLine, recordedTest, recordLine } from './conformance-record.ts';
import { impossible } from './impossible.ts';

const test = suite("onnx: ONNX's node tests");

const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
const lines = JSON.parse(read('node-tests.json')) as readonly RecordLine[];
const named = (name: string): NodeTest => recordedTest(lines.find((line) => line.name === name) ?? impossible(name));

test('each recorded test gives the types and shapes ONNX recorded, with no more constants than before', () => {
  for (const line of lines) {
    const verdict = judge(recordedTest(line));
    assert.is(verdict.kind, 'passed', `${line.name}: ${'reason' in verdict ? verdict.reason : ''}`);
    if (verdict.kind !== 'passed') continue;
    assert.ok(
      CONSTANTS.indexOf(verdict.constants) <= CONSTANTS.indexOf(line.constants ?? 'none'),
      `${line.name} needs ${verdict.constants}`,
    );
  }
});

test('the record has most operators of ONNX, once for each set of attributes and sizes', () => {
  assert.ok(lines.length > 900);
  const operators = new Set(lines.map(({ op, domain = '' }) => `${domain} ${op}`));
  assert.ok(operators.size > 170, `${operators.size} operators`);
  assert.is(new Set(lines.map(({ name }) => name)).size, lines.length);
});

test('a wrong shape, a wrong type and a missing output are told', () => {
  const good = named('test_matmul_2d');
  assert.equal(judge(good), { kind: 'passed', constants: 'none' });
  const [output = impossible()] = good.outputs;
  const told = (change: Partial<typeof output>): string => {
    const verdict = judge({ ...good, outputs: [{ ...output, ...change }] });
    return verdict.kind === 'wrong' ? verdict.reason : verdict.kind;
  };
  assert.match(told({ shape: [3, 4] }), /has shape \[3,3\], recorded is \[3,4\]/);
  assert.match(told({ type: 11 }), /is of float32, recorded is float64/);
  assert.match(told({ name: 'nothing' }), /has shape \[undefined\]/);
});

test('inputs become constants only where a shape depends on their values', () => {
  assert.equal(judge(named('test_relu')), { kind: 'passed', constants: 'none' });
  assert.equal(judge(named('test_reshape_reordered_all_dims')), { kind: 'passed', constants: 'integers' });
});

test('a test reads back from its line as it was', () => {
  for (const line of lines) assert.equal(recordLine(recordedTest(line), line.constants ?? 'none'), line);
});

test('the published figure is at least 95 %', () => {
  const [, passed = '', counted = ''] = /\*\*(\d+) of (\d+) node tests/.exec(read('../../docs/conformance.md')) ?? [];
  assert.ok(Number(passed) / Number(counted) >= 0.95);
  assert.ok(Number(passed) >= lines.length);
});

test.run();
