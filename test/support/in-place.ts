// joint's decision with right operands in place wherever their arrays are idle, whether that pays or not.

import { SegmentForms } from '../../lib/cost/machine/forms.ts';
import { withOperandsInPlace } from '../../lib/optimizer/joint/in-place.ts';
import { jointCandidates } from '../../lib/optimizer/joint/joint.ts';
import type { Optimizer } from '../../lib/optimizer/optimizer.ts';
import type { Plan } from '../../lib/optimizer/plan.ts';

/** What joint decides with three fifths of the arrays, so that others are idle; the first such decision that leaves enough of them, if one does. */
export const inPlace: Optimizer = {
  name: 'in-place',
  costs: ['machine'],
  segment: async ({ graph, folds, hardware }) => {
    const part = { ...hardware, arrays: Math.ceil(0.6 * hardware.arrays) };
    const candidates = await jointCandidates(graph, part, { folds, staging: true, computeOnly: false, weigh: (cycles) => cycles });
    // A rival's plan may keep data where an operator has its memory: such arrays are counted twice.
    const own = candidates.filter(({ rival }) => rival === undefined);
    for (const { placed: _placed, ...decision } of own) {
      const changed = withOperandsInPlace(decision, new SegmentForms(decision.work, hardware), hardware);
      if (changed !== undefined) return changed;
    }
    return candidates[0]!;
  },
};

/** Pieces that find their right operand in their arrays. */
export function piecesInPlace({ segments }: Plan): readonly string[] {
  return segments.flatMap(({ kept }) => kept.flatMap(({ place }) => (place.kind === 'operand' ? [place.operator] : [])));
}
