// What limits each piece on the machine's cost, by asking the cost itself: which resource, twice as fast, would shorten the segment
// most; and what the run takes with one copy or one memory array more. Plan as work -> reasons by piece.

import type { Cycles } from '../base/units.ts';
import { machineCost, type StagedAllotment } from '../cost/machine/total.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Binding } from './plan.ts';
import { cyclesWith, type PlanWork } from './plan-work.ts';

export const LIMITS = ['compute', 'channel', 'buffer', 'memory arrays', 'vector unit', 'filling'] as const;
/** What a segment waits for; filling: for data to reach the pipeline's end. */
export type Limit = (typeof LIMITS)[number];

/** What limits a piece, and what it would do with more. */
export interface Terms {
  readonly latencyCycles: Cycles;
  /** The term of Eq. (10) that sets its latency; on the machine, what its segment waits for. */
  readonly binding: Binding | Limit;
  /**
   * Cycles saved by one more copy of its weights (`tiles` arrays), and by one more memory array: of its own latency on the paper's
   * cost, of the whole run on the machine's, where a copy also has to be written and may cost more than it saves (then below 0).
   * null for a copy that would find no vector to work on.
   */
  readonly oneMore: { readonly copy: Cycles | null; readonly memory: Cycles };
}

export function machineReasons(view: PlanWork, hardware: Hardware): ReadonlyMap<string, Terms> {
  const reasons = new Map<string, Terms>();
  for (const [s, { operators }] of view.segments.entries()) {
    const allotment = view.allotments[s]!;
    const limit = limitOf(view, s, hardware);
    const now = cyclesWith(view, hardware, s, s);
    const saved = (changed: StagedAllotment): Cycles => now - cyclesWith(view, hardware, s, s, [changed]);
    for (const [i, { id, m, copies, latencyCycles }] of operators.entries()) {
      const plus = (counts: readonly number[]): readonly number[] => counts.map((count, at) => (at === i ? count + 1 : count));
      const copy = copies < m ? saved({ ...allotment, copies: plus(allotment.copies) }) : null;
      const memory = hardware.dualMode ? saved({ ...allotment, memory: plus(allotment.memory) }) : 0;
      reasons.set(id, { latencyCycles, binding: limit, oneMore: { copy, memory } });
    }
  }
  return reasons;
}

/** Of the segment's own run, its boundary apart. */
function limitOf({ work, allotments, homes }: PlanWork, s: number, hardware: Hardware): Limit {
  const allotment = allotments[s]!;
  const next = allotments.slice(s + 1, s + 2);
  const intra = (chip: Hardware, own: StagedAllotment = allotment, on = work): Cycles =>
    machineCost(on, [own, ...next], homes, chip).segments[0]?.intra ?? 0;
  const vectors = work.tasks.map((task) => ({ ...task, vectorCycles: task.vectorCycles / 2 }));
  const trials: readonly (readonly [Limit, Cycles])[] = [
    ['compute', intra(hardware, { ...allotment, copies: allotment.copies.map((count) => 2 * count) })],
    ['channel', intra({ ...hardware, externalBytesPerCycle: 2 * hardware.externalBytesPerCycle })],
    ['buffer', intra({ ...hardware, bufferBytesPerCycle: 2 * hardware.bufferBytesPerCycle })],
    [
      'memory arrays',
      intra({
        ...hardware,
        memoryReadBytesPerCycle: 2 * hardware.memoryReadBytesPerCycle,
        memoryWriteBytesPerCycle: 2 * hardware.memoryWriteBytesPerCycle,
      }),
    ],
    ['vector unit', intra(hardware, allotment, { ...work, tasks: vectors })],
  ];
  let [limit, least]: [Limit, Cycles] = ['filling', intra(hardware) * 0.999];
  for (const [name, cycles] of trials) if (cycles < least) [limit, least] = [name, cycles];
  return limit;
}
