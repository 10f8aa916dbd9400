// Products of quantised values: integer ones, and QLinear ones, which quantise their result. The chip computes on the
// numbers as they are stored, so the operators are those of real values; the tensors say what their numbers mean.

import type { DraftSpec } from '../draft.ts';
import type { Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { Inferred, OperatorRule, OperatorRules } from '../rule.ts';
import { convDraft, convShape } from './convolution.ts';
import { gemmDrafts, gemmProduct, gemmShape, type Product, productDraft, productShape } from './product.ts';
import { quantizedBy, requantizeDraft } from './quantize.ts';
import { stepDraft } from './step.ts';

/** Places of scales and zero points: of both factors and of the result; -1 where there is none. */
interface Places {
  readonly right: number;
  readonly rightScale: number;
  readonly rightZero: number;
  readonly scale: number;
  readonly zero: number;
}

const QLINEAR: Places = { right: 3, rightScale: 4, rightZero: 5, scale: 6, zero: 7 };

/** The output of a QLinear operator. */
function quantizedOutput(view: NodeView, shape: readonly number[], { scale, zero }: Places): Inferred {
  const dtype = view.optional(zero)?.dtype ?? 'uint8';
  return { dtype, shape, quantized: quantizedBy(view, view.node.outputs[0] ?? '', dtype, scale, zero) };
}

/** A weight that says by what it is quantised; along `axis` if its scale has more than one element. */
function quantizedWeight(view: NodeView, { right, rightScale, rightZero }: Places, axis: number): Value {
  const value = view.value(right);
  const by = view.optional(rightScale) ?? view.optional(rightZero);
  const many = by?.shape.some((size) => size > 1) ?? false;
  return value.constant && by !== undefined
    ? { ...value, quantized: quantizedBy(view, value.id, value.dtype, rightScale, rightZero, many ? axis : undefined) }
    : value;
}

/** `drafts` with the last one's output quantised. */
function requantized(view: NodeView, drafts: readonly DraftSpec[], shape: readonly number[], weight: Value, places: Places): DraftSpec[] {
  const real = view.between('real', shape, 'float32');
  const last = drafts.at(-1);
  if (last === undefined) return [];
  return [...drafts.slice(0, -1), { ...last, output: real, values: [weight] }, requantizeDraft(view, real, places.scale, places.zero)];
}

const qLinearMatMul: OperatorRule = {
  since: 10,
  infer: (view) => [quantizedOutput(view, productShape(view, { left: view.value(0), right: view.value(3) }), QLINEAR)],
  lower(view) {
    const weight = quantizedWeight(view, QLINEAR, Math.max(0, view.rank(3) - 1));
    const product: Product = { left: view.value(0), right: weight };
    return requantized(view, [productDraft(view, product)], productShape(view, product), weight, QLINEAR);
  },
};

const CONV = { weight: 3, bias: 8 };

const qLinearConv: OperatorRule = {
  since: 10,
  infer: (view) => [quantizedOutput(view, convShape(view, CONV), QLINEAR)],
  lower: (view) => requantized(view, [convDraft(view, CONV)], convShape(view, CONV), quantizedWeight(view, QLINEAR, 0), QLINEAR),
};

/** Input 0 less its zero point, input 2: a step in front of the product. */
function centred(view: NodeView): { readonly value: Value; readonly drafts: DraftSpec[] } {
  const [input, zero] = [view.value(0), view.optional(2)];
  if (zero === undefined || zero.elements()?.every((element) => element === 0)) return { value: input, drafts: [] };
  const value = view.between('centred', input.shape, 'int32');
  const step = stepDraft(view, input.shape.length, { class: 'elementwise', function: 'sub', parameters: [] }, [input, zero]);
  return { value, drafts: [{ ...step, output: value, suffix: 'centred' }] };
}

/** Sums of products of 8-bit integers, 32 bits each; zero points are inputs 2 and 3. */
const matMulInteger: OperatorRule = {
  since: 10,
  infer: (view) => [{ dtype: 'int32', shape: productShape(view, { left: view.value(0), right: view.value(1) }) }],
  lower(view) {
    const { value, drafts } = centred(view);
    const weight = quantizedWeight(view, INTEGER, view.rank(1) - 1);
    return [...drafts, { ...productDraft(view, { left: value, right: weight }), values: [weight] }];
  },
};

const INTEGER: Places = { right: 1, rightScale: -1, rightZero: 3, scale: -1, zero: -1 };

const convInteger: OperatorRule = {
  since: 10,
  infer: (view) => [{ dtype: 'int32', shape: convShape(view, { weight: 1, bias: -1 }) }],
  lower(view) {
    const { value, drafts } = centred(view);
    const conv = convDraft(view, { weight: 1, bias: -1 });
    return [
      ...drafts,
      { ...conv, inputs: conv.inputs.map((input) => ({ ...input, value: value.id })), values: [quantizedWeight(view, INTEGER, 0)] },
    ];
  },
};

/** A (0), its scale and zero point, B (3), its own, C (6), then those of the result, without which it stays real. */
const GEMM: Places = { ...QLINEAR, scale: 7, zero: 8 };

export const qGemm: OperatorRule = {
  infer(view) {
    const shape = gemmShape(view, gemmProduct(view, [0, 3]), 6);
    return [view.optional(GEMM.scale) === undefined ? { dtype: 'float32', shape } : quantizedOutput(view, shape, GEMM)];
  },
  lower(view) {
    const weight = quantizedWeight(view, GEMM, view.int('transB', 0) === 0 ? 1 : 0);
    const product = { ...gemmProduct(view, [0, 3]), right: weight };
    const drafts = gemmDrafts(view, product, 6);
    if (view.optional(GEMM.scale) !== undefined) return requantized(view, drafts, productShape(view, product), weight, GEMM);
    return drafts.map((draft, i) => (i === 0 ? { ...draft, values: [weight] } : draft));
  },
};

export const QUANTIZED_PRODUCTS: OperatorRules = {
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
  MatMulInteger: matMulInteger,
  ConvInteger: convInteger,
};
