// Operators whose output's size depends on values: non-zero, compress, unique, non-maximum suppression.
// A compiler can't place what it can't size, so what decides the size has to be a constant.

import { elementCount } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import { alwaysFolded, type Inferred, type OperatorRules } from '../rule.ts';
import { stridesOf } from './broadcast.ts';
import { moveDraft, sameAxes } from './move.ts';
import { boxesKept } from './suppression.ts';

export const DATA_DEPENDENT: OperatorRules = {
  /** Coordinates of the elements that are not 0, an axis a row. */
  NonZero: {
    since: 9,
    infer(view) {
      const shape = view.shape(0);
      const strides = stridesOf(shape);
      const found = view.elements(0).flatMap((value, i) => (value === 0 ? [] : [i]));
      const elements = strides.flatMap((stride, axis) => found.map((i) => Math.floor(i / stride) % (shape[axis] ?? 1)));
      return [{ dtype: 'int64', shape: [shape.length, found.length], elements }];
    },
    lower: alwaysFolded,
  },

  /** The slices along `axis`, or the elements, whose condition is true. */
  Compress: {
    since: 9,
    infer(view) {
      const shape = view.shape(0);
      const chosen = view.elements(1).flatMap((value, i) => (value === 0 ? [] : [i]));
      const dtype = view.dtype(0);
      if (!view.has('axis')) {
        const size = elementCount(shape);
        const kept = chosen.filter((i) => i < size);
        return [{ dtype, shape: [kept.length], elements: view.fold([kept.length], ([x = []]) => kept.map((i) => x[i] ?? 0)) }];
      }
      const axis = view.axis(view.int('axis', 0), shape.length);
      return [{ dtype, shape: shape.with(axis, chosen.filter((i) => i < (shape[axis] ?? 0)).length) }];
    },
    lower(view) {
      const axis = view.has('axis') ? view.axis(view.int('axis', 0), view.rank(0)) : undefined;
      const reach = axis === undefined ? ({ kind: 'whole', samples: 1 } as const) : ({ kind: 'along', axes: [axis] } as const);
      const axes = axis === undefined ? {} : { axes: sameAxes(view.rank(0)) };
      const condition = { input: 1, reach: { kind: 'whole', samples: 1 } } as const;
      return [moveDraft(view, 'compress', axis === undefined ? {} : { axis: [axis] }, [{ input: 0, reach, ...axes }, condition])];
    },
  },

  /** Different elements, or slices along `axis`; where each was first, which of them each was, and how often each was there. */
  Unique: {
    since: 11,
    infer: (view) => unique(view),
    lower: alwaysFolded,
  },

  NonMaxSuppression: {
    since: 10,
    infer(view) {
      const [boxes, scores] = [view.elements(0), view.elements(1)];
      const kept = boxesKept(boxes, scores, view.shape(1), {
        most: view.optionalElements(2)?.[0] ?? 0,
        overlap: view.optionalElements(3)?.[0] ?? 0,
        least: view.optionalElements(4)?.[0] ?? Number.NEGATIVE_INFINITY,
        centred: view.int('center_point_box', 0) !== 0,
      });
      return [{ dtype: 'int64', shape: [kept.length, 3], elements: kept.flat() }];
    },
    lower: alwaysFolded,
  },
};

function unique(view: NodeView): readonly Inferred[] {
  const { dtype, shape } = view.value(0);
  const axis = view.has('axis') ? view.axis(view.int('axis', 0), shape.length) : undefined;
  const x = view.elements(0);
  const stride = axis === undefined ? 1 : (stridesOf(shape)[axis] ?? 1);
  const size = axis === undefined ? x.length : (shape[axis] ?? 1);
  const slices = Array.from({ length: size }, (_, i) =>
    axis === undefined ? [x[i] ?? 0] : x.filter((_, at) => Math.floor(at / stride) % size === i),
  );
  const firsts: number[] = [];
  const indexOf = new Map<string, number>();
  for (const [i, slice] of slices.entries()) {
    if (indexOf.has(slice.join())) continue;
    indexOf.set(slice.join(), firsts.length);
    firsts.push(i);
  }
  const order = firsts.map((_, i) => i);
  if (view.int('sorted', 1) !== 0) order.sort((a, b) => compare(slices[firsts[a] ?? 0] ?? [], slices[firsts[b] ?? 0] ?? []));
  const rank = order.map((_, i) => order.indexOf(i));
  const inverse = slices.map((slice) => rank[indexOf.get(slice.join()) ?? 0] ?? 0);
  const counts = order.map((_, i) => inverse.filter((index) => index === i).length);
  const count = order.length;
  const indices = order.map((i) => firsts[i] ?? 0);
  return [
    axis === undefined
      ? { dtype, shape: [count], elements: indices.map((i) => x[i] ?? 0) }
      : { dtype, shape: shape.with(axis, count), constant: true },
    { dtype: 'int64', shape: [count], elements: indices },
    { dtype: 'int64', shape: [inverse.length], elements: inverse },
    { dtype: 'int64', shape: [count], elements: counts },
  ];
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
