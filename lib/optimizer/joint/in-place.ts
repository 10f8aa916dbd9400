// Right operands computed on in place: written as they are made into the arrays that will compute on them, which are memory until
// then (rule 6 of the machine). They take only arrays that nothing else of a decision needs meanwhile. Allotted -> Allotted.

import { sum } from '../../base/units.ts';
import type { SegmentForms } from '../../cost/machine/forms.ts';
import type { Home, Homes } from '../../cost/machine/living.ts';
import { machineCost, type StagedAllotment } from '../../cost/machine/total.ts';
import type { Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { Allotted } from '../optimizer.ts';
import { segmentsOf } from './place.ts';

/** Part of a segment's time that writing an operand meanwhile may take. */
const WRITING_SHARE = 0.75;

/** The decision with operands in place wherever their arrays would be idle; undefined where there are none. */
export function withOperandsInPlace(decision: Allotted, forms: SegmentForms, hardware: Hardware): Allotted | undefined {
  const { work, allotments, cost } = decision;
  const segmentOf = segmentsOf(allotments);
  const idle = idleArrays(decision, segmentOf, hardware);
  const memoryMode = allotments.map((allotment) => allotment.memoryMode);
  const takers = new Map<number, number[]>();
  for (const { sub, tiles, stationary } of work.products) {
    const makers = stationary === undefined ? [] : work.tensors[stationary.tensor]!.makers;
    if (stationary?.inPlace === undefined || makers.length !== 1) continue;
    const maker = Math.max(0, work.tasks[makers[0]!]!.sub);
    const [from, to] = [segmentOf[maker]!, segmentOf[sub]!];
    if (from >= to || stationary.inPlace > WRITING_SHARE * cost.segments[from]!.intra) continue;
    // Nothing stays on chip across the border of a repeated block.
    if (work.opens.slice(maker + 1, sub + 1).includes(true)) continue;
    const { first, copies } = allotments[to]!;
    const arrays = copies[sub - first]! * tiles;
    if (idle.slice(from, to).some((free) => free < arrays)) continue;
    for (let s = from; s < to; s++) {
      idle[s]! -= arrays;
      memoryMode[s]! += arrays;
    }
    takers.set(stationary.tensor, [...(takers.get(stationary.tensor) ?? []), sub]);
  }
  if (takers.size === 0) return undefined;
  const homes = new Map(decision.homes);
  for (const [tensor, subs] of takers) {
    const inPlace = new Set(subs);
    const place = inPlaceHome(work, tensor, (_, sub) => inPlace.has(sub), segmentOf);
    const elsewhere = place.onlyInPlace ? undefined : decision.homes.get(tensor);
    homes.set(tensor, { ...(elsewhere ?? { tensor, inBuffer: 0, inArrays: 0, arrays: 0 }), ...place });
  }
  const changed = allotments.map((allotment, s): StagedAllotment => ({ ...allotment, memoryMode: memoryMode[s]! }));
  return { ...decision, allotments: changed, homes, cost: machineCost(work, changed, homes, hardware, forms) };
}

export function hasOperandsInPlace({ homes }: Pick<Allotted, 'homes'>): boolean {
  for (const { inPlace } of homes.values()) if (inPlace !== undefined) return true;
  return false;
}

/** How a tensor is kept for the sub-operators, by id and number, that compute on it in place. */
export function inPlaceHome(
  work: Work,
  tensor: number,
  takes: (id: string, sub: number) => boolean,
  segmentOf: readonly number[],
): Required<Pick<Home, 'inPlace' | 'onlyInPlace'>> {
  const { makers, readers, leaves } = work.tensors[tensor]!;
  const segment = (task: number): number => segmentOf[Math.max(0, work.tasks[task]!.sub)]!;
  const here = segment(makers[0] ?? 0);
  const inPlace: number[] = [];
  let others = leaves;
  for (const reader of new Set(readers)) {
    const { id, product, reads } = work.tasks[reader]!;
    const taken = product?.stationary?.tensor === tensor && takes(id, product.sub);
    if (taken) inPlace.push(product.sub);
    if (!taken || reads.some((read) => read.tensor === tensor)) others ||= segment(reader) > here;
  }
  return { inPlace, onlyInPlace: !others };
}

/** Arrays with no role in each segment: none computes, holds data, or is written ahead. */
function idleArrays(
  { work, allotments, homes }: { work: Work; allotments: readonly StagedAllotment[]; homes: Homes },
  segmentOf: readonly number[],
  hardware: Hardware,
): number[] {
  const of = ({ first, copies }: StagedAllotment, counts: (i: number) => boolean): number =>
    sum(copies.map((count, i) => (counts(i) ? count * work.products[first + i]!.tiles : 0)));
  const idle = allotments.map((allotment, s) => {
    const next = allotments[s + 1];
    const ahead = next === undefined ? 0 : of(next, (i) => next.staged[i] ?? false);
    return hardware.arrays - of(allotment, () => true) - sum(allotment.memory) - ahead;
  });
  for (const { tensor, arrays } of homes.values()) {
    const { makers, readers } = work.tensors[tensor]!;
    const segment = (task: number | undefined): number => segmentOf[Math.max(0, work.tasks[task ?? 0]?.sub ?? 0)]!;
    const [from, to] = [segment(makers[0]), segment(readers.at(-1))];
    if (to > from) for (let s = from; s <= to; s++) idle[s]! -= arrays;
  }
  return idle;
}
