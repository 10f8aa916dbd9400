// Weights that stay on chip from token to token: one plan for all of them, made for the longest cache, of which every token but
// the first writes only what something else has overwritten. Graphs + chip -> that plan, if it pays.

import { failOn } from '../base/problem.ts';
import { sum } from '../base/units.ts';
import { emit } from '../emit/emit.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { tileGrid } from '../hardware/tile.ts';
import { type Graph, isMatrix } from '../ir/graph.ts';
import { carryOver } from '../optimizer/carry-over.ts';
import type { Plan } from '../optimizer/plan.ts';
import { type ScheduleOptions, schedule } from '../optimizer/schedule.ts';
import { verifyProgram } from '../program/verify.ts';
import { simulate } from '../simulator/simulate.ts';

/** With this many times the weights that the chip holds at most a tenth of them could stay, at the cost of all arrays. */
const MOST_CHIPS = 10;

/** The plan of all tokens; undefined if no weights stay, or every token planned by itself takes less. `first` has the shortest cache. */
export async function residentTokens(
  first: Graph,
  last: Graph,
  tokens: number,
  hardware: Hardware,
  options: ScheduleOptions,
): Promise<Plan | undefined> {
  const tiles = sum(
    last.operators.map((operator) => {
      const stored = isMatrix(operator) && !(operator.kind === 'matMul' && operator.attrs.dynamic);
      return stored ? tileGrid(operator.attrs.matrix, hardware).tiles : 0;
    }),
  );
  if (tokens < 2 || tiles > MOST_CHIPS * hardware.arrays) return undefined;
  const plan = await schedule(last, hardware, { ...options, runs: tokens });
  const longest = carryOver(plan, last, hardware);
  if (longest === undefined || carryOver(plan, first, hardware) === undefined) return undefined;
  const again = emit(last, longest, hardware, { again: true });
  if (!again.before?.some(({ kind }) => kind === 'CIM.write')) return undefined;
  failOn(verifyProgram(again, hardware));
  const cycles = (program: typeof again): number => simulate(program, hardware, { verified: true, segments: false }).makespanCycles;
  const alone = cycles(emit(last, await schedule(last, hardware, options), hardware));
  const together = cycles(emit(last, longest, hardware)) + (tokens - 1) * cycles(again);
  return together < tokens * alone ? plan : undefined;
}
