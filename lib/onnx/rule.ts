// OperatorRule: all that is known of an ONNX operator type, in one entry: the shape it makes and the operator it becomes.
// Rules live in operators/, by family; operators.ts is the table of them all.

import { internal } from '../base/problem.ts';
import type { DType } from '../ir/graph.ts';
import type { Lowering } from './draft.ts';
import type { Quantized } from './model.ts';
import type { NodeView } from './node-view.ts';

/** Type and shape of one output, and its elements where they follow from constants. */
export interface Inferred {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly elements?: readonly number[] | undefined;
  /** The same in every run, though it is computed from inputs that are not. */
  readonly constant?: boolean;
  readonly quantized?: Quantized;
}

export interface OperatorRule {
  /** First opset that has the operator; 7, the oldest that is read, if absent. */
  readonly since?: number;
  /** Number of leading inputs whose elements count, where others only tell a type; all if absent. */
  readonly reads?: number;
  /** Outputs in order; those behind the ones returned can't be used by other nodes. */
  readonly infer: (view: NodeView) => readonly Inferred[];
  /** Called for nodes that depend on the network's input, once all shapes are known. */
  readonly lower: (view: NodeView) => Lowering;
}

export type OperatorRules = Readonly<Record<string, OperatorRule>>;

/** `lower` of operators whose output never depends on the network's input. */
export function alwaysFolded(view: NodeView): never {
  throw internal(`${view.node.opType} '${view.node.id}' was not folded`);
}
