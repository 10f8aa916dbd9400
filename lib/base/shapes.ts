// Shapes that graph, hardware and program all speak of: matrix products, windows of progress,
// ranges, classes of vector work.

/** Half-open range of whole numbers. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * A matrix product as the arrays see it: `m` vectors of `n` elements times an n x k matrix,
 * for each of `groups` independent groups (grouped convolution, heads, batches of a MatMul).
 * MACs = m * n * k * groups.
 */
export interface MatrixShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly groups: number;
}

/** Class of vector work; a chip gives one rate (elements per cycle) for each. */
export const VECTOR_CLASSES = ['activation', 'elementwise', 'pool', 'reduce', 'softmax', 'normalize', 'move'] as const;
export type VectorClass = (typeof VECTOR_CLASSES)[number];

/**
 * Which input positions an output position needs, in rows: output row r of a sample needs input
 * rows below min(rowsIn, r * stride + reach) and, once done, no longer needs rows below
 * (r + 1) * stride - lead. Elementwise: one position a row, stride 1, reach 1, lead 0.
 * Whole input: rowsOut = rowsIn = 1.
 */
export interface Window {
  readonly samples: number;
  readonly rowsOut: number;
  readonly widthOut: number;
  readonly rowsIn: number;
  readonly widthIn: number;
  readonly stride: number;
  readonly reach: number;
  readonly lead: number;
}

/** Number of leading input positions that the first `count` output positions need. */
export function positionsNeeded(window: Window, count: number): number {
  if (count <= 0) return 0;
  const last = count - 1;
  const perSample = window.rowsOut * window.widthOut;
  const sample = Math.floor(last / perSample);
  const row = Math.floor((last - sample * perSample) / window.widthOut);
  const rows = Math.max(0, Math.min(window.rowsIn, row * window.stride + window.reach));
  return (sample * window.rowsIn + rows) * window.widthIn;
}

/** Number of leading input positions that nobody needs once the first `count` output positions are done. */
export function positionsReleased(window: Window, count: number): number {
  const perSample = window.rowsOut * window.widthOut;
  const sample = Math.floor(count / perSample);
  if (sample >= window.samples) return window.samples * window.rowsIn * window.widthIn;
  const row = Math.floor((count - sample * perSample) / window.widthOut);
  const rows = Math.max(0, Math.min(window.rowsIn, row * window.stride - window.lead));
  return (sample * window.rowsIn + rows) * window.widthIn;
}

/** Position p of the output needs position p of the input, and no other. */
export function elementwiseWindow(positions: number): Window {
  return { samples: 1, rowsOut: positions, widthOut: 1, rowsIn: positions, widthIn: 1, stride: 1, reach: 1, lead: 0 };
}

/** Every output position of a sample needs the whole input of that sample. */
export function wholeWindow(samples: number, positionsIn: number, positionsOut: number): Window {
  return {
    samples,
    rowsOut: 1,
    widthOut: positionsOut / samples,
    rowsIn: 1,
    widthIn: positionsIn / samples,
    stride: 1,
    reach: 1,
    lead: 0,
  };
}

export function sameWindow(a: Window, b: Window): boolean {
  return (Object.keys(a) as (keyof Window)[]).every((key) => a[key] === b[key]);
}
