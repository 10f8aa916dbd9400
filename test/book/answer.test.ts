import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError } from '../../lib/base/problem.ts';
import { type Answer, checkAnswer, Verdict } from '../../lib/book/answer.ts';
import { isTool, parseProvenance, provenance } from '../../lib/book/provenance.ts';
import { DISPLAY } from '../../lib/report/figure.ts';
import { chip, graph, HOSTILE, plan, trace } from '../report/nouns.ts';

const test = suite('check cells and provenance');

const words = { because: 'two high, four wide.', hint: 'count the columns.' };

test('a right answer is told why it is, a wrong one how to go on, without the answer', () => {
  assert.is(checkAnswer(8, 8, words).toText(), '\u2713 Right: two high, four wide.');
  assert.is(checkAnswer(1234.5, 8, words).toText(), '\u2717 Not yet (you wrote 1234.5): count the columns.');
  assert.is(checkAnswer(undefined, 8, words).state, 'open');
  assert.is(checkAnswer(Number.NaN, 8, words).state, 'open');
  assert.match(checkAnswer(3, 8, { ...words, hint: (n) => `${n} is too few.` }).toText(), /3 is too few\.$/);
});

test('a number may be off by the tolerance and no more; words may differ in case; lists are in order', () => {
  const state = (answer: Answer, right: Answer, tolerance?: number): string =>
    checkAnswer(answer, right, { ...words, ...(tolerance !== undefined && { tolerance }) }).state;
  assert.is(state(1.009, 1, 0.01), 'right');
  assert.is(state(1.011, 1, 0.01), 'wrong');
  assert.is(state(-1.009, -1, 0.01), 'right');
  assert.is(state(0.1 + 0.2, 0.3), 'right');
  assert.is(state(0.3001, 0.3), 'wrong');
  assert.is(state(' CMSwitch', 'cmswitch'), 'right');
  assert.is(state(false, 0), 'wrong');
  assert.is(state([2, 4], [2, 4]), 'right');
  assert.is(state([4, 2], [2, 4]), 'wrong');
  assert.is(state([2], [2, 4]), 'wrong');
});

test('what the reader wrote stays text', () => {
  const shown = checkAnswer<string>(HOSTILE, 'conv', { because: '', hint: HOSTILE })[DISPLAY]();
  assert.not.match(String(shown['text/html']), /<script|<img/);
  assert.instance(checkAnswer(1, 1, words), Verdict);
});

test('provenance names versions, hashes and settings, each hash once, and is read back from its text', () => {
  const made = provenance(graph(), chip(), plan(), trace(), { seed: 7 });
  assert.equal(
    made.lines.map(({ kind, name }) => `${kind} ${name}`),
    ['version cimbook', 'version Node.js', 'model two-convolutions', 'chip small', 'chip small', 'plan two-convolutions', 'setting seed'],
  );
  assert.equal(parseProvenance(made.toText())?.lines, made.lines);
  assert.equal(made.lines.map(isTool), [true, true, false, false, false, false, false]);
});

test('names of files can neither break the lines of a provenance nor its page', () => {
  const hostile = provenance({ ...graph(), name: `a  b\n${HOSTILE}`, hash: '' });
  assert.equal(parseProvenance(hostile.toText())?.lines, hostile.lines);
  assert.not.match(String(hostile[DISPLAY]()['text/html']), /<script|<img/);
  assert.is(parseProvenance('Provenance\nno columns'), undefined);
  assert.is(parseProvenance('Plan of vgg16'), undefined);
});

test('provenance of anything else is refused', () => {
  assert.throws(
    () => provenance('vgg16' as never),
    (error: unknown) => error instanceof CompileError && /provenance takes graphs/.test(error.message),
  );
});

test.run();
