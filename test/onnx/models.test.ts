import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isMatrix } from '../../lib/ir/graph.ts';
import { verifyGraph } from '../../lib/ir/verify.ts';
import { importOnnx, runImport } from '../../lib/onnx/import-onnx.ts';
import { CNNS, macsOf, modelPath, totalMacs } from './models.ts';

const test = suite('onnx: the models of datasets/');

const SHAPES = fileURLToPath(new URL('../../datasets/shapes', import.meta.url));

test('VGG-16, ResNet-18 and MobileNetV2 have the published numbers of multiply-accumulates', () => {
  // Simonyan & Zisserman 2015, He et al. 2016, Sandler et al. 2018, as counted by torchvision (GFLOPS of its model table).
  const published = { vgg16: 15.47e9, resnet18: 1.814e9, mobilenetv2: 0.3008e9 };
  for (const name of CNNS) {
    const macs = totalMacs(importOnnx(modelPath(name), { bind: { batch: 1 } }));
    assert.ok(Math.abs(macs / published[name] - 1) < 0.01, `${name}: ${macs}`);
  }
});

test("VGG-16's layers are those of the published table", () => {
  const layers = importOnnx(modelPath('vgg16'), { bind: { batch: 1 } }).operators.filter(isMatrix);
  // Configuration D: output size, channels in, channels out of each convolution; then three dense layers.
  const table = [
    [224, 3, 64],
    [224, 64, 64],
    [112, 64, 128],
    [112, 128, 128],
    [56, 128, 256],
    [56, 256, 256],
    [56, 256, 256],
    [28, 256, 512],
    [28, 512, 512],
    [28, 512, 512],
    [14, 512, 512],
    [14, 512, 512],
    [14, 512, 512],
  ].map(([size = 0, n = 0, k = 0]) => ({ m: size * size, n: 9 * n, k, groups: 1 }));
  const dense = [
    [25088, 4096],
    [4096, 4096],
    [4096, 1000],
  ].map(([n = 0, k = 0]) => ({ m: 1, n, k, groups: 1 }));
  assert.equal(
    layers.map(({ attrs }) => attrs.matrix),
    [...table, ...dense],
  );
  assert.is(
    layers.reduce((total, layer) => total + macsOf(layer), 0),
    15_470_264_320,
  );
});

test("ResNet-18's first layer and MobileNetV2's depthwise layers are lowered exactly", () => {
  const [first] = importOnnx(modelPath('resnet18'), { bind: { batch: 1 } }).operators.filter(isMatrix);
  assert.equal(first?.attrs.matrix, { m: 112 * 112, n: 3 * 7 * 7, k: 64, groups: 1 });
  const depthwise = importOnnx(modelPath('mobilenetv2'), { bind: { batch: 1 } })
    .operators.filter(isMatrix)
    .filter(({ attrs }) => attrs.matrix.groups > 1);
  assert.is(depthwise.length, 17);
  assert.equal(depthwise[0]?.attrs.matrix, { m: 112 * 112, n: 9, k: 1, groups: 32 });
});

test("every value's shape is the one ONNX's own inference gives", () => {
  for (const file of readdirSync(SHAPES)) {
    const name = basename(file, '.json');
    const shapes = JSON.parse(readFileSync(join(SHAPES, file), 'utf8')) as Record<string, number[]>;
    const { values } = runImport(modelPath(name), { bind: { batch: 2 } }, 'infer');
    for (const [id, shape] of Object.entries(shapes)) assert.equal(values.get(id)?.shape, shape, `${name}: ${id}`);
  }
});

test('the graph is valid and plain data, and nothing of it depends on the run', () => {
  for (const name of CNNS) {
    const graph = importOnnx(modelPath(name), { bind: { batch: 4 } });
    assert.equal(verifyGraph(graph), []);
    assert.equal(JSON.parse(JSON.stringify(graph)), graph);
    assert.equal(structuredClone(graph), graph);
    assert.equal(importOnnx(modelPath(name), { bind: { batch: 4 } }), graph);
  }
});

test('a batch multiplies the vectors and nothing else', () => {
  for (const name of CNNS) {
    const [one, eight] = [1, 8].map((batch) => importOnnx(modelPath(name), { bind: { batch } }).operators.filter(isMatrix));
    assert.equal(
      eight?.map(({ attrs }) => attrs.matrix),
      one?.map(({ attrs: { matrix } }) => ({ ...matrix, m: 8 * matrix.m })),
    );
  }
});

test('the hash is that of the bytes and the bindings, and the name that of the file', () => {
  const path = modelPath('resnet18');
  const bytes = readFileSync(path);
  const one = importOnnx(path, { bind: { batch: 1 } });
  assert.match(one.hash, /^[0-9a-f]{64}$/);
  assert.is(importOnnx(bytes, { bind: { batch: 1 } }).hash, one.hash);
  assert.is.not(importOnnx(path, { bind: { batch: 2 } }).hash, one.hash);
  assert.is(one.name, 'resnet18');
  assert.is(importOnnx(bytes, { bind: { batch: 1 } }).name, 'main_graph');
});

test('convolutions of a residual block carry the addition and the relu', () => {
  const graph = importOnnx(modelPath('resnet18'), { bind: { batch: 1 } });
  const residual = graph.operators.filter(({ epilogue }) => epilogue.some((step) => step.function === 'add'));
  assert.is(residual.length, 8);
  for (const { kind, epilogue, inputs } of residual) {
    assert.is(kind, 'conv');
    assert.equal(
      epilogue.map((step) => step.function),
      ['add', 'relu'],
    );
    assert.is(inputs.length, 2);
  }
});

test('the pass log says what each pass did', () => {
  const { log } = runImport(modelPath('vgg16'), { bind: { batch: 1 } });
  assert.is(log.length, 11);
  assert.equal(log[0], { pass: 'decode', description: log[0]?.description, outcome: '38 nodes, 33 initialisers' });
});

test.run();
