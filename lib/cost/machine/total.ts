// The machine's cost of a whole plan: segments one after another, each behind its boundary. What is staged ahead is
// fetched while the segment before runs; the rest of the weights at the boundary. Drafts -> cycles and energy.

import type { Bytes, Cycles, Picojoules } from '../../base/units.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { SegmentForms } from './forms.ts';
import { type Homes, isInPlace, LivingHomes } from './living.ts';
import { type Allotment, type SegmentLoad, segmentLoad } from './segment.ts';
import type { ProductWork, Work } from './work.ts';

/** An allotment and which of its pieces were written while the segment before ran: counts of arrays, 0 or all of a piece's. */
export interface StagedAllotment extends Allotment {
  readonly staged: readonly boolean[];
  /** Arrays in memory mode while it runs, homes included. */
  readonly memoryMode: number;
}

/** Of one run, where a segment is repeated; the mean of them where only the first follows another segment. */
export interface SegmentCost {
  readonly intra: Cycles;
  /** Activations leave while the segment runs, so there is no write-back at the boundary; operands are read there. */
  readonly inter: { readonly writeBack: Cycles; readonly switch: Cycles; readonly rewrite: Cycles };
  readonly energy: Picojoules;
}

export interface MachineCost {
  readonly segments: readonly SegmentCost[];
  readonly cycles: Cycles;
  readonly energy: Picojoules;
}

/** What a plan costs; a repeated block as often as it runs. `forms` of the same work know what segments like these take. */
export function machineCost(
  work: Work,
  allotments: readonly StagedAllotment[],
  homes: Homes,
  hardware: Hardware,
  forms?: SegmentForms,
): MachineCost {
  const segments: SegmentCost[] = [];
  let cycles = 0;
  let energy = 0;
  const { times } = work;
  const loads = forms?.beside(homes);
  const living = loads?.living ?? new LivingHomes(work, homes);
  for (let i = 0; i < allotments.length; i++) {
    const allotment = allotments[i]!;
    const ahead = allotments[i + 1];
    const runs = times[allotment.first] ?? 1;
    const staged = ahead === undefined ? 0 : weightsOf(work, ahead, homes, hardware, true).fetch;
    const load = loads?.of(allotment, staged) ?? segmentLoad(work, allotment, living, hardware, staged);
    const intra = runCycles(load, staged, hardware);
    const weights = weightsOf(work, allotment, homes, hardware, false);
    const switched = switching(work, allotments, i, homes, hardware);
    const inter = { writeBack: 0, switch: switched.cycles, rewrite: rewriteCycles(weights, load, hardware) };
    const spent = intra + inter.switch + inter.rewrite;
    const joules =
      load.energy +
      weightEnergy(work, allotment, hardware) +
      load.operandExternalBytes * hardware.energy.externalByte +
      switched.arrays * hardware.energy.switchArray +
      spent * (hardware.energy.leakagePerCycle + hardware.energy.refreshPerCycle);
    segments.push({ intra, inter, energy: joules });
    cycles += spent * runs;
    energy += joules * runs;
  }
  return { segments, cycles, energy };
}

/** Arrays switched before a segment, and T_swc; of the runs of a repeated block the first follows what is before it, the others itself. */
function switching(
  work: Work,
  allotments: readonly StagedAllotment[],
  i: number,
  homes: Homes,
  hardware: Hardware,
): { arrays: number; cycles: Cycles } {
  const { first, memoryMode, copies } = allotments[i]!;
  /** Arrays that were memory because an operand waited in them. */
  let taken = 0;
  for (let at = 0; at < copies.length; at++) {
    const product = work.products[first + at]!;
    if (isInPlace(homes, product)) taken += copies[at]! * product.tiles;
  }
  const from = (before: StagedAllotment | undefined): { arrays: number; cycles: Cycles } => {
    const more = memoryMode - ((before?.memoryMode ?? 0) - taken);
    const { memoryToCompute, computeToMemory } = hardware.switchCycles;
    return {
      arrays: taken + Math.abs(more),
      cycles: taken * memoryToCompute + (more < 0 ? -more * memoryToCompute : more * computeToMemory),
    };
  };
  const entering = from(allotments[i - 1]);
  const block = work.repeats.find((repeat) => repeat.first === first);
  if (block === undefined) return entering;
  const again = from(allotments.find(({ last }) => last === block.last));
  const mean = (once: number, often: number): number => (once + (block.times - 1) * often) / block.times;
  return { arrays: mean(entering.arrays, again.arrays), cycles: mean(entering.cycles, again.cycles) };
}

/** T_intra with `staged` bytes of the next segment's weights on the channel. */
export function runCycles(load: Pick<SegmentLoad, 'ownCycles' | 'externalBytes'>, staged: Bytes, hardware: Hardware): Cycles {
  return Math.max(load.ownCycles, (load.externalBytes + staged) / hardware.externalBytesPerCycle) + hardware.externalLatencyCycles;
}

export interface Weights {
  readonly fetch: Bytes;
  /** Longest time to write one array. */
  readonly write: Cycles;
}

/** Weights of the pieces that are (or are not) staged ahead; operands in place need no writing. */
export function weightsOf(
  work: Work,
  { first, copies, staged }: StagedAllotment,
  homes: Homes,
  hardware: Hardware,
  ahead: boolean,
): Weights {
  let fetch = 0;
  let write = 0;
  for (let i = 0; i < copies.length; i++) {
    if ((staged[i] ?? false) !== ahead) continue;
    const product = work.products[first + i]!;
    if (isInPlace(homes, product)) continue;
    fetch += fetchedBytes(product, copies[i]!, hardware);
    write = Math.max(write, product.writeCycles);
  }
  return { fetch, write };
}

/** Bytes fetched to write `copies` copies of a piece. */
export function fetchedBytes(
  product: Pick<ProductWork, 'weightBytes'>,
  copies: number,
  hardware: Pick<Hardware, 'multicastWeights'>,
): Bytes {
  return product.weightBytes * (hardware.multicastWeights ? 1 : copies);
}

/** T_rw: weights and run-time operands fetched over the channel while the arrays are written. */
export function rewriteCycles(
  { fetch, write }: Weights,
  load: Pick<SegmentLoad, 'operandBytes' | 'operandExternalBytes'>,
  hardware: Hardware,
): Cycles {
  if (fetch + load.operandBytes === 0) return 0;
  const channel = (fetch + load.operandExternalBytes) / hardware.externalBytesPerCycle;
  return Math.max(channel, write) + hardware.externalLatencyCycles;
}

function weightEnergy(work: Work, { first, copies }: Allotment, hardware: Hardware): Picojoules {
  let energy = 0;
  for (let i = 0; i < copies.length; i++) {
    const product = work.products[first + i]!;
    const count = copies[i]!;
    energy += product.writing * count + fetchedBytes(product, count, hardware) * hardware.energy.externalByte;
  }
  return energy;
}
