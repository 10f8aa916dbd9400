// The trained digits networks of datasets/ with the held-out images, as all of the tests here use them.

import { readFileSync } from 'node:fs';
import type { Graph } from '../../lib/ir/graph.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { openWeights } from '../../lib/onnx/weights.ts';
import { topOf } from '../../lib/workload/agreement.ts';
import { calibrate } from '../../lib/workload/calibrate.ts';
import { readNumpy } from '../../lib/workload/npz.ts';
import { quantise } from '../../lib/workload/quantise.ts';
import type { NetworkInputs } from '../../lib/workload/reference/evaluate.ts';
import type { Numbered, Prepared } from './support.ts';

const CLASSES = 10;
const PIXELS = 64;
/** The file has grey levels 0 to 16, and the networks take 0 to 1. */
const LEVELS = 16;

interface Digits {
  readonly inputs: NetworkInputs;
  readonly calibration: NetworkInputs;
  readonly labels: ArrayLike<number>;
}

/** The first `count` held-out images, and all those for calibration. */
export function digits(count = 360): Digits {
  const path = 'datasets/digits.npz';
  const { images, labels, calibration } = readNumpy(readFileSync(path), path);
  const greyOf = (values: ArrayLike<number> = []): NetworkInputs => ({
    image: Float32Array.from(Array.from(values), (level) => level / LEVELS),
  });
  const held = images?.values.subarray(0, count * PIXELS);
  return { inputs: greyOf(held), calibration: greyOf(calibration?.values), labels: labels?.values.subarray(0, count) ?? [] };
}

/** A network of datasets/ by name, for as many images at once. */
export function digitsNetwork(name: string, batch: number): Numbered & { readonly bytes: Uint8Array } {
  const path = `datasets/${name}.onnx`;
  const graph: Graph = importOnnx(path, { bind: { batch } });
  const read = openWeights(path, graph);
  return { graph, values: ({ id }) => read(id).elements, bytes: readFileSync(path) };
}

/** In 8 bits, ranges from the calibration images. */
export function digitsPrepared(name: string, { inputs, calibration, labels }: Digits): Prepared & { readonly bytes: Uint8Array } {
  const { graph, values, bytes } = digitsNetwork(name, labels.length);
  const calibrated = digitsNetwork(name, (calibration.image?.length ?? 0) / PIXELS);
  const ranges = calibrate(calibrated.graph, calibrated.values, [calibration]);
  return { graph, values, bytes, inputs, network: quantise(graph, values, ranges, { weightBits: 8, activationBits: 8 }) };
}

/** Images whose largest output is their label. */
export function rightOf(outputs: ArrayLike<number>, labels: ArrayLike<number>): number {
  return Array.from(labels).filter((label, i) => topOf(outputs, i, CLASSES) === label).length;
}
