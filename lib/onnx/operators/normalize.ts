// Normalisations. Over the features they go vector by vector; over anything else they need a whole sample.
// BatchNormalization has its statistics from training, which makes it an elementwise step.

import type { DraftSpec } from '../draft.ts';
import { shapeText, type Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { Inferred, OperatorRule, OperatorRules } from '../rule.ts';
import { CHANNELS, constantWeight } from './convolution.ts';
import { sameAxes } from './move.ts';
import { stepDraft } from './step.ts';

const sameShape: OperatorRule['infer'] = (view) => [{ dtype: view.dtype(0), shape: view.shape(0) }];

/** What a normalisation does besides dividing by a deviation. */
export interface Normalization {
  readonly function: string;
  readonly axes: readonly number[];
  readonly epsilon?: number;
  readonly parameters?: readonly number[];
}

/** `input` normalised over some axes, then scaled and shifted by `operands`, which may be computed at run time. */
export function normalizeDraft(
  { id, shape }: Value,
  { function: name, axes, epsilon = 0, parameters }: Normalization,
  operands: readonly Value[] = [],
): DraftSpec {
  // Trailing dimensions of one element don't widen what is normalised.
  const wide = axes.filter((axis) => shape[axis] !== 1);
  return {
    body: {
      kind: 'normalize',
      attrs: {
        function: name,
        axis: axes[0] ?? 0,
        epsilon,
        operands: operands.map((operand) => operand.id),
        ...(parameters === undefined ? {} : { parameters }),
      },
    },
    inputs: [
      {
        value: id,
        reach: { kind: 'along', axes: wide },
        axes: sameAxes(shape.length),
        ...(wide.length === 1 && wide[0] !== undefined ? { prefers: wide[0] } : {}),
      },
      ...operands
        .filter(({ constant }) => !constant)
        .map((operand) => ({ value: operand.id, reach: { kind: 'whole', samples: 1 } as const })),
    ],
  };
}

/** Inputs from `first` on that are given. */
function operandsFrom(view: NodeView, first: number): Value[] {
  return view.node.inputs.slice(first).flatMap((_, i) => view.optional(first + i) ?? []);
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

function normalizeRule(normalizationOf: (view: NodeView) => Normalization, since?: number): OperatorRule {
  return {
    ...(since === undefined ? {} : { since }),
    infer: sameShape,
    lower: (view) => [normalizeDraft(view.value(0), normalizationOf(view), operandsFrom(view, 1))],
  };
}

/** LayerNormalization's other outputs, for training: mean and inverse deviation of each vector. */
function layerNormRule(name: string, since: number, statistics: readonly string[]): OperatorRule {
  return {
    since,
    infer(view): readonly Inferred[] {
      const { dtype, shape } = view.value(0);
      const axes = axesFrom(view);
      const reduced = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
      return [{ dtype, shape }, ...statistics.map(() => ({ dtype: 'float32', shape: reduced }) as const)];
    },
    lower(view) {
      const [input, axes] = [view.value(0), axesFrom(view)];
      const normalized = normalizeDraft(input, { function: name, axes, epsilon: view.float('epsilon', 1e-5) }, operandsFrom(view, 1));
      return [
        normalized,
        ...statistics.flatMap((statistic, i) => (view.makes(i + 1) ? [statisticDraft(input, axes, statistic, i + 1)] : [])),
      ];
    },
  };
}

function statisticDraft({ id, shape }: Value, axes: readonly number[], name: string, output: number): DraftSpec {
  const attrs = { function: name, axes, keepDims: true };
  return {
    body: { kind: 'reduce', attrs },
    inputs: [{ value: id, reach: { kind: 'along', axes }, axes: sameAxes(shape.length) }],
    output,
    suffix: name,
  };
}

export const NORMALIZATIONS: OperatorRules = {
  LayerNormalization: layerNormRule('layerNorm', 17, ['mean', 'inverseDeviation']),
  RMSNormalization: normalizeRule((view) => ({ function: 'rmsNorm', axes: axesFrom(view), epsilon: view.float('epsilon', 1e-5) }), 23),
  // ONNX Runtime's, in ONNX's own domain, before there was one of its own.
  SimplifiedLayerNormalization: layerNormRule('rmsNorm', 1, ['inverseDeviation']),

  InstanceNormalization: normalizeRule((view) => ({
    function: 'instanceNorm',
    axes: spatialAxes(view),
    epsilon: view.float('epsilon', 1e-5),
  })),
  /** Each group of channels with its positions; parameter: the number of groups. */
  GroupNormalization: normalizeRule(
    (view) => ({
      function: 'groupNorm',
      axes: [CHANNELS, ...spatialAxes(view)],
      epsilon: view.float('epsilon', 1e-5),
      parameters: [view.int('num_groups', 1)],
    }),
    18,
  ),
  MeanVarianceNormalization: normalizeRule(
    (view) => ({ function: 'meanVariance', axes: view.axes(view.ints('axes') ?? [0, 2, 3], view.rank(0)), epsilon: 1e-9 }),
    9,
  ),
  LpNormalization: normalizeRule((view) => ({
    function: view.int('p', 2) === 1 ? 'l1Norm' : 'l2Norm',
    axes: [view.axis(view.int('axis', -1), view.rank(0))],
  })),
  /** Each element by the squares of its neighbouring channels; parameters: how many, alpha, beta, bias. */
  LRN: normalizeRule((view) => ({
    function: 'localResponse',
    axes: [CHANNELS],
    parameters: [view.int('size', 1), view.float('alpha', 1e-4), view.float('beta', 0.75), view.float('bias', 1)],
  })),

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
