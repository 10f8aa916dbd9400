// A plan as the machine's cost sees it, from the plan alone: what its pieces ask for, and what they were given. Plan + graph + chip
// -> Work, allotments, homes.

import type { Homes } from '../cost/machine/living.ts';
import { machineCost, type StagedAllotment } from '../cost/machine/total.ts';
import { type Work, workOf } from '../cost/machine/work.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { foldGraph } from '../ir/fold.ts';
import type { Graph, TensorId } from '../ir/graph.ts';
import { allotmentsOf, homesOf } from './joint/price.ts';
import type { Plan, SegmentPlan } from './plan.ts';

export interface PlanWork {
  readonly work: Work;
  /** Segments with products, and what each was given, in order. */
  readonly segments: readonly SegmentPlan[];
  readonly allotments: readonly StagedAllotment[];
  readonly homes: Homes;
}

export function planWork(plan: Plan, graph: Graph, hardware: Hardware): PlanWork {
  const { graph: folded } = foldGraph(
    graph,
    plan.repeats.map(({ block }) => block),
  );
  const segments = plan.segments.filter(({ operators }) => operators.length > 0);
  const operators = segments.flatMap((segment) => segment.operators);
  const number = new Map(operators.map(({ id }, i) => [id, i]));
  const firstOf = new Map(segments.map(({ id, operators: [first] }) => [id, number.get(first?.id ?? '') ?? 0]));
  const subOperators = operators.map(({ id, parent, piece, m, n, k, groups }) => ({
    id,
    parent,
    piece,
    shape: { m, n, k, groups },
    after: -1,
  }));
  const repeats = plan.repeats.map(({ first, count, times }) => {
    const inside = plan.segments.slice(first, first + count).flatMap((segment) => segment.operators);
    return { first: number.get(inside[0]?.id ?? '') ?? 0, last: number.get(inside.at(-1)?.id ?? '') ?? 0, times };
  });
  const riders = ridersOf(plan, folded, number, firstOf);
  const work = workOf(folded, { subOperators, riders, repeats }, hardware);
  return { work, segments, allotments: allotmentsOf(segments), homes: homesOf(work, segments) };
}

/** Each vector operator behind the piece it waits for, within its segment. */
function ridersOf(plan: Plan, graph: Graph, number: ReadonlyMap<string, number>, firstOf: ReadonlyMap<number, number>) {
  const lastPiece = new Map<string, number>();
  for (const { id, parent } of plan.segments.flatMap(({ operators }) => operators)) lastPiece.set(parent, number.get(id) ?? -1);
  const first = new Map(
    plan.segments.flatMap(({ id, vectorOperators }) => vectorOperators.map((vector) => [vector, firstOf.get(id) ?? -1])),
  );
  const made = new Map<TensorId, number>();
  const riders: { id: string; after: number }[] = [];
  for (const { id, inputs, output } of graph.operators) {
    const depends = Math.max(-1, ...inputs.map(({ tensor }) => made.get(tensor) ?? -1));
    const after = lastPiece.get(id) ?? Math.max(first.get(id) ?? depends, depends);
    if (first.has(id)) riders.push({ id, after });
    made.set(output, after);
  }
  return riders;
}

/** Cycles of the run that change when the segments `from` .. `to` (of `plan.segments`) get other allotments: less is faster. */
export function cyclesWith(
  { work, allotments, homes }: PlanWork,
  hardware: Hardware,
  from: number,
  to: number,
  changed: readonly StagedAllotment[] = allotments.slice(from, to + 1),
): number {
  const before = allotments.slice(Math.max(0, from - 1), from);
  return machineCost(work, [...before, ...changed, ...allotments.slice(to + 1, to + 2)], homes, hardware).cycles;
}
