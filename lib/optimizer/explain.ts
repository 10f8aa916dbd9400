// Why this plan: what limits each operator and what one more array would bring, and why each segment ends where it does.
// Plan + graph + chip -> Explanation, in the paper's terms (Eq. (2), (9), (10)), whichever cost the plan was made for.

import { type Cycles, sum } from '../base/units.ts';
import { type Demand, demandOf, operatorLatency, rewriteLatency } from '../cost/paper.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph, OperatorId, TensorId } from '../ir/graph.ts';
import { inspect } from '../ir/inspect.ts';
import { bindingOf } from './allocation.ts';
import type { Binding, OperatorPlan, Plan, SegmentPlan } from './plan.ts';
import { exactSolver } from './solve-exact.ts';

export interface OperatorReason {
  readonly id: string;
  readonly segment: number;
  /** MACs per input element: the AI of Eq. (10). */
  readonly inputReuse: number | null;
  /** 2 * MACs over elements moved: the intensity of Fig. 5 and 6. */
  readonly flopsPerMop: number | null;
  readonly tiles: number;
  readonly copies: number;
  readonly memoryArrays: number;
  readonly latencyCycles: Cycles;
  /** The term of Eq. (10) that sets its latency. */
  readonly binding: Binding;
  /** Whether it sets its segment's, Eq. (9). */
  readonly slowest: boolean;
  /**
   * Cycles its own latency falls by with one more copy of its weights (`tiles` arrays), and with one more memory array;
   * null for a copy that would find no vector to work on.
   */
  readonly oneMore: { readonly copy: Cycles | null; readonly memory: Cycles };
}

/**
 * arrays: one copy of everything in both segments does not fit. operand: the second one's right operand is made in the first.
 * block: a repeated block begins or ends. cost: one segment of both would take longer (or the optimizer did not find it).
 */
export type CutReason =
  | { readonly why: 'arrays'; readonly needed: number; readonly arrays: number }
  | { readonly why: 'operand'; readonly operator: string; readonly operand: string }
  | { readonly why: 'block' }
  | { readonly why: 'cost'; readonly moreCycles: Cycles };

export interface BoundaryReason {
  /** Between segments `before` and `before` + 1. */
  readonly before: number;
  readonly writeBack: Cycles;
  readonly switch: Cycles;
  readonly rewrite: Cycles;
  readonly cut: CutReason;
}

export interface Explanation {
  readonly optimizer: string;
  readonly operators: readonly OperatorReason[];
  readonly boundaries: readonly BoundaryReason[];
}

export function explain(plan: Plan, graph: Graph, hardware: Hardware): Explanation {
  const inspected = new Map(inspect(graph, plan.precision).operators.map((operator) => [operator.id, operator]));
  const borders = new Set(plan.repeats.flatMap(({ first, count }) => [first, first + count]));
  const rightOperands = rightOperandsOf(graph);
  const operators = plan.segments.flatMap((segment) => {
    const reasons = segment.operators.map((operator) => ({
      ...reasonOf(operator, hardware),
      segment: segment.id,
      inputReuse: inspected.get(operator.parent)?.inputReuse ?? null,
      flopsPerMop: inspected.get(operator.parent)?.flopsPerMop ?? null,
    }));
    const most = Math.max(0, ...reasons.map(({ latencyCycles }) => latencyCycles));
    return reasons.map((reason) => ({ ...reason, slowest: reason.latencyCycles >= most * (1 - 1e-9) }));
  });
  const boundaries = plan.segments.slice(1).map((segment, i): BoundaryReason => {
    const before = plan.segments[i] ?? segment;
    return { before: before.id, ...segment.interCycles, cut: cutOf(before, segment, borders, rightOperands, hardware) };
  });
  return { optimizer: plan.optimizer, operators, boundaries };
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

function reasonOf(operator: OperatorPlan, hardware: Hardware): Omit<OperatorReason, 'segment' | 'slowest' | 'inputReuse' | 'flopsPerMop'> {
  const { id, tiles, copies } = operator;
  const demand = demandOf(operator, hardware);
  const compute = copies * tiles;
  const memory = operator.memoryIn.length + operator.memoryOut.length;
  const latencyCycles = operatorLatency(demand, compute, memory, hardware);
  const faster = (more: Cycles): Cycles => Math.max(0, latencyCycles - more);
  return {
    id,
    tiles,
    copies,
    memoryArrays: memory,
    latencyCycles,
    binding: bindingOf(demand, compute, memory, hardware),
    oneMore: {
      copy: copies < operator.m ? faster(operatorLatency(demand, compute + tiles, memory, hardware)) : null,
      memory: faster(operatorLatency(demand, compute, memory + 1, hardware)),
    },
  };
}

function cutOf(
  before: SegmentPlan,
  after: SegmentPlan,
  borders: ReadonlySet<number>,
  rightOperands: ReadonlyMap<OperatorId, OperatorId>,
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
  return { why: 'cost', moreCycles: moreIfJoined(before, after, hardware) };
}

/** What one segment of both would cost more on the paper's terms, its arrays given in the best way; the data between them is not counted. */
function moreIfJoined(before: SegmentPlan, after: SegmentPlan, hardware: Hardware): Cycles {
  const members = [...before.operators, ...after.operators];
  const demands = members.map((operator): Demand => demandOf(operator, hardware));
  const together = hardware.arrays;
  const budget = { compute: together, memory: hardware.dualMode ? together : 0, together };
  const claims = demands.map((demand, i) => ({ ...demand, mostCopies: members[i]?.m ?? 1 }));
  const joined = exactSolver.solve({ claims, edges: [], budget, hardware, relaxed: false });
  if (joined === undefined) return Number.POSITIVE_INFINITY;
  const alone = sum([before, after].map((segment) => intraOf(segment, hardware) + rewriteOf(segment.operators, hardware)));
  const rewritten = members.map(({ parent }, i) => ({ parent, computeArrays: joined.compute[i] ?? 0 }));
  return joined.latency + rewriteLatency(rewritten, hardware) - alone - after.interCycles.writeBack;
}

function intraOf({ operators }: SegmentPlan, hardware: Hardware): Cycles {
  return Math.max(0, ...operators.map((operator) => reasonOf(operator, hardware).latencyCycles));
}

function rewriteOf(operators: readonly OperatorPlan[], hardware: Hardware): Cycles {
  return rewriteLatency(
    operators.map(({ parent, compute }) => ({ parent, computeArrays: compute.length })),
    hardware,
  );
}
