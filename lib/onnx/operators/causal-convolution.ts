// CausalConvWithState: a depthwise convolution over past and present positions, as state-space models have before their
// recurrence. What the next call needs of the past is a state, as a KV cache is.

import type { DraftSpec } from '../draft.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRules } from '../rule.ts';
import { CHANNELS, constantWeight } from './convolution.ts';
import { concatOf, moveOf, sameAxes } from './move.ts';
import { spatialWindow } from './spatial.ts';

/** Axis of the positions of [batch, channels, length]. */
const LENGTH = 2;

export const CAUSAL_CONVOLUTION: OperatorRules = {
  /**
   * A depthwise convolution over the last positions and the present ones, without those to come: [B, C, L].
   * Its state, the last kernel - 1 positions, is kept for the next call.
   */
  CausalConvWithState: {
    since: 27,
    infer(view) {
      const [batch = 0, channels = 0] = view.shape(0);
      const kernel = view.shape(1).at(-1) ?? 1;
      return [
        { dtype: view.dtype(0), shape: view.shape(0) },
        { dtype: view.dtype(0), shape: [batch, channels, kernel - 1] },
      ];
    },
    lower: (view) => causalConv(view),
  },
};

function causalConv(view: NodeView): DraftSpec[] {
  const [batch = 0, channels = 0, length = 0] = view.shape(0);
  const kernel = view.shape(1).at(-1) ?? 1;
  const before = kernel - 1;
  const bias = view.optional(2) === undefined ? {} : { bias: constantWeight(view, 2, 'bias') };
  const past = before > 0 ? view.optional(3) : undefined;
  const drafts: DraftSpec[] = [];

  // Past positions, or zeros in their place if they have to be kept; otherwise the convolution pads.
  let input = view.value(0);
  let padding = before;
  if (before > 0 && (past !== undefined || view.makes(1))) {
    const held = view.between('held', [batch, channels, before + length]);
    const zeros = { pads: [0, 0, before, 0, 0, 0], value: [0] };
    const reach = { kind: 'along', axes: [LENGTH] } as const;
    const join = past === undefined ? moveOf('pad', zeros, [{ value: input, reach, axes: sameAxes(3) }]) : concatOf([past, input], LENGTH);
    drafts.push({ ...join, suffix: 'held', output: held });
    input = held;
    padding = 0;
  }
  const product = view.text('activation', 'none') === 'none' ? undefined : view.between('product', view.shape(0));
  const spatial = { kernel: [kernel], strides: [1], dilations: [1], pads: [padding, 0] };
  const matrix = { m: batch * length, n: kernel, k: 1, groups: channels };
  const window = spatialWindow(batch, [length + before - padding], { ...spatial, sizesOut: [length] });
  drafts.push({
    body: { kind: 'conv', attrs: { ...spatial, matrix, weight: constantWeight(view, 1, 'weight'), ...bias } },
    inputs: [{ value: input.id, reach: { kind: 'rows', window }, wants: CHANNELS }],
    axis: CHANNELS,
    ...(product === undefined ? {} : { suffix: 'product', output: product }),
  });
  if (product !== undefined) {
    const body = { kind: 'step', class: 'activation', function: 'swish', parameters: [1], operands: [product.id] } as const;
    drafts.push({ body, inputs: [{ value: product.id, reach: { kind: 'aligned' }, axes: sameAxes(3) }] });
  }
  if (view.makes(1) && before > 0) {
    const parameters = { starts: [0, 0, length], steps: [1, 1, 1] };
    const kept = { value: input, reach: { kind: 'along', axes: [LENGTH] }, axes: sameAxes(3) } as const;
    drafts.push({ ...moveOf('slice', parameters, [kept]), suffix: 'state', output: 1 });
  }
  return drafts;
}
