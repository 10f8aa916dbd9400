// Convolutions: matrix products over patches. [N, C, ...] and weights [K, C/groups, ...] -> [N, K, ...].

import type { DraftSpec } from '../draft.ts';
import { elementCount, shapeText, type Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRules } from '../rule.ts';
import { type SpatialGeometry, spatialGeometry, spatialSizes, spatialWindow } from './spatial.ts';

/** Axis of the channels, for input and output. */
export const CHANNELS = 1;

/** Places of a convolution's operands among the node's inputs; the map is input 0. */
export interface ConvInputs {
  readonly weight: number;
  readonly bias: number;
}

const CONV: ConvInputs = { weight: 1, bias: 2 };

export function convShape(view: NodeView, inputs = CONV): readonly number[] {
  return [view.shape(0)[0] ?? 0, view.shape(inputs.weight)[0] ?? 0, ...convGeometry(view, inputs).sizesOut];
}

/** The product itself; its output is the node's first. */
export function convDraft(view: NodeView, inputs = CONV): DraftSpec {
  const [samples = 0] = view.shape(0);
  const [outputs = 0] = view.shape(inputs.weight);
  const sizesIn = spatialSizes(view);
  const { sizesOut, ...spatial } = convGeometry(view, inputs);
  const groups = view.int('group', 1);
  const weight = constantWeight(view, inputs.weight, 'weight');
  const bias = view.optional(inputs.bias) === undefined ? {} : { bias: constantWeight(view, inputs.bias, 'bias') };
  const matrix = { m: samples * elementCount(sizesOut), n: elementCount(view.shape(inputs.weight).slice(1)), k: outputs / groups, groups };
  const window = spatialWindow(samples, sizesIn, { ...spatial, sizesOut });
  return {
    body: { kind: 'conv', attrs: { ...spatial, matrix, weight, ...bias } },
    inputs: [{ value: view.value(0).id, reach: { kind: 'rows', window }, wants: CHANNELS }],
    axis: CHANNELS,
  };
}

export function convGeometry(view: NodeView, inputs: ConvInputs): SpatialGeometry {
  const sizesIn = spatialSizes(view);
  const weights = view.shape(inputs.weight);
  const channels = view.shape(0)[1] ?? 0;
  const groups = view.int('group', 1);
  const [outputs = 0, perGroup = 0] = weights;
  if (weights.length !== sizesIn.length + 2) {
    view.refuse(`its weight has shape ${shapeText(weights)} and its input ${shapeText(view.shape(0))}; both need as many dimensions`);
  }
  if (groups < 1 || outputs % groups !== 0) view.refuse(`its ${outputs} outputs can't be divided into ${groups} groups`);
  if (perGroup * groups !== channels) {
    view.refuse(`its weight takes ${perGroup} channels for each of ${groups} groups, and its input has ${channels} channels in all`);
  }
  checkBias(view, inputs.bias, outputs);
  return spatialGeometry(view, sizesIn, kernelOf(view, weights), false);
}

export function checkBias(view: NodeView, at: number, outputs: number): void {
  const bias = view.optional(at);
  if (bias === undefined || (bias.shape.length === 1 && bias.shape[0] === outputs)) return;
  view.refuse(`its bias has shape ${shapeText(bias.shape)}; ${outputs} outputs need as many elements`);
}

/** The weight's kernel, which the attribute may repeat. */
export function kernelOf(view: NodeView, weights: readonly number[]): readonly number[] {
  const declared = view.ints('kernel_shape');
  const kernel = weights.slice(2);
  if (declared !== undefined && declared.length > 0 && declared.join() !== kernel.join()) {
    view.refuse(`its kernel_shape is ${shapeText(declared)}, and its weight has a kernel of ${shapeText(kernel)}`);
  }
  return kernel;
}

/** The id of an input that has to be the same in every run. */
export function constantWeight(view: NodeView, i: number, what: string): string {
  const value = view.value(i);
  if (!value.constant)
    view.refuse(
      `its ${what} '${value.id}' is computed when the network runs, and only stored ones are supported`,
      'Make it an initialiser.',
    );
  return value.id;
}

/** A step adding a constant to each feature. */
export function channelBias(view: NodeView, at: number, to: Value): DraftSpec[] {
  if (view.optional(at) === undefined) return [];
  const operands = [to.id, constantWeight(view, at, 'bias')];
  const axes = Array.from({ length: to.shape.length + 1 }, (_, axis) => axis);
  const body = { kind: 'step', class: 'elementwise', function: 'addToChannels', parameters: [], operands } as const;
  return [{ suffix: 'bias', body, inputs: [{ value: to.id, reach: { kind: 'aligned' }, axes }] }];
}

export const CONVOLUTION: OperatorRules = {
  Conv: {
    infer: (view) => [{ dtype: view.dtype(0), shape: convShape(view) }],
    lower: (view) => [convDraft(view)],
  },
};
