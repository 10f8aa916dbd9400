// The trained model of datasets/ with its weights and data, computed here in the plainest way.

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isMatrix } from '../../lib/ir/graph.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { openWeights } from '../../lib/onnx/weights.ts';
import { DIGITS, datasetsPath, modelPath } from './models.ts';

const test = suite('onnx: digits');

interface Npy {
  readonly shape: readonly number[];
  readonly bytes: Buffer;
}

/** The arrays of bytes in an .npz that is not compressed, in their order: each begins with NumPy's mark. */
function arraysOf(npz: Buffer): Npy[] {
  const arrays: Npy[] = [];
  for (let at = npz.indexOf('\x93NUMPY', 0, 'latin1'); at >= 0; at = npz.indexOf('\x93NUMPY', at + 1, 'latin1')) {
    const start = at + 10 + npz.readUInt16LE(at + 8);
    const header = npz.toString('latin1', at + 10, start);
    assert.match(header, /'descr': '\|u1', 'fortran_order': False/);
    const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '').split(',').filter(Boolean).map(Number);
    arrays.push({ shape, bytes: npz.subarray(start, start + shape.reduce((a, b) => a * b, 1)) });
  }
  return arrays;
}

type Image = readonly (readonly number[])[];

/** 3x3 with a border of zeros, then ReLU, then 2x2 maxima. `image`: a row of pixels for each channel. */
function layer(image: Image, side: number, weights: ArrayLike<number>, bias: ArrayLike<number>): Image {
  const pixel = (plane: readonly number[], y: number, x: number): number =>
    y < 0 || x < 0 || y >= side || x >= side ? 0 : (plane[y * side + x] ?? 0);
  return Array.from({ length: bias.length }, (_, output) => {
    const sums = Array.from({ length: side * side }, (_, at) => {
      const [y, x] = [Math.floor(at / side), at % side];
      let sum = bias[output] ?? 0;
      for (const [channel, plane] of image.entries()) {
        for (let k = 0; k < 9; k++) {
          const weight = weights[(output * image.length + channel) * 9 + k] ?? 0;
          sum += weight * pixel(plane, y + Math.floor(k / 3) - 1, x + (k % 3) - 1);
        }
      }
      return Math.max(0, sum);
    });
    return Array.from({ length: (side / 2) ** 2 }, (_, at) => {
      const corner = 2 * Math.floor(at / (side / 2)) * side + 2 * (at % (side / 2));
      return Math.max(...[0, 1, side, side + 1].map((offset) => sums[corner + offset] ?? 0));
    });
  });
}

test('the weights in the file recognise the test images', () => {
  const [images, labels, calibration] = arraysOf(readFileSync(datasetsPath('digits.npz')));
  assert.ok(images && labels && calibration);
  assert.equal([images.shape, labels.shape, calibration.shape], [[360, 1, 8, 8], [360], [128, 1, 8, 8]]);
  const graph = importOnnx(modelPath('digits'), { bind: { batch: 1 } });
  const read = openWeights(modelPath('digits'), graph);
  const [first, second, dense] = graph.operators.filter(isMatrix).map(({ attrs }) => ({
    weights: read(attrs.weight).elements,
    bias: read(attrs.bias ?? '').elements,
  }));
  assert.ok(first && second && dense);
  const recognised = Array.from({ length: labels.bytes.length }, (_, i) => {
    const image = [Array.from(images.bytes.subarray(64 * i, 64 * i + 64), (level) => level / 16)];
    const features = layer(layer(image, 8, first.weights, first.bias), 4, second.weights, second.bias).flat();
    const logits = Array.from(dense.bias, (bias, digit) =>
      features.reduce((sum, feature, k) => sum + feature * Number(dense.weights[digit * features.length + k]), Number(bias)),
    );
    return logits.indexOf(Math.max(...logits)) === labels.bytes[i];
  });
  assert.is(recognised.filter(Boolean).length, 354);
});

test('quantised, the network has the same products', () => {
  const [plain, ...quantised] = DIGITS.map((name) =>
    importOnnx(modelPath(name), { bind: { batch: 1 } })
      .operators.filter(isMatrix)
      .map(({ attrs }) => attrs.matrix),
  );
  for (const matrices of quantised) assert.equal(matrices, plain);
});

test.run();
