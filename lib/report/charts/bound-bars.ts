// Bound bars: the simulated time of every segment, by the resource that bounds it: the critical path, added up.

import { fail } from '../../base/problem.ts';
import { formatCycles, formatPercent } from '../../base/text.ts';
import type { Trace } from '../../simulator/trace.ts';
import { Figure } from '../figure.ts';
import type { PlotTrace } from '../plotly.ts';
import { RESOURCES } from '../resources.ts';
import { countAxis, headed, whatRuns } from './parts.ts';

const MOST_WITH_GAPS = 60;

/** Cycles of each segment, its boundary with it, stacked by what bounds them. Throws `usage` for a trace without a critical path. */
export function boundBars(trace: Trace): Figure {
  const path =
    trace.criticalPath ?? fail({ kind: 'usage', message: 'The trace has no critical path', next: 'Simulate with { criticalPath: true }.' });
  const ids = trace.segments.map(({ id }) => id);
  const cycles = new Map<string, Map<number, number>>();
  for (const { resource, segment, start, end } of path) {
    const own = cycles.get(resource) ?? new Map<number, number>();
    cycles.set(resource, own.set(segment, (own.get(segment) ?? 0) + end - start));
  }
  const bars = RESOURCES.flatMap(({ id, name, colour }): PlotTrace[] => {
    const own = cycles.get(id);
    if (own === undefined) return [];
    const total = [...own.values()].reduce((sum, value) => sum + value, 0);
    return [
      {
        type: 'bar',
        name: `${name} (${formatPercent(total / trace.makespanCycles)})`,
        x: ids.map((_, i) => i),
        y: ids.map((segment) => own.get(segment) ?? 0),
        customdata: ids,
        marker: { color: colour },
        hovertemplate: `segment %{customdata}: %{y:,} cycles bound by ${name.toLowerCase()}<extra></extra>`,
      },
    ];
  });
  return new Figure(bars, {
    ...headed(
      'What bounds the time',
      `${whatRuns(trace)}; makespan ${formatCycles(trace.makespanCycles, trace.clockHz)}`,
      Math.ceil(bars.length / 3),
    ),
    barmode: 'stack',
    bargap: ids.length <= MOST_WITH_GAPS ? 0.15 : 0,
    hovermode: 'closest',
    height: 460,
    xaxis: countAxis(
      'Segment',
      ids.map((id) => String(id)),
    ),
    yaxis: { title: { text: 'Simulated time (cycles)' }, tickformat: '~s' },
  });
}
