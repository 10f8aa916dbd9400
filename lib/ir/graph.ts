// Graph: the network as the optimizer sees it, first of the four nouns.
// Plain data; edges are tensor ids; operators are in topological order and each
// writes exactly one tensor. Elementwise followers are folded into `epilogue`, so
// the operator list is what an architect would draw.
//
//   graph    ::= tensors, operators
//   operator ::= matrix (conv | matMul) | vector (everything else), each with an epilogue
//   tensor   ::= [positions x features]: H*W (or tokens) times channels, per batch

import { assertNever } from '../base/problem.ts';
import type { MatrixShape, Window } from '../base/shapes.ts';

export type TensorId = string;
export type OperatorId = string;

export const DTYPES = [
  'float64',
  'float32',
  'float16',
  'bfloat16',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint64',
  'uint32',
  'uint16',
  'uint8',
  'int4',
  'uint4',
  'bool',
  'string',
  'float8',
  'float4',
  'int2',
  'uint2',
] as const;
/** Element type in the model file; the bits used on the chip are a parameter of the run. */
export type DType = (typeof DTYPES)[number];

/** `state` is what outlives one pass: a KV cache. `weight` is any initialiser that reaches an operator. */
export const TENSOR_ROLES = ['input', 'activation', 'output', 'weight', 'state'] as const;
export type TensorRole = (typeof TENSOR_ROLES)[number];

export interface Tensor {
  readonly id: TensorId;
  /** Name of the value in the model file, where that is another. */
  readonly source?: string;
  readonly role: TensorRole;
  readonly dtype: DType;
  /** Every dimension bound; [] is a scalar. */
  readonly shape: readonly number[];
  /** How operators stream it: `positions` vectors of `features` elements; positions * features = elements. */
  readonly positions: number;
  readonly features: number;
  /** Axis of the features where it is not the usual one (featureAxis); the rank stands for none: one feature a position. */
  readonly axis?: number;
  /** The model's own quantisation (QLinear, QDQ): scale (1 if absent) and zero point (0), of all or along `axis`. */
  readonly quantization?: {
    readonly scale?: TensorId;
    readonly zeroPoint?: TensorId;
    readonly axis?: number;
    /** Elements along the axis that share a scale; one for each if absent. */
    readonly blockSize?: number;
  };
}

interface Spatial {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** ONNX order: all beginnings, then all ends. */
  readonly pads: readonly number[];
}

/** One entry a kind of operator; the union `Operator` is derived from it. */
export interface OperatorAttrs {
  /** weights: [k * groups, n / kernel area, kernelH, kernelW]; n = channels per group * kernel area. */
  readonly conv: Spatial & { readonly matrix: MatrixShape; readonly weight: TensorId; readonly bias?: TensorId };
  /**
   * `weight` is the right operand; `dynamic` when it is computed at run time (QK^T, SV), then `producer` made it.
   * Groups are batches with a right operand of their own: the output has m * groups positions of k features.
   */
  readonly matMul: {
    readonly matrix: MatrixShape;
    readonly weight: TensorId;
    readonly bias?: TensorId;
    readonly transposeWeight: boolean;
    readonly dynamic: boolean;
    readonly producer?: OperatorId;
    /** Scalar the product is multiplied by (Gemm's alpha); 1 when absent. */
    readonly scale?: number;
    /** Axis of the stream that is summed over, and axis of the output that counts the k features, where it is not the last. */
    readonly streamAxis?: number;
    readonly outputAxis?: number;
  };
  /** One-input function applied to each element: relu, clip, sigmoid, ... */
  readonly activation: { readonly function: string; readonly parameters: readonly number[] };
  /**
   * Two-input or constant-operand function applied to each element: add, mul, batchNorm, ... The running value is
   * inputs[0]; `operands` are the others, in ONNX order, streamed ones included.
   */
  readonly elementwise: { readonly function: string; readonly operands: readonly TensorId[]; readonly parameters?: readonly number[] };
  readonly pool: Spatial & {
    readonly function: 'max' | 'average' | 'lp' | 'maxIndices';
    readonly ceilMode: boolean;
    readonly countIncludePad: boolean;
  };
  readonly reduce: { readonly function: string; readonly axes: readonly number[]; readonly keepDims: boolean };
  readonly softmax: { readonly axis: number };
  readonly normalize: {
    readonly function: string;
    readonly axis: number;
    readonly epsilon: number;
    readonly operands: readonly TensorId[];
    readonly parameters?: readonly number[];
  };
  /** Data movement that changes order or selection: transpose, concat, slice, gather, resize, pad. `operands`: constants among what is moved. */
  readonly move: {
    readonly function: string;
    readonly parameters: Readonly<Record<string, readonly number[]>>;
    readonly operands?: readonly TensorId[];
  };
  /** Same bytes under another shape: reshape, flatten, squeeze. Costs nothing. */
  readonly view: { readonly function: string };
}
export type OperatorKind = keyof OperatorAttrs;
export type MatrixKind = 'conv' | 'matMul';

/** An elementwise operator fused into its producer: applied on the way out, in order. */
export interface EpilogueStep {
  readonly id: OperatorId;
  readonly class: 'activation' | 'elementwise';
  /** Of the running value and the operands, in this order; `reverseSub`, `reverseDiv`, ... take the operand first. */
  readonly function: string;
  readonly parameters: readonly number[];
  /** Weights or activations used besides the running value: a residual, a scale. */
  readonly operands: readonly TensorId[];
}

/** An operator's use of an activation, and how far ahead it must be. */
export interface Input {
  readonly tensor: TensorId;
  readonly window: Window;
}

export type OperatorOf<K extends OperatorKind> = {
  readonly id: OperatorId;
  /** Name of the node in the model file, where that is another. */
  readonly source?: string;
  readonly kind: K;
  /** ONNX operator type and domain it came from, for messages. */
  readonly onnxType: string;
  /** Activations and states read, the epilogue's operands included; weights are in `attrs`. */
  readonly inputs: readonly Input[];
  /** The tensor after the epilogue. */
  readonly output: TensorId;
  readonly attrs: OperatorAttrs[K];
  readonly epilogue: readonly EpilogueStep[];
};
export type Operator = { [K in OperatorKind]: OperatorOf<K> }[OperatorKind];
export type MatrixOperator = { [K in MatrixKind]: OperatorOf<K> }[MatrixKind];

/**
 * `count` consecutive ranges of `length` operators that do the same work on other tensors (transformer layers), the first
 * at index `first` of `operators`: whatever is decided for one holds for all. instances.ts says what is alike.
 */
export interface Block {
  readonly first: number;
  readonly length: number;
  readonly count: number;
  /** Operators and tensors that differ between instances k = 0, 1, ... are called prefix + (number + k) + suffix. */
  readonly number: number;
  /** Where instance k reads what k - 1 made in the place of `next`, a tensor of instance 0, instance 0 reads `initial`. */
  readonly carried: readonly { readonly initial: TensorId; readonly next: TensorId }[];
}

/** Keys or values that an attention keeps of earlier tokens, from one pass of the network to the next. */
export interface Cache {
  readonly kind: 'key' | 'value';
  /** The product whose right operand it is. */
  readonly operator: OperatorId;
  /** The input that holds earlier tokens (role `state`); absent if there are none, or none are given. */
  readonly past?: TensorId;
  /** The output that holds them with this pass' tokens, for the next one. */
  readonly present?: TensorId;
  /** Tokens that the product reads. */
  readonly tokens: number;
  /** Of all samples of the batch. */
  readonly elementsPerToken: number;
}

export interface Graph {
  readonly noun: 'graph';
  readonly schemaVersion: 1;
  readonly name: string;
  /** SHA-256 of the model file's bytes and the bindings, hexadecimal. */
  readonly hash: string;
  /** Symbolic dimensions and the numbers they were bound to. */
  readonly bindings: Readonly<Record<string, number>>;
  readonly inputs: readonly TensorId[];
  readonly outputs: readonly TensorId[];
  readonly tensors: readonly Tensor[];
  readonly operators: readonly Operator[];
  /** In the order of the operators; no two overlap. */
  readonly blocks: readonly Block[];
  /** Key and value of each attention that has a cache, in the order of the operators. */
  readonly caches: readonly Cache[];
}

export function isMatrix(operator: Operator): operator is MatrixOperator {
  return operator.kind === 'conv' || operator.kind === 'matMul';
}

/** Whether a product's right operand is stored weights; others are made at run time (attention). */
export function hasWeights(product: MatrixOperator): boolean {
  return !(product.kind === 'matMul' && product.attrs.dynamic);
}

/** Axis of a tensor's features; all others, in row-major order, count its positions. Usually channels, or the last axis. */
export function featureAxis({ axis, shape }: Pick<Tensor, 'axis' | 'shape'>): number {
  return axis ?? usualAxis(shape.length);
}

/** The feature axis of a tensor of `rank` dimensions that nobody has an opinion on. */
export function usualAxis(rank: number): number {
  return rank === 4 ? 1 : Math.max(0, rank - 1);
}

/** Tensors by id. */
export function tensorsOf(graph: Graph): ReadonlyMap<TensorId, Tensor> {
  return new Map(graph.tensors.map((tensor) => [tensor.id, tensor]));
}

/** Tensors an operator and its steps name besides the running value: weights, and activations that are inputs, too. */
export function operandsOf(operator: Operator): TensorId[] {
  const steps = operator.epilogue.flatMap(({ operands }) => operands);
  switch (operator.kind) {
    case 'conv':
    case 'matMul':
      return [operator.attrs.weight, ...(operator.attrs.bias === undefined ? [] : [operator.attrs.bias]), ...steps];
    case 'elementwise':
    case 'normalize':
      return [...operator.attrs.operands, ...steps];
    case 'move':
      return [...(operator.attrs.operands ?? []), ...steps];
    case 'activation':
    case 'pool':
    case 'reduce':
    case 'softmax':
    case 'view':
      return steps;
    default:
      return assertNever(operator);
  }
}
