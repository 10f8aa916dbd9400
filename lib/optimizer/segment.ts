// Dynamic programming over segments: Algorithm 1 of Zhao et al. 2025 with Eq. (1)-(4).
// Flattened graph -> the best list of segments with an allocation each.

import { Pauses } from '../base/pauses.ts';
import { internal } from '../base/problem.ts';
import type { Bytes, Cycles, Picojoules } from '../base/units.ts';
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
import { type Allocation, type AllocationProblem, arraysOf, type Budget, type Solver, withSharingSpread } from './allocation.ts';
import type { Flattened, SubOperator } from './flatten.ts';
import type { Weigh } from './objective.ts';
import { segmentKinds } from './segment-kinds.ts';
import type { Edge } from './sharing.ts';

/** What the machine takes for sub-operators first .. last with these arrays, whatever is before and behind them. */
export type Judge = (
  first: number,
  last: number,
  allocation: Allocation,
) => { readonly intra: Cycles; readonly rewrite: Cycles; readonly energy: Picojoules };

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
  /** Bytes made in it that later segments read: the V of T_wb. */
  readonly leaving: Bytes;
  /** Best latency of everything up to `last`, and what is made least of it. */
  readonly total: Cycles;
  readonly value: number;
}

export interface SegmentOptions {
  readonly hardware: Hardware;
  readonly solver: Solver;
  readonly budget: Budget;
  /** Sub-operators that may share memory arrays, by consumer. */
  readonly edges: readonly Edge[];
  /** Arrays frozen in memory mode for the whole run; undefined when modes may change. */
  readonly frozenMemory?: number;
  readonly relaxed: boolean;
  /** What segments take, instead of the paper's equations; data then leaves while they run, so that nothing is written back between. */
  readonly judge?: Judge;
  /** What is made least over the whole run: cycles unless given. */
  readonly weigh?: Weigh;
  /** Called with every segment the search weighs, after the best plan of what comes before it. */
  readonly onCandidate?: (candidate: Omit<SegmentChoice, 'leaving'>) => void;
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

/**
 * L[j] = min over i <= j of L[i-1] + T_intra(i..j) + T_inter, the plan of L[i-1] being the one that was best
 * for it (as published: one plan a prefix). The chip starts empty, every array in compute mode, so the first
 * segment pays T_rw too. Segments that cannot be allocated are pruned. Equal segments are solved once.
 */
export async function chooseSegments(
  flat: Flattened,
  options: SegmentOptions,
): Promise<{ segments: readonly SegmentChoice[]; statistics: SegmentStatistics }> {
  const { subOperators } = flat;
  const statistics: SegmentStatistics = { candidates: 0, solved: 0, solverMilliseconds: 0 };
  const kinds = segmentKinds<Figures | 'infeasible'>(subOperators, options.edges);
  const leaving = leavingBytes(flat);
  const best: SegmentChoice[] = [];
  const pauses = new Pauses(options.signal);

  for (let last = 0; last < subOperators.length; last++) {
    let tiles = 0;
    let earliest = 0;
    let winner: { first: number; figures: Figures; joint: Joint } | undefined;
    kinds.endAt(last);
    for (let first = last; first >= earliest; first--) {
      const operator = at(subOperators, first);
      tiles += operator.demand.tiles;
      if (tiles > options.budget.compute) break;
      earliest = Math.max(earliest, operator.after + 1);
      statistics.candidates++;
      const kind = kinds.extendTo(first);
      if (kind.known === undefined) {
        // Awaiting costs a turn of the event loop, which thousands of segments would feel.
        const solved = solve(flat, first, last, options, statistics);
        kind.known = solved instanceof Promise ? await solved : solved;
      }
      if (kind.known === 'infeasible') break;
      const { allocation } = kind.known;
      const figures = options.judge === undefined ? kind.known : { ...kind.known, ...options.judge(first, last, allocation) };
      const joint = joinTo(first === 0 ? undefined : at(best, first - 1), figures, options);
      options.onCandidate?.({ first, last, allocation, intra: figures.intra, ...joint });
      if (winner === undefined || joint.value < winner.joint.value) winner = { first, figures, joint };
      const pause = pauses.due();
      if (pause === undefined) continue;
      options.onProgress?.(last / subOperators.length);
      await pause;
    }
    if (winner === undefined) throw internal(`sub-operator ${at(subOperators, last).id} was cut too large`);
    best.push(choiceOf(winner.first, last, winner.figures, winner.joint, leaving(winner.first, last)));
  }

  const segments: SegmentChoice[] = [];
  for (let last = subOperators.length - 1; last >= 0; last = at(best, last).first - 1) {
    const choice = at(best, last);
    const problem = segmentProblem(flat, choice.first, last, options);
    segments.push({ ...choice, allocation: withSharingSpread(problem, choice.allocation) });
  }
  return { segments: segments.reverse(), statistics };
}

/** What given segments cost, one after another, by the paper's equations: the same formulas the search minimises. */
export function costSegments(
  flat: Flattened,
  drafts: readonly SegmentDraft[],
  options: Pick<SegmentOptions, 'hardware' | 'frozenMemory'>,
): readonly SegmentChoice[] {
  const leaving = leavingBytes(flat);
  const choices: SegmentChoice[] = [];
  for (const { first, last, allocation } of drafts) {
    const figures = figuresOf(flat.subOperators.slice(first, last + 1), allocation, options.hardware);
    choices.push(choiceOf(first, last, figures, joinTo(choices.at(-1), figures, options), leaving(first, last)));
  }
  return choices;
}

/** What a segment's cost needs to know of it, wherever it stands. */
interface Figures {
  readonly allocation: Allocation;
  readonly compute: number;
  readonly memory: number;
  readonly intra: Cycles;
  readonly rewrite: Cycles;
  /** Not counted by the paper. */
  readonly energy?: Picojoules;
}

/** The allocation of sub-operators first .. last on the whole chip: Eq. (5)-(10). */
export function segmentProblem(
  { subOperators }: Flattened,
  first: number,
  last: number,
  { edges, budget, hardware, relaxed }: Pick<SegmentOptions, 'edges' | 'budget' | 'hardware' | 'relaxed'>,
): AllocationProblem {
  const claims = subOperators.slice(first, last + 1).map(({ demand }) => demand);
  return { claims, edges: within(edges, first, last), budget, hardware, relaxed };
}

function solve(
  flat: Flattened,
  first: number,
  last: number,
  options: SegmentOptions,
  statistics: SegmentStatistics,
): Figures | 'infeasible' | Promise<Figures | 'infeasible'> {
  const start = performance.now();
  const done = (allocation: Allocation | undefined): Figures | 'infeasible' => {
    statistics.solverMilliseconds += performance.now() - start;
    statistics.solved++;
    return allocation === undefined ? 'infeasible' : figuresOf(flat.subOperators.slice(first, last + 1), allocation, options.hardware);
  };
  const allocation = options.solver.solve(segmentProblem(flat, first, last, options), options.signal);
  return allocation instanceof Promise ? allocation.then(done) : done(allocation);
}

function figuresOf(members: readonly SubOperator[], allocation: Allocation, hardware: Hardware): Figures {
  const { compute, memory } = allocation;
  return {
    allocation,
    ...arraysOf(allocation),
    intra: intraLatency(members.map((op, i) => operatorLatency(op.demand, compute[i] ?? 0, memory[i] ?? 0, hardware))),
    rewrite: rewriteLatency(
      members.map(({ parent }, i) => ({ parent, computeArrays: compute[i] ?? 0 })),
      hardware,
    ),
  };
}

type Joint = Pick<SegmentChoice, 'memoryMode' | 'inter' | 'total' | 'value'>;

/** A segment after the best plan of its prefix: Eq. (1), (2), (4) and (3). */
function joinTo(
  before: SegmentChoice | undefined,
  { compute, memory, intra, rewrite, energy = 0 }: Figures,
  { hardware, frozenMemory, judge, weigh }: Pick<SegmentOptions, 'hardware' | 'frozenMemory' | 'judge' | 'weigh'>,
): Joint {
  const modeBefore = before?.memoryMode ?? 0;
  const memoryMode = frozenMemory ?? memoryModeAfter(modeBefore, compute, memory, hardware.arrays);
  const inter = {
    writeBack: judge !== undefined ? 0 : writeBackLatency(before?.leaving ?? 0, Math.min(modeBefore, memoryMode), hardware),
    switch: switchLatency(Math.max(0, modeBefore - memoryMode), Math.max(0, memoryMode - modeBefore), hardware),
    rewrite,
  };
  const between = interLatency(inter.writeBack, inter.switch, rewrite);
  const total = prefixLatency(before?.total ?? 0, intra, between);
  if (weigh === undefined) return { memoryMode, inter, total, value: total };
  const switched = Math.abs(memoryMode - modeBefore) * hardware.energy.switchArray;
  return { memoryMode, inter, total, value: (before?.value ?? 0) + weigh(intra + between, energy + switched) };
}

/** Idle arrays keep their mode, so a segment switches only what it must. */
function memoryModeAfter(before: number, compute: number, memory: number, arrays: number): number {
  return Math.max(memory, Math.min(before, arrays - compute));
}

function choiceOf(first: number, last: number, { allocation, intra }: Figures, joint: Joint, leaving: Bytes): SegmentChoice {
  return { first, last, allocation, intra, leaving, ...joint };
}

/** Bytes made in first..last that later sub-operators still read. */
function leavingBytes(flat: Flattened): (first: number, last: number) => Bytes {
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

/** Edges between sub-operators first..last, counted from the first. */
function within(edges: readonly Edge[], first: number, last: number): readonly Edge[] {
  return edges
    .slice(firstFrom(edges, first), firstFrom(edges, last + 1))
    .filter(({ producer }) => producer >= first)
    .map(({ producer, consumer, mostShared }) => ({ producer: producer - first, consumer: consumer - first, mostShared }));
}

/** Index of the first edge whose consumer is `consumer` or later. */
function firstFrom(edges: readonly Edge[], consumer: number): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(edges, middle).consumer < consumer) low = middle + 1;
    else high = middle;
  }
  return low;
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw internal(`no entry ${index} in a list of ${list.length}`);
  return value;
}
