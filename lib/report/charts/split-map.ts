// Split map: how long an operator takes for every number of compute and memory arrays (Fig. 5 of Zhao et al. 2025).

import { formatNumber } from '../../base/text.ts';
import { Figure } from '../figure.ts';
import type { PlotTrace } from '../plotly.ts';
import { COLOURS } from '../theme.ts';
import { headed, name } from './parts.ts';

export interface SplitMapOptions {
  readonly title: string;
  /** Arrays of the chip; splits that need more stay empty. */
  readonly arrays: number;
  /** Cycles with so many compute and memory arrays; undefined where one copy of the weights does not fit. */
  readonly cycles: (compute: number, memory: number) => number | undefined;
  /** Arrays of one mode between two cells; 1 unless given. */
  readonly step?: number;
}

/** Compute arrays to the right, memory arrays upwards; dark is fast; the best split is marked. */
export function splitMap({ title, arrays, cycles, step = 1 }: SplitMapOptions): Figure {
  const counts = Array.from({ length: Math.floor(arrays / step) + 1 }, (_, i) => i * step);
  let best: { compute: number; memory: number; time: number } | undefined;
  const z = counts.map((memory) =>
    counts.map((compute) => {
      const time = compute === 0 || compute + memory > arrays ? undefined : cycles(compute, memory);
      if (time !== undefined && (best === undefined || time < best.time)) best = { compute, memory, time };
      return time ?? null;
    }),
  );
  const least = best as { compute: number; memory: number; time: number } | undefined;
  const relative = z.map((row) => row.map((time) => (time === null || least === undefined ? null : Math.log2(time / least.time))));
  const heat: PlotTrace = {
    type: 'heatmap',
    x: counts,
    y: counts,
    z: relative,
    customdata: z,
    zmin: 0,
    zmax: 4,
    colorscale: [
      [0, COLOURS.vector],
      [0.5, '#BFE5D9'],
      [1, '#FFFFFF'],
    ],
    colorbar: {
      title: { text: 'times the best', side: 'right' },
      tickvals: [0, 1, 2, 3, 4],
      ticktext: ['1', '2', '4', '8', '16 or more'],
      thickness: 12,
    },
    hovertemplate: '%{x} compute, %{y} memory: %{customdata:,.0f} cycles<extra></extra>',
  };
  const mark: PlotTrace = {
    type: 'scatter',
    mode: 'markers',
    name: 'Best split',
    x: least === undefined ? [] : [least.compute],
    y: least === undefined ? [] : [least.memory],
    marker: { symbol: 'circle-open', size: 14, color: COLOURS.switch, line: { width: 3, color: COLOURS.switch } },
    showlegend: least !== undefined,
  };
  const subtitle =
    least === undefined
      ? 'no split holds one copy of the weights'
      : `fastest: ${least.compute} compute and ${least.memory} memory arrays, ${formatNumber(Math.round(least.time))} cycles`;
  return new Figure([heat, mark], {
    ...headed(name(title, 60), subtitle, 1),
    height: 480,
    xaxis: { title: { text: 'Arrays in compute mode' }, range: [-step / 2, arrays + step / 2] },
    yaxis: { title: { text: 'Arrays in memory mode' }, range: [-step / 2, arrays + step / 2], showgrid: false },
  });
}
