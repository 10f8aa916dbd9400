// Operators that are known and refused: what they do is decided when the network runs, or isn't about tensors.
// An If whose condition is known never comes here: its branch is taken while shapes are inferred.

import type { NodeView } from './node-view.ts';
import { alwaysFolded, type OperatorRule, type OperatorRules } from './rule.ts';

function refused(reason: (view: NodeView) => string, next: string): OperatorRule {
  return { infer: (view) => view.refuse(reason(view), next), lower: alwaysFolded };
}

const loop = refused(
  () => 'it repeats a part of the network, and only networks without loops are compiled',
  'Export the model with the loop unrolled, or its body alone: torch.onnx.export unrolls the loops of a model that is traced.',
);

const sequence = refused(
  () => 'it works on a sequence of tensors, and only tensors are compiled',
  'Export the model with a list taken apart: Split and Concat instead of SplitToSequence and ConcatFromSequence.',
);

const optional = refused(
  () => 'it works on a value that may be absent, and only tensors are compiled',
  'Export the model with that value, or without it.',
);

/** Operators of ONNX's own domain. */
export const REFUSED: OperatorRules = {
  If: refused(
    (view) => `its condition '${view.node.inputs[0] ?? ''}' is only known when the network runs`,
    'Export the model with the decision made: for fixed sizes, or traced with an example input.',
  ),
  Loop: loop,
  Scan: loop,
  SequenceMap: loop,
  ...Object.fromEntries(
    ['SequenceAt', 'SequenceConstruct', 'SequenceEmpty', 'SequenceErase', 'SequenceInsert', 'SequenceLength'].map((name) => [
      name,
      sequence,
    ]),
  ),
  ConcatFromSequence: sequence,
  SplitToSequence: sequence,
  Optional: optional,
  OptionalGetElement: optional,
  OptionalHasElement: optional,
};
