// Operators that change a tensor's shape and nothing else: reshape, flatten, squeeze, ... They cost nothing.
// Those that change nothing at all (Identity, Dropout at inference) disappear.

import type { Lowering } from '../draft.ts';
import { isFloating, isInteger } from '../dtype.ts';
import { elementCount, shapeText } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { Inferred, OperatorRule, OperatorRules } from '../rule.ts';
import { rounded, stepDraft } from './step.ts';

/** Same elements, another shape; not an operator if the shape is the same, too. */
function viewRule(name: string, shapeOf: (view: NodeView) => readonly number[]): OperatorRule {
  return {
    infer(view) {
      const shape = shapeOf(view);
      if (elementCount(shape) !== elementCount(view.shape(0))) {
        view.refuse(`it makes shape ${shapeText(shape)} of ${shapeText(view.shape(0))}, which has another number of elements`);
      }
      return [sameElements(view, shape)];
    },
    lower(view) {
      const [from, to] = [view.shape(0), shapeOf(view)];
      return from.join() === to.join() ? { sameAs: 0 } : viewDraft(view, name, from, to);
    },
  };
}

/** Elements are read from input 0 alone: whatever else there is gives the shape. */
function sameElements(view: NodeView, shape: readonly number[], dtype = view.dtype(0)): Inferred {
  return { dtype, shape, elements: view.value(0).elements() };
}

function viewDraft(view: NodeView, name: string, from: readonly number[], to: readonly number[]): Lowering {
  const axes = from.length === to.length && from.join() === to.join() ? from.map((_, axis) => axis).concat(from.length) : undefined;
  return [
    {
      body: { kind: 'view', attrs: { function: name } },
      inputs: [{ value: view.value(0).id, reach: { kind: 'contiguous' }, ...(axes ? { axes } : {}) }],
    },
  ];
}

function reshaped(view: NodeView): number[] {
  const from = view.shape(0);
  const wanted = view.elements(1);
  const zeroIsZero = view.int('allowzero', 0) !== 0;
  const shape = wanted.map((size, axis) =>
    size === 0 && !zeroIsZero ? (from[axis] ?? view.refuse(`it copies dimension ${axis} of ${shapeText(from)}`)) : size,
  );
  const open = shape.filter((size) => size === -1).length;
  if (open > 1 || shape.some((size) => size < -1)) view.refuse(`${shapeText(wanted)} is not a shape`);
  if (open === 0) return shape;
  const rest = elementCount(shape.filter((size) => size !== -1));
  const size = elementCount(from) / rest;
  if (!Number.isInteger(size))
    view.refuse(`it makes ${shapeText(wanted)} of ${shapeText(from)}, whose ${elementCount(from)} elements ${rest} doesn't divide`);
  return shape.map((dimension) => (dimension === -1 ? size : dimension));
}

function flattened(view: NodeView): number[] {
  const shape = view.shape(0);
  const axis = view.int('axis', 1);
  const first = axis < 0 ? axis + shape.length : axis;
  if (first < 0 || first > shape.length) view.refuse(`its axis ${axis} is not one of the ${shape.length} of its input`);
  return [elementCount(shape.slice(0, first)), elementCount(shape.slice(first))];
}

/** Axes are an attribute before opset 13 and an input from then on. */
function axesOf(view: NodeView): readonly number[] | undefined {
  return view.opset < 13 ? view.ints('axes') : view.optionalElements(1);
}

function squeezed(view: NodeView): number[] {
  const shape = view.shape(0);
  const given = axesOf(view);
  if (given === undefined) return shape.filter((size) => size !== 1);
  const axes = view.axes(given, shape.length);
  const wide = axes.find((axis) => shape[axis] !== 1);
  if (wide !== undefined) view.refuse(`it removes axis ${wide} of ${shapeText(shape)}, which has ${shape[wide]} elements`);
  return shape.filter((_, axis) => !axes.includes(axis));
}

function unsqueezed(view: NodeView): number[] {
  const given = axesOf(view) ?? view.refuse('it has no axes');
  const rank = view.rank(0) + given.length;
  const axes = new Set(view.axes(given, rank));
  const rest = view.shape(0)[Symbol.iterator]();
  return Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : (rest.next().value ?? 1)));
}

const castRule = (typeOf: (view: NodeView) => Inferred['dtype']): OperatorRule => ({
  infer(view) {
    const dtype = typeOf(view);
    const shape = view.shape(0);
    return [
      {
        dtype,
        shape,
        elements: view
          .value(0)
          .elements()
          ?.map((value) => rounded(value, dtype)),
      },
    ];
  },
  // Precision on the chip is the run's: between floats, or between integers, nothing is done.
  lower(view) {
    const [from, to] = [view.dtype(0), typeOf(view)];
    if (from === to) return { sameAs: 0 };
    if ((isFloating(from) && isFloating(to)) || (isInteger(from) && isInteger(to)))
      return viewDraft(view, 'cast', view.shape(0), view.shape(0));
    return [stepDraft(view, view.rank(0), { class: 'activation', function: 'cast', parameters: [] }, [view.value(0)])];
  },
});

export const VIEWS: OperatorRules = {
  Reshape: viewRule('reshape', reshaped),
  Flatten: viewRule('flatten', flattened),
  Squeeze: viewRule('squeeze', squeezed),
  Unsqueeze: viewRule('unsqueeze', unsqueezed),

  Identity: { infer: (view) => [sameElements(view, view.shape(0))], lower: () => ({ sameAs: 0 }) },

  Dropout: {
    infer(view) {
      const training = view.opset >= 12 ? view.optional(2)?.elements() : undefined;
      if (training?.[0]) view.refuse('it is in training mode', 'Export the model for inference: call model.eval() first.');
      // The mask of what is kept: everything, which needs no computing.
      const mask = view.opset < 10 ? view.dtype(0) : 'bool';
      return [sameElements(view, view.shape(0)), { dtype: mask, shape: view.shape(0), constant: true }];
    },
    lower: () => ({ sameAs: 0 }),
  },

  /** The same bytes read as another type of as many bits. */
  BitCast: {
    since: 26,
    infer: (view) => [{ dtype: view.elementType('to') ?? view.dtype(0), shape: view.shape(0) }],
    lower: (view) => viewDraft(view, 'bitCast', view.shape(0), view.shape(0)),
  },

  Cast: castRule((view) => view.elementType('to') ?? view.refuse('it says no type')),
  CastLike: { since: 15, reads: 1, ...castRule((view) => view.dtype(1)) },
};
