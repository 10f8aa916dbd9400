import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isMatrix } from '../../lib/ir/graph.ts';
import { verifyGraph } from '../../lib/ir/verify.ts';
import { importOnnx, runImport } from '../../lib/onnx/import-onnx.ts';
import { PASSES } from '../../lib/onnx/passes.ts';
import { countsOf, DIGITS, datasetsPath, isDynamic, MODELS, macsOf, modelPath, recordedShapes, totalMacs } from './models.ts';

const test = suite('onnx: the models of datasets/');

test('every model has the published number of multiply-accumulates', () => {
  // As torchvision counts them (GFLOPS of its model table). Its figure for ViT-B/16 includes both products of attention.
  const published = {
    vgg16: 15.47e9,
    resnet18: 1.814e9,
    resnet50: 4.089e9,
    mobilenetv2: 0.301e9,
    efficientnetb0: 0.386e9,
    vitb16: 17.564e9,
  };
  for (const name of MODELS) {
    const macs = totalMacs(importOnnx(modelPath(name), { bind: { batch: 1 } }));
    assert.ok(Math.abs(macs / published[name] - 1) < 0.001, `${name}: ${macs}`);
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

test("EfficientNet-B0's squeezes see one vector an image", () => {
  const layers = importOnnx(modelPath('efficientnetb0'), { bind: { batch: 1 } }).operators.filter(isMatrix);
  const squeezes = layers.filter(({ kind, attrs: { matrix } }) => kind === 'conv' && matrix.m === 1);
  assert.is(squeezes.length, 2 * 16);
  assert.equal(squeezes[0]?.attrs.matrix, { m: 1, n: 32, k: 8, groups: 1 });
  assert.equal(squeezes[1]?.attrs.matrix, { m: 1, n: 8, k: 32, groups: 1 });
});

test("ViT-B/16's layers are those of twelve blocks of width 768 with twelve heads", () => {
  const layers = importOnnx(modelPath('vitb16'), { bind: { batch: 1 } }).operators.filter(isMatrix);
  // 14 x 14 patches and the class token; n and k of a block's products, those with a weight and those of the heads.
  const m = 14 * 14 + 1;
  const block = [
    { m, n: 768, k: 3 * 768, groups: 1 },
    { m, n: 64, k: m, groups: 12 },
    { m, n: m, k: 64, groups: 12 },
    { m, n: 768, k: 768, groups: 1 },
    { m, n: 768, k: 4 * 768, groups: 1 },
    { m, n: 4 * 768, k: 768, groups: 1 },
  ];
  assert.equal(
    layers.map(({ attrs }) => attrs.matrix),
    [
      { m: 14 * 14, n: 3 * 16 * 16, k: 768, groups: 1 },
      ...Array.from({ length: 12 }, () => block).flat(),
      { m: 1, n: 768, k: 1000, groups: 1 },
    ],
  );
  const attention = layers.filter(isDynamic);
  assert.is(attention.length, 2 * 12);
  assert.is(
    attention.reduce((total, layer) => total + macsOf(layer), 0),
    715_327_488,
  );
});

test("every value's shape is the one other tools infer", () => {
  for (const folder of ['shapes', 'shapes/narrow']) {
    for (const file of readdirSync(datasetsPath(folder)).filter((name) => name.endsWith('.json'))) {
      const name = join(folder, basename(file, '.json')).replace('shapes/', '');
      const { bind, shapes } = recordedShapes(datasetsPath(`${folder}/${file}`));
      const { values } = runImport(modelPath(name), { bind }, 'infer');
      for (const [id, shape] of shapes) assert.equal(values.get(id)?.shape, shape, `${name}: ${id}`);
    }
  }
});

test("the products of a pass are those PyTorch's own counter counts", () => {
  const counts = countsOf();
  const narrow = Object.keys(counts).filter((name) => name.startsWith('narrow/'));
  assert.ok(narrow.length >= 8);
  for (const name of [...MODELS, ...DIGITS, ...narrow]) {
    for (const { bind, macs } of counts[name]?.macs ?? []) assert.is(totalMacs(importOnnx(modelPath(name), { bind })), macs, name);
  }
});

test('the graph is valid and plain data, and nothing of it depends on the run', () => {
  for (const name of MODELS) {
    const graph = importOnnx(modelPath(name), { bind: { batch: 4 } });
    assert.equal(verifyGraph(graph), []);
    assert.equal(JSON.parse(JSON.stringify(graph)), graph);
    assert.equal(structuredClone(graph), graph);
    assert.equal(importOnnx(modelPath(name), { bind: { batch: 4 } }), graph);
  }
});

test('a batch multiplies the vectors and nothing else; of a product of two activations, the groups', () => {
  for (const name of MODELS) {
    const [one, eight] = [1, 8].map((batch) => importOnnx(modelPath(name), { bind: { batch } }).operators.filter(isMatrix));
    assert.equal(
      eight?.map(({ attrs }) => attrs.matrix),
      one?.map((operator) => {
        const { matrix } = operator.attrs;
        return isDynamic(operator) ? { ...matrix, groups: 8 * matrix.groups } : { ...matrix, m: 8 * matrix.m };
      }),
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
  assert.is(log.length, PASSES.length);
  assert.equal(log[0], { pass: 'decode', description: log[0]?.description, outcome: '38 nodes, 33 initialisers' });
});

test.run();
