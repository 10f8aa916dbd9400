// Which arrays a decision takes, and what the machine's cost makes of them. Counts of arrays -> placed and priced.

import { SegmentForms } from '../../cost/machine/forms.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { Flattened } from '../flatten.ts';
import type { Allotted } from '../optimizer.ts';
import type { SegmentPlan } from '../plan.ts';
import { placeAllotments } from './place.ts';
import { priceOnMachine } from './price.ts';

/** A decision in counts of arrays, placed and at its price. */
export function placed(
  { flat, work, allotments, homes, frozenMemory }: Allotted,
  hardware: Hardware,
  forms = new SegmentForms(work, hardware),
): Allotted {
  return priced(flat, forms, placeAllotments(flat, work, allotments, homes, hardware, frozenMemory), hardware, frozenMemory);
}

/** Placed segments as a decision, at their price. */
export function priced(
  flat: Flattened,
  forms: SegmentForms,
  segmentsPlaced: readonly SegmentPlan[],
  hardware: Hardware,
  frozenMemory?: number,
): Allotted {
  const { work } = forms;
  const { segments, ...counts } = priceOnMachine(flat, work, segmentsPlaced, hardware, forms);
  return { flat, work, ...counts, placed: segments, ...(frozenMemory !== undefined && { frozenMemory }) };
}
