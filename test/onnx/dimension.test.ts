import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError } from '../../lib/base/problem.ts';
import { dimensionFormula } from '../../lib/onnx/dimension.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { buildModel, node } from './build.ts';

const test = suite('onnx: dimensions that are formulas');

const SIZES: Readonly<Record<string, number>> = { batch: 3, past: 64, sequence: 5, s0: 7, 'a.b': 2 };
const size = (text: string): number => dimensionFormula(text).size((name) => SIZES[name] ?? Number.NaN);

test('formulas as exporters write them have the sizes they say', () => {
  const cases: Readonly<Record<string, number>> = {
    'past + sequence': 69,
    'past+1': 65,
    '2*((s0 - 1)//2) + 1': 7,
    'Max(1, s0 - 10)': 1,
    'Min(past, sequence)*batch': 15,
    'batch*past/2': 96,
    's0**2 - 1': 48,
    '-sequence + past': 59,
    'floor(past/5)': 12,
    'a.b + 1': 3,
  };
  for (const [text, expected] of Object.entries(cases)) assert.is(size(text), expected, text);
});

test('names stay names, whatever else they look like', () => {
  for (const text of ['batch', 'unk__12', 'batch size', '?', 'N/A?', '', '+', 'a +', '(a', 'a)', '3', 'a b', 'f(a)', 'Max(a', "it's"]) {
    assert.equal(dimensionFormula(text).names, [text], text);
  }
  assert.equal(dimensionFormula('past + sequence + past').names, ['past', 'sequence']);
});

test('any text is a formula or a name, and is read in no time', () => {
  const property = fc.property(fc.string({ unit: fc.constantFrom(...'ab1 +-*/(),.?') }), (text) => {
    const { names, size: of } = dimensionFormula(text);
    assert.ok(names.length > 0);
    assert.type(
      of(() => 2),
      'number',
    );
  });
  fc.assert(property, { seed: 13, numRuns: 1000 });
  assert.equal(dimensionFormula(`${'('.repeat(100_000)}a`).names.length, 1);
  assert.equal(dimensionFormula(`a${' + a'.repeat(100_000)}`).names.length, 1);
});

const model = (...dimensions: string[]): Uint8Array =>
  buildModel({ inputs: { x: [2, 'past + sequence'], z: dimensions }, outputs: ['y'], nodes: [node('Relu', ['x'], ['y'])] });

const messageOf = (bytes: Uint8Array, bind: Record<string, number>): string => {
  try {
    importOnnx(bytes, { bind });
  } catch (error) {
    if (error instanceof CompileError) return error.message;
    throw error;
  }
  return '';
};

test('only the names in a formula are asked for; the whole of it may be bound, too', () => {
  const shapeOf = (bind: Record<string, number>): unknown =>
    importOnnx(model('sequence'), { bind }).tensors.find(({ id }) => id === 'x')?.shape;
  assert.equal(shapeOf({ past: 3, sequence: 4 }), [2, 7]);
  assert.equal(shapeOf({ past: 0, sequence: 4 }), [2, 4]);
  assert.equal(shapeOf({ 'past + sequence': 9, sequence: 4 }), [2, 9]);
  const asked = messageOf(model('sequence'), {});
  assert.match(asked, "'past' of 'x'");
  assert.match(asked, "'sequence' of 'x'");
  assert.match(asked, '--bind past=1,sequence=1');
});

test('a formula that comes to no size is told with its input', () => {
  assert.match(messageOf(model('past - sequence'), { past: 1, sequence: 4 }), /'z' has shape \[-3\], and -3 is not a size/);
  assert.match(messageOf(model('past/sequence'), { past: 1, sequence: 4 }), '0.25 is not a size');
});

test.run();
