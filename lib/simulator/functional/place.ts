// Place: where the elements of a tensor lie on the chip. ONNX counts elements in row-major order of the shape; a program
// counts positions of features, heads perhaps side by side (lib/dataflow/token-major.ts). Both orders -> each other.

import { internal } from '../../base/problem.ts';
import { featureAxis, type Tensor } from '../../ir/graph.ts';
import type { ManifestTensor } from '../../program/program.ts';

export interface Place {
  readonly shape: readonly number[];
  readonly positions: number;
  readonly features: number;
  /** Element (position * features + feature) of each index in ONNX's order. */
  readonly elementOf: Int32Array;
  /** Index in ONNX's order of each element. */
  readonly indexOf: Int32Array;
}

export function placeOf(tensor: Tensor, { positions, features }: ManifestTensor): Place {
  const { shape } = tensor;
  const axis = featureAxis(tensor);
  const own = shape[axis] ?? 1;
  const inner = sizeOf(shape.slice(axis + 1));
  const size = sizeOf(shape);
  const heads = features / own;
  if (positions * features !== size || !Number.isInteger(heads))
    throw internal(`'${tensor.id}' has ${size} elements, not ${positions} x ${features}`);
  const elementOf = new Int32Array(size);
  const indexOf = new Int32Array(size);
  for (let index = 0, outer = 0; index < size; outer++) {
    for (let feature = 0; feature < own; feature++) {
      for (let i = 0; i < inner; i++, index++) {
        // Heads lie one behind the other in ONNX's positions, and side by side in the program's.
        const position = outer * inner + i;
        const head = Math.floor(position / positions);
        const element = ((position - head * positions) * heads + head) * own + feature;
        elementOf[index] = element;
        indexOf[element] = index;
      }
    }
  }
  return { shape, positions, features, elementOf, indexOf };
}

export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

/** Distance between neighbours along each axis, in ONNX's order. */
export function stepsOf(shape: readonly number[]): readonly number[] {
  const steps: number[] = [];
  let step = 1;
  for (const dimension of shape.toReversed()) {
    steps.unshift(step);
    step *= dimension;
  }
  return steps;
}

/** Indices of a box of `shape` whose neighbours are `steps` apart, in row-major order, from `start` on. */
export function boxIndices(shape: readonly number[], steps: readonly number[], start = 0): Int32Array {
  let indices = Int32Array.of(start);
  for (const [axis, dimension] of shape.entries()) {
    const next = new Int32Array(indices.length * dimension);
    for (let i = 0; i < indices.length; i++) {
      for (let at = 0; at < dimension; at++) next[i * dimension + at] = indices[i]! + at * steps[axis]!;
    }
    indices = next;
  }
  return indices;
}

/** For every index of `shape` the index of a tensor of shape `from` that is broadcast to it, its first axis at axis `at`. */
export function broadcastIndices(shape: readonly number[], from: readonly number[], at = shape.length - from.length): Int32Array {
  const own = stepsOf(from);
  return boxIndices(
    shape,
    shape.map((_, axis) => ((from[axis - at] ?? 1) === 1 ? 0 : own[axis - at]!)),
  );
}
