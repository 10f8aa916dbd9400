// Operators that rearrange data or make more of it: transpose, concat, expand, tile, pad. No arithmetic, but work.
// Each is also folded, element by element, when its inputs are constants.

import { elementCount, shapeText } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRules } from '../rule.ts';
import { alignedAxes, broadcastElements, broadcastShape, pick, stridesOf } from './broadcast.ts';
import { type Moved, moveDraft, sameAxes, transposeDraft } from './move.ts';

export const MOVES: OperatorRules = {
  Transpose: {
    infer(view) {
      const [shape, perm] = [view.shape(0), permutation(view)];
      const shapeOut = perm.map((axis) => shape[axis] ?? 1);
      const strides = stridesOf(shape);
      const elements = view.fold(shapeOut, ([x = []]) =>
        pick(x, shapeOut, (at) => perm.reduce((index, axis, i) => index + (at[i] ?? 0) * (strides[axis] ?? 0), 0)),
      );
      return [{ dtype: view.dtype(0), shape: shapeOut, elements }];
    },
    lower(view) {
      const draft = transposeDraft(view.value(0), permutation(view));
      return draft === undefined ? { sameAs: 0 } : [draft];
    },
  },

  Concat: {
    infer(view) {
      const shapes = view.values().map(({ shape }) => shape);
      const [first = view.refuse('it has no inputs')] = shapes;
      const axis = view.axis(view.int('axis', 0), first.length);
      for (const shape of shapes) {
        if (shape.length !== first.length || shape.some((size, a) => a !== axis && size !== first[a])) {
          view.refuse(`its inputs' shapes ${shapeText(first)} and ${shapeText(shape)} differ in more than axis ${axis}`);
        }
      }
      const size = shapes.reduce((total, shape) => total + (shape[axis] ?? 0), 0);
      const shapeOut = first.with(axis, size);
      const elements = view.fold(shapeOut, (inputs) => {
        const rows = elementCount(first.slice(0, axis));
        return Array.from({ length: rows }, (_, row) =>
          inputs.map((input) => input.slice((row * input.length) / rows, ((row + 1) * input.length) / rows)),
        ).flat(2);
      });
      return [{ dtype: view.dtype(0), shape: shapeOut, elements }];
    },
    lower(view) {
      const rank = view.rank(0);
      const axis = view.axis(view.int('axis', 0), rank);
      const inputs = view.node.inputs.flatMap((_, input): Moved[] => {
        const value = view.optional(input);
        const nothing = value === undefined || elementCount(value.shape) === 0;
        return nothing ? [] : [{ input, reach: { kind: 'along', axes: [axis] }, axes: sameAxes(rank) }];
      });
      if (inputs.length === 1) return { sameAs: inputs[0]?.input ?? 0 };
      return [moveDraft(view, 'concat', { axis: [axis] }, inputs)];
    },
  },

  Expand: {
    since: 8,
    infer(view) {
      const shape = expanded(view);
      const elements = view.fold(shape, ([x = []]) => broadcastElements(x, view.shape(0), shape));
      return [{ dtype: view.dtype(0), shape, elements }];
    },
    lower(view) {
      const [from, to] = [view.shape(0), expanded(view)];
      if (from.join() === to.join()) return { sameAs: 0 };
      return [moveDraft(view, 'expand', {}, [{ input: 0, reach: { kind: 'aligned' }, axes: alignedAxes(from.length, to.length) }])];
    },
  },

  Tile: {
    infer(view) {
      const shape = view.shape(0);
      const repeats = repeatsOf(view);
      const shapeOut = shape.map((size, axis) => size * (repeats[axis] ?? 1));
      const strides = stridesOf(shape);
      const elements = view.fold(shapeOut, ([x = []]) =>
        pick(x, shapeOut, (at) => at.reduce((index, p, a) => index + (p % (shape[a] ?? 1)) * (strides[a] ?? 0), 0)),
      );
      return [{ dtype: view.dtype(0), shape: shapeOut, elements }];
    },
    lower(view) {
      const repeats = repeatsOf(view);
      const axes = repeats.flatMap((count, axis) => (count === 1 ? [] : [axis]));
      if (axes.length === 0) return { sameAs: 0 };
      return [moveDraft(view, 'tile', { repeats }, [{ input: 0, reach: { kind: 'along', axes }, axes: sameAxes(repeats.length) }])];
    },
  },

  /** `pads`: all beginnings, then all ends; negative ones cut. */
  Pad: {
    infer(view) {
      const pads = padsOf(view);
      const shape = view.shape(0);
      return [{ dtype: view.dtype(0), shape: shape.map((size, axis) => size + (pads[axis] ?? 0) + (pads[axis + shape.length] ?? 0)) }];
    },
    lower(view) {
      const pads = padsOf(view);
      const rank = view.rank(0);
      const axes = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => pads[axis] !== 0 || pads[axis + rank] !== 0);
      if (axes.length === 0) return { sameAs: 0 };
      const mode = view.text('mode', 'constant');
      const value = view.opset < 11 ? view.float('value', 0) : (view.optional(2)?.elements()?.[0] ?? 0);
      const parameters = mode === 'constant' ? { pads, value: [value] } : { pads };
      const name = mode === 'constant' ? 'pad' : `pad${mode.charAt(0).toUpperCase()}${mode.slice(1)}`;
      return [moveDraft(view, name, parameters, [{ input: 0, reach: { kind: 'along', axes }, axes: sameAxes(rank) }])];
    },
  },
};

function permutation(view: NodeView): readonly number[] {
  const rank = view.rank(0);
  const perm = view.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (perm.length !== rank || view.axes(perm, rank).length !== rank)
    view.refuse(`its perm ${shapeText(perm)} is not an order of ${rank} axes`);
  return perm.map((axis) => view.axis(axis, rank));
}

function expanded(view: NodeView): readonly number[] {
  return broadcastShape(view, [view.shape(0), view.elements(1)]);
}

function repeatsOf(view: NodeView): readonly number[] {
  const repeats = view.elements(1);
  if (repeats.length !== view.rank(0)) view.refuse(`it has ${repeats.length} repeats for ${view.rank(0)} axes`);
  return repeats;
}

/** Pads are an attribute before opset 11 and an input from then on, perhaps for some axes only (opset 18). */
function padsOf(view: NodeView): readonly number[] {
  const rank = view.rank(0);
  const pads = (view.opset < 11 ? view.ints('pads') : view.elements(1)) ?? view.refuse('it has no pads');
  const given = view.opset < 18 ? undefined : view.optionalElements(3);
  const axes = given === undefined ? Array.from({ length: rank }, (_, axis) => axis) : given.map((axis) => view.axis(axis, rank));
  if (pads.length !== 2 * axes.length) view.refuse(`it has ${pads.length} pads for ${axes.length} axes`);
  const all = Array<number>(2 * rank).fill(0);
  for (const [i, axis] of axes.entries()) {
    all[axis] = pads[i] ?? 0;
    all[axis + rank] = pads[i + axes.length] ?? 0;
  }
  return all;
}
