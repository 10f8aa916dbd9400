// Broadcasting and index arithmetic over small tensors: ONNX's (NumPy's) rules.

import { elementCount, shapeText } from '../model.ts';
import type { NodeView } from '../node-view.ts';

/** The shape all of `shapes` broadcast to; refuses those that don't. */
export function broadcastShape(view: NodeView, shapes: readonly (readonly number[])[]): readonly number[] {
  const rank = Math.max(0, ...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    let size = 1;
    for (const shape of shapes) {
      const own = shape[axis - rank + shape.length] ?? 1;
      if (own === 1 || own === size) continue;
      if (size !== 1) view.refuse(`its inputs' shapes ${shapes.map(shapeText).join(' and ')} can't be broadcast to one`);
      size = own;
    }
    return size;
  });
}

/** Elements of `elements`, of shape `from`, repeated to shape `to`. */
export function broadcastElements(elements: readonly number[], from: readonly number[], to: readonly number[]): readonly number[] {
  if (elements.length === elementCount(to)) return elements;
  if (elements.length === 1) return Array<number>(elementCount(to)).fill(elements[0] ?? 0);
  const offset = to.length - from.length;
  const strides = stridesOf(from);
  return pick(elements, to, (at) => {
    let index = 0;
    for (const [axis, stride] of strides.entries()) if (from[axis] !== 1) index += (at[axis + offset] ?? 0) * stride;
    return index;
  });
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return strides;
}

/** A tensor of shape `shape` whose element at each coordinate is `elements[index(coordinate)]`. */
export function pick(elements: readonly number[], shape: readonly number[], index: (at: readonly number[]) => number): number[] {
  const at = Array<number>(shape.length).fill(0);
  return Array.from({ length: elementCount(shape) }, () => {
    const element = elements[index(at)] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (at[axis] ?? 0) + 1;
      at[axis] = next < (shape[axis] ?? 1) ? next : 0;
      if (next < (shape[axis] ?? 1)) break;
    }
    return element;
  });
}

/** Input axis -> output axis for an input of rank `from` broadcast to rank `to`; "no axis" stays none. */
export function alignedAxes(from: number, to: number): number[] {
  return Array.from({ length: from + 1 }, (_, axis) => axis + to - from);
}
