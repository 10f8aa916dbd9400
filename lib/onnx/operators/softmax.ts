// Softmax and its logarithm. Over the features it goes vector by vector; over anything else it needs a whole sample.

import type { DraftSpec } from '../draft.ts';
import { elementCount, type Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRule, OperatorRules } from '../rule.ts';
import { sameAxes } from './move.ts';

const sameShape: OperatorRule['infer'] = (view) => [{ dtype: view.dtype(0), shape: view.shape(0) }];

export function softmaxDraft({ id, shape }: Value, axis: number): DraftSpec {
  return {
    body: { kind: 'softmax', attrs: { axis } },
    inputs: [{ value: id, reach: { kind: 'along', axes: [axis] }, prefers: axis, axes: sameAxes(shape.length) }],
  };
}

/** A softmax and the logarithm of its result, which goes to `output` (the node's first unless given). */
export function logSoftmaxDrafts(view: NodeView, input: Value, axis: number, output?: Value | number): DraftSpec[] {
  const between = view.between('softmax', input.shape);
  return [
    { ...softmaxDraft(input, axis), output: between },
    {
      suffix: 'log',
      body: { kind: 'step', class: 'activation', function: 'log', parameters: [], operands: [between.id] },
      inputs: [{ value: between.id, reach: { kind: 'aligned' }, axes: sameAxes(input.shape.length) }],
      ...(output === undefined ? {} : { output }),
    },
  ];
}

/**
 * Before opset 13 a softmax runs over `axis` and all behind it at once: over the rows of a matrix with as many columns,
 * unless only one of those dimensions is larger than 1.
 */
function flattened(view: NodeView, axis: number): Value | undefined {
  const shape = view.shape(0);
  if (view.opset >= 13 || elementCount(shape.slice(axis + 1)) === 1) return undefined;
  return view.between('rows', [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))]);
}

function softmaxRule(make: (view: NodeView, input: Value, axis: number, output: Value | undefined) => DraftSpec[]): OperatorRule {
  return {
    infer: sameShape,
    lower(view) {
      const input = view.value(0);
      const axis = view.axis(view.int('axis', view.opset < 13 ? 1 : -1), input.shape.length);
      const rows = flattened(view, axis);
      if (rows === undefined) return make(view, input, axis, undefined);
      const made = view.between('columns', rows.shape);
      const view2d = (from: Value): Pick<DraftSpec, 'body' | 'inputs'> => ({
        body: { kind: 'view', attrs: { function: 'reshape' } },
        inputs: [{ value: from.id, reach: { kind: 'contiguous' } }],
      });
      return [{ ...view2d(input), output: rows, suffix: 'rows' }, ...make(view, rows, 1, made), { ...view2d(made), suffix: 'shape' }];
    },
  };
}

export const SOFTMAX: OperatorRules = {
  Softmax: softmaxRule((_, input, axis, output) => [{ ...softmaxDraft(input, axis), ...(output === undefined ? {} : { output }) }]),

  LogSoftmax: softmaxRule(logSoftmaxDrafts),
};
