// Draft: an operator on its way from ONNX node to graph operator.
// What an operator rule says about itself is here; layout, windows and fusing are decided later, over the whole network.

import type { VectorClass, Window } from '../base/shapes.ts';
import type { EpilogueStep, OperatorAttrs, OperatorKind } from '../ir/graph.ts';
import type { Value } from './model.ts';

/**
 * How far ahead an input must be, said in the operator's own terms:
 * rows: along the first spatial axis. positionwise: one vector in, one out. aligned: broadcast against the output.
 * along: the whole extent of some axes. contiguous: the same elements in the same order. whole: all of it,
 * sample by sample if `samples` divides both.
 */
export type Reach =
  | { readonly kind: 'rows'; readonly window: Window }
  | { readonly kind: 'positionwise' }
  | { readonly kind: 'aligned' }
  | { readonly kind: 'along'; readonly axes: readonly number[] }
  | { readonly kind: 'contiguous' }
  | { readonly kind: 'whole'; readonly samples: number };

/** An activation that is read. Axes count from 0; the rank stands for "no axis": one feature a position. */
export interface DraftInput {
  readonly value: string;
  readonly reach: Reach;
  /** The axis that has to be the features for this operator. */
  readonly wants?: number;
  /** The axis that is the features unless somebody wants another. */
  readonly prefers?: number;
  /** Input axis -> output axis; entry [rank] is that of "no axis". */
  readonly axes?: readonly number[];
}

/**
 * An elementwise function before it is known which operand is the running one.
 * `operands`: value names in ONNX order. Only the first can be the running one, unless the function is `symmetric`,
 * has a name `reversed` for its two operands exchanged, or is `placed`: told the running operand's place as a parameter.
 */
export interface StepBody {
  readonly kind: 'step';
  readonly class: Extract<VectorClass, 'activation' | 'elementwise'>;
  readonly function: string;
  readonly parameters: readonly number[];
  readonly operands: readonly string[];
  readonly reversed?: string;
  readonly symmetric?: boolean;
  readonly placed?: boolean;
}

export type OperatorBody = { [K in OperatorKind]: { readonly kind: K; readonly attrs: OperatorAttrs[K] } }[OperatorKind];

/** One operator as its rule describes it. */
export interface DraftSpec {
  readonly body: OperatorBody | StepBody;
  readonly inputs: readonly DraftInput[];
  /** The output's feature axis, where the operator decides it. */
  readonly axis?: number;
  /** Index of the node's output it writes (0), or a value between two operators that the ONNX graph doesn't have. */
  readonly output?: number | Value;
  /** Constants and states it reads that the ONNX graph doesn't have in this form: a packed weight as a matrix. */
  readonly values?: readonly Value[];
  /** Added to the node's id where one node makes several operators. */
  readonly suffix?: string;
}

/** What a node becomes: operators, or nothing because its output is one of its inputs. */
export type Lowering = readonly DraftSpec[] | { readonly sameAs: number };

export interface Draft {
  readonly id: string;
  readonly onnxType: string;
  readonly body: OperatorBody | StepBody;
  readonly inputs: readonly DraftInput[];
  readonly axis?: number;
  readonly output: string;
}

/** A draft that stays an operator, with the steps that joined it. */
export interface FusedDraft extends Draft {
  readonly steps: readonly EpilogueStep[];
}
