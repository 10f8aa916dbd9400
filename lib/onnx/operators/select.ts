// Operators that select a part of their input: slice, split, gather. Each is also folded when its inputs are constants.

import { elementCount, shapeText } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRules } from '../rule.ts';
import { pick, stridesOf } from './broadcast.ts';
import { moveDraft, sameAxes } from './move.ts';

export const SELECTIONS: OperatorRules = {
  Split: {
    infer(view) {
      const { axis, sizes } = parts(view);
      const shape = view.shape(0);
      const strides = stridesOf(shape);
      let begin = 0;
      return sizes.map((size) => {
        const offset = begin * (strides[axis] ?? 1);
        begin += size;
        const shapeOut = shape.with(axis, size);
        const elements = view.fold(shapeOut, ([x = []]) =>
          pick(x, shapeOut, (at) => offset + at.reduce((index, p, a) => index + p * (strides[a] ?? 0), 0)),
        );
        return { dtype: view.dtype(0), shape: shapeOut, elements };
      });
    },
    /** One slice for each output. */
    lower(view) {
      const { axis, sizes } = parts(view);
      const rank = view.rank(0);
      if (sizes.length === 1) return { sameAs: 0 };
      let begin = 0;
      return sizes.flatMap((size, output) => {
        const starts = Array<number>(rank).fill(0).with(axis, begin);
        begin += size;
        const move = moveDraft(view, 'slice', { starts, steps: Array<number>(rank).fill(1) }, [
          { input: 0, reach: { kind: 'along', axes: [axis] }, axes: sameAxes(rank) },
        ]);
        const used = size > 0 && (view.node.outputs[output] ?? '') !== '';
        return used ? [{ ...move, output, suffix: `${output}` }] : [];
      });
    },
  },

  Slice: {
    infer(view) {
      const { starts, steps, shapeOut } = slice(view);
      const strides = stridesOf(view.shape(0));
      const elements = view.fold(shapeOut, ([x = []]) =>
        pick(x, shapeOut, (at) => at.reduce((index, p, a) => index + ((starts[a] ?? 0) + p * (steps[a] ?? 1)) * (strides[a] ?? 0), 0)),
      );
      return [{ dtype: view.dtype(0), shape: shapeOut, elements }];
    },
    lower(view) {
      const shape = view.shape(0);
      const { starts, steps, shapeOut } = slice(view);
      const cut = shape.flatMap((size, axis) => (size === shapeOut[axis] && steps[axis] === 1 ? [] : [axis]));
      if (cut.length === 0) return { sameAs: 0 };
      return [
        moveDraft(view, 'slice', { starts, steps }, [{ input: 0, reach: { kind: 'along', axes: cut }, axes: sameAxes(shape.length) }]),
      ];
    },
  },

  Gather: {
    infer(view) {
      const { axis, shape, indices } = gathered(view);
      const shapeOut = [...shape.slice(0, axis), ...indices, ...shape.slice(axis + 1)];
      const elements = view.fold(shapeOut, ([x = [], at = []]) => {
        const size = shape[axis] ?? 1;
        const inner = elementCount(shape.slice(axis + 1));
        const chosen = at.map((i) => (i < 0 ? i + size : i));
        const bad = chosen.find((i) => i < 0 || i >= size);
        if (bad !== undefined) view.refuse(`it takes element ${bad} of axis ${axis}, which has ${size}`);
        return Array.from({ length: elementCount(shape.slice(0, axis)) }, (_, outer) =>
          chosen.map((i) => x.slice((outer * size + i) * inner, (outer * size + i + 1) * inner)),
        ).flat(2);
      });
      return [{ dtype: view.dtype(0), shape: shapeOut, elements }];
    },
    lower(view) {
      const { axis, shape, indices } = gathered(view);
      const rankOut = shape.length - 1 + indices.length;
      // A table looked up token by token: one index, a vector of features.
      if (view.value(0).constant) {
        const lookUp = moveDraft(view, 'gather', { axis: [axis] }, [
          { input: 0, reach: { kind: 'whole', samples: 1 } },
          { input: 1, reach: { kind: 'positionwise' }, wants: indices.length },
        ]);
        return [
          axis === 0 && shape.length > 1
            ? { ...lookUp, axis: rankOut - 1 }
            : { ...lookUp, ...(shape.length === 1 ? { axis: rankOut } : {}) },
        ];
      }
      const axes = shape.map((_, a) => (a < axis ? a : a > axis ? a - 1 + indices.length : indices.length > 0 ? a : rankOut));
      return [
        moveDraft(view, 'gather', { axis: [axis] }, [
          { input: 0, reach: { kind: 'along', axes: [axis] }, axes: [...axes, rankOut] },
          { input: 1, reach: { kind: 'whole', samples: 1 } },
        ]),
      ];
    },
  },
};

/** Sizes are an attribute before opset 13 and an input from then on; without them the parts are alike, the last perhaps smaller. */
function parts(view: NodeView): { axis: number; sizes: readonly number[] } {
  const shape = view.shape(0);
  const axis = view.axis(view.int('axis', 0), shape.length);
  const size = shape[axis] ?? 0;
  const given = view.opset < 13 ? view.ints('split') : view.optionalElements(1);
  const count = view.int('num_outputs', view.node.outputs.length);
  const each = Math.ceil(size / count);
  const sizes = given ?? Array.from({ length: count }, (_, i) => Math.max(0, Math.min(each, size - i * each)));
  if (sizes.reduce((a, b) => a + b, 0) !== size || sizes.some((part) => part < 0)) {
    view.refuse(`its parts ${shapeText(sizes)} don't add up to the ${size} of axis ${axis}`);
  }
  return { axis, sizes };
}

/** Starts, steps and sizes for every axis. They are attributes before opset 10 and inputs from then on. */
function slice(view: NodeView): { starts: number[]; steps: number[]; shapeOut: number[] } {
  const shape = view.shape(0);
  const old = view.opset < 10;
  const begins = (old ? view.ints('starts') : view.elements(1)) ?? view.refuse('it has no starts');
  const ends = (old ? view.ints('ends') : view.elements(2)) ?? view.refuse('it has no ends');
  const given = old ? view.ints('axes') : view.optionalElements(3);
  const by = old ? undefined : view.optionalElements(4);
  const starts = Array<number>(shape.length).fill(0);
  const steps = Array<number>(shape.length).fill(1);
  const shapeOut = [...shape];
  for (const [i, begin] of begins.entries()) {
    const axis = view.axis(given === undefined ? i : (given[i] ?? Number.NaN), shape.length);
    const size = shape[axis] ?? 0;
    const step = by?.[i] ?? 1;
    if (step === 0) view.refuse('one of its steps is 0');
    const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
    const clamp = (position: number): number => Math.min(Math.max(position < 0 ? position + size : position, least), most);
    const start = clamp(begin);
    starts[axis] = Math.max(0, start);
    steps[axis] = step;
    shapeOut[axis] = Math.max(0, Math.ceil((clamp(ends[i] ?? 0) - start) / step));
  }
  return { starts, steps, shapeOut };
}

function gathered(view: NodeView): { axis: number; shape: readonly number[]; indices: readonly number[] } {
  const shape = view.shape(0);
  return { axis: view.axis(view.int('axis', 0), shape.length), shape, indices: view.shape(1) };
}
