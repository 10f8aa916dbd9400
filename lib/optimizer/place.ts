// Counts of arrays -> physical arrays. Memory-mode arrays are always the highest ids and compute
// arrays the lowest, so the sets of consecutive segments are nested and no array switches in vain.

import { internal } from '../base/problem.ts';
import { keptBytes, operatorLatency } from '../cost/paper.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { OperatorId } from '../ir/graph.ts';
import { bindingOf } from './allocation.ts';
import type { Flattened, Flow } from './flatten.ts';
import type { ArrayId, Kept, OperatorPlan, SegmentPlan } from './plan.ts';
import type { SegmentChoice } from './segment.ts';

/**
 * Segments with arrays assigned and kept data listed. Vector operators that come before every product make a
 * segment of their own: in a network without products, or when a product's right operand waits for them.
 */
export function placeSegments(flat: Flattened, choices: readonly SegmentChoice[], hardware: Hardware): readonly SegmentPlan[] {
  const leading = flat.riders.filter(({ after }) => after < 0 || choices.length === 0).map(({ id }) => id);
  const before = leading.length > 0 ? [vectorSegment(leading)] : [];
  const riders = bySegment(choices, flat.riders, ({ after }) => after);
  const flows = bySegment(choices, flat.flows, ({ producer }) => producer);
  return [
    ...before,
    ...choices.map(
      (choice, i): SegmentPlan => ({
        id: i + before.length,
        operators: placeOperators(flat, choice, hardware),
        vectorOperators: riders[i]!.map(({ id }) => id),
        staged: [],
        kept: keepData(flows[i]!, choice, choices[i + 1], hardware),
        memoryMode: span(hardware.arrays - choice.memoryMode, choice.memoryMode),
        intraCycles: choice.intra,
        interCycles: choice.inter,
      }),
    ),
  ];
}

/** What belongs to sub-operators of each segment, in its order. */
function bySegment<T>(choices: readonly SegmentChoice[], list: readonly T[], subOf: (item: T) => number): readonly (readonly T[])[] {
  const groups: T[][] = choices.map(() => []);
  const segmentOf = choices.flatMap(({ first, last }, s) => new Array<number>(last - first + 1).fill(s));
  for (const item of list) groups[segmentOf[subOf(item)] ?? -1]?.push(item);
  return groups;
}

export function vectorSegment(vectorOperators: readonly OperatorId[]): SegmentPlan {
  return {
    id: 0,
    operators: [],
    vectorOperators,
    staged: [],
    kept: [],
    memoryMode: [],
    intraCycles: 0,
    interCycles: { writeBack: 0, switch: 0, rewrite: 0 },
  };
}

/** Compute arrays from the lowest id up, memory arrays from the highest down; those of an edge are both its ends'. */
function placeOperators(flat: Flattened, { first, last, allocation }: SegmentChoice, hardware: Hardware): readonly OperatorPlan[] {
  const { compute, memory, shared = [] } = allocation;
  let lowest = 0;
  let highest = hardware.arrays;
  const fromTop = (count: number): readonly ArrayId[] => {
    highest -= count;
    return span(highest, count);
  };
  const common = shared.map(({ producer, consumer, arrays }) => ({ producer, consumer, ids: fromTop(arrays) }));
  return flat.subOperators.slice(first, last + 1).map((op, i) => {
    const computeArrays = compute[i] ?? 0;
    const memoryArrays = memory[i] ?? 0;
    const computing = span(lowest, computeArrays);
    lowest += computeArrays;
    const sharedIn = common.flatMap(({ consumer, ids }) => (consumer === i ? ids : []));
    const memoryOut = common.flatMap(({ producer, ids }) => (producer === i ? ids : []));
    const own = fromTop(memoryArrays - sharedIn.length - memoryOut.length);
    if (lowest > highest) throw internal(`segment of ${op.id} has more roles than arrays`);
    return {
      id: op.id,
      parent: op.parent,
      piece: op.piece,
      ...op.shape,
      tiles: op.demand.tiles,
      copies: computeArrays / op.demand.tiles,
      compute: computing,
      memoryIn: [...own, ...sharedIn],
      memoryOut,
      sharedIn,
      latencyCycles: operatorLatency(op.demand, computeArrays, memoryArrays, hardware),
      binding: bindingOf(op.demand, computeArrays, memoryArrays, hardware),
    };
  });
}

/** What T_wb counts as kept: first in the arrays that stay in memory mode, then in the buffer. */
function keepData(flows: readonly Flow[], choice: SegmentChoice, next: SegmentChoice | undefined, hardware: Hardware): readonly Kept[] {
  if (next === undefined) return [];
  const staying = Math.min(choice.memoryMode, next.memoryMode);
  const arrays = span(hardware.arrays - staying, staying);
  let inArrays = staying * hardware.memoryBytesPerArray;
  let room = keptBytes(Number.POSITIVE_INFINITY, staying, hardware);
  const kept: Kept[] = [];
  for (const flow of flows) {
    if (flow.lastUse <= choice.last) continue;
    const toArrays = Math.min(flow.bytes, inArrays);
    const toBuffer = Math.min(flow.bytes - toArrays, room - inArrays);
    if (toArrays > 0) kept.push({ tensor: flow.tensor, bytes: toArrays, place: { kind: 'arrays', arrays } });
    if (toBuffer > 0) kept.push({ tensor: flow.tensor, bytes: toBuffer, place: { kind: 'buffer' } });
    inArrays -= toArrays;
    room -= toArrays + toBuffer;
  }
  return kept;
}

function span(first: ArrayId, count: number): readonly ArrayId[] {
  const ids = new Array<ArrayId>(count);
  for (let i = 0; i < count; i++) ids[i] = first + i;
  return ids;
}
