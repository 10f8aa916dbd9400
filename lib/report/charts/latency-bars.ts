// Latency bars: where the analytic cycles of a plan go, segment by segment and in total.

import { formatNumber, formatPercent, formatSi } from '../../base/text.ts';
import type { Plan, SegmentPlan } from '../../optimizer/plan.ts';
import { Figure } from '../figure.ts';
import type { PlotTrace } from '../plotly.ts';
import { timesOf } from '../roles.ts';
import { COLOURS } from '../theme.ts';
import { countAxis, headed, segmentLabels, whatPlan } from './parts.ts';

/** The parts of a segment's latency, Eq. (4) of Zhao et al. 2025 and the segment itself. */
const PARTS = [
  { name: 'Inside the segment', colour: COLOURS.neutral, of: (segment: SegmentPlan) => segment.intraCycles },
  { name: 'Write-back', colour: COLOURS.move, of: (segment: SegmentPlan) => segment.interCycles.writeBack },
  { name: 'Mode switch', colour: COLOURS.switch, of: (segment: SegmentPlan) => segment.interCycles.switch },
  { name: 'Weight rewrite', colour: COLOURS.write, of: (segment: SegmentPlan) => segment.interCycles.rewrite },
] as const;

const MOST_WITH_GAPS = 60;

/** Cycles of every segment, stacked by part and all runs of it counted (left); the sum of each part on a logarithmic axis (right). */
export function latencyBars(plan: Plan): Figure {
  const times = timesOf(plan);
  const labels = segmentLabels(plan, times);
  const cycles = PARTS.map((part) => plan.segments.map((segment, i) => part.of(segment) * times[i]!));
  const totals = cycles.map((values) => values.reduce((sum, value) => sum + value, 0));
  const all = totals.reduce((sum, value) => sum + value, 0);
  const stacked = PARTS.map(
    (part, i): PlotTrace => ({
      type: 'bar',
      name: part.name,
      x: labels.map((_, segment) => segment),
      y: cycles[i]!,
      customdata: labels,
      marker: { color: part.colour },
      hovertemplate: 'segment %{customdata}: %{y:,} cycles',
    }),
  );
  const sums: PlotTrace = {
    type: 'bar',
    orientation: 'h',
    xaxis: 'x2',
    yaxis: 'y2',
    showlegend: false,
    width: 0.66,
    // The axis begins at one: nothing and one cycle are both a bar without length, told apart by the label.
    x: totals.map((total) => Math.max(1, total)),
    y: PARTS.map((_, i) => i),
    text: totals.map((total) => `${formatSi(total)} (${formatPercent(all === 0 ? 0 : total / all)})`),
    textposition: 'outside',
    cliponaxis: false,
    textfont: { size: 12 },
    customdata: totals,
    marker: { color: PARTS.map((part) => part.colour) },
    hovertemplate: '%{customdata:,} cycles<extra></extra>',
  };
  const decades = Math.max(1, Math.log10(Math.max(1, ...totals)));
  const ticks = Array.from({ length: Math.floor(decades / 2) + 1 }, (_, i) => 10 ** (2 * i));
  return new Figure([...stacked, sums], {
    ...headed('Latency by segment and part', `${whatPlan(plan)}; ${formatNumber(all)} cycles in all`, 1),
    barmode: 'stack',
    bargap: labels.length <= MOST_WITH_GAPS ? 0.15 : 0,
    hovermode: 'closest',
    xaxis: { ...countAxis('Segment', labels), domain: [0, 0.6] },
    yaxis: { title: { text: 'Latency (cycles)' }, tickformat: '~s' },
    xaxis2: {
      type: 'log',
      title: { text: 'Sum (cycles, logarithmic)' },
      domain: [0.76, 1],
      anchor: 'y2',
      range: [0, decades * 2.1],
      tickmode: 'array',
      tickvals: ticks,
      ticktext: ticks.map((tick) => formatSi(tick)),
      showgrid: true,
    },
    yaxis2: {
      anchor: 'x2',
      showgrid: false,
      ticks: '',
      ticklabelstandoff: 6,
      automargin: false,
      tickmode: 'array',
      tickvals: PARTS.map((_, i) => i),
      ticktext: PARTS.map((part) => part.name),
      range: [PARTS.length - 0.5, -0.5],
    },
  });
}
