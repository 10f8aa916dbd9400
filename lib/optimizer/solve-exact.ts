// Exact solver of the allocation problem: bisect to a latency that fits, then step to the next smaller latency that any count
// of arrays gives until it does not fit. Allocation problem -> optimal integers.
// Why it is optimal: for a latency, each operator has a fewest number of copies and of memory arrays, and no others need be
// looked at, with sharing too: one array more at an operator costs one and saves one at most, by letting one more be shared.

import type { Cycles } from '../base/units.ts';
import { type Allocation, type AllocationProblem, type Budget, type ImmediateSolver, objectiveOf, sharedArrays } from './allocation.ts';
import { checkAllocationProblem } from './check-problem.ts';
import { Sharing } from './sharing.ts';

/** Latencies closer than this, relative, are the same number computed in two ways. */
const SAME = 1e-12;

export const exactSolver: ImmediateSolver = { name: 'exact', solve };

/** An operator's compute arrays in steps of `unit`: whole copies, or single arrays if relaxed. */
interface Need {
  /** Cycles of a single unit. */
  readonly cycles: Cycles;
  readonly unit: number;
  readonly least: number;
  readonly most: number;
  readonly feedBytes: number;
}

/** Units and memory arrays of every operator, and what they sum up to. */
interface Counts {
  readonly units: number[];
  readonly memory: number[];
  computing: number;
  storing: number;
}

interface Search {
  readonly needs: readonly Need[];
  readonly budget: Budget;
  readonly dCim: number;
  readonly dMain: number;
  readonly sharing: Sharing;
}

function solve(problem: AllocationProblem): Allocation | undefined {
  checkAllocationProblem(problem);
  const { claims, edges, budget, hardware } = problem;
  const { dCim, dMain } = hardware;
  const search: Search = { needs: needsOf(problem), budget, dCim, dMain, sharing: new Sharing(edges, claims.length) };
  let counts = emptyCounts(search);
  if (!count(search, Number.POSITIVE_INFINITY, counts)) return undefined;
  if (claims.length === 0) return { compute: [], memory: [], shared: [], latency: 0 };

  // Bisecting on pays until the latencies that counts of arrays can give are about as far apart; the steps finish it exactly.
  const close = 1 + 4 / budget.together;
  let enough = latencyOf(search, counts);
  let tooLow = leastLatency(search);
  let trial = emptyCounts(search);
  while (enough > close * tooLow) {
    const target = Math.sqrt(tooLow * enough);
    if (count(search, target, trial)) {
      [counts, trial] = [trial, counts];
      enough = target;
    } else tooLow = target;
  }
  while (step(search, counts, trial)) [counts, trial] = [trial, counts];

  const { units, memory } = counts;
  const compute = units.map((number, i) => number * search.needs[i]!.unit);
  const needed = lacking(search, counts);
  const shared = needed === 0 ? [] : sharedArrays(edges, search.sharing.atLeast(needed, memory) ?? [], needed);
  return { compute, memory, shared, latency: objectiveOf(problem, compute, memory) };
}

function needsOf({ claims, relaxed }: AllocationProblem): readonly Need[] {
  const needs: Need[] = [];
  for (const { computeCycles, tiles, mostCopies, feedBytes } of claims) {
    if (!relaxed) needs.push({ cycles: computeCycles, unit: tiles, least: 1, most: mostCopies, feedBytes });
    else needs.push({ cycles: computeCycles * tiles, unit: 1, least: tiles, most: mostCopies * tiles, feedBytes });
  }
  return needs;
}

function emptyCounts({ needs }: Search): Counts {
  const zeros = new Array<number>(needs.length).fill(0);
  return { units: zeros, memory: [...zeros], computing: 0, storing: 0 };
}

/** No allocation takes less: every operator has a most number of copies, and all together have the compute arrays. */
function leastLatency({ budget, needs }: Search): Cycles {
  let work = 0;
  let least = 0;
  for (const { cycles, unit, most } of needs) {
    work += cycles * unit;
    least = Math.max(least, cycles / most);
  }
  return Math.max(least, work / Math.min(budget.compute, budget.together)) * (1 - SAME);
}

/** Sets `counts` to the fewest arrays that reach latency `target`; false, and `counts` in part, if they exceed the budget. */
function count(search: Search, target: Cycles, counts: Counts): boolean {
  const { needs, budget, dCim, dMain, sharing } = search;
  const { units, memory } = counts;
  const rate = (1 - SAME) / target;
  const free = dMain * (1 - SAME);
  /** A shared array stands for two. */
  const atLeast = sharing.edges.length === 0 ? 1 : 0.5;
  let computing = 0;
  let storing = 0;
  for (let i = 0; i < needs.length; i++) {
    const { cycles, unit, least, most, feedBytes } = needs[i]!;
    const copies = Math.max(least, Math.ceil(cycles * rate));
    const beyond = feedBytes * rate - free;
    const feeding = beyond > 0 ? Math.ceil(beyond / dCim) : 0;
    computing += copies * unit;
    storing += feeding;
    if (copies > most || computing + storing * atLeast > budget.together) return false;
    units[i] = copies;
    memory[i] = feeding;
  }
  counts.computing = computing;
  counts.storing = storing;
  return fits(search, counts);
}

/** Sets `faster` to one unit or memory array more wherever `counts` is slowest, in both terms where they tie; false if that exceeds the budget. */
function step(search: Search, counts: Counts, faster: Counts): boolean {
  const { needs } = search;
  const floor = latencyOf(search, counts) * (1 - SAME);
  faster.computing = counts.computing;
  faster.storing = counts.storing;
  for (let i = 0; i < needs.length; i++) {
    const { cycles, unit, most, feedBytes } = needs[i]!;
    const units = counts.units[i]!;
    const memory = counts.memory[i]!;
    const computes = cycles / units >= floor;
    const feeds = feedCycles(search, feedBytes, memory) >= floor;
    if ((computes && units === most) || (feeds && search.dCim === 0)) return false;
    faster.units[i] = computes ? units + 1 : units;
    faster.memory[i] = feeds ? memory + 1 : memory;
    if (computes) faster.computing += unit;
    if (feeds) faster.storing++;
  }
  return fits(search, faster);
}

function latencyOf(search: Search, { units, memory }: Counts): Cycles {
  let latency = 0;
  for (let i = 0; i < units.length; i++) {
    const { cycles, feedBytes } = search.needs[i]!;
    latency = Math.max(latency, cycles / units[i]!, feedCycles(search, feedBytes, memory[i]!));
  }
  return latency;
}

function feedCycles({ dCim, dMain }: Search, feedBytes: number, memory: number): Cycles {
  return feedBytes / (memory * dCim + dMain);
}

/** Eq. (8): shared arrays count once. */
function fits(search: Search, counts: Counts): boolean {
  const { budget, sharing } = search;
  if (counts.computing > budget.compute) return false;
  const needed = lacking(search, counts);
  return needed === 0 || (needed <= counts.storing / 2 && sharing.atLeast(needed, counts.memory) !== undefined);
}

/** Memory arrays that have to be shared for the rest to be within the budget. */
function lacking({ budget }: Search, { computing, storing }: Counts): number {
  return Math.max(0, computing + storing - budget.together, storing - budget.memory);
}
