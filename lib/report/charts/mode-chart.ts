// Mode chart: every array in every segment, coloured by what it does.

import { counted } from '../../base/text.ts';
import type { Plan } from '../../optimizer/plan.ts';
import { Figure } from '../figure.ts';
import { arrayUses, ROLES, timesOf } from '../roles.ts';
import { countAxis, headed, keys, ROLE_SCALE, segmentLabels, whatPlan } from './parts.ts';

const MOST_WITH_GAPS = 60;

/** Arrays (rows) by segment (columns), coloured by role: blue computes, orange is memory, grey is idle. */
export function modeChart(plan: Plan): Figure {
  const uses = plan.segments.map((segment, i) => arrayUses(plan, segment, plan.segments[i - 1]));
  const arrays = Array.from({ length: plan.hardware.arrays }, (_, id) => id);
  const shown = ROLES.filter((role) => uses.some((segment) => segment.some((use) => use.role === role)));
  const labels = segmentLabels(plan, timesOf(plan));
  const cells = {
    type: 'heatmap',
    x: plan.segments.map((_, i) => i),
    y: arrays,
    z: arrays.map((id) => uses.map((segment) => ROLES.indexOf(segment[id]!.role))),
    ...ROLE_SCALE,
    xgap: plan.segments.length <= MOST_WITH_GAPS ? 2 : 0,
    ygap: arrays.length <= MOST_WITH_GAPS ? 1 : 0,
    hovertemplate: 'segment %{x}, array %{y}<extra></extra>',
  } as const;
  return new Figure([cells, ...keys(shown)], {
    ...headed('Mode of every array in every segment', `${whatPlan(plan)}; ${counted(plan.segments.length, 'segment')}`, 1),
    height: 460,
    legend: { itemclick: false, itemdoubleclick: false },
    xaxis: countAxis('Segment', labels),
    yaxis: { title: { text: 'Array' }, showgrid: false, range: [arrays.length - 0.5, -0.5] },
  });
}
