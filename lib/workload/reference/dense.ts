// Dense: a whole tensor as the reference holds it, in ONNX's row-major order, with the walk over its coordinates.

export interface Dense {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export function dense(shape: readonly number[], data = new Float64Array(sizeOf(shape))): Dense {
  return { shape, data };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dimension) => size * dimension, 1);
}

/** Row-major strides, in elements. */
export function strides(shape: readonly number[]): number[] {
  const result = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) result[axis] = result[axis + 1]! * shape[axis + 1]!;
  return result;
}

/**
 * Calls `visit` with every coordinate of `shape` in row-major order, as its index and as the sum of coordinate times
 * `steps`: where the element lies in another tensor.
 */
export function walk(shape: readonly number[], steps: readonly number[], visit: (index: number, other: number) => void): void {
  const rank = shape.length;
  const at = new Int32Array(rank);
  const size = sizeOf(shape);
  let other = 0;
  for (let index = 0; index < size; index++) {
    visit(index, other);
    for (let axis = rank - 1; axis >= 0; axis--) {
      other += steps[axis]!;
      if (++at[axis]! < shape[axis]!) break;
      other -= steps[axis]! * shape[axis]!;
      at[axis] = 0;
    }
  }
}

/** `from` repeated to `shape`: NumPy's broadcasting, its first axis aligned with `shape`'s axis `at` (the last ones unless told). */
export function broadcast(from: Dense, shape: readonly number[], at = shape.length - from.shape.length): Float64Array {
  if (from.shape.length === shape.length && from.data.length === sizeOf(shape)) return from.data;
  const own = strides(from.shape);
  const steps = shape.map((_, axis) => ((from.shape[axis - at] ?? 1) === 1 ? 0 : own[axis - at]!));
  const data = new Float64Array(sizeOf(shape));
  walk(shape, steps, (index, other) => {
    data[index] = from.data[other]!;
  });
  return data;
}
