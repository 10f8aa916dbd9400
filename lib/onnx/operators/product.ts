// Gemm and MatMul: m vectors of n elements times an n x k matrix, which is a weight or, in attention, computed at run time.
// The stationary operand is the constant one; of two activations it is the right one.

import type { DraftInput, DraftSpec } from '../draft.ts';
import { elementCount, shapeText, unknownElements, type Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRules } from '../rule.ts';
import { alignedAxes, broadcastShape } from './broadcast.ts';

export const PRODUCTS: OperatorRules = {
  /** alpha * A' * B' + beta * C, each matrix transposed if its flag says so. */
  Gemm: {
    infer(view) {
      const { m, k } = gemmShape(view);
      const bias = view.optional(2);
      if (bias !== undefined && broadcastShape(view, [bias.shape, [m, k]]).join() !== `${m},${k}`) {
        view.refuse(`its input C of shape ${shapeText(bias.shape)} can't be added to a product of shape [${m}, ${k}]`);
      }
      return [{ dtype: view.dtype(0), shape: [m, k] }];
    },

    lower(view) {
      const { m, n, k, transposeLeft, transposeRight } = gemmShape(view);
      const [left, right] = [view.value(0), view.value(1)];
      const alpha = view.float('alpha', 1);
      // A constant left operand is the stationary one: (A B)' = B' A'.
      const swapped = left.constant && !right.constant;
      const bias = gemmBias(view, swapped ? m : k, swapped);
      const shared = { ...(alpha === 1 ? {} : { scale: alpha }), ...(bias.plain === undefined ? {} : { bias: bias.plain }) };
      // The axis of the vectors' elements is what is summed over.
      const stream = swapped ? positionwise(right, transposeRight ? 1 : 0) : positionwise(left, transposeLeft ? 0 : 1);
      const stationary = swapped ? left : right;
      const product: DraftSpec = {
        body: {
          kind: 'matMul',
          attrs: {
            matrix: swapped ? { m: k, n, k: m, groups: 1 } : { m, n, k, groups: 1 },
            weight: stationary.id,
            transposeWeight: swapped ? !transposeLeft : transposeRight,
            dynamic: !stationary.constant,
            ...shared,
          },
        },
        inputs: stationary.constant ? [stream] : [stream, stationaryInput(stationary)],
        axis: swapped ? 0 : 1,
      };
      if (bias.step === undefined) return [product];

      // C that is more than one row, or scaled, is added by a step of its own.
      const between: Value = {
        id: `${view.node.outputs[0]}.product`,
        dtype: left.dtype,
        shape: [m, k],
        constant: false,
        elements: unknownElements,
      };
      const beta = view.float('beta', 1);
      return [
        { ...product, output: between },
        {
          suffix: 'bias',
          body: {
            kind: 'step',
            class: 'elementwise',
            function: beta === 1 ? 'add' : 'addScaled',
            parameters: beta === 1 ? [] : [beta],
            operands: [between.id, bias.step.id],
          },
          inputs: [between, bias.step]
            .filter(({ constant }) => !constant)
            .map(({ id, shape }) => ({ value: id, reach: { kind: 'aligned' }, axes: alignedAxes(shape.length, 2) })),
        },
      ];
    },
  },

  MatMul: {
    infer: (view) => [{ dtype: view.dtype(0), shape: matMulShape(view).shape }],

    lower(view) {
      const [left, right] = [view.value(0), view.value(1)];
      const { shape, n, rows, columns } = matMulShape(view);
      const swapped = left.constant && !right.constant;
      const stationary = swapped ? left : right;
      const groups = elementCount(stationary.shape.slice(0, -2));
      const k = swapped ? rows : columns;
      const stream = swapped ? right : left;
      const features = stream.shape.length - (swapped && stream.shape.length > 1 ? 2 : 1);
      const rank = shape.length;
      // Which axis of the output runs over k: none if the stationary operand is a vector.
      const vector = stationary.shape.length === 1;
      const axis = vector ? rank : swapped && right.shape.length > 1 ? rank - 2 : rank - 1;
      return [
        {
          body: {
            kind: 'matMul',
            attrs: {
              matrix: { m: elementCount(shape) / k / groups, n, k, groups },
              weight: stationary.id,
              transposeWeight: swapped,
              dynamic: !stationary.constant,
            },
          },
          inputs: stationary.constant ? [positionwise(stream, features)] : [positionwise(stream, features), stationaryInput(stationary)],
          axis,
        },
      ];
    },
  },
};

/** The streamed operand: one vector in, one vector out. */
function positionwise({ id }: Value, features: number): DraftInput {
  return { value: id, reach: { kind: 'positionwise' }, wants: features };
}

/** The operand that is written into arrays: all of it has to exist first. */
function stationaryInput({ id, shape }: Value): DraftInput {
  return { value: id, reach: { kind: 'whole', samples: 1 }, prefers: shape.length - 1 };
}

function gemmShape(view: NodeView): { m: number; n: number; k: number; transposeLeft: boolean; transposeRight: boolean } {
  const [left, right] = [view.shape(0), view.shape(1)];
  if (left.length !== 2 || right.length !== 2)
    view.refuse(`its inputs have shapes ${shapeText(left)} and ${shapeText(right)}; both must be matrices`);
  const transposeLeft = view.int('transA', 0) !== 0;
  const transposeRight = view.int('transB', 0) !== 0;
  const [m = 0, n = 0] = transposeLeft ? left.toReversed() : left;
  const [inner = 0, k = 0] = transposeRight ? right.toReversed() : right;
  if (n !== inner)
    view.refuse(`its matrices of ${shapeText([m, n])} and ${shapeText([inner, k])} (transposed as its flags say) don't fit each other`);
  return { m, n, k, transposeLeft, transposeRight };
}

/** `plain`: a constant for each of the product's features, added as it is. `step`: anything else that is added. */
function gemmBias(view: NodeView, features: number, swapped: boolean): { plain?: string; step?: Value } {
  const bias = view.optional(2);
  const beta = view.float('beta', 1);
  if (bias === undefined || beta === 0) return {};
  const along = bias.shape.at(swapped ? -2 : -1) ?? 1;
  const isVector = elementCount(bias.shape) === features && along === features;
  return bias.constant && beta === 1 && isVector ? { plain: bias.id } : { step: bias };
}

function matMulShape(view: NodeView): { shape: readonly number[]; n: number; rows: number; columns: number } {
  const [left, right] = [view.shape(0), view.shape(1)];
  if (left.length === 0 || right.length === 0) view.refuse('one of its inputs is a scalar');
  const n = left.at(-1) ?? 1;
  const rows = left.at(-2) ?? 1;
  const inner = right.at(-2) ?? right[0] ?? 1;
  const columns = right.length === 1 ? 1 : (right.at(-1) ?? 1);
  if (n !== inner)
    view.refuse(`its inputs' shapes ${shapeText(left)} and ${shapeText(right)} don't fit each other: ${n} columns, ${inner} rows`);
  const batch = broadcastShape(view, [left.slice(0, -2), right.slice(0, -2)]);
  return { shape: [...batch, ...(left.length > 1 ? [rows] : []), ...(right.length > 1 ? [columns] : [])], n, rows, columns };
}
