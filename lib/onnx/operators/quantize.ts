// Quantisation of values: real <-> integer, by a scale and a zero point for all of them or along an axis.
// Steps, fused into what makes their input; of constants nothing is computed, they say how they are stored.

import type { DType } from '../../ir/graph.ts';
import type { DraftSpec } from '../draft.ts';
import type { Quantized, Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { Inferred, OperatorRule, OperatorRules } from '../rule.ts';
import { alignedAxes } from './broadcast.ts';
import { stepDraft } from './step.ts';

/** What the quantised value `stored` means by the scale and the zero point that are inputs `scale` and `zeroPoint`. */
export function quantizedBy(view: NodeView, stored: string, dtype: DType, scale: number, zeroPoint: number, axis?: number): Quantized {
  const blockSize = view.int('block_size', 0);
  const [by, zero] = [view.optional(scale), view.optional(zeroPoint)];
  return {
    stored,
    dtype,
    ...(by === undefined ? {} : { scale: by.id }),
    ...(zero === undefined ? {} : { zeroPoint: zero.id }),
    ...(axis === undefined ? {} : { axis }),
    ...(blockSize > 1 ? { blockSize } : {}),
  };
}

/** The axis of a scale that has more than one element. */
function axisOf(view: NodeView, scale: number): number | undefined {
  const many = view.shape(scale).some((size) => size > 1);
  return many ? view.axis(view.int('axis', 1), Math.max(1, view.rank(0))) : undefined;
}

const quantize: OperatorRule = {
  since: 10,
  infer(view): readonly Inferred[] {
    const dtype = view.optional(2)?.dtype ?? view.elementType('output_dtype') ?? 'uint8';
    const stored = view.node.outputs[0] ?? '';
    return [{ dtype, shape: view.shape(0), quantized: quantizedBy(view, stored, dtype, 1, 2, axisOf(view, 1)) }];
  },
  lower(view) {
    const axis = axisOf(view, 1);
    return [stepDraft(view, view.rank(0), { class: 'elementwise', function: 'quantize', parameters: axis === undefined ? [] : [axis] })];
  },
};

const dequantize: OperatorRule = {
  since: 10,
  infer(view): readonly Inferred[] {
    const dtype = view.elementType('output_dtype') ?? view.dtype(1);
    const { id, constant, dtype: stored, shape } = view.value(0);
    return [{ dtype, shape, ...(constant ? { quantized: quantizedBy(view, id, stored, 1, 2, axisOf(view, 1)) } : {}) }];
  },
  lower(view) {
    const axis = axisOf(view, 1);
    return [stepDraft(view, view.rank(0), { class: 'elementwise', function: 'dequantize', parameters: axis === undefined ? [] : [axis] })];
  },
};

/** `value` quantised by inputs `scale` and `zeroPoint`: what every QLinear operator ends with. */
export function requantizeDraft(view: NodeView, { id, shape }: Value, scale: number, zeroPoint: number): DraftSpec {
  const by = [scale, zeroPoint].flatMap((i) => view.optional(i) ?? []);
  const rank = shape.length;
  return {
    suffix: 'quantize',
    body: { kind: 'step', class: 'elementwise', function: 'quantize', parameters: [], operands: [id, ...by.map((value) => value.id)] },
    inputs: [
      { value: id, reach: { kind: 'aligned' }, axes: alignedAxes(rank, rank) },
      ...by
        .filter(({ constant }) => !constant)
        .map((value) => ({ value: value.id, reach: { kind: 'aligned' } as const, axes: alignedAxes(value.shape.length, rank) })),
    ],
  };
}

export const QUANTIZATION: OperatorRules = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,

  /** To 8 bits by the range of the values themselves: scale and zero point are computed, too. */
  DynamicQuantizeLinear: {
    since: 11,
    infer: (view) => [
      { dtype: 'uint8', shape: view.shape(0) },
      { dtype: 'float32', shape: [] },
      { dtype: 'uint8', shape: [] },
    ],
    lower(view) {
      const { id, shape } = view.value(0);
      const scale = view.makes(1) ? undefined : view.between('scale', []);
      const zeroPoint = view.makes(2) ? undefined : view.between('zero_point', [], 'uint8');
      const axes = shape.map((_, axis) => axis);
      const range = (name: string, output: number | Value): DraftSpec => ({
        body: { kind: 'reduce', attrs: { function: name, axes, keepDims: false } },
        inputs: [{ value: id, reach: { kind: 'along', axes } }],
        output,
        suffix: name,
      });
      const operands = [id, scale?.id ?? view.node.outputs[1] ?? '', zeroPoint?.id ?? view.node.outputs[2] ?? ''];
      return [
        range('quantizationScale', scale ?? 1),
        range('quantizationZeroPoint', zeroPoint ?? 2),
        {
          body: { kind: 'step', class: 'elementwise', function: 'quantize', parameters: [], operands },
          inputs: operands.map((value, i) => ({
            value,
            reach: { kind: 'aligned' },
            axes: i === 0 ? alignedAxes(shape.length, shape.length) : alignedAxes(0, shape.length),
          })),
        },
      ];
    },
  },
};
