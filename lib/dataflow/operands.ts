// How right operands that are computed at run time lie in weight tiles. Graph -> by operator, what a position of its operand is.

import type { Graph, OperatorId } from '../ir/graph.ts';
import type { OperandTiles } from '../program/program.ts';

export type OperandLayout = OperandTiles['by'];

/** Keys, which a product takes transposed, come column by column; values come row by row. */
export function operandLayouts(graph: Graph): ReadonlyMap<OperatorId, OperandLayout> {
  return new Map(
    graph.operators.flatMap((operator) =>
      operator.kind === 'matMul' && operator.attrs.dynamic
        ? [[operator.id, operator.attrs.transposeWeight ? 'columns' : 'rows'] as const]
        : [],
    ),
  );
}
