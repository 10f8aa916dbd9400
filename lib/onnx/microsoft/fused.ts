// ONNX Runtime's fusions of activations, normalisations and products (domain com.microsoft), taken apart again:
// what belongs together on the chip is decided later.

import type { DType } from '../../ir/graph.ts';
import type { Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import { Chain } from '../operators/chain.ts';
import { convDraft, convShape } from '../operators/convolution.ts';
import { moveOf } from '../operators/move.ts';
import type { Normalization } from '../operators/normalize.ts';
import { gemmDrafts, gemmProduct, gemmShape, type Product, productDraft, productShape } from '../operators/product.ts';
import type { Inferred, OperatorRule, OperatorRules } from '../rule.ts';

const sameAsInput: OperatorRule['infer'] = (view) => [{ dtype: view.dtype(0), shape: view.shape(0) }];

/** An activation of the sum of input 0 and, if it is given, input 1. */
function biasedRule(name: string, parametersOf: (view: NodeView) => readonly number[] = () => []): OperatorRule {
  return {
    infer: sameAsInput,
    lower(view) {
      const chain = new Chain(view);
      const bias = view.optional(1);
      const sum = bias === undefined ? view.value(0) : chain.join('add', view.value(0), bias, { name: 'sum' });
      chain.activation(sum, name, parametersOf(view), { name: 'y', output: 0 });
      return chain.lowering;
    },
  };
}

/** A residual addition and a normalisation of the sum; places of scale, shift, bias, and of the sum among the outputs. */
function skipRule(
  name: string,
  places: { readonly scale: number; readonly shift: number; readonly bias: number; readonly sum: number },
): OperatorRule {
  return {
    infer(view): readonly Inferred[] {
      const { dtype, shape } = view.value(0);
      const statistic = { dtype: 'float32', shape: shape.with(-1, 1) } as const;
      return [{ dtype, shape }, statistic, statistic, { dtype, shape }];
    },
    lower(view) {
      const chain = new Chain(view);
      const bias = view.optional(places.bias);
      const all = { name: 'sum', output: places.sum };
      let sum = chain.join('add', view.value(0), view.value(1), bias === undefined ? all : { name: 'skipped' });
      if (bias !== undefined) sum = chain.join('add', sum, bias, all);
      const how: Normalization = { function: name, axes: [sum.shape.length - 1], epsilon: view.float('epsilon', 1e-12) };
      const operands = [places.scale, places.shift].flatMap((i) => view.optional(i) ?? []);
      chain.normalize(sum, how, operands, { name: 'y', output: 0 });
      return chain.lowering;
    },
  };
}

/** Word, position and segment embeddings added up and normalised. */
const embedLayerNorm: OperatorRule = {
  infer(view): readonly Inferred[] {
    const [batch = 1, tokens = 1] = view.shape(0);
    const shape = [batch, tokens, view.shape(2)[1] ?? 1];
    const dtype = view.dtype(2);
    return [
      { dtype, shape },
      { dtype: 'int32', shape: [batch] },
      { dtype, shape },
    ];
  },
  lower(view) {
    const chain = new Chain(view);
    const [batch = 1, tokens = 1] = view.shape(0);
    const features = view.shape(2)[1] ?? 1;
    const lookUp = (table: Value, ids: Value, name: string): Value => {
      const moved = [
        { value: table, reach: { kind: 'whole', samples: 1 } },
        { value: ids, reach: { kind: 'positionwise' }, wants: ids.shape.length },
      ] as const;
      const shape = [...ids.shape, features];
      return chain.add({ ...moveOf('gather', { axis: [0] }, moved), axis: shape.length - 1 }, shape, { name }, table.dtype);
    };
    const positions = view.optional(8);
    const position =
      positions === undefined
        ? chain.slice(view.value(3), 0, 0, tokens, { name: 'position' })
        : lookUp(view.value(3), positions, 'position');
    let sum = chain.join('add', lookUp(view.value(2), view.value(0), 'word'), position, { name: 'wordAndPosition' });
    const [segments, segmentTable] = [view.optional(1), view.optional(4)];
    if (segments !== undefined && segmentTable !== undefined)
      sum = chain.join('add', sum, lookUp(segmentTable, segments, 'segment'), { name: 'sum', output: 2 });
    const how: Normalization = { function: 'layerNorm', axes: [2], epsilon: view.float('epsilon', 1e-12) };
    chain.normalize(sum, how, [view.value(5), view.value(6)], { name: 'y', output: 0 });
    const mask = view.optional(7);
    if (view.makes(1)) {
      const read = mask ?? view.value(0);
      const attrs = { function: 'sum', axes: [1], keepDims: false };
      chain.add(
        { body: { kind: 'reduce', attrs }, inputs: [{ value: read.id, reach: { kind: 'along', axes: [1] } }] },
        [batch],
        { name: 'lengths', output: 1 },
        'int32',
      );
    }
    return chain.lowering;
  },
};

function fusedProduct(view: NodeView): Product {
  return {
    left: view.value(0),
    right: view.value(1),
    transposeLeft: view.int('transA', 0) !== 0,
    transposeRight: view.int('transB', 0) !== 0,
    scale: view.float('alpha', 1),
  };
}

const fusedMatMul: OperatorRule = {
  infer(view) {
    if (view.int('transBatchA', 0) !== 0 || view.int('transBatchB', 0) !== 0)
      view.refuse('it exchanges batch dimensions, which is not supported');
    return [{ dtype: view.dtype(0), shape: productShape(view, fusedProduct(view)) }];
  },
  lower: (view) => [productDraft(view, fusedProduct(view))],
};

/** Activations by the names fused products have for them, and where their parameters are. */
function fusedActivation(view: NodeView): { readonly function: string; readonly parameters: readonly number[] } | undefined {
  const name = view.text('activation', '');
  if (name === '' || name === 'NONE') return undefined;
  const parameters = view.floats('activation_params') ?? [view.float('activation_alpha', 0), view.float('activation_beta', 0)];
  const lower = name === name.toUpperCase() ? name.toLowerCase() : name.charAt(0).toLowerCase() + name.slice(1);
  const counts: Readonly<Record<string, number>> = { leakyRelu: 1, clip: 2, hardSigmoid: 2 };
  return { function: lower, parameters: parameters.slice(0, counts[lower] ?? 0) };
}

/** Drafts with an activation behind the last. */
function activated(view: NodeView, drafts: ReturnType<typeof gemmDrafts>, shape: readonly number[]): ReturnType<typeof gemmDrafts> {
  const activation = fusedActivation(view);
  const last = drafts.at(-1);
  if (activation === undefined || last === undefined) return drafts;
  const between = view.between('linear', shape);
  const axes = Array.from({ length: shape.length + 1 }, (_, axis) => axis);
  const body = { kind: 'step', class: 'activation', ...activation, operands: [between.id] } as const;
  const { suffix = 'linear', ...rest } = last;
  return [
    ...drafts.slice(0, -1),
    { ...rest, suffix, output: between },
    { body, inputs: [{ value: between.id, reach: { kind: 'aligned' }, axes }] },
  ];
}

const gemmFastGelu: OperatorRule = {
  infer: (view) => [{ dtype: view.dtype(0), shape: productShape(view, { left: view.value(0), right: view.value(1) }) }],
  lower(view) {
    const chain = new Chain(view);
    const bias = view.optional(2);
    let sum = chain.product({ left: view.value(0), right: view.value(1) }, { name: 'product' });
    if (bias !== undefined) sum = chain.join('add', sum, bias, { name: 'sum' });
    chain.activation(sum, 'geluTanh', [], { name: 'y', output: 0 });
    return chain.lowering;
  },
};

export const FUSED: OperatorRules = {
  Gelu: biasedRule('gelu'),
  BiasGelu: biasedRule('gelu'),
  FastGelu: biasedRule('geluTanh'),
  /** x * sigmoid(alpha * x). */
  QuickGelu: biasedRule('swish', (view) => [view.float('alpha', 1.702)]),

  SkipLayerNormalization: skipRule('layerNorm', { scale: 2, shift: 3, bias: 4, sum: 3 }),
  SkipSimplifiedLayerNormalization: skipRule('rmsNorm', { scale: 2, shift: -1, bias: 3, sum: 3 }),
  EmbedLayerNormalization: embedLayerNorm,

  FusedMatMul: fusedMatMul,
  TransposeMatMul: fusedMatMul,
  FusedGemm: {
    infer: (view) => [{ dtype: view.dtype(0), shape: gemmShape(view, gemmProduct(view)) }],
    lower: (view) => activated(view, gemmDrafts(view, gemmProduct(view)), gemmShape(view, gemmProduct(view))),
  },
  GemmFastGelu: gemmFastGelu,
  /** Z, input 3, is added before the activation. */
  FusedConv: {
    infer: (view) => [{ dtype: view.dtype(0), shape: convShape(view) }],
    lower(view) {
      const shape = convShape(view);
      const residual = view.optional(3);
      if (residual === undefined) return activated(view, [convDraft(view)], shape);
      const product = view.between('product', shape);
      const axes = Array.from({ length: shape.length + 1 }, (_, axis) => axis);
      const operands = [product, residual];
      const body = {
        kind: 'step',
        class: 'elementwise',
        function: 'add',
        parameters: [],
        reversed: 'add',
        operands: operands.map(({ id }) => id),
      } as const;
      const inputs = operands
        .filter(({ constant }) => !constant)
        .map(({ id }) => ({ value: id, reach: { kind: 'aligned' } as const, axes }));
      return activated(
        view,
        [
          { ...convDraft(view), output: product, suffix: 'product' },
          { body, inputs, suffix: 'residual' },
        ],
        shape,
      );
    },
  },

  BiasAdd: {
    infer: sameAsInput,
    lower(view) {
      const chain = new Chain(view);
      chain.join('add', chain.join('add', view.value(0), view.value(1), { name: 'biased' }), view.value(2), { name: 'y', output: 0 });
      return chain.lowering;
    },
  },
  BiasSoftmax: {
    infer: sameAsInput,
    lower(view) {
      const chain = new Chain(view);
      if (view.axis(view.int('axis', 1), view.rank(0)) !== view.rank(0) - 1)
        view.refuse('it runs over another axis than the last, which is not supported');
      chain.softmax(chain.join('add', view.value(0), view.value(1), { name: 'sum' }), { name: 'y', output: 0 });
      return chain.lowering;
    },
  },
  /** Rows of a table of blocks with scales of their own. */
  GatherBlockQuantized: {
    infer(view) {
      const shape = view.shape(0);
      const axis = view.axis(view.int('gather_axis', 0), shape.length);
      const packed = view.dtype(0) === 'uint8' ? 8 / view.int('bits', 4) : 1;
      const unpacked = shape.with(-1, (shape.at(-1) ?? 1) * packed);
      return [{ dtype: view.dtype(2) as DType, shape: [...unpacked.slice(0, axis), ...view.shape(1), ...unpacked.slice(axis + 1)] }];
    },
    lower(view) {
      const ids = view.value(1);
      const axis = view.axis(view.int('gather_axis', 0), view.rank(0));
      const moved = [
        { value: view.value(0), reach: { kind: 'whole', samples: 1 } },
        { value: ids, reach: { kind: 'positionwise' }, wants: ids.shape.length },
      ] as const;
      return [{ ...moveOf('gather', { axis: [axis] }, moved), axis: view.rank(0) - 2 + ids.shape.length }];
    },
  },
};
