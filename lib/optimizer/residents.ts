// Weights that stay: pieces whose arrays nothing else of a plan uses still hold their weights when the network runs again.
// Segments -> pieces that a second run need not write.

import type { ArrayId, OperatorPlan, SegmentPlan } from './plan.ts';

/**
 * Ids of the pieces, of those that `mayStay`: what has stored weights (run-time operands are others every time) and runs once
 * (a repeated block has other weights every time).
 */
export function residentPieces(
  segments: readonly SegmentPlan[],
  mayStay: (piece: OperatorPlan, segment: SegmentPlan) => boolean,
): ReadonlySet<OperatorPlan['id']> {
  /** Who computes on an array in the whole run; several of them, or memory, and nothing stays. */
  const owner = new Map<ArrayId, string | undefined>();
  const claim = (array: ArrayId, id: string): void => {
    owner.set(array, !owner.has(array) || owner.get(array) === id ? id : undefined);
  };
  for (const { operators, staged, memoryMode } of segments) {
    for (const { id, compute } of operators) for (const array of compute) claim(array, id);
    for (const { operator, arrays } of staged) for (const array of arrays) claim(array, operator);
    for (const array of memoryMode) owner.set(array, undefined);
  }
  return new Set(
    segments.flatMap((segment) =>
      segment.operators
        .filter((piece) => mayStay(piece, segment) && piece.compute.every((array) => owner.get(array) === piece.id))
        .map(({ id }) => id),
    ),
  );
}
