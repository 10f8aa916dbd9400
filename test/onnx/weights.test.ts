import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import proto, { type onnx } from 'onnx-proto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { openWeights } from '../../lib/onnx/weights.ts';
import { seededWeights } from '../../lib/workload/seeded-weights.ts';
import { buildModel, FLOAT, node } from './build.ts';
import { modelPath } from './models.ts';

const test = suite('onnx: weights on demand');

const spec = {
  inputs: { x: [2, 3] },
  outputs: ['y'],
  nodes: [node('MatMul', ['x', 'w'], ['y'])],
  weights: { w: { shape: [3, 2] } },
} as const;

const VALUES = [1, -2, 3.5, 0.25, -1e20, 7];
const RAW = Buffer.from(Float32Array.from(VALUES).buffer);

/** The model of `spec` with its weight changed. */
function changed(change: onnx.ITensorProto): Uint8Array {
  const model = proto.onnx.ModelProto.decode(buildModel(spec));
  Object.assign(model.graph?.initializer?.[0] ?? {}, { dataLocation: 0, externalData: [] }, change);
  return proto.onnx.ModelProto.encode(model).finish();
}

/** A model in `folder` whose weight is said to be at `location`. */
function external(folder: string, location: string, entries: Record<string, string> = {}): string {
  const path = join(folder, 'model.onnx');
  const externalData = Object.entries({ location, ...entries }).map(([key, value]) => ({ key, value }));
  writeFileSync(path, changed({ dataLocation: 1, externalData }));
  return path;
}

function weightOf(source: string | Uint8Array): readonly number[] {
  return Array.from(openWeights(source, importOnnx(source))('w').elements);
}

const folders: string[] = [];
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'cimbook-weights-'));
  folders.push(made);
  return made;
}
test.after(() => {
  for (const made of folders) rmSync(made, { recursive: true });
});

test('values inside the file are read from either encoding, unaligned ones included', () => {
  assert.equal(weightOf(changed({ floatData: VALUES })), Array.from(Float32Array.from(VALUES)));
  for (const name of ['w', 'ww', 'www', 'wwww']) {
    const model = proto.onnx.ModelProto.decode(changed({ rawData: RAW }));
    Object.assign(model, { producerName: name });
    assert.equal(weightOf(proto.onnx.ModelProto.encode(model).finish()), Array.from(Float32Array.from(VALUES)));
  }
});

test('floats of 16 and 8 bits are widened exactly', () => {
  const cases: readonly (readonly [type: number, bits: readonly number[], expected: readonly number[]])[] = [
    [10, [0x3c00, 0xc000, 0x0001, 0x7c00, 0x7bff, 0x8000], [1, -2, 2 ** -24, Number.POSITIVE_INFINITY, 65504, -0]],
    [16, [0x3f80, 0xc000, 0x0001, 0xff80, 0x4049, 0x8000], [1, -2, 2 ** -133, Number.NEGATIVE_INFINITY, 3.140625, -0]],
    // onnx.ai/onnx/technical/float8.html: smallest, largest and ordinary numbers of each format
    [17, [0x38, 0xc0, 0x01, 0x7e, 0x08, 0x80], [1, -2, 2 ** -9, 448, 2 ** -6, -0]],
    [18, [0x40, 0xc8, 0x01, 0x7f, 0x08, 0x00], [1, -2, 2 ** -10, 240, 2 ** -7, 0]],
    [19, [0x3c, 0xc0, 0x01, 0x7b, 0x7c, 0x80], [1, -2, 2 ** -16, 57344, Number.POSITIVE_INFINITY, -0]],
    [20, [0x40, 0xc4, 0x01, 0x7f, 0x04, 0x00], [1, -2, 2 ** -17, 57344, 2 ** -15, 0]],
    [24, [127, 128, 0, 254, 126, 130], [1, 2, Math.fround(2 ** -127), 2 ** 127, 0.5, 8]],
  ];
  for (const [dataType, bits, expected] of cases) {
    const wide = dataType === 10 || dataType === 16;
    const rawData = Buffer.from(new Uint8Array(wide ? Uint16Array.from(bits).buffer : Uint8Array.from(bits).buffer));
    for (const data of [{ rawData }, { int32Data: [...bits] }])
      assert.equal(weightOf(changed({ dataType, ...data })), expected, `type ${dataType}`);
  }
  // Elements of 4 bits, the first in the low half: 1, -1.5, 0.5, 6, -6, 0.
  assert.equal(weightOf(changed({ dataType: 23, rawData: Buffer.from([0xb2, 0x71, 0x0f]) })), [1, -1.5, 0.5, 6, -6, 0]);
});

test('a weight that is no longer the one the file holds is computed from it', () => {
  const bytes = buildModel({
    inputs: { x: [2, 3] },
    outputs: ['y'],
    nodes: [node('Transpose', ['v'], ['t']), node('Cast', ['t'], ['w'], { to: FLOAT }), node('MatMul', ['x', 'w'], ['y'])],
    weights: { v: { shape: [2, 3], values: [1, 2, 3, 4, 5, 6] } },
  });
  assert.equal(weightOf(bytes), [1, 4, 2, 5, 3, 6]);
});

test('a computed weight may be larger than what is folded on import', () => {
  const size = 400;
  const values = Array.from({ length: size * size }, (_, i) => i % 251);
  const bytes = buildModel({
    inputs: { x: [1, size] },
    outputs: ['y'],
    nodes: [node('Transpose', ['v'], ['w']), node('MatMul', ['x', 'w'], ['y'])],
    weights: { v: { shape: [size, size], values, type: FLOAT } },
  });
  const found = weightOf(bytes);
  assert.is(found.length, size * size);
  assert.is(found[size * 3 + 5], values[size * 5 + 3]);
});

test('values beside the file are read where it says', () => {
  const here = folder();
  mkdirSync(join(here, 'parts'));
  writeFileSync(join(here, 'parts', 'w.bin'), Buffer.concat([Buffer.alloc(5), RAW]));
  assert.equal(weightOf(external(here, 'parts/w.bin', { offset: '5', length: '24' })), Array.from(Float32Array.from(VALUES)));
});

test("a file outside the model's folder is never opened", () => {
  const [here, there] = [folder(), folder()];
  writeFileSync(join(there, 'w.bin'), RAW);
  symlinkSync(join(there, 'w.bin'), join(here, 'link.bin'));
  symlinkSync(there, join(here, 'linked'));
  const refused = (location: string, reason: RegExp): void => assert.throws(() => weightOf(external(here, location)), reason);
  refused(join(there, 'w.bin'), /not in the model's folder/);
  refused(`../${there.split('/').at(-1)}/w.bin`, /not in the model's folder/);
  refused('a/../../w.bin', /not in the model's folder/);
  refused('..\\w.bin', /not in the model's folder/);
  refused('C:\\w.bin', /not in the model's folder/);
  refused('', /not in the model's folder/);
  refused('link.bin', /a link that leaves the model's folder/);
  refused('linked/w.bin', /a link that leaves the model's folder/);
  refused('absent.bin', /there is no such file/);
  refused('.', /not in the model's folder|leaves the model's folder|regular file/);
});

test('a file that is too short, or an entry that makes no sense, is refused before anything is read', () => {
  const here = folder();
  writeFileSync(join(here, 'w.bin'), RAW.subarray(0, 20));
  assert.throws(() => weightOf(external(here, 'w.bin')), /'w' has its values in "w.bin", bytes 0 to 24, and that file has 20/);
  assert.throws(() => weightOf(external(here, 'w.bin', { offset: '-4' })), /no number/);
  assert.throws(() => weightOf(external(here, 'w.bin', { offset: '9'.repeat(16) })), /that file has 20/);
  assert.throws(() => weightOf(external(here, 'w.bin', { length: '20' })), /20 bytes of it, and its shape needs 24/);
});

test('importing opens no other file', () => {
  const here = folder();
  // A file that nobody may read would make reading fail.
  assert.is(importOnnx(external(here, 'absent.bin')).operators.length, 1);
});

test('other models, other tensors and missing values are refused by name', () => {
  const graph = importOnnx(buildModel(spec));
  assert.throws(() => openWeights(changed({ rawData: RAW }), graph), /is not the model of graph/);
  const read = openWeights(buildModel(spec), graph);
  assert.throws(() => read('x'), /'x' is no weight/);
  assert.throws(() => read('nobody'), /'nobody' is not a tensor/);
  assert.throws(() => read('w'), /'w' has its values in "tiny.weights", and the model was given as bytes/);
  const short = changed({ floatData: [1, 2] });
  assert.throws(() => weightOf(short), /'w' has shape \[3, 2\] of float32/);
});

test('every weight of a model without weights has seeded values, the same each time', () => {
  const path = modelPath('mobilenetv2');
  const graph = importOnnx(path, { bind: { batch: 1 } });
  const [one, other] = [1, 1].map((seed) => openWeights(path, graph, { missing: seededWeights(seed) }));
  for (const { id, role, shape } of graph.tensors) {
    if (role !== 'weight' || one === undefined || other === undefined) continue;
    const { elements } = one(id);
    assert.is(
      elements.length,
      shape.reduce((product, size) => product * size, 1),
    );
    assert.equal(other(id).elements, elements);
  }
});

test.run();
