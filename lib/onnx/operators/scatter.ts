// Operators that read or write single elements by index: gather and scatter by element or by tuple, one-hot, top-k.

import { elementCount, shapeText } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRule, OperatorRules } from '../rule.ts';
import { type Moved, moveDraft, sameAxes } from './move.ts';

/** Samples that index and data share: the first dimension, if nothing is moved along it. */
function samplesOf(view: NodeView, axis: number, others: readonly number[]): number {
  const first = view.shape(0)[0] ?? 1;
  return axis !== 0 && others.every((i) => view.rank(i) === view.rank(0) && view.shape(i)[0] === first) ? first : 1;
}

/** Data with some elements replaced, or added to, by updates. */
function scatterRule(name: string, since: number, axisOf: (view: NodeView) => number | undefined): OperatorRule {
  return {
    since,
    infer: (view) => [{ dtype: view.dtype(0), shape: view.shape(0) }],
    lower(view) {
      const axis = axisOf(view);
      const samples = axis === undefined ? 1 : samplesOf(view, axis, [1, 2]);
      const reduction = view.text('reduction', 'none');
      const whole = (input: number): Moved => ({ input, reach: { kind: 'whole', samples } });
      const given = [1, 2].filter((i) => view.optional(i) !== undefined && elementCount(view.shape(i)) > 0);
      return [
        moveDraft(
          view,
          reduction === 'none' ? name : `${name}${reduction.charAt(0).toUpperCase()}${reduction.slice(1)}`,
          axis === undefined ? {} : { axis: [axis] },
          [{ input: 0, reach: { kind: 'whole', samples }, axes: sameAxes(view.rank(0)) }, ...given.map(whole)],
        ),
      ];
    },
  };
}

const axisAttribute = (view: NodeView): number => view.axis(view.int('axis', 0), view.rank(0));

export const SCATTERS: OperatorRules = {
  ScatterElements: scatterRule('scatterElements', 11, axisAttribute),
  Scatter: scatterRule('scatterElements', 9, axisAttribute),
  ScatterND: scatterRule('scatterNd', 11, () => undefined),
  /** Writes new entries into a cache, at a place of its own for each sample. */
  TensorScatter: scatterRule('tensorScatter', 24, (view) => view.axis(view.int('axis', -2), view.rank(0))),

  GatherElements: {
    since: 11,
    infer(view) {
      const [shape, indices] = [view.shape(0), view.shape(1)];
      if (indices.length !== shape.length)
        view.refuse(`its inputs have shapes ${shapeText(shape)} and ${shapeText(indices)}; both need as many dimensions`);
      return [{ dtype: view.dtype(0), shape: indices }];
    },
    lower(view) {
      const axis = axisAttribute(view);
      return [
        moveDraft(view, 'gatherElements', { axis: [axis] }, [
          { input: 0, reach: { kind: 'whole', samples: samplesOf(view, axis, [1]) }, axes: sameAxes(view.rank(0)) },
          { input: 1, reach: { kind: 'aligned' }, axes: sameAxes(view.rank(1)) },
        ]),
      ];
    },
  },

  GatherND: {
    since: 11,
    infer(view) {
      const [shape, indices] = [view.shape(0), view.shape(1)];
      const batch = view.int('batch_dims', 0);
      const depth = indices.at(-1) ?? 0;
      if (depth < 1 || batch + depth > shape.length)
        view.refuse(`it takes tuples of ${depth} indices behind ${batch} batch dimensions from shape ${shapeText(shape)}`);
      return [{ dtype: view.dtype(0), shape: [...indices.slice(0, -1), ...shape.slice(batch + depth)] }];
    },
    lower: (view) => [
      moveDraft(view, 'gatherNd', { batch: [view.int('batch_dims', 0)] }, [
        { input: 0, reach: { kind: 'whole', samples: 1 } },
        { input: 1, reach: { kind: 'whole', samples: 1 } },
      ]),
    ],
  },

  /** A new axis of `depth`, on where the index says. */
  OneHot: {
    since: 9,
    infer(view) {
      const shape = view.shape(0);
      const depth = view.elements(1)[0] ?? 0;
      const axis = view.axis(view.int('axis', -1), shape.length + 1);
      return [{ dtype: view.dtype(2), shape: shape.toSpliced(axis, 0, depth) }];
    },
    lower(view) {
      const rank = view.rank(0);
      const axis = view.axis(view.int('axis', -1), rank + 1);
      const axes = Array.from({ length: rank + 1 }, (_, a) => (a === rank ? axis : a < axis ? a : a + 1));
      return [
        {
          ...moveDraft(view, 'oneHot', { axis: [axis], depth: [view.elements(1)[0] ?? 0] }, [
            { input: 0, reach: { kind: 'aligned' }, axes, prefers: rank },
            { input: 2, reach: { kind: 'whole', samples: 1 } },
          ]),
          axis,
        },
      ];
    },
  },

  /** The k largest or smallest of an axis, and where they were: a move for each. */
  TopK: {
    infer(view) {
      const { axis, k } = topK(view);
      const shape = view.shape(0).with(axis, k);
      return [
        { dtype: view.dtype(0), shape },
        { dtype: 'int64', shape },
      ];
    },
    lower(view) {
      const { axis, k } = topK(view);
      const parameters = { axis: [axis], k: [k], largest: [view.int('largest', 1)] };
      const move = (name: string): ReturnType<typeof moveDraft> =>
        moveDraft(view, name, parameters, [
          { input: 0, reach: { kind: 'along', axes: [axis] }, prefers: axis, axes: sameAxes(view.rank(0)) },
        ]);
      return ['topK', 'topKIndices'].flatMap((name, output) =>
        view.makes(output) ? [{ ...move(name), output, suffix: output === 0 ? 'values' : 'indices' }] : [],
      );
    },
  },
};

/** k is an attribute before opset 10, an input from then on. */
function topK(view: NodeView): { axis: number; k: number } {
  const shape = view.shape(0);
  const axis = view.axis(view.int('axis', -1), shape.length);
  const k = view.opset < 10 ? view.int('k', 0) : (view.elements(1)[0] ?? 0);
  if (k > (shape[axis] ?? 0)) view.refuse(`it takes the ${k} best of axis ${axis}, which has ${shape[axis]}`);
  return { axis, k };
}
