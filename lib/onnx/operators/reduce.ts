// Reductions over axes: mean, sum, max, ...; global pooling is a reduction over all spatial axes.

import type { DType } from '../../ir/graph.ts';
import type { DraftSpec } from '../draft.ts';
import { elementCount, shapeText } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRule, OperatorRules } from '../rule.ts';
import { stridesOf } from './broadcast.ts';
import { CHANNELS } from './convolution.ts';
import { spatialSizes } from './spatial.ts';
import { rounded } from './step.ts';

interface Reduction {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

/** Dimensions behind a reduction. */
function reducedShape(shape: readonly number[], { axes, keepDims }: Reduction): number[] {
  return shape.flatMap((size, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [size]));
}

function reduceDraft(view: NodeView, name: string, reduction: Reduction, wants?: number): DraftSpec {
  const { id, shape } = view.value(0);
  return {
    body: { kind: 'reduce', attrs: { function: name, axes: reduction.axes, keepDims: reduction.keepDims } },
    inputs: [
      {
        value: id,
        reach: { kind: 'along', axes: reduction.axes },
        axes: keptAxes(shape.length, reduction),
        ...(wants === undefined ? {} : { wants }),
      },
    ],
  };
}

/** Input axis -> output axis; an axis that is gone leaves "no axis". */
function keptAxes(rank: number, { axes, keepDims }: Reduction): number[] {
  const rankOut = keepDims ? rank : rank - axes.length;
  let next = 0;
  const map = Array.from({ length: rank }, (_, axis) => (keepDims ? axis : axes.includes(axis) ? rankOut : next++));
  return [...map, rankOut];
}

type Fold = (values: readonly number[], dtype: DType) => number;

/** Axes are an attribute before opset `axesAsInputSince` and an input from then on. */
function reduceRule(name: string, axesAsInputSince: number, fold: Fold): OperatorRule {
  const reductionOf = (view: NodeView): Reduction | undefined => {
    const given = view.opset < axesAsInputSince ? view.ints('axes') : view.optionalElements(1);
    const rank = view.rank(0);
    const none = given === undefined || given.length === 0;
    if (none && view.int('noop_with_empty_axes', 0) !== 0) return undefined;
    const axes = none ? Array.from({ length: rank }, (_, axis) => axis) : view.axes(given, rank);
    return { axes, keepDims: view.int('keepdims', 1) !== 0 };
  };
  return {
    infer(view) {
      const [dtype, shape] = [view.dtype(0), view.shape(0)];
      const reduction = reductionOf(view);
      if (reduction === undefined) return [{ dtype, shape }];
      const shapeOut = reducedShape(shape, reduction);
      const elements = view.fold(shapeOut, ([x = []]) =>
        reduceElements(x, shape, reduction.axes, (values) => rounded(fold(values, dtype), dtype)),
      );
      return [{ dtype, shape: shapeOut, elements }];
    },
    lower(view) {
      const reduction = reductionOf(view);
      // Without axes, a reduction that does nothing still squares, takes logarithms or absolute values.
      if (reduction === undefined || reduction.axes.length === 0) {
        if (['mean', 'sum', 'max', 'min', 'prod'].includes(name)) return { sameAs: 0 };
        return [reduceDraft(view, name, { axes: [], keepDims: true })];
      }
      return [reduceDraft(view, name, reduction)];
    },
  };
}

/** Row-major elements of the reduction; each output's inputs are handed to `fold` in order. */
function reduceElements(
  x: readonly number[],
  shape: readonly number[],
  axes: readonly number[],
  fold: (values: readonly number[]) => number,
): number[] {
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const strides = stridesOf(shape);
  const stridesOut = stridesOf(kept);
  const groups: number[][] = Array.from({ length: elementCount(kept) }, () => []);
  for (const [i, value] of x.entries()) {
    let to = 0;
    for (const [axis, stride] of strides.entries()) {
      if (kept[axis] !== 1) to += (Math.floor(i / stride) % (shape[axis] ?? 1)) * (stridesOut[axis] ?? 0);
    }
    groups[to]?.push(value);
  }
  return groups.map(fold);
}

const sum: Fold = (values) => values.reduce((a, b) => a + b, 0);
const sumOfSquares: Fold = (values) => values.reduce((a, b) => a + b * b, 0);

export function globalPool(name: string): OperatorRule {
  const reductionOf = (view: NodeView): Reduction => ({ axes: spatialSizes(view).map((_, d) => d + 2), keepDims: true });
  return {
    infer: (view) => [{ dtype: view.dtype(0), shape: reducedShape(view.shape(0), reductionOf(view)) }],
    lower: (view) => [reduceDraft(view, name, reductionOf(view), CHANNELS)],
  };
}

/** Index of the largest or smallest element along one axis. */
function argRule(name: string): OperatorRule {
  const reductionOf = (view: NodeView): Reduction => ({
    axes: [view.axis(view.int('axis', 0), view.rank(0))],
    keepDims: view.int('keepdims', 1) !== 0,
  });
  return {
    infer: (view) => [{ dtype: 'int64', shape: reducedShape(view.shape(0), reductionOf(view)) }],
    lower: (view) => [reduceDraft(view, name, reductionOf(view))],
  };
}

/** Determinants of the matrices in the last two axes. */
const determinant: OperatorRule = {
  since: 11,
  infer(view) {
    const shape = view.shape(0);
    if (shape.length < 2 || shape.at(-1) !== shape.at(-2))
      view.refuse(`its input has shape ${shapeText(shape)}, which is not of square matrices`);
    return [{ dtype: view.dtype(0), shape: shape.slice(0, -2) }];
  },
  lower: (view) => [reduceDraft(view, 'determinant', { axes: [view.rank(0) - 2, view.rank(0) - 1], keepDims: false })],
};

export const REDUCTIONS: OperatorRules = {
  ReduceSum: reduceRule('sum', 13, sum),
  ReduceMean: reduceRule('mean', 18, (values, dtype) => sum(values, dtype) / values.length),
  ReduceMax: reduceRule('max', 18, (values) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)),
  ReduceMin: reduceRule('min', 18, (values) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)),
  ReduceProd: reduceRule('prod', 18, (values) => values.reduce((a, b) => a * b, 1)),
  ReduceL1: reduceRule('l1', 18, (values) => values.reduce((a, b) => a + Math.abs(b), 0)),
  ReduceL2: reduceRule('l2', 18, (values, dtype) => Math.sqrt(sumOfSquares(values, dtype))),
  ReduceSumSquare: reduceRule('sumSquare', 18, sumOfSquares),
  ReduceLogSum: reduceRule('logSum', 18, (values, dtype) => Math.log(sum(values, dtype))),
  ReduceLogSumExp: reduceRule('logSumExp', 18, (values) => Math.log(values.reduce((a, b) => a + Math.exp(b), 0))),
  ArgMax: argRule('argMax'),
  ArgMin: argRule('argMin'),
  Det: determinant,
  GlobalAveragePool: globalPool('mean'),
  GlobalLpPool: globalPool('lp'),
  GlobalMaxPool: globalPool('max'),
};
