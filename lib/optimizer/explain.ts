// Why this plan: what limits each operator and what one more array would bring, and why each segment ends where it does.
// Plan + graph + chip -> Explanation, on the cost that the plan's figures are of: the paper's (Eq. (2), (9), (10)) or the machine's.

import type { Cycles } from '../base/units.ts';
import { demandOf, operatorLatency } from '../cost/paper.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph } from '../ir/graph.ts';
import { inspect } from '../ir/inspect.ts';
import { bindingOf } from './allocation.ts';
import { type BoundaryReason, boundariesOf } from './explain-boundaries.ts';
import { machineReasons, type Terms } from './explain-machine.ts';
import type { CostName, OperatorPlan, Plan } from './plan.ts';
import { planWork } from './plan-work.ts';

export interface OperatorReason extends Terms {
  readonly id: string;
  readonly segment: number;
  /** MACs per input element: the AI of Eq. (10). */
  readonly inputReuse: number | null;
  /** 2 * MACs over elements moved: the intensity of Fig. 5 and 6. */
  readonly flopsPerMop: number | null;
  readonly tiles: number;
  readonly copies: number;
  readonly memoryArrays: number;
  /** Whether it sets its segment's time: by Eq. (9), or as the product that computes longest. */
  readonly slowest: boolean;
}

export interface Explanation {
  readonly optimizer: string;
  /** The cost that all cycles are stated in. */
  readonly figures: CostName;
  readonly operators: readonly OperatorReason[];
  readonly boundaries: readonly BoundaryReason[];
}

/** `graph` and `hardware` are those the plan was made for. */
export function explain(plan: Plan, graph: Graph, hardware: Hardware): Explanation {
  const inspected = new Map(inspect(graph, plan.precision).operators.map((operator) => [operator.id, operator]));
  const view = planWork(plan, graph, hardware);
  const onMachine = plan.figures === 'machine' ? machineReasons(view, hardware) : undefined;
  const operators = plan.segments.flatMap((segment) => {
    const reasons = segment.operators.map((operator) => ({
      ...(onMachine?.get(operator.id) ?? paperReason(operator, hardware)),
      id: operator.id,
      segment: segment.id,
      inputReuse: inspected.get(operator.parent)?.inputReuse ?? null,
      flopsPerMop: inspected.get(operator.parent)?.flopsPerMop ?? null,
      tiles: operator.tiles,
      copies: operator.copies,
      memoryArrays: operator.memoryIn.length + operator.memoryOut.length,
    }));
    const most = Math.max(0, ...reasons.map(({ latencyCycles }) => latencyCycles));
    return reasons.map((reason) => ({ ...reason, slowest: reason.latencyCycles >= most * (1 - 1e-9) }));
  });
  return { optimizer: plan.optimizer, figures: plan.figures, operators, boundaries: boundariesOf(plan, graph, view, hardware) };
}

/** Eq. (10) with the arrays it has, and with one more. */
export function paperReason(operator: OperatorPlan, hardware: Hardware): Terms {
  const { tiles, copies } = operator;
  const demand = demandOf(operator, hardware);
  const compute = copies * tiles;
  const memory = operator.memoryIn.length + operator.memoryOut.length;
  const latencyCycles = operatorLatency(demand, compute, memory, hardware);
  const faster = (more: Cycles): Cycles => Math.max(0, latencyCycles - more);
  return {
    latencyCycles,
    binding: bindingOf(demand, compute, memory, hardware),
    oneMore: {
      copy: copies < operator.m ? faster(operatorLatency(demand, compute + tiles, memory, hardware)) : null,
      memory: faster(operatorLatency(demand, compute, memory + 1, hardware)),
    },
  };
}
