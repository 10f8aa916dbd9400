// The rules behind the ledger's verdicts, on numbers chosen by hand; and the small parts that carry its numbers.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromCsv, toCsv } from '../../bench/reproduce/csv.ts';
import { parameters, settingOf } from '../../bench/reproduce/parameters.ts';
import { keyOf, type Point, pointOf } from '../../bench/reproduce/point.ts';
import { isNear, verdictOf } from '../../bench/reproduce/verdict.ts';
import { decode } from '../../bench/reproduce/workloads.ts';

const test = suite('reproduction: rules');

test('a speedup is near another by its gain, not by the whole ratio', () => {
  assert.ok(isNear(1.4, 1.5, 'speedup'));
  assert.not(isNear(1.3, 1.5, 'speedup'));
  assert.ok(isNear(1.02, 1, 'speedup'));
  assert.not(isNear(1.05, 1, 'speedup'));
  assert.ok(isNear(0.84, 0.8, 'share'));
  assert.not(isNear(0.9, 0.8, 'share'));
  assert.ok(isNear(0.12, 0.1, 'share'));
  assert.not(isNear(0.2, 0.1, 'share'));
  assert.ok(isNear(0.02, 0, 'share'));
  assert.ok(isNear(82, 66, 'factor'));
  assert.not(isNear(83, 66, 'factor'));
});

test('a range is reproduced by its ends and its mean, and followed by a gain without losses', () => {
  const published = { kind: 'range', least: 1.02, greatest: 1.25, mean: 1.17 } as const;
  assert.is(verdictOf(published, [1.03, 1.2, 1.25], 'speedup'), 'reproduced');
  assert.is(verdictOf(published, [1.03, 1.03, 1.25], 'speedup'), 'same trend');
  assert.is(verdictOf(published, [1.5, 2, 2.4], 'speedup'), 'same trend');
  assert.is(verdictOf(published, [0.9, 2, 2.4], 'speedup'), 'not reproduced');
  assert.is(verdictOf(published, [1, 1, 1], 'speedup'), 'not reproduced');
  assert.is(verdictOf({ kind: 'range', least: 1, greatest: 1 }, [1, 1.01], 'speedup'), 'reproduced');
  assert.is(verdictOf({ kind: 'range', least: 1, greatest: 1 }, [1.2, 1.3], 'speedup'), 'not reproduced');
});

test('a series has to move the same way', () => {
  const published = { kind: 'series', values: [1.5, 1.23] } as const;
  assert.is(verdictOf(published, [1.45, 1.4, 1.25], 'speedup'), 'reproduced');
  assert.is(verdictOf(published, [2.2, 2.1, 2], 'speedup'), 'same trend');
  assert.is(verdictOf(published, [1.45, 1.4, 1.5], 'speedup'), 'not reproduced');
  assert.is(verdictOf(published, [1, 1, 0.99], 'speedup'), 'not reproduced');
});

test('values, spreads and statements', () => {
  assert.is(verdictOf({ kind: 'value', value: 1.48 }, [1.5], 'speedup'), 'reproduced');
  assert.is(verdictOf({ kind: 'value', value: 1.48 }, [1.005], 'speedup'), 'not reproduced');
  assert.is(verdictOf({ kind: 'value', value: 0.1 }, [0.2], 'share'), 'same trend');
  assert.is(verdictOf({ kind: 'value', value: 0.8 }, [0.9], 'share'), 'same trend');
  assert.is(verdictOf({ kind: 'value', value: 0.8 }, [1], 'share'), 'not reproduced');
  assert.is(verdictOf({ kind: 'value', value: 0 }, [0.1], 'share'), 'not reproduced');
  assert.is(verdictOf({ kind: 'spread', under: 150, over: 1000 }, [60, 1100], 'factor'), 'reproduced');
  assert.is(verdictOf({ kind: 'spread', under: 150, over: 1000 }, [60, 400], 'factor'), 'same trend');
  assert.is(verdictOf({ kind: 'spread', under: 150, over: 1000 }, [60, 100], 'factor'), 'not reproduced');
  assert.is(verdictOf({ kind: 'holds' }, 'partly', 'share'), 'same trend');
  assert.is(verdictOf({ kind: 'value', value: 2 }, [Number.NaN], 'factor'), 'not reproduced');
});

test('CSV gives back what it was given, commas, quotes and gaps included', () => {
  const rows = [
    { key: 'a|b=1 c=2|x', value: 0.123456789, note: 'one, two; "three"' },
    { key: 'd', value: 1e-7 },
    { key: '0.5|e', value: -3, note: 'x' },
  ];
  assert.equal(fromCsv(toCsv(rows)), rows);
});

test('a key says everything of a point', () => {
  const point: Point = {
    model: 'opt-6.7b',
    bind: { batch: 8, past: 64, sequence: 1 },
    chip: 'dynaplasia-paper',
    set: { 'external.rate': 4 },
    optimizer: 'static:0.5',
    mostArrays: 12,
    simulate: true,
  };
  assert.equal(pointOf(keyOf(point), true), point);
});

test('each of the six parameters has one nominal value, which changes nothing, and others that do', () => {
  const all = parameters();
  assert.equal(
    all.map(({ id }) => id),
    ['external', 'internal', 'd-cim', 'write', 'op-cim', 'split'],
  );
  for (const { values } of all) {
    assert.is(values.filter(({ isNominal }) => isNominal).length, 1);
    for (const value of values) {
      const { set, mostArrays } = settingOf(value);
      assert.is(Object.keys(set).length === 0 && mostArrays === undefined, value.isNominal);
    }
  }
});

test('a generation counts every token once, and its contexts in the middle', () => {
  for (const [prompt, generate] of [
    [64, 64],
    [128, 32],
    [100, 1],
    [32, 2048],
  ] as const) {
    const { passes } = decode('llama2-7b', 1, prompt, generate);
    const times = passes.reduce((sum, pass) => sum + pass.times, 0);
    const contexts = passes.reduce((sum, { bind, times: each }) => sum + each * (bind.past ?? 0), 0);
    assert.ok(Math.abs(times - generate) < 1e-9 * generate);
    assert.ok(Math.abs(contexts / times - (prompt + (generate - 1) / 2)) < 1e-6);
    assert.ok(passes.every(({ bind }) => Number.isInteger(Math.log2(bind.past ?? 0))));
  }
});

test.run();
