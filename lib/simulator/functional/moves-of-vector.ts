// Moves: for every element of the result, in ONNX's order, which element of what is moved it is. Found by moving numbers
// that count the elements: a table made once, whatever the function. Only a look-up depends on what is moved.

import type { OperatorOf } from '../../ir/graph.ts';
import { boxIndices, broadcastIndices, sizeOf, stepsOf } from './place.ts';

/** Places of all that is moved, counted through: input 0's elements first. -1 stands for the padding value. */
export type MoveTable = Int32Array;

/** undefined for a function that is not known. `shapes`: of everything that is moved. */
export function moveTable(
  { attrs }: OperatorOf<'move'>,
  shapes: readonly (readonly number[])[],
  to: readonly number[],
): MoveTable | undefined {
  const { parameters } = attrs;
  const from = shapes[0] ?? [];
  const steps = stepsOf(from);
  const pads = parameters.pads ?? [];
  const byAxis = (at: (position: number, size: number, axis: number) => number): MoveTable =>
    gatherAxes(to, (axis, position) => at(position, from[axis]!, axis) * steps[axis]!);
  switch (attrs.function) {
    case 'transpose':
      return boxIndices(
        to,
        (parameters.perm ?? []).map((axis) => steps[axis]!),
      );
    case 'slice': {
      const { starts = [], steps: by = [] } = parameters;
      return byAxis((position, _, axis) => starts[axis]! + position * by[axis]!);
    }
    case 'expand':
      return broadcastIndices(to, from);
    case 'tile':
      return byAxis((position, size) => position % size);
    case 'padEdge':
      return byAxis((position, size, axis) => Math.min(Math.max(position - pads[axis]!, 0), size - 1));
    case 'padWrap':
      return byAxis((position, size, axis) => (position - pads[axis]! + size * to[axis]!) % size);
    case 'padReflect':
      return byAxis((position, size, axis) => mirrored(position - pads[axis]!, size));
    case 'pad':
      return gatherAxes(to, (axis, position) => {
        const at = position - pads[axis]!;
        return at < 0 || at >= from[axis]! ? Number.NaN : at * steps[axis]!;
      });
    case 'concat':
      return joined(shapes, to, parameters.axis?.[0] ?? 0);
    default:
      return undefined;
  }
}

/** The place is the sum over the axes of what `step` says of the coordinate; -1 if that is nothing on one of them. */
function gatherAxes(shape: readonly number[], step: (axis: number, position: number) => number): MoveTable {
  let places = Float64Array.of(0);
  for (const [axis, size] of shape.entries()) {
    const own = Float64Array.from({ length: size }, (_, position) => step(axis, position));
    const next = new Float64Array(places.length * size);
    for (let i = 0; i < places.length; i++) for (let p = 0; p < size; p++) next[i * size + p] = places[i]! + own[p]!;
    places = next;
  }
  return Int32Array.from(places, (place) => (Number.isNaN(place) ? -1 : place));
}

function mirrored(position: number, size: number): number {
  let at = position;
  while (size > 1 && (at < 0 || at >= size)) at = at < 0 ? -at : 2 * (size - 1) - at;
  return size > 1 ? at : 0;
}

function joined(shapes: readonly (readonly number[])[], to: readonly number[], axis: number): MoveTable {
  const table = new Int32Array(sizeOf(to));
  const row = sizeOf(to.slice(axis));
  let [first, column] = [0, 0];
  for (const shape of shapes) {
    const width = sizeOf(shape.slice(axis));
    const size = sizeOf(shape);
    for (let i = 0; i < size; i++) table[Math.floor(i / width) * row + column + (i % width)] = first + i;
    first += size;
    column += width;
  }
  return table;
}
