// Model: an ONNX file as decoded, before anything is known of what its operators mean.
// Weights stay in the file's bytes: values and attributes are decoded only when somebody asks for them.

import type { DType } from '../ir/graph.ts';
import type { Frame } from './wire.ts';

/** A dimension as the file gives it: a number, a name to bind, or neither. */
export type Dimension = number | string | undefined;

export interface ModelInput {
  readonly name: string;
  readonly dtype: DType;
  readonly dimensions: readonly Dimension[];
}

/** A tensor stored in the file: an initialiser, or the value of a Constant. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Elements in row-major order; undefined when they are in another file, or too many to be shape arithmetic. */
  readonly elements: () => readonly number[] | undefined;
  /** Holds the TensorProto; absent for a sparse tensor. */
  readonly frame?: Frame;
}

/** `frame` holds the AttributeProto. */
export interface Attribute {
  readonly name: string;
  readonly frame: Frame;
  /** In a function: the attribute of the call that it stands for. */
  readonly from?: string;
}

/** The inside of a function, or of a branch: nodes that are put in the place of the node that calls it. */
export interface Body {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly initializers: readonly StoredTensor[];
  /** Their ids are the names in the file, perhaps empty; a branch reads values from around it by their names. */
  readonly nodes: readonly OnnxNode[];
}

/** A function of the model itself. */
export interface ModelFunction extends Body {
  readonly opsets: ReadonlyMap<string, number>;
  /** Attributes that calls may leave out. */
  readonly defaults: readonly Attribute[];
}

export interface OnnxNode {
  /** Unique, never empty. */
  readonly id: string;
  readonly opType: string;
  /** '' is ONNX's own. */
  readonly domain: string;
  /** Value names; '' is an optional input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly Attribute[];
  /** Tells functions of one name apart. */
  readonly overload?: string;
  /** Of an If: what it becomes. Values they read from around them are among its inputs, behind the condition. */
  readonly branches?: { readonly then: Body; readonly else: Body };
  /** Opset version by domain where it isn't the model's: of a node that comes from a function. */
  readonly opsets?: ReadonlyMap<string, number>;
}

export interface Model {
  readonly irVersion: number;
  /** Opset version by domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly graphName: string;
  readonly inputs: readonly ModelInput[];
  readonly outputs: readonly string[];
  readonly initializers: readonly StoredTensor[];
  readonly nodes: readonly OnnxNode[];
  /** By functionKey of the nodes that call them. */
  readonly functions: ReadonlyMap<string, ModelFunction>;
}

/** Opset that a node's operator is of; 1 if nobody imports its domain. */
export function opsetOf(model: Pick<Model, 'opsets'>, { domain, opsets = model.opsets }: Pick<OnnxNode, 'domain' | 'opsets'>): number {
  return opsets.get(domain) ?? 1;
}

export function functionKey({ domain, opType, overload = '' }: Pick<OnnxNode, 'domain' | 'opType' | 'overload'>): string {
  return JSON.stringify([domain, opType, overload]);
}

/** A value of the running graph once its shape is known. */
export interface Value {
  readonly id: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The same in every run: an initialiser, or computed from initialisers only. */
  readonly constant: boolean;
  /** Elements in row-major order where they are known; only ever for constants. */
  readonly elements: () => readonly number[] | undefined;
  /** Of a constant that is stored quantised: the value that holds it, and how it becomes this one. */
  readonly quantized?: Quantized;
}

/** `stored`: the quantised value, of `dtype`; scale (1 if absent) and zero point (0) apply along `axis`, or to all of it. */
export interface Quantized {
  readonly stored: string;
  readonly dtype: DType;
  readonly scale?: string;
  readonly zeroPoint?: string;
  readonly axis?: number;
  /** Elements along the axis that share a scale; one for each if absent. */
  readonly blockSize?: number;
}

/** `elements` of values that nobody knows before the network runs, or whose numbers are not in the file. */
export function unknownElements(): undefined {
  return undefined;
}

/** Shape arithmetic works on short vectors; longer constants are weights, and only their shape matters. */
export const MOST_FOLDED = 65_536;

/** ONNX gives no limit; no framework has tensors of more dimensions. */
export const MOST_DIMENSIONS = 64;

export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dimension of shape) count *= dimension;
  return count;
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
