// What joint is compared with, and how: every other optimizer in three or four ways, their plans under one cost.

import { machineCost } from '../../lib/cost/machine/total.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import { FORMS, type Form } from '../../lib/optimizer/optimizer.ts';
import type { Plan } from '../../lib/optimizer/plan.ts';
import { planWork } from '../../lib/optimizer/plan-work.ts';
import type { ScheduleOptions } from '../../lib/optimizer/schedule.ts';

const WAYS: readonly ScheduleOptions[] = [{}, { cost: 'machine' }, { prefetch: true }];
const BASELINES = ['cim-mlc', 'puma', 'occ'];

/** Options of every rival, those left out that leave no array to compute. */
export function rivalsOn(
  chip: Hardware,
  ratios: readonly number[],
  ways = WAYS,
  forms: readonly Form[] = ['as-published'],
): readonly ScheduleOptions[] {
  const statics = ratios.filter((ratio) => ratio * chip.arrays >= 1).map((ratio) => `static:${ratio}`);
  const published = ['cmswitch', ...statics].map((optimizer): ScheduleOptions => ({ optimizer }));
  const baselines = BASELINES.flatMap((optimizer) => forms.map((form): ScheduleOptions => ({ optimizer, form })));
  return [...published, ...baselines].flatMap((options) => ways.map((way) => ({ ...options, ...way })));
}

/** The same in both forms of the baselines, and with both options at once. */
export function everyRivalOn(chip: Hardware, ratios: readonly number[]): readonly ScheduleOptions[] {
  return rivalsOn(chip, ratios, [...WAYS, { cost: 'machine', prefetch: true }], FORMS);
}

/** A plan under the machine's cost: cuts, copies, memory arrays, staged weights and kept data as they are. */
export function recosted(plan: Plan, graph: Graph, chip: Hardware): { readonly cycles: number; readonly energy: number } {
  const { work, allotments, homes } = planWork(plan, graph, chip);
  return machineCost(work, allotments, homes, chip);
}
