// A plan for people: one line a segment. Plan -> text.

import { formatNumber, formatPercent, printable, shortened, textTable } from '../base/text.ts';
import { timesOf } from './folding.ts';
import type { Plan, SegmentPlan } from './plan.ts';

const WIDEST_LIST = 44;

export function printPlan(plan: Plan): string {
  const head = `${printable(plan.model.name)} on ${printable(plan.hardware.name)} (${plan.hardware.arrays} arrays), ${plan.optimizer} with ${plan.solver}${judgedBy(plan)}`;
  const table = textTable(
    ['segment', 'operators', 'compute', 'memory', 'idle', 'intra', 'write back', 'switch', 'rewrite'],
    plan.segments.map((segment) => row(segment, plan.hardware.arrays, timesOf(plan, segment.id))),
  );
  return `${head}\n${table}\ntotal ${formatNumber(Math.round(plan.analyticCycles))} cycles`;
}

/** " on the paper's cost, weights written ahead, figures on the machine's": everything that was asked for beside the optimizer. */
function judgedBy({ cost, figures, objective, powerCapWatts, prefetch, computeOnly }: Plan): string {
  const parts = [
    ` on the ${cost}'s cost`,
    ...(objective === 'latency' ? [] : [`least ${objective === 'edp' ? 'energy-delay' : objective}`]),
    ...(powerCapWatts === undefined ? [] : [`at most ${powerCapWatts} W`]),
    ...(computeOnly ? ['all arrays computing'] : []),
    ...(prefetch ? ['weights written ahead'] : []),
    ...(figures === cost ? [] : [`figures on the ${figures}'s cost`]),
  ];
  return parts.join(', ');
}

function row(segment: SegmentPlan, arrays: number, times: number): readonly (string | number)[] {
  const compute = count(segment.operators.flatMap((operator) => operator.compute));
  const memory = count(segment.operators.flatMap((operator) => [...operator.memoryIn, ...operator.memoryOut]));
  const shared = count(segment.operators.flatMap((operator) => operator.sharedIn));
  const names = segment.operators.map(({ id, copies }) => (copies === 1 ? id : `${id} x${formatNumber(copies)}`)).join(' ');
  const { writeBack, switch: switching, rewrite } = segment.interCycles;
  return [
    times === 1 ? segment.id : `${segment.id} x${times}`,
    shortened(printable(names), WIDEST_LIST),
    compute,
    `${memory} (${formatPercent(memory / arrays)})${shared > 0 ? `, ${shared} shared` : ''}`,
    arrays - compute - memory,
    Math.round(segment.intraCycles),
    Math.round(writeBack),
    Math.round(switching),
    Math.round(rewrite),
  ];
}

function count(arrays: readonly number[]): number {
  return new Set(arrays).size;
}
