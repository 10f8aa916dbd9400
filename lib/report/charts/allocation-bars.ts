// Allocation bars: how many arrays compute, hold data, are staged or idle, segment by segment.

import { counted } from '../../base/text.ts';
import type { Plan } from '../../optimizer/plan.ts';
import { Figure } from '../figure.ts';
import type { PlotTrace } from '../plotly.ts';
import { arrayUses, ROLE_NAMES, ROLES, roleCounts, timesOf } from '../roles.ts';
import { ROLE_COLOURS } from '../theme.ts';
import { countAxis, headed, segmentLabels, whatPlan } from './parts.ts';

const MOST_WITH_GAPS = 60;

/** Number of arrays in each role by segment, stacked to the chip's number of arrays. */
export function allocationBars(plan: Plan): Figure {
  const counts = plan.segments.map((segment, i) => roleCounts(arrayUses(plan, segment, plan.segments[i - 1])));
  const labels = segmentLabels(plan, timesOf(plan));
  const bars = ROLES.filter((role) => counts.some((count) => count[role] > 0)).map(
    (role): PlotTrace => ({
      type: 'bar',
      name: ROLE_NAMES[role],
      x: counts.map((_, i) => i),
      y: counts.map((count) => count[role]),
      customdata: labels,
      marker: { color: ROLE_COLOURS[role] },
      hovertemplate: 'segment %{customdata}: %{y} arrays',
    }),
  );
  return new Figure(bars, {
    ...headed('Arrays by role in every segment', `${whatPlan(plan)}; ${counted(plan.hardware.arrays, 'array')}`, 1),
    barmode: 'stack',
    bargap: labels.length <= MOST_WITH_GAPS ? 0.15 : 0,
    hovermode: 'x',
    xaxis: countAxis('Segment', labels),
    yaxis: {
      title: { text: 'Arrays' },
      range: [0, plan.hardware.arrays],
      ...(plan.hardware.arrays % 4 === 0 && { dtick: plan.hardware.arrays / 4 }),
    },
  });
}
