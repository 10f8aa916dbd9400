import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describe } from '../../lib/base/problem.ts';
import { readSpec } from '../../lib/sweep/check-spec.ts';
import { genomesOf, settingsAt } from '../../lib/sweep/space.ts';
import type { Settings, SweepSpec } from '../../lib/sweep/spec.ts';
import { problemsOf } from '../support/problems.ts';
import { removeFolder, SPEC, sweepFolder } from './support.ts';

const test = suite('specification of a sweep');
const folder = sweepFolder();
test.after(() => removeFolder(folder));

const fixed = SPEC.fixed!;

function pointsOf(spec: SweepSpec): readonly Settings[] {
  const space = readSpec(spec, folder);
  return [...genomesOf(space)].map((genome) => settingsAt(space, genome));
}

function valuesOf(spec: SweepSpec, field: string): readonly unknown[] {
  return pointsOf(spec).map((settings) => settings[field]);
}

/** The messages of a spec that is refused, and the words that must be in them. */
function refuses(change: object, ...words: readonly (string | RegExp)[]): void {
  const problems = problemsOf(() => readSpec({ fixed, axes: { arrays: [32] }, ...change } as SweepSpec, folder));
  const text = problems.map(describe).join('\n');
  for (const word of words) assert.ok(typeof word === 'string' ? text.includes(word) : word.test(text), `${word} in: ${text}`);
  assert.not.match(text, /undefined|\[object/);
}

test('a grid has every combination once, the last axis fastest', () => {
  const points = pointsOf(SPEC);
  assert.is(points.length, 24);
  assert.is(new Set(points.map((settings) => JSON.stringify(settings))).size, 24);
  assert.equal(points[0], { ...fixed, optimizer: 'static:1', arrays: 32, externalRate: 4 });
  assert.equal(points[1], { ...fixed, optimizer: 'static:1', arrays: 32, externalRate: 8 });
  assert.equal(points.at(-1), { ...fixed, optimizer: 'cmswitch', arrays: 96, externalRate: 32 });
});

test('ranges: by step, by count, by equal factors, and whole numbers between', () => {
  const values = (range: object) => valuesOf({ fixed, axes: { 'power.leakage': range } } as SweepSpec, 'power.leakage');
  assert.equal(values({ from: 10, to: 35, step: 10 }), [10, 20, 30]);
  assert.equal(values({ from: 0.1, to: 0.5, step: 0.1 }), [0.1, 0.2, 0.3, 0.4, 0.5]);
  assert.equal(values({ from: 1, to: 2, count: 5 }), [1, 1.25, 1.5, 1.75, 2]);
  assert.equal(values({ from: 1, to: 1000, count: 4, scale: 'log' }), [1, 10, 100, 1000]);
  assert.equal(values({ from: 3, to: 6 }), [3, 4, 5, 6]);
  assert.equal(values({ from: 1, to: 8, count: 7, scale: 'log', whole: true }), [1, 2, 3, 4, 6, 8]);
  assert.equal(values({ from: 5, to: 5, count: 1 }), [5]);
});

test('fields that vary together are one axis', () => {
  const spec: SweepSpec = { fixed, axes: { batch: [1, 2] }, together: [{ rows: [160, 320], arrayBytes: [6400, 12800] }] };
  const points = pointsOf(spec);
  assert.equal(
    points.map(({ batch, rows, arrayBytes }) => [batch, rows, arrayBytes]),
    [
      [1, 160, 6400],
      [1, 320, 12800],
      [2, 160, 6400],
      [2, 320, 12800],
    ],
  );
});

test('a Latin hypercube has one point in each of its layers, on every axis', () => {
  const spec: SweepSpec = {
    fixed,
    axes: { 'power.leakage': { from: 0, to: 1, whole: false }, externalRate: { from: 1, to: 1024, scale: 'log' } },
    sample: { kind: 'latin-hypercube', count: 50, seed: 3 },
  };
  const layers = (values: readonly unknown[], share: (value: number) => number) =>
    values.map((value) => Math.floor(share(value as number) * 50)).sort((a, b) => a - b);
  const all = Array.from({ length: 50 }, (_, i) => i);
  assert.equal(
    layers(valuesOf(spec, 'power.leakage'), (value) => value),
    all,
  );
  assert.equal(
    layers(valuesOf(spec, 'externalRate'), (value) => Math.log2(value) / 10),
    all,
  );
});

test('samples depend on the seed and on nothing else, and stay inside their axes', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.integer({ min: 1, max: 60 }), fc.constantFrom('random', 'latin-hypercube'), (seed, count, kind) => {
      const spec = { fixed, axes: { arrays: { from: 16, to: 96 }, batch: [1, 4, 8] }, sample: { kind, count, seed } } as SweepSpec;
      const points = pointsOf(spec);
      assert.is(points.length, count);
      assert.equal(points, pointsOf(spec));
      for (const { arrays, batch } of points) {
        assert.ok(Number.isInteger(arrays) && (arrays as number) >= 16 && (arrays as number) <= 96);
        assert.ok([1, 4, 8].includes(batch as number));
      }
    }),
    { seed: 5, numRuns: 25 },
  );
  const sample = (seed: number) =>
    valuesOf({ fixed, axes: { arrays: { from: 16, to: 96 } }, sample: { kind: 'random', count: 20, seed } }, 'arrays');
  assert.not.equal(sample(1), sample(2));
});

test('any point of a sample can be told without those before it', () => {
  const sample = { kind: 'latin-hypercube', count: 30, seed: 1 } as const;
  for (const spec of [SPEC, { fixed, axes: { arrays: { from: 16, to: 96 } }, sample } as SweepSpec]) {
    const space = readSpec(spec, folder);
    const all = [...genomesOf(space)];
    assert.equal([...genomesOf(space, 7)], all.slice(7));
  }
});

test('one at a time: the base, then every other value alone; without axes the ranges of the chip', () => {
  const spec: SweepSpec = { fixed, axes: { arrays: [96, 32, 64], batch: [1, 8] }, sample: { kind: 'one-at-a-time' } };
  assert.equal(
    pointsOf(spec).map(({ arrays, batch }) => [arrays, batch]),
    [
      [96, 1],
      [32, 1],
      [64, 1],
      [96, 8],
    ],
  );
  const ranges = readSpec({ fixed, sample: { kind: 'one-at-a-time' } }, folder);
  assert.ok(ranges.axes.length > 5);
  assert.ok(ranges.axes.some(({ fields }) => fields[0] === 'external.rate'));
  assert.not.ok(ranges.axes.some(({ fields }) => fields[0]!.startsWith('compute.weights.4')));
});

test('a field nobody knows is refused with the nearest known one', () => {
  refuses({ axes: { 'arrays.cout': [32] } }, '$.axes["arrays.cout"]', "'arrays.count'");
  refuses({ axes: { optimiser: ['cmswitch'] } }, "'optimizer'");
  refuses({ fixed: { ...fixed, externlRate: 3 } }, "'externalRate'");
  refuses({ axis: {} }, "'axes'");
  refuses({ axes: { arrays: { from: 1, too: 4 } } }, "'to'");
  refuses({ objectives: ['latancy'] }, "'latency'");
  refuses({ constraints: { are: { most: 3 } } }, "'area'");
  refuses({ sample: { kind: 'latin-hypercub' } }, "'latin-hypercube'");
});

test('empty ranges and lists, and values of the wrong kind, are refused', () => {
  refuses({ axes: { arrays: { from: 96, to: 32 } } }, 'an empty range from 96 to 32');
  refuses({ axes: { arrays: [] } }, 'an empty list');
  refuses({ axes: { arrays: { from: 1, to: 9, step: 0 } } }, 'a number above zero');
  refuses({ axes: { arrays: { from: 0, to: 9, count: 3, scale: 'log' } } }, 'above zero on a logarithmic scale');
  refuses({ axes: { arrays: { from: 1, to: 9, count: 1 } } }, 'at least 2');
  refuses({ axes: { arrays: [32, 32] } }, '32 a second time');
  refuses({ axes: { batch: [1.5] } }, 'a whole number of at least 1');
  refuses({ axes: { externalRate: ['fast'] } }, '"fast"');
  refuses({ axes: { optimizer: ['cmswitch', 'cmswich'] } }, '"cmswich"', "'cmswitch'");
  refuses({ axes: { optimizer: ['static:all'] } }, '"static:all"', 'static:R');
  refuses({ fixed: { ...fixed, solver: 'simplex' } }, '"simplex"', 'exact');
  refuses({ fixed: { ...fixed, objective: 'power' } }, '"power"', 'edp');
  refuses({ axes: { arrays: [48.5] } }, /48\.5/);
  refuses({ axes: { arrays: [32], 'arrays.count': [64] } }, 'set a second time');
  refuses({ fixed: { hardware: 'chip.json' } }, '$.fixed.model');
  refuses({ fixed: { ...fixed, model: 'other.onnx' } }, 'other.onnx', 'there is no such file');
  refuses({ together: [{ rows: [1, 2], arrayBytes: [3] }] }, '1 values', "as many as 'rows' has");
  refuses({ sample: { kind: 'random' } }, '$.sample.count');
  refuses({ axes: { arrays: { from: 1, to: 2, scale: 'log' } } }, '`step` or `count`');
});

test('a spec of 10^12 points is refused with their number, at once', () => {
  const hundred = { from: 1, to: 100 };
  const axes = { arrays: hundred, batch: hundred, externalRate: hundred, bufferBanks: hundred, rows: hundred, mostArrays: hundred };
  refuses({ axes }, '1,000,000,000,000 points', '10,000,000');
});

test('everything wrong is told at once', () => {
  const problems = problemsOf(() => readSpec({ fixed: { ...fixed, bach: 1 }, axes: { arrays: [], x: [1] }, title: 3 } as never, folder));
  assert.ok(problems.length >= 4, problems.map(describe).join('\n'));
});

test('a file that is not JSON is refused with line and column', () => {
  const path = join(folder, 'broken.json');
  writeFileSync(path, '{\n  "fixed": {,}\n}');
  const [problem] = problemsOf(() => readSpec(path));
  assert.match(describe(problem!), /broken\.json:2:13/);
});

test('whatever a spec says, the outcome is a space or problems', () => {
  const setting = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.boolean(), fc.constant(null), fc.constant({}));
  const axis = fc.oneof(
    fc.array(setting, { maxLength: 4 }),
    fc.record({ from: setting, to: setting, count: setting }, { requiredKeys: [] }),
  );
  const field = fc.oneof(fc.constantFrom('arrays', 'batch', 'switchTime', 'bind.x', '__proto__', 'constructor'), fc.string());
  const spec = fc.record(
    {
      fixed: fc.oneof(setting, fc.constant(fixed)),
      axes: fc.oneof(setting, fc.dictionary(field, axis, { maxKeys: 3 })),
      sample: fc.oneof(
        setting,
        fc.record({ kind: fc.constantFrom('grid', 'random', 'search', 'one-at-a-time'), count: setting, seed: setting }),
      ),
      objectives: fc.oneof(setting, fc.array(setting, { maxLength: 3 })),
      constraints: fc.oneof(setting, fc.dictionary(fc.constantFrom('area', 'power', 'x'), setting, { maxKeys: 2 })),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(spec, (value) => {
      try {
        assert.ok(readSpec(value as never, folder).size >= 1);
      } catch (error) {
        assert.is((error as Error).name, 'CompileError', (error as Error).stack);
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});

test.run();
