// Weights that stay on chip from token to token: one plan for all of them, made for the longest cache, of which every token but
// the first writes only what something else has overwritten. Graphs + chip -> that plan, and whether it pays.

import { sum } from '../base/units.ts';
import { emit } from '../emit/emit.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { tileGrid } from '../hardware/tile.ts';
import { type Graph, hasWeights, isMatrix } from '../ir/graph.ts';
import { refit } from '../optimizer/carry-over.ts';
import type { Plan } from '../optimizer/plan.ts';
import { type ScheduleOptions, schedule } from '../optimizer/schedule.ts';
import { simulate } from '../simulator/simulate.ts';
import { type CompiledPass, verified } from './compile-pass.ts';

/** With this many times the weights that the chip holds at most a tenth of them could stay, at the cost of all arrays. */
const MOST_CHIPS = 10;

/** A plan of all tokens, and the last token by it. */
export interface TokensTogether {
  readonly plan: Plan;
  /** As a token that finds the chip empty. */
  readonly once: CompiledPass;
  /** As one behind another. */
  readonly again: CompiledPass;
}

/** One plan for all tokens; undefined if no weights stay. `first` has the shortest cache. Throws what the stages throw. */
export async function planTogether(
  first: Graph,
  last: Graph,
  tokens: number,
  hardware: Hardware,
  options: ScheduleOptions,
): Promise<TokensTogether | undefined> {
  const tiles = sum(
    last.operators
      .filter(isMatrix)
      .filter(hasWeights)
      .map(({ attrs }) => tileGrid(attrs.matrix, hardware).tiles),
  );
  if (tokens < 2 || tiles > MOST_CHIPS * hardware.arrays) return undefined;
  const plan = await schedule(last, hardware, { ...options, runs: tokens });
  const longest = refit(plan, last, hardware)?.plan;
  if (longest === undefined || refit(plan, first, hardware) === undefined) return undefined;
  const again = emit(last, longest, hardware, { again: true });
  if (!again.before?.some(({ kind }) => kind === 'CIM.write')) return undefined;
  const once = emit(last, longest, hardware);
  return { plan, once: verified(longest, once, hardware), again: verified(longest, again, hardware) };
}

/** Whether all tokens together take less on the simulator than each planned by itself, as `alone` is. */
export function pays({ once, again }: TokensTogether, alone: CompiledPass, tokens: number, hardware: Hardware): boolean {
  const cycles = ({ program, knownGraphs }: CompiledPass): number =>
    simulate(program, hardware, { verified: true, segments: false, knownGraphs }).makespanCycles;
  return cycles(once) + (tokens - 1) * cycles(again) < tokens * cycles(alone);
}
