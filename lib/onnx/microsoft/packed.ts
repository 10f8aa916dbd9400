// Products with weights that are stored packed, several to a byte, in blocks with a scale of their own each.
// The graph has the matrix they stand for, of as many bits as it is stored in.

import type { DType } from '../../ir/graph.ts';
import type { Quantized, Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import { Chain } from '../operators/chain.ts';
import { productShape } from '../operators/product.ts';
import type { OperatorRule, OperatorRules } from '../rule.ts';

const PACKED_TYPES: Readonly<Record<number, DType>> = { 2: 'uint2', 4: 'uint4', 8: 'uint8' };

interface Packed {
  readonly weight: number;
  readonly scale: number;
  readonly zeroPoint?: number;
  /** [outputs, inputs] of the matrix. */
  readonly shape: readonly [number, number];
  readonly dtype: DType;
}

/** The matrix that input `weight` holds. */
export function unpacked(view: NodeView, { weight, scale, zeroPoint = -1, shape, dtype }: Packed): Value {
  const value = view.value(weight);
  if (!value.constant) view.refuse(`its weight '${value.id}' is computed when the network runs, and only stored ones are supported`);
  const zero = view.optional(zeroPoint);
  const quantized: Quantized = {
    stored: value.id,
    dtype,
    scale: view.value(scale).id,
    ...(zero === undefined ? {} : { zeroPoint: zero.id }),
    axis: 1,
    blockSize: view.int('block_size', 32),
  };
  return { ...value, shape, dtype, quantized };
}

function nBits(view: NodeView, weight: number, scale: number, outputs: number, zeroPoint?: number): Value {
  const bits = view.int('bits', 4);
  const dtype = PACKED_TYPES[bits] ?? view.refuse(`its weights have ${bits} bits; 2, 4 and 8 are supported`);
  return unpacked(view, { weight, scale, ...(zeroPoint === undefined ? {} : { zeroPoint }), shape: [outputs, view.int('K', 0)], dtype });
}

/** A product with the matrix' transpose, and a bias if there is one. */
function packedRule(matrixOf: (view: NodeView) => Value, bias: number): OperatorRule {
  return {
    infer: (view) => [
      { dtype: view.dtype(0), shape: productShape(view, { left: view.value(0), right: matrixOf(view), transposeRight: true }) },
    ],
    lower(view) {
      const chain = new Chain(view);
      projection(chain, view, view.value(0), matrixOf(view), bias, { name: 'y', output: 0 });
      return chain.lowering;
    },
  };
}

function projection(
  chain: Chain,
  view: NodeView,
  from: Value,
  matrix: Value,
  bias: number,
  made: { name: string; output?: number },
): Value {
  chain.constants.push(matrix);
  const added = view.optional(bias);
  const plain = added?.constant ? { bias: added.id } : {};
  const product = { left: from, right: matrix, transposeRight: true, ...plain };
  if (added === undefined || added.constant) return chain.product(product, made);
  return chain.join('add', chain.product(product, { name: `${made.name}Product` }), added, made);
}

/** Input 0, with a skip added and normalised if inputs 1 and 2 say so. */
function normalized(chain: Chain, view: NodeView, sumOutput: number): Value {
  const [skip, scale] = [view.optional(1), view.optional(2)];
  const sum = skip === undefined ? view.value(0) : chain.join('add', view.value(0), skip, { name: 'sum', output: sumOutput });
  const how = { function: 'rmsNorm', axes: [sum.shape.length - 1], epsilon: view.float('epsilon', 1e-5) };
  return scale === undefined ? sum : chain.normalize(sum, how, [scale], { name: 'normalized' });
}

export const PACKED: OperatorRules = {
  MatMulNBits: packedRule((view) => nBits(view, 1, 2, view.int('N', 0), 3), 5),

  MatMulBnb4: packedRule((view) => {
    if (view.int('transB', 1) === 0) view.refuse('its weight is not transposed, as for training; only inference is supported');
    const dtype = view.int('quant_type', 0) === 0 ? 'float4' : 'uint4';
    return unpacked(view, { weight: 1, scale: 2, shape: [view.int('N', 0), view.int('K', 0)], dtype });
  }, -1),

  /** Gate and up projections and the product of both, of one input. */
  MatMulNBitsMlp: {
    infer(view) {
      const { dtype, shape } = view.value(0);
      return [
        { dtype, shape: shape.with(-1, view.int('N', 0)) },
        { dtype, shape },
      ];
    },
    lower(view) {
      const chain = new Chain(view);
      const from = normalized(chain, view, 1);
      const gate = projection(chain, view, from, nBits(view, 3, 4, view.int('N', 0)), 5, { name: 'gate' });
      const name = view.text('activation', 'silu');
      const active = chain.activation(gate, name === 'silu' ? 'swish' : name, name === 'silu' ? [1] : [], { name: 'active' });
      const up = projection(chain, view, from, nBits(view, 6, 7, view.int('N', 0)), 8, { name: 'up' });
      chain.join('mul', up, active, { name: 'y', output: 0 });
      return chain.lowering;
    },
  },

  /** Projections of queries, keys and values of one normalised input. */
  MatMulNBitsQkv: {
    infer(view) {
      const { dtype, shape } = view.value(0);
      const [q, kv] = [view.int('Nq', 0), view.int('Nkv', 0)];
      return [...[q, kv, kv].map((size) => ({ dtype, shape: shape.with(-1, size) })), { dtype, shape }];
    },
    lower(view) {
      const chain = new Chain(view);
      const from = normalized(chain, view, 3);
      for (const [output, name] of ['q', 'k', 'v'].entries()) {
        const size = view.int(output === 0 ? 'Nq' : 'Nkv', 0);
        const at = 3 + 3 * output;
        projection(chain, view, from, nBits(view, at, at + 1, size), at + 2, { name, output });
      }
      return chain.lowering;
    },
  },
};
