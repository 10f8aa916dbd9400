// Moves of the reference: operators that rearrange, select or repeat elements -> the elements of their result.

import type { OperatorOf } from '../../ir/graph.ts';
import { broadcast, type Dense, dense, sizeOf, strides, walk } from './dense.ts';

/** Everything that is moved, constants among it, in the node's order. undefined for a function that is not known. */
export function move({ attrs }: OperatorOf<'move'>, inputs: readonly Dense[], shape: readonly number[]): Float64Array | undefined {
  const { parameters } = attrs;
  const [x, ...others] = inputs;
  if (x === undefined) return undefined;
  const own = strides(x.shape);
  /** Elements from `start` on, a step along each axis of the result going `steps` elements further. */
  const strided = (start: number, steps: readonly number[]): Float64Array => {
    const result = new Float64Array(sizeOf(shape));
    walk(shape, steps, (index, place) => {
      result[index] = x.data[start + place]!;
    });
    return result;
  };
  switch (attrs.function) {
    case 'transpose':
      return strided(
        0,
        (parameters.perm ?? []).map((axis) => own[axis]!),
      );
    case 'slice': {
      const { starts = [], steps = [] } = parameters;
      const start = starts.reduce((sum, position, axis) => sum + position * own[axis]!, 0);
      return strided(
        start,
        own.map((stride, axis) => stride * (steps[axis] ?? 1)),
      );
    }
    case 'expand':
      return broadcast(x, shape);
    case 'tile':
      return folded(x, shape, (position, size) => position % size);
    case 'pad':
      return padded(x, shape, parameters.pads ?? [], parameters.value?.[0] ?? 0);
    case 'padReflect':
      return folded(x, shape, (position, size, axis) => reflect(position - (parameters.pads?.[axis] ?? 0), size));
    case 'padEdge':
      return folded(x, shape, (position, size, axis) => Math.max(0, Math.min(size - 1, position - (parameters.pads?.[axis] ?? 0))));
    case 'padWrap':
      return folded(x, shape, (position, size, axis) => (((position - (parameters.pads?.[axis] ?? 0)) % size) + size) % size);
    case 'concat':
      return joined(inputs, shape, parameters.axis?.[0] ?? 0);
    case 'gather':
      return others[0] && gathered(x, others[0], parameters.axis?.[0] ?? 0);
    case 'gatherNd':
      return others[0] && gatheredByTuples(x, others[0], parameters.batch?.[0] ?? 0);
    default:
      return undefined;
  }
}

/** Slices of `x` at tuples of indices, the last axis of `tuples`, behind `batch` axes that both have. */
function gatheredByTuples(x: Dense, tuples: Dense, batch: number): Float64Array {
  const depth = tuples.shape.at(-1) ?? 1;
  const own = strides(x.shape);
  const slice = sizeOf(x.shape.slice(batch + depth));
  const batches = sizeOf(x.shape.slice(0, batch));
  const count = tuples.data.length / depth;
  const result = new Float64Array(count * slice);
  for (let i = 0; i < count; i++) {
    let place = Math.floor((i * batches) / count) * sizeOf(x.shape.slice(batch));
    for (let d = 0; d < depth; d++) {
      const index = tuples.data[i * depth + d]!;
      place += (index < 0 ? index + x.shape[batch + d]! : index) * own[batch + d]!;
    }
    result.set(x.data.subarray(place, place + slice), i * slice);
  }
  return result;
}

function reflect(position: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const at = ((position % period) + period) % period;
  return at < size ? at : period - at;
}

/** Each element is the one at coordinates that `at` says, axis by axis. */
function folded(x: Dense, shape: readonly number[], at: (position: number, size: number, axis: number) => number): Float64Array {
  const own = strides(x.shape);
  const over = strides(shape);
  const places = shape.map((size, axis) => Array.from({ length: size }, (_, position) => at(position, x.shape[axis]!, axis) * own[axis]!));
  return new Float64Array(sizeOf(shape)).map((_, index) => {
    let place = 0;
    for (const [axis, stride] of over.entries()) place += places[axis]![Math.floor(index / stride) % shape[axis]!]!;
    return x.data[place]!;
  });
}

function padded(x: Dense, shape: readonly number[], pads: readonly number[], value: number): Float64Array {
  const result = new Float64Array(sizeOf(shape)).fill(value);
  const over = strides(shape);
  const own = strides(x.shape);
  for (let place = 0; place < x.data.length; place++) {
    let index = 0;
    let inside = true;
    for (const [axis, stride] of own.entries()) {
      const position = (Math.floor(place / stride) % x.shape[axis]!) + pads[axis]!;
      inside &&= position >= 0 && position < shape[axis]!;
      index += position * over[axis]!;
    }
    if (inside) result[index] = x.data[place]!;
  }
  return result;
}

function joined(inputs: readonly Dense[], shape: readonly number[], axis: number): Float64Array {
  const result = new Float64Array(sizeOf(shape));
  const rows = sizeOf(shape.slice(0, axis));
  const width = sizeOf(shape.slice(axis));
  let from = 0;
  for (const { data } of inputs) {
    const part = data.length / rows;
    for (let row = 0; row < rows; row++) result.set(data.subarray(row * part, (row + 1) * part), row * width + from);
    from += part;
  }
  return result;
}

function gathered(x: Dense, indices: Dense, axis: number): Float64Array {
  const size = x.shape[axis] ?? 1;
  const inner = sizeOf(x.shape.slice(axis + 1));
  const outer = sizeOf(x.shape.slice(0, axis));
  const result = dense([outer, indices.data.length, inner]).data;
  for (let o = 0; o < outer; o++) {
    for (const [i, index] of indices.data.entries()) {
      const from = (o * size + (index < 0 ? index + size : index)) * inner;
      result.set(x.data.subarray(from, from + inner), (o * indices.data.length + i) * inner);
    }
  }
  return result;
}
