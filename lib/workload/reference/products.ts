// Products of the reference: convolution and matrix product by their definitions, over whole tensors in ONNX's order.
// In double precision, so that on integers every sum is exact.

import { internal } from '../../base/problem.ts';
import type { OperatorOf, Tensor } from '../../ir/graph.ts';
import { type Dense, sizeOf, strides, walk } from './dense.ts';

/** What is summed: x (less its zero point already) and w, in the order of their tensors; w has a zero point for each column. */
export interface Factors {
  readonly x: Dense;
  readonly w: Dense;
}

/** Sums of a convolution, [N, K, ...]: at every place of the result, a patch of the input times the kernels. */
export function convolve({ attrs }: OperatorOf<'conv'>, { x, w }: Factors, output: Tensor): Float64Array {
  const { strides: steps, dilations, pads, kernel, matrix } = attrs;
  const [samples = 1, channels = 1, ...sizesIn] = x.shape;
  const [, outputs = 1, ...sizesOut] = output.shape;
  const { groups, k: perGroupOut } = matrix;
  const perGroup = channels / groups;
  const areaIn = sizeOf(sizesIn);
  const areaOut = sizeOf(sizesOut);
  const stridesIn = strides(sizesIn);
  const taps = Array.from({ length: sizeOf(kernel) }, (_, tap) => coordinates(tap, kernel));
  const patch = new Float64Array(perGroup * taps.length);
  const offsets = new Int32Array(taps.length);
  const sums = new Float64Array(samples * outputs * areaOut);
  for (let spot = 0; spot < areaOut; spot++) {
    const to = coordinates(spot, sizesOut);
    for (const [t, tap] of taps.entries()) {
      const place = tap.map((offset, d) => to[d]! * steps[d]! + offset * dilations[d]! - pads[d]!);
      const inside = place.every((position, d) => position >= 0 && position < sizesIn[d]!);
      offsets[t] = inside ? place.reduce((sum, position, d) => sum + position * stridesIn[d]!, 0) : -1;
    }
    for (let n = 0; n < samples; n++) {
      for (let group = 0; group < groups; group++) {
        const first = (n * channels + group * perGroup) * areaIn;
        for (let c = 0; c < perGroup; c++) {
          for (let t = 0; t < offsets.length; t++) {
            patch[c * offsets.length + t] = offsets[t]! < 0 ? 0 : x.data[first + c * areaIn + offsets[t]!]!;
          }
        }
        for (let k = group * perGroupOut; k < (group + 1) * perGroupOut; k++) {
          sums[(n * outputs + k) * areaOut + spot] = scalarProduct(patch, 0, 1, w.data, k * patch.length, patch.length);
        }
      }
    }
  }
  return sums;
}

/** Of `count` numbers of `a`, every `step`-th from `i` on, and of `b` from `j` on; in two sums, which a processor adds side by side. */
function scalarProduct(a: Float64Array, i: number, step: number, b: Float64Array, j: number, count: number): number {
  let [even, odd] = [0, 0];
  let r = 0;
  for (; r + 1 < count; r += 2) {
    even += a[i + r * step]! * b[j + r]!;
    odd += a[i + (r + 1) * step]! * b[j + r + 1]!;
  }
  return r < count ? even + odd + a[i + r * step]! * b[j + r]! : even + odd;
}

function coordinates(index: number, shape: readonly number[]): number[] {
  const at: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    at.unshift(index % shape[axis]!);
    index = Math.floor(index / shape[axis]!);
  }
  return at;
}

/**
 * Sums of a matrix product in the order of its output. Vectors of the stream and of the output lie along one axis of
 * each; the others, in row-major order, number them. Group g multiplies with matrix g: of as many parts of the vector, or
 * of as many runs of vectors.
 */
export function multiply({ attrs, id }: OperatorOf<'matMul'>, { x, w }: Factors, output: Tensor): Float64Array {
  const { matrix, transposeWeight } = attrs;
  const { m, n, k, groups } = matrix;
  const rows = vectorStarts(x.shape, attrs.streamAxis ?? x.shape.length - 1);
  const results = vectorStarts(output.shape, attrs.outputAxis ?? output.shape.length - 1);
  const sums = new Float64Array(sizeOf(output.shape));
  const apart = groups > 1 && results.starts.length === m * groups;
  for (let v = 0; v < results.starts.length; v++) {
    for (let group = apart ? Math.floor(v / m) : 0; group < (apart ? Math.floor(v / m) + 1 : groups); group++) {
      const part = apart ? 0 : group;
      const from = rows.starts[v % rows.starts.length]! + part * n * rows.step;
      const to = results.starts[v]! + part * k * results.step;
      const base = group * n * k;
      if (transposeWeight) {
        for (let c = 0; c < k; c++) {
          sums[to + c * results.step] = scalarProduct(x.data, from, rows.step, w.data, base + c * n, n);
        }
        continue;
      }
      for (let r = 0; r < n; r++) {
        const value = x.data[from + r * rows.step]!;
        if (value === 0) continue;
        for (let c = 0; c < k; c++) sums[to + c * results.step]! += value * w.data[base + r * k + c]!;
      }
    }
  }
  if (results.starts.length % rows.starts.length !== 0)
    throw internal(`operator '${id}' has ${rows.starts.length} vectors for ${results.starts.length}`);
  return sums;
}

/** First element of every vector along `axis`, and the distance between its elements. The rank stands for no axis. */
function vectorStarts(shape: readonly number[], axis: number): { readonly starts: readonly number[]; readonly step: number } {
  const own = strides(shape);
  const starts: number[] = [];
  walk(
    shape.map((size, i) => (i === axis ? 1 : size)),
    own,
    (_, start) => starts.push(start),
  );
  return { starts, step: own[axis] ?? 1 };
}
