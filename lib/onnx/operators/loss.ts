// Losses, as exporters leave them in models that were exported with their targets.
// [N, classes, ...] and targets [N, ...] -> a loss for each target, or all of them reduced to one.

import type { DraftSpec } from '../draft.ts';
import { shapeText } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { Inferred, OperatorRule, OperatorRules } from '../rule.ts';
import { moveOf } from './move.ts';
import { logSoftmaxDrafts } from './softmax.ts';

const CLASSES = 1;

function lossShape(view: NodeView): readonly number[] {
  const [scores, targets] = [view.shape(0), view.shape(1)];
  if (scores.length < 2 || scores.toSpliced(CLASSES, 1).join() !== targets.join())
    view.refuse(`its scores have shape ${shapeText(scores)} and its targets ${shapeText(targets)}`);
  return view.text('reduction', 'mean') === 'none' ? targets : [];
}

function lossRule(name: string): OperatorRule {
  return {
    since: 12,
    infer(view): readonly Inferred[] {
      const dtype = view.dtype(0);
      return [
        { dtype, shape: lossShape(view) },
        { dtype, shape: view.shape(0) },
      ];
    },
    lower(view) {
      const shape = view.shape(0);
      const samples = view.text('reduction', 'mean') === 'none' ? (shape[0] ?? 1) : 1;
      const read = [0, 1, 2].flatMap((i) => view.optional(i) ?? []);
      const loss = moveOf(
        `${name}${view.text('reduction', 'mean') === 'none' ? '' : 'Reduced'}`,
        { ignored: view.has('ignore_index') ? [view.int('ignore_index', 0)] : [] },
        read.map((value, i) => ({ value, reach: { kind: 'whole', samples: i < 2 ? samples : 1 }, ...(i === 0 ? { wants: CLASSES } : {}) })),
      );
      return view.makes(1) ? [loss, ...logDrafts(view)] : [loss];
    },
  };
}

/** The logarithms of the classes' probabilities, which the loss was computed from. */
function logDrafts(view: NodeView): DraftSpec[] {
  const [softmax, log] = logSoftmaxDrafts(view, view.value(0), CLASSES, 1);
  return softmax === undefined || log === undefined ? [] : [{ ...softmax, suffix: 'softmax' }, log];
}

export const LOSSES: OperatorRules = {
  NegativeLogLikelihoodLoss: lossRule('negativeLogLikelihood'),
  SoftmaxCrossEntropyLoss: lossRule('softmaxCrossEntropy'),
};
