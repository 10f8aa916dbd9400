// Program: meta-operators, third of the four nouns (DMO, Zhao et al. 2025, sec. 4.4, with named fields).
//
//   program   ::= header manifest regions before? body
//   before    ::= 'before' '{' (CM.switch | CIM.write)* '}'   what a run of the same network has left on the chip
//   body      ::= (metaop | parallel | loop)*
//   parallel  ::= 'parallel' '{' metaop* '}'            one segment: its meta-operators run as a pipeline
//   loop      ::= 'loop' variable count '{' body '}'    $variable in an id is replaced by 0 .. count-1
//   metaop    ::= CM.switch | CIM.write | CIM.mvm | MEM.move | VEC.run
//
// Meta-operators between two parallel blocks are the boundary: they run together, in order on
// each resource, after the block before and ahead of the block behind them. Invariants are `verifyProgram`'s.

import type { MatrixShape, Range, VectorClass, Window } from '../base/shapes.ts';
import type { Precision } from '../base/units.ts';

export type TensorId = string;
export type OperatorId = string;
export type RegionId = string;

/** A tensor the program moves: positions x features elements of `bits` bits. */
export interface ManifestTensor {
  readonly id: TensorId;
  readonly role: 'input' | 'activation' | 'output' | 'state';
  readonly positions: number;
  readonly features: number;
  /** The precision's activation bits, or WIDE_BITS. */
  readonly bits: number;
}

export interface ManifestInput {
  readonly tensor: TensorId;
  readonly window: Window;
  /**
   * stream: feeds the product or the vector unit as it comes. stationary: the right operand of a dynamic
   * product, written into arrays. step: operand of an epilogue step.
   */
  readonly use: 'stream' | 'stationary' | 'step';
}

/** What must be done exactly once: an operator of the graph, whichever way it was cut. */
export interface ManifestOperator {
  readonly id: OperatorId;
  readonly inputs: readonly ManifestInput[];
  readonly output: TensorId;
  /** Matrix operators only. */
  readonly matrix?: MatrixShape;
  /** Vector operators: class and elements of work for the whole operator. */
  readonly vector?: { readonly class: VectorClass; readonly elements: number };
  /** Fused followers, each on every output element. */
  readonly steps: readonly { readonly id: OperatorId; readonly class: VectorClass }[];
  /** Partial sums of an operator cut along n: `tensor` holds the products of inner rows 0 .. upTo. */
  readonly partials: readonly { readonly tensor: TensorId; readonly upTo: number }[];
}

export type Place =
  | { readonly kind: 'external' }
  | { readonly kind: 'buffer'; readonly offset: number }
  /** Striped evenly over the arrays, from byte `offset` in each. */
  | { readonly kind: 'arrays'; readonly arrays: readonly number[]; readonly offset: number }
  | OperandTiles;

/**
 * The weight tiles of a product whose right operand is the region's tensor, all of it: n x k for each group, in arrays that are in
 * memory mode while they are written and compute once they are switched. A position of the tensor is a part of a column, or of a row.
 */
export interface OperandTiles {
  readonly kind: 'tiles';
  readonly by: (typeof OPERAND_LAYOUTS)[number];
  readonly n: number;
  readonly k: number;
  readonly groups: number;
  readonly copies: number;
  /** copies * tiles arrays, as CIM.write lists them. */
  readonly arrays: readonly number[];
}
export const OPERAND_LAYOUTS = ['columns', 'rows'] as const;

/** Room for features [from, to) of `window` consecutive positions of a tensor; window = positions holds all of it. */
export interface Region {
  readonly id: RegionId;
  readonly tensor: TensorId;
  readonly features: Range;
  readonly window: number;
  readonly place: Place;
}

/**
 * One entry a meta-operator; `MetaOp` is derived from it. Each feature an operator needs is read from the first
 * region of `from` that holds it; every region of `to` gets its part of what is made.
 */
export interface MetaOpFields {
  /** All listed arrays to memory (TOM) or compute mode (TOC); contents survive. */
  readonly 'CM.switch': { readonly to: 'TOM' | 'TOC'; readonly arrays: readonly number[] };
  /** Weight tiles of a piece into arrays: copy after copy, tiles row by row. `from`: regions of a dynamic operand, else external memory. */
  readonly 'CIM.write': {
    readonly operator: OperatorId;
    readonly outputs: Range;
    readonly inner: Range;
    readonly copies: number;
    readonly arrays: readonly number[];
    readonly from: readonly RegionId[];
  };
  /** A piece's products; vector v runs on copy v mod copies. Fused steps run on the way out when `inner` ends at n. */
  readonly 'CIM.mvm': {
    readonly operator: OperatorId;
    readonly outputs: Range;
    readonly inner: Range;
    readonly copies: number;
    readonly arrays: readonly number[];
    readonly chunks: number;
    readonly from: readonly RegionId[];
    readonly to: readonly RegionId[];
  };
  /** Copies one tensor's data into the regions of `to`. */
  readonly 'MEM.move': { readonly chunks: number; readonly from: readonly RegionId[]; readonly to: readonly RegionId[] };
  /** A vector operator, its fused steps included. */
  readonly 'VEC.run': {
    readonly operator: OperatorId;
    readonly chunks: number;
    readonly from: readonly RegionId[];
    readonly to: readonly RegionId[];
  };
}
export type MetaOpKind = keyof MetaOpFields;
export const META_OPS = ['CM.switch', 'CIM.write', 'CIM.mvm', 'MEM.move', 'VEC.run'] as const satisfies readonly MetaOpKind[];

export type MetaOpOf<K extends MetaOpKind> = { [P in K]: { readonly kind: P } & MetaOpFields[P] }[K];
export type MetaOp = MetaOpOf<MetaOpKind>;
export interface Parallel {
  readonly kind: 'parallel';
  readonly body: readonly MetaOp[];
}
export interface Loop {
  readonly kind: 'loop';
  readonly variable: string;
  readonly count: number;
  readonly body: readonly Statement[];
}
export type Statement = MetaOp | Parallel | Loop;

export interface Program {
  readonly noun: 'program';
  readonly schemaVersion: 1;
  readonly model: { readonly name: string; readonly hash: string };
  readonly hardware: { readonly name: string; readonly hash: string; readonly arrays: number };
  readonly precision: Precision;
  readonly tensors: readonly ManifestTensor[];
  readonly operators: readonly ManifestOperator[];
  readonly regions: readonly Region[];
  /**
   * How the run before left the chip: modes, and stored weights that are still in their arrays. Takes no time and no energy. The
   * program leaves the same behind, so that it can follow itself. Absent: the chip is empty and every array in compute mode.
   */
  readonly before?: readonly MetaOpOf<'CM.switch' | 'CIM.write'>[];
  readonly body: readonly Statement[];
}
