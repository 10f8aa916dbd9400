// Matrix products: m vectors of n elements times an n x k matrix, which is a weight or, in attention, computed at run time.
// The stationary operand is the constant one; of two activations it is the right one.

import type { DraftInput, DraftSpec } from '../draft.ts';
import { elementCount, shapeText, type Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRules } from '../rule.ts';
import { alignedAxes, broadcastShape } from './broadcast.ts';

/** Two operands as NumPy's matmul takes them, each perhaps with its last two axes exchanged. */
export interface Product {
  readonly left: Value;
  readonly right: Value;
  readonly transposeLeft?: boolean;
  readonly transposeRight?: boolean;
  /** What the product is multiplied by. */
  readonly scale?: number;
  /** A constant for each of the product's features. */
  readonly bias?: string;
}

/** Shape of the product; refuses operands that don't fit each other. */
export function productShape(view: NodeView, product: Product): readonly number[] {
  return geometryOf(view, product).shape;
}

/** The product as an operator; its output is the node's first. */
export function productDraft(view: NodeView, product: Product): DraftSpec {
  const { left, right, transposeLeft = false, transposeRight = false, scale = 1, bias } = product;
  const { shape, n, rows, columns } = geometryOf(view, product);
  const swapped = isSwapped(product, { rows, columns });
  const stationary = swapped ? left : right;
  const groups = elementCount(stationary.shape.slice(0, -2));
  const k = swapped ? rows : columns;
  const stream = swapped ? right : left;
  const rank = shape.length;
  // The axis of the vectors' elements is what is summed over.
  const inner = stream.shape.length > 1 && (swapped ? !transposeRight : transposeLeft) ? 2 : 1;
  // Which axis of the output runs over k: none if the stationary operand is a vector.
  const axis = stationary.shape.length === 1 ? rank : swapped && right.shape.length > 1 ? rank - 2 : rank - 1;
  const input: DraftInput = { value: stream.id, reach: { kind: 'positionwise' }, wants: stream.shape.length - inner };
  return {
    body: {
      kind: 'matMul',
      attrs: {
        matrix: { m: elementCount(shape) / k / groups, n, k, groups },
        weight: stationary.id,
        transposeWeight: swapped ? !transposeLeft : transposeRight,
        dynamic: !stationary.constant,
        ...(scale === 1 ? {} : { scale }),
        ...(bias === undefined ? {} : { bias }),
        ...(inner === 1 ? {} : { streamAxis: stream.shape.length - inner }),
        ...(axis === rank - 1 ? {} : { outputAxis: axis }),
      },
    },
    inputs: stationary.constant ? [input] : [input, stationaryInput(stationary)],
    axis,
  };
}

/** A constant left operand is the stationary one, as is a matrix that meets a single vector: (A B)' = B' A'. */
function isSwapped({ left, right }: Product, { rows, columns }: { readonly rows: number; readonly columns: number }): boolean {
  if (left.constant !== right.constant) return left.constant;
  return right.shape.length > 1 && left.shape.length > 1 && columns === 1 && rows > 1;
}

/** The operand that is written into arrays: all of it has to exist first. */
function stationaryInput({ id, shape }: Value): DraftInput {
  return { value: id, reach: { kind: 'whole', samples: 1 }, prefers: Math.max(0, shape.length - 1) };
}

interface Geometry {
  readonly shape: readonly number[];
  readonly n: number;
  readonly rows: number;
  readonly columns: number;
}

function geometryOf(view: NodeView, { left, right, transposeLeft = false, transposeRight = false }: Product): Geometry {
  if (left.shape.length === 0 || right.shape.length === 0) view.refuse('one of its inputs is a scalar');
  const [a, b] = [turned(left.shape, transposeLeft), turned(right.shape, transposeRight)];
  const n = a.at(-1) ?? 1;
  const rows = a.at(-2) ?? 1;
  const inner = b.at(-2) ?? b[0] ?? 1;
  const columns = b.length === 1 ? 1 : (b.at(-1) ?? 1);
  if (n !== inner) view.refuse(`its inputs' shapes ${shapeText(a)} and ${shapeText(b)} don't fit each other: ${n} columns, ${inner} rows`);
  const batch = broadcastShape(view, [a.slice(0, -2), b.slice(0, -2)]);
  return { shape: [...batch, ...(a.length > 1 ? [rows] : []), ...(b.length > 1 ? [columns] : [])], n, rows, columns };
}

function turned(shape: readonly number[], transposed: boolean): readonly number[] {
  return transposed && shape.length > 1 ? [...shape.slice(0, -2), ...shape.slice(-2).reverse()] : shape;
}

/** alpha * A' * B', each matrix transposed if its flag says so. */
export function gemmProduct(view: NodeView, [a, b] = [0, 1]): Product {
  const [left, right] = [view.value(a), view.value(b)];
  if (left.shape.length !== 2 || right.shape.length !== 2)
    view.refuse(`its inputs have shapes ${shapeText(left.shape)} and ${shapeText(right.shape)}; both must be matrices`);
  return {
    left,
    right,
    transposeLeft: view.int('transA', 0) !== 0,
    transposeRight: view.int('transB', 0) !== 0,
    scale: view.float('alpha', 1),
  };
}

/** Shape of a Gemm with C as input `c`. */
export function gemmShape(view: NodeView, product: Product, c = 2): readonly number[] {
  const shape = productShape(view, product);
  const bias = view.optional(c);
  if (bias !== undefined && broadcastShape(view, [bias.shape, shape]).join() !== shape.join())
    view.refuse(`its input C of shape ${shapeText(bias.shape)} can't be added to a product of shape ${shapeText(shape)}`);
  return shape;
}

/** The product and beta * C, which is its bias if it is a row of constants, and a step behind it otherwise. */
export function gemmDrafts(view: NodeView, product: Product, c = 2): DraftSpec[] {
  const bias = view.optional(c);
  const beta = view.float('beta', 1);
  if (bias === undefined || beta === 0) return [productDraft(view, product)];
  const [m = 1, k = 1] = productShape(view, product);
  const swapped = product.left.constant && !product.right.constant;
  const features = swapped ? m : k;
  const isVector = elementCount(bias.shape) === features && (bias.shape.at(swapped ? -2 : -1) ?? 1) === features;
  if (bias.constant && beta === 1 && isVector) return [productDraft(view, { ...product, bias: bias.id })];

  const between = view.between('product', [m, k]);
  return [
    { ...productDraft(view, product), output: between },
    {
      suffix: 'bias',
      body: {
        kind: 'step',
        class: 'elementwise',
        function: beta === 1 ? 'add' : 'addScaled',
        parameters: beta === 1 ? [] : [beta],
        operands: [between.id, bias.id],
      },
      inputs: [between, bias]
        .filter(({ constant }) => !constant)
        .map(({ id, shape }) => ({ value: id, reach: { kind: 'aligned' }, axes: alignedAxes(shape.length, 2) })),
    },
  ];
}

const matMul = (view: NodeView): Product => ({ left: view.value(0), right: view.value(1) });

export const PRODUCTS: OperatorRules = {
  Gemm: {
    infer: (view) => [{ dtype: view.dtype(0), shape: gemmShape(view, gemmProduct(view)) }],
    lower: (view) => gemmDrafts(view, gemmProduct(view)),
  },

  MatMul: {
    infer: (view) => [{ dtype: view.dtype(0), shape: productShape(view, matMul(view)) }],
    lower: (view) => [productDraft(view, matMul(view))],
  },
};
