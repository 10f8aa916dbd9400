// ONNX Runtime's operators on 8-bit values (domain com.microsoft): what they compute on real values, and a step that
// quantises the result. Scales and zero points are scalars but for weights'.

import type { DraftSpec, Lowering } from '../draft.ts';
import type { Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import { broadcastShape } from '../operators/broadcast.ts';
import { Chain } from '../operators/chain.ts';
import { concatOf } from '../operators/move.ts';
import { poolRule } from '../operators/pooling.ts';
import { productDraft, productShape } from '../operators/product.ts';
import { quantizedBy, requantizeDraft } from '../operators/quantize.ts';
import { qGemm } from '../operators/quantized-products.ts';
import { globalPool } from '../operators/reduce.ts';
import { softmaxDraft } from '../operators/softmax.ts';
import { stepDraft } from '../operators/step.ts';
import type { Inferred, OperatorRule, OperatorRules } from '../rule.ts';

/** The result's scale and zero point among the inputs. */
interface By {
  readonly scale: number;
  readonly zero: number;
}

function quantizedOutput(view: NodeView, shape: readonly number[], { scale, zero }: By): readonly Inferred[] {
  const dtype = view.optional(zero)?.dtype ?? view.dtype(0);
  return [{ dtype, shape, quantized: quantizedBy(view, view.node.outputs[0] ?? '', dtype, scale, zero) }];
}

/** `rule` on real values, with its result quantised. */
function quantizedRule(by: By, shapeOf: (view: NodeView) => readonly number[], make: (view: NodeView) => Lowering): OperatorRule {
  return {
    infer: (view) => quantizedOutput(view, shapeOf(view), by),
    lower(view) {
      const made = make(view);
      const real = view.between('real', shapeOf(view), 'float32');
      const drafts: readonly DraftSpec[] = 'sameAs' in made ? [] : made;
      const last = drafts.at(-1);
      if (last === undefined) return made;
      return [...drafts.slice(0, -1), { ...last, output: real }, requantizeDraft(view, real, by.scale, by.zero)];
    },
  };
}

const RESULT: By = { scale: 3, zero: 4 };
const RESULT_OF_TWO: By = { scale: 6, zero: 7 };

function binary(name: 'add' | 'mul'): OperatorRule {
  const operands = (view: NodeView): readonly [Value, Value] => [view.value(0), view.value(3)];
  const shapeOf = (view: NodeView): readonly number[] =>
    broadcastShape(
      view,
      operands(view).map(({ shape }) => shape),
    );
  return quantizedRule(RESULT_OF_TWO, shapeOf, (view) => [
    stepDraft(view, shapeOf(view).length, { class: 'elementwise', function: name, parameters: [], reversed: name }, [...operands(view)]),
  ]);
}

function unary(name: string, parametersOf: (view: NodeView) => readonly number[] = () => []): OperatorRule {
  return quantizedRule(
    RESULT,
    (view) => view.shape(0),
    (view) => [stepDraft(view, view.rank(0), { class: 'activation', function: name, parameters: parametersOf(view) }, [view.value(0)])],
  );
}

const sameRule = (rule: OperatorRule): OperatorRule => quantizedRule(RESULT, (view) => rule.infer(view)[0]?.shape ?? [], rule.lower);

/** Triples of value, scale and zero point from input 2 on. */
function concatenated(view: NodeView): { values: Value[]; axis: number } {
  const values = view.node.inputs.flatMap((_, i) => (i >= 2 && i % 3 === 2 ? (view.optional(i) ?? []) : []));
  return { values, axis: view.axis(view.int('axis', 0), values[0]?.shape.length ?? 1) };
}

/** A real product with a quantised weight; places of the weight's scale, zero point and the bias. */
function realProduct(scale: number, zero: number, bias: number): OperatorRule {
  return {
    infer: (view) => [{ dtype: 'float32', shape: productShape(view, { left: view.value(0), right: view.value(1) }) }],
    lower(view) {
      const weight = view.value(1);
      const right = weight.constant ? { ...weight, quantized: quantizedBy(view, weight.id, weight.dtype, scale, zero) } : weight;
      const added = view.optional(bias);
      const product = productDraft(view, { left: view.value(0), right, ...(added?.constant ? { bias: added.id } : {}) });
      if (added === undefined || added.constant) return [{ ...product, values: [right] }];
      const chain = new Chain(view);
      chain.constants.push(right);
      chain.join('add', chain.product({ left: view.value(0), right }, { name: 'product' }), added, { name: 'y', output: 0 });
      return chain.lowering;
    },
  };
}

export const QUANTIZED: OperatorRules = {
  QLinearAdd: binary('add'),
  QLinearMul: binary('mul'),
  QLinearSigmoid: unary('sigmoid'),
  QLinearLeakyRelu: unary('leakyRelu', (view) => [view.float('alpha', 0.01)]),
  QLinearAveragePool: sameRule(poolRule('average')),
  QLinearGlobalAveragePool: sameRule(globalPool('mean')),
  QLinearSoftmax: quantizedRule(
    RESULT,
    (view) => view.shape(0),
    (view) => [softmaxDraft(view.value(0), view.axis(view.int('axis', -1), view.rank(0)))],
  ),
  /** Scale and zero point of the result come first. */
  QLinearConcat: quantizedRule(
    { scale: 0, zero: 1 },
    (view) => {
      const { values, axis } = concatenated(view);
      const size = values.reduce((sum, { shape }) => sum + (shape[axis] ?? 0), 0);
      return (values[0]?.shape ?? []).with(axis, size);
    },
    (view) => {
      const { values, axis } = concatenated(view);
      return [concatOf(values, axis)];
    },
  ),
  QGemm: qGemm,
  DynamicQuantizeMatMul: realProduct(2, 3, 4),
  MatMulIntegerToFloat: realProduct(3, 5, 6),
};
