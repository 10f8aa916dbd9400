// What the pipelining baselines share: segments by greedy capacity, and copies by how many output positions
// each copy is left with. Flattened graph -> segment drafts in which every array computes.

import { sum } from '../../base/units.ts';
import { intraLatency, operatorLatency, rewriteLatency } from '../../cost/paper.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { Judging } from '../decide.ts';
import type { Flattened, SubOperator } from '../flatten.ts';
import type { Form } from '../optimizer.ts';
import { OBJECTIVES, type Objective } from '../plan.ts';
import type { SegmentDraft } from '../segment.ts';

/** Arrays a policy may use. */
export function arraysFor({ arrays }: Pick<Hardware, 'arrays'>, judging?: Pick<Judging, 'share'>): number {
  return Math.max(1, Math.floor(arrays * (judging?.share ?? 1)));
}

/** As published, a policy minimises what its authors chose. */
export function ownUnlessSameCost(form: Form): readonly Objective[] {
  return form === 'same-cost' ? OBJECTIVES : ['latency'];
}

/** Consecutive sub-operators that run together. */
export interface Members {
  readonly first: number;
  readonly operators: readonly SubOperator[];
}

/**
 * One pass in topological order: a sub-operator joins while one copy of each fits the chip, else it opens the
 * next segment. Deviation: so does a product whose right operand the open segment makes; arrays are written
 * before a segment starts, which the originals, with weights given, never had to say.
 */
export function greedySegments({ subOperators }: Flattened, arrays: number): readonly Members[] {
  const segments: { first: number; operators: SubOperator[] }[] = [];
  let tiles = 0;
  for (const [i, operator] of subOperators.entries()) {
    const open = segments.at(-1);
    tiles += operator.demand.tiles;
    if (open !== undefined && tiles <= arrays && operator.after < open.first) {
      open.operators.push(operator);
    } else {
      segments.push({ first: i, operators: [operator] });
      tiles = operator.demand.tiles;
    }
  }
  return segments;
}

/** The segment with these copies of each member, and no array in memory mode. */
export function allCompute({ first, operators }: Members, copies: readonly number[], hardware: Hardware): SegmentDraft {
  const compute = arraysOf(operators, copies);
  const latency = intraLatency(operators.map(({ demand }, i) => operatorLatency(demand, compute[i] ?? 0, 0, hardware)));
  return { first, last: first + operators.length - 1, allocation: { compute, memory: operators.map(() => 0), latency } };
}

/** Copies of each member such that no copy has more than `load` output positions, as far as the policy lets it. */
export type CopyRule = (load: number) => readonly number[];

/**
 * All choices of copies a rule makes that fit the chip, from one copy each on. Loads that some member could be
 * left with are the only ones where a choice changes.
 */
export function fittingCopies(operators: readonly SubOperator[], rule: CopyRule, arrays: number): readonly (readonly number[])[] {
  const loads = new Set<number>();
  for (const { shape, demand } of operators) {
    const most = Math.min(shape.m, Math.floor(arrays / demand.tiles));
    for (let copies = 1; copies <= most; copies++) loads.add(Math.ceil(shape.m / copies));
  }
  const fitting: (readonly number[])[] = [];
  for (const load of [...loads].sort((a, b) => b - a)) {
    const copies = rule(load);
    if (sum(arraysOf(operators, copies)) > arrays) break;
    fitting.push(copies);
  }
  return fitting;
}

/** What a choice of arrays for a segment is judged by. */
export type Price = (members: Members, compute: readonly number[]) => number;

/**
 * T_intra + T_rw (Zhao et al. 2025, Eq. (2), (9), (10)): the rest of Eq. (4) does not depend on copies when no array is memory. Where
 * the machine is to judge, what it takes for the segment.
 */
export function priceOn(flat: Flattened, { judgeOf, weigh }: Judging, hardware: Hardware): Price {
  const judge = judgeOf?.(flat);
  return ({ first, operators }, compute) => {
    if (judge !== undefined) {
      const allocation = { compute, memory: operators.map(() => 0), latency: 0 };
      const { intra, rewrite, energy } = judge(first, first + operators.length - 1, allocation);
      return weigh(intra + rewrite, energy);
    }
    const latencies = operators.map(({ demand }, i) => operatorLatency(demand, compute[i] ?? 0, 0, hardware));
    const written = operators.map(({ parent }, i) => ({ parent, computeArrays: compute[i] ?? 0 }));
    return intraLatency(latencies) + rewriteLatency(written, hardware);
  };
}

/** The choice with the least price; of equals the one with fewest copies. */
export function cheapest(members: Members, choices: readonly (readonly number[])[], price: Price): readonly number[] {
  const { operators } = members;
  let best: { readonly copies: readonly number[]; readonly cost: number } | undefined;
  for (const copies of choices) {
    const cost = price(members, arraysOf(operators, copies));
    if (best === undefined || cost < best.cost) best = { copies, cost };
  }
  return best?.copies ?? operators.map(() => 1);
}

function arraysOf(operators: readonly SubOperator[], copies: readonly number[]): readonly number[] {
  return operators.map(({ demand }, i) => (copies[i] ?? 1) * demand.tiles);
}
