// Dynamic programming over segments: Algorithm 1 of Zhao et al. 2025 with Eq. (1)-(4).
// Flattened graph -> the best list of segments with an allocation each.

import { internal } from '../base/problem.ts';
import { type Cycles, sum } from '../base/units.ts';
import {
  interLatency,
  intraLatency,
  operatorLatency,
  prefixLatency,
  rewriteLatency,
  switchLatency,
  writeBackLatency,
} from '../cost/paper.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Allocation, AllocationProblem, Budget, Solver } from './allocation.ts';
import type { Flattened, SubOperator } from './flatten.ts';

/** What an optimizer decides of a segment: everything else follows from it. */
export interface SegmentDraft {
  /** Sub-operators first .. last, inclusive. */
  readonly first: number;
  readonly last: number;
  readonly allocation: Allocation;
}

/** A draft with what it costs. */
export interface SegmentChoice extends SegmentDraft {
  /** Arrays in memory mode while it runs. */
  readonly memoryMode: number;
  readonly intra: Cycles;
  readonly inter: { readonly writeBack: Cycles; readonly switch: Cycles; readonly rewrite: Cycles };
  /** Best latency of everything up to `last`. */
  readonly total: Cycles;
}

export interface SegmentOptions {
  readonly hardware: Hardware;
  readonly solver: Solver;
  readonly budget: Budget;
  /** Arrays frozen in memory mode for the whole run; undefined when modes may change. */
  readonly frozenMemory?: number;
  readonly relaxed: boolean;
  /** Called now and then with the share of sub-operators done. */
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** What the search did: how many segments it weighed and how many allocations it really solved. */
export interface SegmentStatistics {
  candidates: number;
  solved: number;
  solverMilliseconds: number;
}

const YIELD_EVERY_MS = 50;

/**
 * L[j] = min over i <= j of L[i-1] + T_intra(i..j) + T_inter, the plan of L[i-1] being the one that was best
 * for it (as published: one plan a prefix). The chip starts empty, every array in compute mode, so the first
 * segment pays T_rw too. Segments that cannot be allocated are pruned.
 */
export async function chooseSegments(
  flat: Flattened,
  options: SegmentOptions,
): Promise<{ segments: readonly SegmentChoice[]; statistics: SegmentStatistics }> {
  const { subOperators } = flat;
  const statistics: SegmentStatistics = { candidates: 0, solved: 0, solverMilliseconds: 0 };
  const allocate = allocator(options, statistics);
  const outlive = outliving(flat);
  const best: SegmentChoice[] = [];
  let yielded = performance.now();

  for (let last = 0; last < subOperators.length; last++) {
    let tiles = 0;
    let earliest = 0;
    let winner: SegmentChoice | undefined;
    for (let first = last; first >= earliest; first--) {
      const operator = at(subOperators, first);
      tiles += operator.demand.tiles;
      if (tiles > options.budget.compute) break;
      earliest = Math.max(earliest, operator.after + 1);
      statistics.candidates++;
      const members = subOperators.slice(first, last + 1);
      const allocation = allocate(members);
      if (allocation === undefined) break;
      const before = first === 0 ? undefined : at(best, first - 1);
      const choice = extend(members, { first, last, allocation }, before, outlive, options);
      if (winner === undefined || choice.total < winner.total) winner = choice;
    }
    best.push(winner ?? cutTooLarge(at(subOperators, last)));
    if (performance.now() - yielded > YIELD_EVERY_MS) {
      options.onProgress?.((last + 1) / subOperators.length);
      await new Promise((resolve) => setImmediate(resolve));
      options.signal?.throwIfAborted();
      yielded = performance.now();
    }
  }

  const segments: SegmentChoice[] = [];
  for (let last = subOperators.length - 1; last >= 0; last = at(segments, 0).first - 1) segments.unshift(at(best, last));
  return { segments, statistics };
}

/** What given segments cost, one after another, by the paper's equations: the same formulas the search minimises. */
export function costSegments(
  flat: Flattened,
  drafts: readonly SegmentDraft[],
  options: Pick<SegmentOptions, 'hardware' | 'frozenMemory'>,
): readonly SegmentChoice[] {
  const outlive = outliving(flat);
  const choices: SegmentChoice[] = [];
  for (const { first, last, allocation } of drafts) {
    const members = flat.subOperators.slice(first, last + 1);
    choices.push(extend(members, { first, last, allocation }, choices.at(-1), outlive, options));
  }
  return choices;
}

type Outlive = (first: number, last: number) => number;

/** Segment first..last after the best plan of its prefix: Eq. (1), (2), (4) and (3). */
function extend(
  members: readonly SubOperator[],
  choice: SegmentDraft,
  before: SegmentChoice | undefined,
  outlive: Outlive,
  { hardware, frozenMemory }: Pick<SegmentOptions, 'hardware' | 'frozenMemory'>,
): SegmentChoice {
  const { compute, memory } = choice.allocation;
  const intra = intraLatency(members.map((op, i) => operatorLatency(op.demand, compute[i] ?? 0, memory[i] ?? 0, hardware)));
  const modeBefore = before?.memoryMode ?? 0;
  const memoryMode = frozenMemory ?? memoryModeAfter(modeBefore, sum(compute), sum(memory), hardware.arrays);
  const volume = before === undefined ? 0 : outlive(before.first, before.last);
  const inter = {
    writeBack: writeBackLatency(volume, Math.min(modeBefore, memoryMode), hardware),
    switch: switchLatency(Math.max(0, modeBefore - memoryMode), Math.max(0, memoryMode - modeBefore), hardware),
    rewrite: rewriteLatency(
      members.map(({ parent }, i) => ({ parent, computeArrays: compute[i] ?? 0 })),
      hardware,
    ),
  };
  const total = prefixLatency(before?.total ?? 0, intra, interLatency(inter.writeBack, inter.switch, inter.rewrite));
  return { ...choice, memoryMode, intra, inter, total };
}

/** Idle arrays keep their mode, so a segment switches only what it must. */
function memoryModeAfter(before: number, compute: number, memory: number, arrays: number): number {
  return Math.max(memory, Math.min(before, arrays - compute));
}

/** Bytes made in first..last that later sub-operators still read; the V of T_wb. */
function outliving(flat: Flattened): Outlive {
  const byProducer: { lastUse: number; bytes: number }[][] = flat.subOperators.map(() => []);
  for (const flow of flat.flows) byProducer[flow.producer]?.push(flow);
  return (first, last) => {
    let volume = 0;
    for (let i = first; i <= last; i++) {
      for (const flow of byProducer[i] ?? []) if (flow.lastUse > last) volume += flow.bytes;
    }
    return volume;
  };
}

/** Solves each distinct allocation problem once: equal lists of demands have equal answers. */
function allocator(options: SegmentOptions, statistics: SegmentStatistics): (members: readonly SubOperator[]) => Allocation | undefined {
  const solved = new Map<string, Allocation | undefined>();
  return (members) => {
    const claims = members.map(({ demand, shape }) => ({ ...demand, mostCopies: shape.m }));
    const key = claims.map((claim) => `${claim.tiles},${claim.computeCycles},${claim.feedBytes}`).join(';');
    if (solved.has(key)) return solved.get(key);
    const problem: AllocationProblem = { claims, budget: options.budget, hardware: options.hardware, relaxed: options.relaxed };
    const start = performance.now();
    const allocation = options.solver.solve(problem);
    statistics.solverMilliseconds += performance.now() - start;
    statistics.solved++;
    solved.set(key, allocation);
    return allocation;
  };
}

function cutTooLarge(operator: SubOperator): never {
  throw internal(`sub-operator ${operator.id} with ${operator.demand.tiles} tiles was cut too large`);
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw internal(`no entry ${index} in a list of ${list.length}`);
  return value;
}
