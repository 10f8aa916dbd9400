// Vector operators of the reference that look at more than one element: pooling, reductions, softmax, normalisations.
// Whole tensors of whole numbers d with real value scale * d (scale 1 for real ones) -> real values, in ONNX's order.
// Sums go over the elements in ascending order.

import type { OperatorOf, Tensor } from '../../ir/graph.ts';
import { type Dense, sizeOf, strides, walk } from './dense.ts';

/** Numbers less their zero point, and what one of them is worth. */
export interface Scaled extends Dense {
  readonly scale: number;
}

/** A real value that is computed of the numbers along some axes. */
type Fold = (numbers: Float64Array, scale: number) => number;

/** undefined for a function that the reference does not know; the same below. */
export function pool({ attrs }: OperatorOf<'pool'>, x: Scaled, output: Tensor): Float64Array | undefined {
  const { kernel, dilations, pads, countIncludePad } = attrs;
  if (attrs.function !== 'max' && attrs.function !== 'average') return undefined;
  const isMax = attrs.function === 'max';
  const sizesIn = x.shape.slice(2);
  const dims = sizesIn.length;
  const own = strides(x.shape);
  const result = new Float64Array(sizeOf(output.shape));
  const inner = strides(output.shape);
  const taps = sizeOf(kernel);
  const tapStrides = strides(kernel);
  for (let index = 0; index < result.length; index++) {
    let plane = 0;
    for (let axis = 0; axis < 2; axis++) plane += (Math.floor(index / inner[axis]!) % output.shape[axis]!) * own[axis]!;
    let most = Number.NEGATIVE_INFINITY;
    let sum = 0;
    let count = 0;
    for (let tap = 0; tap < taps; tap++) {
      let place = plane;
      let inside = true;
      let counted = true;
      for (let d = 0; d < dims; d++) {
        const at = Math.floor(index / inner[d + 2]!) % output.shape[d + 2]!;
        const position = at * attrs.strides[d]! + (Math.floor(tap / tapStrides[d]!) % kernel[d]!) * dilations[d]! - pads[d]!;
        inside &&= position >= 0 && position < sizesIn[d]!;
        counted &&= position < sizesIn[d]! + pads[d + dims]!;
        place += position * own[d + 2]!;
      }
      if (inside) {
        most = Math.max(most, x.data[place]!);
        sum += x.data[place]!;
      }
      if (countIncludePad ? counted : inside) count++;
    }
    result[index] = isMax ? x.scale * most : (x.scale * sum) / count;
  }
  return result;
}

const total = (numbers: Float64Array): number => numbers.reduce((sum, number) => sum + number, 0);
const overReals =
  (fold: (sum: number, value: number) => number, first: number): Fold =>
  (numbers, scale) =>
    numbers.reduce((sum, number) => fold(sum, scale * number), first);

const REDUCTIONS: Readonly<Record<string, Fold>> = {
  sum: (numbers, scale) => scale * total(numbers),
  mean: (numbers, scale) => (scale * total(numbers)) / numbers.length,
  max: (numbers, scale) => scale * numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  min: (numbers, scale) => scale * numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
  prod: overReals((a, b) => a * b, 1),
  l1: overReals((a, b) => a + Math.abs(b), 0),
  l2: (numbers, scale) => Math.sqrt(overReals((a, b) => a + b * b, 0)(numbers, scale)),
  sumSquare: overReals((a, b) => a + b * b, 0),
  logSum: (numbers, scale) => Math.log(scale * total(numbers)),
  logSumExp: (numbers, scale) => Math.log(overReals((a, b) => a + Math.exp(b), 0)(numbers, scale)),
  argMax: (numbers) => numbers.reduce((best, number, i) => (number > numbers[best]! ? i : best), 0),
  argMin: (numbers) => numbers.reduce((best, number, i) => (number < numbers[best]! ? i : best), 0),
};

export function reduce({ attrs }: OperatorOf<'reduce'>, x: Scaled): Float64Array | undefined {
  const fold = REDUCTIONS[attrs.function];
  if (fold === undefined) return undefined;
  const result: number[] = [];
  eachFibre(x, attrs.axes, (numbers) => void result.push(fold(numbers, x.scale)));
  return Float64Array.from(result);
}

export function softmax({ attrs }: OperatorOf<'softmax'>, x: Scaled): Float64Array {
  const result = new Float64Array(x.data.length);
  eachFibre(x, [attrs.axis], (numbers, places) => {
    const most = numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const powers = numbers.map((number) => Math.exp(x.scale * (number - most)));
    const sum = total(powers);
    for (const [i, place] of places.entries()) result[place] = powers[i]! / sum;
  });
  return result;
}

/** `operands`: real values of scale and shift, if there are any. */
export function normalize({ attrs }: OperatorOf<'normalize'>, x: Scaled, operands: readonly Dense[]): Float64Array | undefined {
  const rank = x.shape.length;
  const from = (axis: number): number[] => Array.from({ length: rank - axis }, (_, i) => axis + i);
  const result = new Float64Array(x.data.length);
  const own = strides(x.shape);
  const channel = (place: number): number => Math.floor(place / own[1]!) % x.shape[1]!;
  const apply = (
    axes: readonly number[],
    centred: boolean,
    norm: (reals: Float64Array) => number,
    parameter: (place: number, i: number) => number,
  ): Float64Array => {
    eachFibre(x, axes, (numbers, places) => {
      const mean = centred ? total(numbers) / numbers.length : 0;
      const reals = numbers.map((number) => x.scale * (number - mean));
      const by = norm(reals);
      for (const [i, place] of places.entries()) {
        const at = parameter(place, i);
        result[place] = (reals[i]! / by) * (operands[0]?.data[at] ?? 1) + (operands[1]?.data[at] ?? 0);
      }
    });
    return result;
  };
  const squares = (reals: Float64Array): number => reals.reduce((sum, value) => sum + value * value, 0);
  const deviation = (reals: Float64Array): number => Math.sqrt(squares(reals) / reals.length + attrs.epsilon);
  switch (attrs.function) {
    case 'layerNorm':
      return apply(from(attrs.axis), true, deviation, (_, i) => i);
    case 'rmsNorm':
      return apply(from(attrs.axis), false, deviation, (_, i) => i);
    case 'instanceNorm':
      return apply(from(2), true, deviation, channel);
    case 'l1Norm':
      return apply(
        [attrs.axis],
        false,
        (reals) => reals.reduce((sum, value) => sum + Math.abs(value), 0),
        (_, i) => i,
      );
    case 'l2Norm':
      return apply(
        [attrs.axis],
        false,
        (reals) => Math.sqrt(squares(reals)),
        (_, i) => i,
      );
    default:
      return undefined;
  }
}

/** Calls `visit` for each way to fix the other axes, in row-major order, with the numbers along `axes` and their places. */
function eachFibre(
  { shape, data }: Dense,
  axes: readonly number[],
  visit: (numbers: Float64Array, places: readonly number[]) => void,
): void {
  const own = strides(shape);
  const part = (keep: (axis: number) => boolean): number[] => {
    const places: number[] = [];
    walk(
      shape.map((size, axis) => (keep(axis) ? size : 1)),
      own,
      (_, place) => places.push(place),
    );
    return places;
  };
  const along = part((axis) => axes.includes(axis));
  for (const start of part((axis) => !axes.includes(axis))) {
    const places = along.map((offset) => start + offset);
    visit(
      Float64Array.from(places, (place) => data[place]!),
      places,
    );
  }
}
