// Operators that keep, drop or turn round parts of their input: triangles, reversed sequences, centred crops.

import type { NodeView } from '../node-view.ts';
import { alwaysFolded, type OperatorRules } from '../rule.ts';
import { stridesOf } from './broadcast.ts';
import { moveDraft, sameAxes } from './move.ts';

export const ARRANGEMENTS: OperatorRules = {
  /** One triangle of the matrices in the last two axes, 0 elsewhere: a causal mask. */
  Trilu: {
    since: 14,
    infer(view) {
      const { dtype, shape } = view.value(0);
      const [upper, k] = [view.int('upper', 1) !== 0, view.optional(1)?.elements()?.[0] ?? 0];
      const [rows = 1, columns = 1] = shape.slice(-2);
      const elements = view.fold(shape, ([x = []]) =>
        x.map((value, i) => {
          const distance = (i % columns) - (Math.floor(i / columns) % rows) - k;
          return (upper ? distance >= 0 : distance <= 0) ? value : 0;
        }),
      );
      return [{ dtype, shape, elements }];
    },
    lower(view) {
      const rank = view.rank(0);
      const parameters = { upper: [view.int('upper', 1)], k: [view.optional(1)?.elements()?.[0] ?? 0] };
      return [moveDraft(view, 'trilu', parameters, [{ input: 0, reach: { kind: 'aligned' }, axes: sameAxes(rank) }])];
    },
  },

  /** The first elements of each sequence in reverse order. */
  ReverseSequence: {
    since: 10,
    infer: (view) => [{ dtype: view.dtype(0), shape: view.shape(0) }],
    lower(view) {
      const rank = view.rank(0);
      const [time, batch] = [view.axis(view.int('time_axis', 0), rank), view.axis(view.int('batch_axis', 1), rank)];
      return [
        moveDraft(view, 'reverseSequence', { time: [time], batch: [batch] }, [
          { input: 0, reach: { kind: 'along', axes: [time] }, axes: sameAxes(rank) },
          { input: 1, reach: { kind: 'whole', samples: 1 } },
        ]),
      ];
    },
  },

  /** Cropped or padded around the centre. */
  CenterCropPad: {
    since: 18,
    infer: (view) => [{ dtype: view.dtype(0), shape: centred(view) }],
    lower(view) {
      const [shape, target] = [view.shape(0), centred(view)];
      const axes = shape.flatMap((size, axis) => (size === target[axis] ? [] : [axis]));
      if (axes.length === 0) return { sameAs: 0 };
      const begins = shape.map((size, axis) => Math.floor(((target[axis] ?? 0) - size) / 2));
      const ends = shape.map((size, axis) => (target[axis] ?? 0) - size - (begins[axis] ?? 0));
      return [
        moveDraft(view, 'pad', { pads: [...begins, ...ends], value: [0] }, [
          { input: 0, reach: { kind: 'along', axes }, axes: sameAxes(shape.length) },
        ]),
      ];
    },
  },

  /** Ones on a diagonal, in the input's shape. */
  EyeLike: {
    since: 9,
    reads: 0,
    infer(view) {
      const shape = view.shape(0);
      const [width = 1] = stridesOf(shape);
      const k = view.int('k', 0);
      const count = shape.reduce((a, b) => a * b, 1);
      const elements = Array.from({ length: Math.min(count, 4096) }, (_, i) => ((i % width) - Math.floor(i / width) === k ? 1 : 0));
      return [
        {
          dtype: view.elementType('dtype') ?? view.dtype(0),
          shape,
          elements: count > elements.length ? undefined : elements,
          constant: true,
        },
      ];
    },
    lower: alwaysFolded,
  },
};

function centred(view: NodeView): readonly number[] {
  const shape = view.shape(0);
  const sizes = view.elements(1);
  const axes = view.ints('axes')?.map((axis) => view.axis(axis, shape.length)) ?? shape.map((_, axis) => axis);
  if (sizes.length !== axes.length) view.refuse(`it has ${sizes.length} sizes for ${axes.length} axes`);
  return axes.reduce<readonly number[]>((target, axis, i) => target.with(axis, sizes[i] ?? 0), shape);
}
