// Geometry shared by convolution and pooling: ONNX attributes -> kernel, strides, dilations, pads and output sizes,
// and the window that says how far ahead the input must be.

import type { Window } from '../../base/shapes.ts';
import { elementCount, shapeText } from '../model.ts';
import type { NodeView } from '../node-view.ts';

export interface SpatialGeometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** What auto_pad amounts to; all beginnings, then all ends. */
  readonly pads: readonly number[];
  readonly sizesOut: readonly number[];
}

/** `sizesIn`: the spatial dimensions of input 0. */
export function spatialGeometry(view: NodeView, sizesIn: readonly number[], kernel: readonly number[], ceilMode: boolean): SpatialGeometry {
  const dims = sizesIn.length;
  const list = (name: string, length: number, fill: number, least: number): readonly number[] => {
    const found = view.ints(name);
    // Some exporters write an empty list for the default.
    const values = found === undefined || found.length === 0 ? Array<number>(length).fill(fill) : found;
    if (values.length !== length) view.refuse(`its ${name} have ${values.length} entries; ${dims} spatial dimensions need ${length}`);
    if (values.some((value) => value < least)) view.refuse(`its ${name} are ${shapeText(values)}; the least is ${least}`);
    return values;
  };
  if (kernel.length !== dims || kernel.some((size) => size < 1))
    view.refuse(`its kernel ${shapeText(kernel)} doesn't fit ${dims} spatial dimensions`);
  const strides = list('strides', dims, 1, 1);
  const dilations = list('dilations', dims, 1, 1);
  const explicit = list('pads', 2 * dims, 0, 0);
  const autoPad = view.text('auto_pad', 'NOTSET');

  const begins: number[] = [];
  const ends: number[] = [];
  const sizesOut = sizesIn.map((size, d) => {
    const stride = strides[d] ?? 1;
    const extent = ((kernel[d] ?? 1) - 1) * (dilations[d] ?? 1) + 1;
    let before = 0;
    let after = 0;
    let out: number;
    if (autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER') {
      out = Math.ceil(size / stride);
      const total = Math.max(0, (out - 1) * stride + extent - size);
      const smaller = Math.floor(total / 2);
      before = autoPad === 'SAME_UPPER' ? smaller : total - smaller;
      after = total - before;
    } else {
      if (autoPad !== 'VALID') {
        before = explicit[d] ?? 0;
        after = explicit[d + dims] ?? 0;
      }
      const steps = (size + before + after - extent) / stride;
      out = (ceilMode ? Math.ceil(steps) : Math.floor(steps)) + 1;
      // A last window that would begin in the end padding is left out.
      if (ceilMode && (out - 1) * stride >= size + before) out--;
    }
    if (out < 1)
      view.refuse(
        `its kernel covers ${extent} positions, and dimension ${d + 2} of its input has ${size} (${size + before + after} with padding)`,
      );
    begins.push(before);
    ends.push(after);
    return out;
  });
  return { kernel, strides, dilations, pads: [...begins, ...ends], sizesOut };
}

/** The spatial dimensions of input 0, [N, C, ...]. */
export function spatialSizes(view: NodeView): readonly number[] {
  const shape = view.shape(0);
  if (shape.length < 3) view.refuse(`its input has shape ${shapeText(shape)}; it needs batch, channels and at least one spatial dimension`);
  return shape.slice(2);
}

/** Rows are the first spatial axis; all others make up a row's width. */
export function spatialWindow(samples: number, sizesIn: readonly number[], geometry: SpatialGeometry): Window {
  const { kernel, strides, dilations, pads, sizesOut } = geometry;
  const before = pads[0] ?? 0;
  return {
    samples,
    rowsOut: sizesOut[0] ?? 1,
    widthOut: elementCount(sizesOut.slice(1)),
    rowsIn: sizesIn[0] ?? 1,
    widthIn: elementCount(sizesIn.slice(1)),
    stride: strides[0] ?? 1,
    reach: ((kernel[0] ?? 1) - 1) * (dilations[0] ?? 1) + 1 - before,
    lead: before,
  };
}
