// Prefetch for any optimizer: its cuts, copies and memory arrays stay as they are; the next segment's weights are written
// while a segment runs, in arrays that are idle meanwhile, and what is still idle keeps data. Drafts -> allotments.

import { sum } from '../../base/units.ts';
import { SegmentForms } from '../../cost/machine/forms.ts';
import type { Homes } from '../../cost/machine/living.ts';
import { machineCost, rewriteCycles, runCycles, type StagedAllotment, weightsOf } from '../../cost/machine/total.ts';
import { type Work, workOf } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Allotted, Drafted } from '../optimizer.ts';
import type { SegmentDraft } from '../segment.ts';
import { chooseHomes } from './homes.ts';
import { segmentsOf } from './place.ts';

/** Nothing has a home. One map, so that what is known beside it is found again. */
export const NOWHERE: Homes = new Map();

/**
 * The machine's form of a plan in counts of arrays, weights staged ahead if `prefetch`. `graph` is the one that was flattened,
 * folds included. Where modes are frozen, weights wait in compute arrays and data stays in memory arrays only.
 */
export function onMachine(
  graph: Graph,
  { flat, drafts, frozenMemory }: Drafted,
  hardware: Hardware,
  prefetch: boolean,
  forms = new SegmentForms(workOf(graph, flat, hardware), hardware),
): Allotted {
  const { work } = forms;
  const bare = drafts.map((draft) => allotmentOf(draft, work));
  const { opens } = work;
  const computing = bare.map(({ first, copies }) => sum(copies.map((count, i) => count * work.products[first + i]!.tiles)));
  const storing = bare.map(({ memory }) => sum(memory));
  const idle = bare.map((_, s) => hardware.arrays - computing[s]! - (frozenMemory ?? storing[s]!));
  const alone = forms.beside(NOWHERE);
  const staged = bare.map((allotment, s): StagedAllotment => {
    if (!prefetch || s === 0 || opens[allotment.first]) return allotment;
    const ahead = { ...allotment, staged: stagedWithin(allotment, work, idle[s - 1]!) };
    // Where the arrays' own writing takes longest, a part written ahead only keeps the channel busy.
    const load = alone.of(allotment, 0);
    const cycles = (next: StagedAllotment): number => {
      const bytes = weightsOf(work, next, NOWHERE, hardware, true).fetch;
      const running = runCycles(alone.of(bare[s - 1]!, bytes), bytes, hardware);
      return running + rewriteCycles(weightsOf(work, next, NOWHERE, hardware, false), load, hardware);
    };
    if (cycles(ahead) >= cycles(allotment)) return allotment;
    const flags = ahead.staged;
    idle[s - 1]! -= sum(flags.map((flag, i) => (flag ? allotment.copies[i]! * work.products[allotment.first + i]!.tiles : 0)));
    return ahead;
  });
  const roomForHomes = !hardware.dualMode
    ? idle.map(() => 0)
    : frozenMemory === undefined
      ? idle
      : storing.map((used) => frozenMemory - used);
  const bareCost = machineCost(work, staged, NOWHERE, hardware, forms);
  const cut = { segmentOf: segmentsOf(staged), cycles: bareCost.segments.map(({ intra }) => intra), arrays: roomForHomes };
  const homes = chooseHomes(work, cut, hardware);
  const modes = { ...(frozenMemory !== undefined && { frozenMemory }) };
  return { flat, work, allotments: staged, homes, cost: machineCost(work, staged, homes, hardware, forms), ...modes };
}

/** Without anything staged. Arrays that are one operator's output and another's input memory count with the one that reads them. */
export function allotmentOf({ first, last, allocation }: SegmentDraft, work: Work): StagedAllotment {
  const memory = allocation.memory.map((count) => count);
  for (const { producer, arrays } of allocation.shared ?? []) memory[producer]! -= arrays;
  const copies = allocation.compute.map((arrays, i) => arrays / work.products[first + i]!.tiles);
  return { first, last, copies, memory, staged: copies.map(() => false), memoryMode: sum(memory) };
}

/** Pieces that fit into `idle` arrays ahead of time, what takes longest to fetch first. */
function stagedWithin({ first, copies }: StagedAllotment, work: Work, idle: number): readonly boolean[] {
  const flags = copies.map(() => false);
  const pieces = copies.map((count, i) => ({
    i,
    arrays: count * work.products[first + i]!.tiles,
    bytes: work.products[first + i]!.weightBytes,
  }));
  pieces.sort((a, b) => b.bytes - a.bytes || a.i - b.i);
  let left = idle;
  for (const { i, arrays, bytes } of pieces) {
    if (bytes === 0 || arrays > left) continue;
    flags[i] = true;
    left -= arrays;
  }
  return flags;
}
