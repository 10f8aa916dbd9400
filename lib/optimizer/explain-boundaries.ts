// What happens between two segments and why the cut is there: data that leaves or stays, arrays that switch, weights that are written
// or were written ahead. Plan + graph + chip -> a reason for each boundary.

import { type Bytes, type Cycles, sum } from '../base/units.ts';
import { type Demand, demandOf, operatorLatency, rewriteLatency } from '../cost/paper.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph, OperatorId, TensorId } from '../ir/graph.ts';
import type { CostName, Kept, OperatorPlan, Plan, SegmentPlan } from './plan.ts';
import { cyclesWith, type PlanWork } from './plan-work.ts';
import { exactSolver } from './solve-exact.ts';

/**
 * arrays: one copy of everything in both segments does not fit. operand: the second one's right operand is made in the first.
 * block: a repeated block begins or ends. cost: one segment of both would take longer (or the optimizer did not find it).
 */
export type CutReason =
  | { readonly why: 'arrays'; readonly needed: number; readonly arrays: number }
  | { readonly why: 'operand'; readonly operator: string; readonly operand: string }
  | { readonly why: 'block' }
  | { readonly why: 'cost'; readonly moreCycles: Cycles; readonly figures: CostName };

export interface BoundaryReason {
  /** Between segments `before` and `before` + 1. */
  readonly before: number;
  readonly writeBack: Cycles;
  readonly switch: Cycles;
  readonly rewrite: Cycles;
  /** Data made in the segment before and needed behind it: what leaves for external memory and what stays, in bytes. */
  readonly leaves: readonly { readonly tensor: TensorId; readonly bytes: Bytes }[];
  readonly stays: readonly { readonly tensor: TensorId; readonly bytes: Bytes; readonly place: Kept['place']['kind'] }[];
  readonly switched: { readonly toMemory: number; readonly toCompute: number };
  /**
   * Pieces whose weights, or run-time operands, are written at the boundary, those written while the segment before ran, and those that
   * compute in place on an operand that was written as it was made.
   */
  readonly written: readonly { readonly operator: string; readonly arrays: number }[];
  readonly ahead: readonly { readonly operator: string; readonly arrays: number }[];
  readonly inPlace: readonly { readonly operator: string; readonly arrays: number }[];
  readonly cut: CutReason;
}

export function boundariesOf(plan: Plan, graph: Graph, view: PlanWork, hardware: Hardware): readonly BoundaryReason[] {
  const borders = new Set(plan.repeats.flatMap(({ first, count }) => [first, first + count]));
  const rightOperands = rightOperandsOf(graph);
  const inPlace = new Set(
    plan.segments.flatMap(({ kept }) => kept.flatMap(({ place }) => (place.kind === 'operand' ? place.operator : []))),
  );
  return plan.segments.slice(1).map((segment, i): BoundaryReason => {
    const before = plan.segments[i] ?? segment;
    const stays = before.kept.map(({ tensor, bytes, place }) => ({ tensor, bytes, place: place.kind }));
    const ahead = new Set(before.staged.map(({ operator }) => operator));
    const pieces = segment.operators.map(({ id, compute }) => ({ operator: id, arrays: compute.length }));
    const [storing, storingBefore] = [new Set(segment.memoryMode), new Set(before.memoryMode)];
    return {
      before: before.id,
      ...segment.interCycles,
      leaves: leaving(before, view, stays),
      stays,
      switched: {
        toMemory: segment.memoryMode.filter((array) => !storingBefore.has(array)).length,
        toCompute: before.memoryMode.filter((array) => !storing.has(array)).length,
      },
      written: pieces.filter(({ operator }) => !ahead.has(operator) && !inPlace.has(operator)),
      ahead: pieces.filter(({ operator }) => ahead.has(operator)),
      inPlace: pieces.filter(({ operator }) => inPlace.has(operator)),
      cut: cutOf(before, segment, borders, rightOperands, view, plan.figures, hardware),
    };
  });
}

/** Made in `before`, needed later, and not kept. */
function leaving(
  { operators, vectorOperators }: SegmentPlan,
  { work, homes }: PlanWork,
  stays: BoundaryReason['stays'],
): BoundaryReason['leaves'] {
  const inside = new Set([...operators.map(({ id }) => id), ...vectorOperators]);
  const staying = new Map<TensorId, Bytes>();
  for (const { tensor, bytes, place } of stays) if (place !== 'operand') staying.set(tensor, (staying.get(tensor) ?? 0) + bytes);
  return work.tensors.flatMap(({ id, bytes, makers, readers, leaves }, t) => {
    if (homes.get(t)?.onlyInPlace) return [];
    const here = makers.filter((task) => inside.has(work.tasks[task]?.id ?? ''));
    const later = readers.some((task) => task > (makers.at(-1) ?? 0) && !inside.has(work.tasks[task]?.id ?? ''));
    if (here.length === 0 || !(later || leaves)) return [];
    const made = makers.length === here.length ? bytes : sum(here.map((task) => work.tasks[task]?.output.bytes ?? 0));
    const left = made - (staying.get(id) ?? 0);
    return left > 0 ? [{ tensor: id, bytes: left }] : [];
  });
}

/** What makes the right operand of each dynamic product, seen through views. */
function rightOperandsOf(graph: Graph): ReadonlyMap<OperatorId, OperatorId> {
  const makers = new Map<TensorId, OperatorId>();
  const operands = new Map<OperatorId, OperatorId>();
  for (const operator of graph.operators) {
    const source = operator.kind === 'view' ? makers.get(operator.inputs[0]?.tensor ?? '') : operator.id;
    if (source !== undefined) makers.set(operator.output, source);
    const operand = operator.kind === 'matMul' && operator.attrs.dynamic ? makers.get(operator.attrs.weight) : undefined;
    if (operand !== undefined) operands.set(operator.id, operand);
  }
  return operands;
}

function cutOf(
  before: SegmentPlan,
  after: SegmentPlan,
  borders: ReadonlySet<number>,
  rightOperands: ReadonlyMap<OperatorId, OperatorId>,
  view: PlanWork,
  figures: CostName,
  hardware: Hardware,
): CutReason {
  if (borders.has(after.id)) return { why: 'block' };
  const made = new Set([...before.operators.map(({ parent }) => parent), ...before.vectorOperators]);
  for (const { parent } of after.operators) {
    const operand = rightOperands.get(parent);
    if (operand !== undefined && made.has(operand)) return { why: 'operand', operator: parent, operand };
  }
  const members = [...before.operators, ...after.operators];
  const needed = sum(members.map(({ tiles }) => tiles));
  if (needed > hardware.arrays) return { why: 'arrays', needed, arrays: hardware.arrays };
  const together = hardware.arrays;
  const budget = { compute: together, memory: hardware.dualMode ? together : 0, together };
  const claims = members.map((operator) => ({ ...demandOf(operator, hardware), mostCopies: operator.m }));
  const joined = exactSolver.solve({ claims, edges: [], budget, hardware, relaxed: false });
  if (joined === undefined) return { why: 'arrays', needed, arrays: hardware.arrays };
  const more = figures === 'paper' ? paperMore : machineMore;
  return { why: 'cost', moreCycles: more(before, after, joined, view, hardware), figures };
}

type Joined = NonNullable<ReturnType<typeof exactSolver.solve>>;

/** What one segment of both would take more by Eq. (2) and (9), its arrays shared out by Eq. (9); the data between them is not counted. */
function paperMore(before: SegmentPlan, after: SegmentPlan, joined: Joined, _view: PlanWork, hardware: Hardware): Cycles {
  const members = [...before.operators, ...after.operators];
  const intra = ({ operators }: SegmentPlan): Cycles =>
    Math.max(0, ...operators.map((operator) => operatorLatency(demand(operator), operator.compute.length, memoryOf(operator), hardware)));
  const demand = (operator: OperatorPlan): Demand => demandOf(operator, hardware);
  const rewrite = ({ operators }: SegmentPlan): Cycles =>
    rewriteLatency(
      operators.map(({ parent, compute }) => ({ parent, computeArrays: compute.length })),
      hardware,
    );
  const alone = sum([before, after].map((segment) => intra(segment) + rewrite(segment)));
  const rewritten = members.map(({ parent }, i) => ({ parent, computeArrays: joined.compute[i] ?? 0 }));
  return joined.latency + rewriteLatency(rewritten, hardware) - alone - after.interCycles.writeBack;
}

function memoryOf({ memoryIn, memoryOut }: OperatorPlan): number {
  return memoryIn.length + memoryOut.length;
}

/** The same on the machine, nothing of it written ahead; its arrays by Eq. (9), or as both segments have them if that fits and is faster. */
function machineMore(before: SegmentPlan, after: SegmentPlan, joined: Joined, view: PlanWork, hardware: Hardware): Cycles {
  const s = view.segments.findIndex(({ id }) => id === before.id);
  const [a, b] = [view.allotments[s], view.allotments[s + 1]];
  if (a === undefined || b === undefined) return 0;
  const members = [...before.operators, ...after.operators];
  const whole = { first: a.first, last: b.last, staged: [...a.staged, ...members.slice(a.copies.length).map(() => false)] };
  const asNow = {
    ...whole,
    copies: [...a.copies, ...b.copies],
    memory: [...a.memory, ...b.memory],
    memoryMode: Math.max(a.memoryMode, b.memoryMode),
  };
  const byEq9 = {
    ...whole,
    copies: members.map(({ tiles }, i) => (joined.compute[i] ?? tiles) / tiles),
    memory: joined.memory,
    memoryMode: sum(joined.memory),
  };
  const taken = sum(asNow.copies.map((count, i) => count * (members[i]?.tiles ?? 1))) + sum(asNow.memory);
  const candidates = taken <= hardware.arrays ? [byEq9, asNow] : [byEq9];
  const least = Math.min(...candidates.map((one) => cyclesWith(view, hardware, s, s + 1, [one])));
  return least - cyclesWith(view, hardware, s, s + 1);
}
