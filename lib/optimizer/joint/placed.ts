// Which arrays a decision takes, and what the machine's cost makes of them. Counts of arrays -> placed and priced.

import { SegmentForms } from '../../cost/machine/forms.ts';
import type { Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { Flattened } from '../flatten.ts';
import type { Allotted } from '../optimizer.ts';
import type { OperatorPlan, SegmentPlan } from '../plan.ts';
import { residentPieces } from '../residents.ts';
import { placeAllotments } from './place.ts';
import { countOnMachine } from './price.ts';

/** A decision in counts of arrays, placed and at its price. */
export function placed(
  { flat, work, allotments, homes, frozenMemory, resident }: Allotted,
  hardware: Hardware,
  forms = new SegmentForms(work, hardware),
): Allotted {
  const segments = placeAllotments(flat, work, allotments, homes, hardware, frozenMemory, resident);
  return priced(flat, forms, segments, hardware, frozenMemory);
}

/** Placed segments as a decision and what they cost. */
export function priced(
  flat: Flattened,
  forms: SegmentForms,
  segmentsPlaced: readonly SegmentPlan[],
  hardware: Hardware,
  frozenMemory?: number,
): Allotted {
  const { work } = forms;
  return {
    flat,
    work,
    ...countOnMachine(forms, segmentsPlaced, hardware),
    placed: segmentsPlaced,
    ...(frozenMemory !== undefined && { frozenMemory }),
  };
}

/** Sub-operators whose weights are still there when the network runs again. */
export function residentsOf(flat: Flattened, work: Work, segments: readonly SegmentPlan[]): ReadonlySet<number> {
  const number = new Map(flat.subOperators.map(({ id }, sub) => [id, sub]));
  const stays = ({ id }: OperatorPlan): boolean => {
    const sub = number.get(id) ?? -1;
    return work.times[sub] === 1 && work.products[sub]?.stationary === undefined;
  };
  return new Set([...residentPieces(segments, stays)].map((id) => number.get(id) ?? -1));
}
