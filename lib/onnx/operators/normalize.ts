// Softmax and normalisations. Over the features they go vector by vector; over anything else they need a whole sample.
// BatchNormalization has its statistics from training, which makes it an elementwise step.

import type { DraftInput, DraftSpec, Lowering } from '../draft.ts';
import { elementCount, shapeText, unknownElements, type Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRule, OperatorRules } from '../rule.ts';
import { alignedAxes } from './broadcast.ts';
import { CHANNELS, constantWeight } from './convolution.ts';
import { stepDraft } from './step.ts';

const sameShape: OperatorRule['infer'] = (view) => [{ dtype: view.dtype(0), shape: view.shape(0) }];

function softmaxDraft(view: NodeView): DraftSpec {
  const { id, shape } = view.value(0);
  const axis = view.axis(view.int('axis', view.opset < 13 ? 1 : -1), shape.length);
  if (view.opset < 13 && elementCount(shape.slice(axis + 1)) !== 1) {
    const next = 'Export the model for opset 13 or later.';
    view.refuse(
      `in opset ${view.opset} it runs over axis ${axis} of ${shapeText(shape)} and all behind it at once, which is not supported`,
      next,
    );
  }
  return {
    body: { kind: 'softmax', attrs: { axis } },
    inputs: [{ value: id, reach: { kind: 'along', axes: [axis] }, prefers: axis, axes: alignedAxes(shape.length, shape.length) }],
  };
}

/** A normalisation over `axes`, with scale and shift from inputs 1 and on. */
function normalizeDraft(view: NodeView, name: string, axes: readonly number[], epsilon: number): Lowering {
  const { id, shape } = view.value(0);
  const operands = view.node.inputs
    .slice(1)
    .flatMap((_, i) => (view.optional(i + 1) === undefined ? [] : [constantWeight(view, i + 1, 'parameter')]));
  // Trailing dimensions of one element don't widen what is normalised.
  const wide = axes.filter((axis) => shape[axis] !== 1);
  return [
    {
      body: { kind: 'normalize', attrs: { function: name, axis: axes[0] ?? 0, epsilon, operands } },
      inputs: [
        {
          value: id,
          reach: { kind: 'along', axes: wide },
          axes: alignedAxes(shape.length, shape.length),
          ...(wide.length === 1 && wide[0] !== undefined ? { prefers: wide[0] } : {}),
        },
      ],
    },
  ];
}

/** Axes from `axis` to the last. */
function axesFrom(view: NodeView): number[] {
  const rank = view.rank(0);
  const first = view.axis(view.int('axis', -1), rank);
  return Array.from({ length: rank - first }, (_, i) => first + i);
}

/** All axes behind batch and channels. */
function spatialAxes(view: NodeView): number[] {
  return Array.from({ length: Math.max(0, view.rank(0) - 2) }, (_, i) => i + 2);
}

export const NORMALIZATIONS: OperatorRules = {
  Softmax: { infer: sameShape, lower: (view) => [softmaxDraft(view)] },

  /** A softmax and the logarithm of its result. */
  LogSoftmax: {
    infer: sameShape,
    lower(view) {
      const { dtype, shape } = view.value(0);
      const between: Value = { id: `${view.node.outputs[0]}.softmax`, dtype, shape, constant: false, elements: unknownElements };
      const input: DraftInput = { value: between.id, reach: { kind: 'aligned' }, axes: alignedAxes(shape.length, shape.length) };
      return [
        { ...softmaxDraft(view), output: between },
        {
          suffix: 'log',
          body: { kind: 'step', class: 'activation', function: 'log', parameters: [], operands: [between.id] },
          inputs: [input],
        },
      ];
    },
  },

  LayerNormalization: {
    since: 17,
    infer: sameShape,
    lower: (view) => normalizeDraft(view, 'layerNorm', axesFrom(view), view.float('epsilon', 1e-5)),
  },
  RMSNormalization: {
    since: 23,
    infer: sameShape,
    lower: (view) => normalizeDraft(view, 'rmsNorm', axesFrom(view), view.float('epsilon', 1e-5)),
  },
  InstanceNormalization: {
    infer: sameShape,
    lower: (view) => normalizeDraft(view, 'instanceNorm', spatialAxes(view), view.float('epsilon', 1e-5)),
  },
  LpNormalization: {
    infer: sameShape,
    lower: (view) => normalizeDraft(view, view.int('p', 2) === 1 ? 'l1Norm' : 'l2Norm', [view.axis(view.int('axis', -1), view.rank(0))], 0),
  },

  /** (x - mean) / sqrt(variance + epsilon) * scale + shift, a channel at a time. */
  BatchNormalization: {
    infer(view) {
      if (view.int('training_mode', 0) !== 0)
        view.refuse('it is in training mode', 'Export the model for inference: call model.eval() first.');
      const [, channels] = view.shape(0);
      for (const i of [1, 2, 3, 4]) {
        const parameter = view.shape(i);
        if (parameter.length !== 1 || parameter[0] !== (channels ?? 1)) {
          view.refuse(`its input ${i} has shape ${shapeText(parameter)}; ${channels ?? 1} channels need as many elements`);
        }
      }
      return sameShape(view);
    },
    lower(view) {
      for (const i of [1, 2, 3, 4]) constantWeight(view, i, 'parameter');
      const epsilon = view.float('epsilon', 1e-5);
      const { body, inputs } = stepDraft(view, view.rank(0), { class: 'elementwise', function: 'batchNorm', parameters: [epsilon] });
      return [{ body, inputs: inputs.map((input) => ({ ...input, wants: Math.min(CHANNELS, view.rank(0)) })) }];
    },
  },
};
