// Operators that turn a vector along one axis into another of the same length: running sums and products, hardmax.

import type { DType } from '../../ir/graph.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRule, OperatorRules } from '../rule.ts';
import { alignedAxes, stridesOf } from './broadcast.ts';
import { rounded } from './step.ts';

/** A vector operator along `axis`; `parameters` go into the function's name, as they are few and small. */
function alongAxis(view: NodeView, name: string, axis: number): ReturnType<OperatorRule['lower']> {
  const { id, shape } = view.value(0);
  return [
    {
      body: { kind: 'normalize', attrs: { function: name, axis, epsilon: 0, operands: [] } },
      inputs: [{ value: id, reach: { kind: 'along', axes: [axis] }, prefers: axis, axes: alignedAxes(shape.length, shape.length) }],
    },
  ];
}

function runningRule(name: string, since: number, start: number, join: (a: number, b: number) => number): OperatorRule {
  const axisOf = (view: NodeView): number => view.axis(view.elements(1)[0] ?? Number.NaN, view.rank(0));
  return {
    since,
    infer(view) {
      const { dtype, shape } = view.value(0);
      const axis = axisOf(view);
      const elements = view.fold(shape, ([x = []]) =>
        running(x, shape, axis, dtype, { start, join, reverse: view.int('reverse', 0) !== 0, exclusive: view.int('exclusive', 0) !== 0 }),
      );
      return [{ dtype, shape, elements }];
    },
    lower(view) {
      const manner = `${view.int('reverse', 0) === 0 ? '' : 'Reverse'}${view.int('exclusive', 0) === 0 ? '' : 'Exclusive'}`;
      return alongAxis(view, `${name}${manner}`, axisOf(view));
    },
  };
}

interface Running {
  readonly start: number;
  readonly join: (a: number, b: number) => number;
  readonly reverse: boolean;
  readonly exclusive: boolean;
}

function running(
  x: readonly number[],
  shape: readonly number[],
  axis: number,
  dtype: DType,
  { start, join, reverse, exclusive }: Running,
): readonly number[] {
  const [size, stride] = [shape[axis] ?? 1, stridesOf(shape)[axis] ?? 1];
  const result = [...x];
  for (let first = 0; first < x.length; first++) {
    if (Math.floor(first / stride) % size !== 0) continue;
    let total = start;
    for (let i = 0; i < size; i++) {
      const at = first + (reverse ? size - 1 - i : i) * stride;
      const next = rounded(join(total, x[at] ?? 0), dtype);
      result[at] = exclusive ? total : next;
      total = next;
    }
  }
  return result;
}

export const SCANS: OperatorRules = {
  CumSum: runningRule('cumSum', 11, 0, (a, b) => a + b),
  CumProd: runningRule('cumProd', 26, 1, (a, b) => a * b),

  /** 1 at the first largest element of the axis, 0 elsewhere. Before opset 13 over all axes from `axis` on at once. */
  Hardmax: {
    infer: (view) => [{ dtype: view.dtype(0), shape: view.shape(0) }],
    lower: (view) => alongAxis(view, 'hardmax', view.axis(view.int('axis', view.opset < 13 ? 1 : -1), view.rank(0))),
  },
};
