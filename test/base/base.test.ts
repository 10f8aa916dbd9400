// Units, shapes and problems: what everything else counts with.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError, describe, fail, failOn, internal, type Problem } from '../../lib/base/problem.ts';
import { elementwiseWindow, positionsNeeded, positionsReleased, type Window, wholeWindow } from '../../lib/base/shapes.ts';
import { bytesOf, ceilDiv, cyclesAt } from '../../lib/base/units.ts';
import { problemsOf } from '../support/problems.ts';

test('bytes are rounded up once for the whole volume, not for every element', () => {
  assert.equal([bytesOf(3, 4), bytesOf(2, 4), bytesOf(1, 1), bytesOf(9, 9), bytesOf(0, 8)], [2, 1, 1, 11, 0]);
});

test('cycles are whole and rounded up, and division noise is no work', () => {
  assert.equal([cyclesAt(10, 4), cyclesAt(8, 4), cyclesAt(0, 4), cyclesAt(1, 1000)], [3, 2, 0, 1]);
  // 0.3 / 0.1 is 2.9999999999999996 and 0.6 / 0.2 is 2.9999999999999996; 0.7 / 0.1 is 6.999999999999999.
  assert.equal([cyclesAt(0.3, 0.1), cyclesAt(0.1 * 3, 0.1), cyclesAt(1.1 * 3, 1.1)], [3, 3, 3]);
});

test('a higher rate never takes more cycles', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 1e6 }),
      fc.double({ min: 0.1, max: 100, noNaN: true }),
      fc.double({ min: 0, max: 100, noNaN: true }),
      (bytes, rate, more) => {
        assert.ok(cyclesAt(bytes, rate + more) <= cyclesAt(bytes, rate));
        assert.ok(cyclesAt(bytes, rate) * rate >= bytes - 1e-6);
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

test('division rounded up covers the whole', () => {
  assert.equal([ceilDiv(0, 3), ceilDiv(1, 3), ceilDiv(3, 3), ceilDiv(4, 3)], [0, 1, 1, 2]);
});

test('an elementwise window needs and releases position by position', () => {
  const window = elementwiseWindow(5);
  assert.equal(
    [0, 1, 2, 5].map((count) => positionsNeeded(window, count)),
    [0, 1, 2, 5],
  );
  assert.equal(
    [0, 1, 2, 5].map((count) => positionsReleased(window, count)),
    [0, 1, 2, 5],
  );
});

test('a whole-input window needs all of a sample for its first output and releases it after the last', () => {
  const window = wholeWindow(2, 12, 4);
  assert.equal(
    [0, 1, 2, 3, 4].map((count) => positionsNeeded(window, count)),
    [0, 6, 6, 12, 12],
  );
  assert.equal(
    [0, 1, 2, 3, 4].map((count) => positionsReleased(window, count)),
    [0, 0, 6, 6, 12],
  );
});

test('a 3 x 3 convolution with padding needs one row ahead and keeps one row behind', () => {
  const window: Window = { samples: 1, rowsOut: 4, widthOut: 4, rowsIn: 4, widthIn: 4, stride: 1, reach: 2, lead: 1 };
  // Output row 0 needs input rows 0 and 1; the last row needs no more than there are.
  assert.equal(
    [1, 4, 5, 12, 13].map((count) => positionsNeeded(window, count)),
    [8, 8, 12, 16, 16],
  );
  // With output rows 0 and 1 done, row 2 still reads input row 1.
  assert.equal(
    [4, 8, 12, 16].map((count) => positionsReleased(window, count)),
    [0, 4, 8, 16],
  );
});

test('a strided window jumps: a 2 x 2 pool needs two rows an output row and releases both', () => {
  const window: Window = { samples: 2, rowsOut: 2, widthOut: 2, rowsIn: 5, widthIn: 5, stride: 2, reach: 2, lead: 0 };
  assert.equal(
    [1, 3, 4, 5].map((count) => positionsNeeded(window, count)),
    [10, 20, 20, 35],
  );
  // The fifth row, which no output reads, is released with its sample.
  assert.equal(
    [2, 3, 4, 6].map((count) => positionsReleased(window, count)),
    [10, 10, 25, 35],
  );
});

const USAGE: Problem = { kind: 'usage', message: 'unknown flag --x', next: 'Use --help' };

test('one error carries all problems, in order', () => {
  const problems = [USAGE, { kind: 'graph', where: 'tensor a', reason: 'is made twice' } as const];
  assert.equal(
    problemsOf(() => failOn(problems)),
    problems,
  );
  assert.equal(
    problemsOf(() => fail(USAGE)),
    [USAGE],
  );
  failOn([]);
});

test('the message has a line a problem, and counts those it leaves out', () => {
  assert.is(new CompileError([USAGE]).message, 'unknown flag --x. Use --help');
  const lines = new CompileError(Array.from({ length: 40 }, () => USAGE)).message.split('\n');
  assert.is(lines.length, 13);
  assert.match(lines[12]!, '28 more');
});

test('a message says what, where, the numbers and what to do', () => {
  const text = describe({
    kind: 'does-not-fit',
    operator: 'conv7',
    arraysNeeded: 130,
    arrays: 96,
    hardware: 'dynaplasia',
    reason: 'one copy',
  });
  for (const part of ['conv7', '130', '96', 'dynaplasia', 'one copy', 'Choose']) assert.match(text, part);
});

test("a program's problem names its rule", () => {
  assert.match(describe({ kind: 'program', rule: 'cyclic-wait', where: 'Segment 2', reason: 'waits', next: 'Enlarge it.' }), 'cyclic-wait');
});

test('a broken invariant is marked as ours', () => {
  assert.is(internal('no entry 3').message, 'internal: no entry 3');
  assert.not.instance(internal('x'), CompileError);
});

test.run();
