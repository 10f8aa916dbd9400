// Windows: a draft's reach and two layouts -> which input positions an output position needs (lib/base/shapes.ts).
// Where positions of input and output don't correspond, a sample of the input is needed whole.

import { assertNever } from '../base/problem.ts';
import { elementwiseWindow, type Window, wholeWindow } from '../base/shapes.ts';
import type { Reach } from './draft.ts';
import { streamed } from './layout.ts';

/** A tensor and the axis of its features. */
export interface Placed {
  readonly shape: readonly number[];
  readonly axis: number;
}

export function windowOf(reach: Reach, from: Placed, to: Placed): Window {
  const positionsIn = streamed(from.shape, from.axis).positions;
  const positionsOut = streamed(to.shape, to.axis).positions;
  const bySample = (samples: number): Window =>
    wholeWindow(samplesIn(samples, from, to, positionsIn, positionsOut), positionsIn, positionsOut);
  const sameAxis = from.axis - from.shape.length === to.axis - to.shape.length;
  switch (reach.kind) {
    case 'rows': {
      const { samples, rowsIn, widthIn, rowsOut, widthOut } = reach.window;
      return samples * rowsIn * widthIn === positionsIn && samples * rowsOut * widthOut === positionsOut ? reach.window : bySample(samples);
    }
    case 'positionwise':
      return positionsIn === positionsOut ? elementwiseWindow(positionsOut) : bySample(1);
    case 'aligned':
      if (sameAxis && positionsIn === positionsOut) return elementwiseWindow(positionsOut);
      return bySample(from.shape.length === to.shape.length ? (from.shape[0] ?? 1) : 1);
    case 'along': {
      const others = reach.axes.some((axis) => axis !== from.axis && from.shape[axis] !== 1);
      if (!others && positionsIn === positionsOut) return elementwiseWindow(positionsOut);
      return bySample(reach.axes.includes(0) ? 1 : (from.shape[0] ?? 1));
    }
    case 'contiguous':
      return contiguousWindow(from, to, positionsIn, positionsOut) ?? bySample(commonSamples(from.shape, to.shape));
    case 'whole':
      return bySample(reach.samples);
    default:
      return assertNever(reach);
  }
}

/** Elements are streamed in memory order when nothing but the features lies behind the features. */
function inMemoryOrder({ shape, axis }: Placed): boolean {
  return (shape[axis] ?? 1) === 1 || shape.slice(axis + 1).every((size) => size === 1);
}

/** A view of elements that arrive in the order they leave in: rows of one side are groups of positions of the other. */
function contiguousWindow(from: Placed, to: Placed, positionsIn: number, positionsOut: number): Window | undefined {
  const sameStream = from.axis === to.axis && from.shape.join() === to.shape.join();
  if (!sameStream && !(inMemoryOrder(from) && inMemoryOrder(to))) return undefined;
  const rows = Math.min(positionsIn, positionsOut);
  if (positionsIn % rows !== 0 || positionsOut % rows !== 0) return undefined;
  return { ...elementwiseWindow(rows), widthIn: positionsIn / rows, widthOut: positionsOut / rows };
}

/** Leading parts that both shapes are divided into alike, element by element. */
function commonSamples([from = 1]: readonly number[], [to = 1]: readonly number[]): number {
  if (from % to === 0) return to;
  return to % from === 0 ? from : 1;
}

/** `samples`, if both sides' positions fall into that many consecutive groups. */
function samplesIn(samples: number, from: Placed, to: Placed, positionsIn: number, positionsOut: number): number {
  const leading = [from, to].every(({ shape, axis }) => axis !== 0 && (shape[0] ?? 1) % samples === 0);
  return leading && positionsIn % samples === 0 && positionsOut % samples === 0 ? samples : 1;
}
