// Generation bars: where the time of several generations goes: prefill and tokens, between segments (writing weights) and inside.

import { formatNumber, formatPercent, formatSi } from '../../base/text.ts';
import type { Generation, Spent } from '../../generation/generation.ts';
import { Figure } from '../figure.ts';
import type { PlotTrace } from '../plotly.ts';
import { COLOURS } from '../theme.ts';
import { headed, name } from './parts.ts';

export interface NamedGeneration {
  readonly name: string;
  readonly generation: Generation;
}

const PARTS = [
  { name: 'Prefill, between segments', colour: COLOURS.switch, of: ({ prefill }: Generation) => prefill.betweenCycles },
  { name: 'Prefill, inside', colour: COLOURS.compute, of: ({ prefill }: Generation) => inside(prefill) },
  { name: 'Tokens, between segments', colour: COLOURS.write, of: ({ decoding }: Generation) => decoding.betweenCycles },
  { name: 'Tokens, inside', colour: COLOURS.move, of: ({ decoding }: Generation) => inside(decoding) },
] as const;

function inside({ cycles, betweenCycles }: Spent): number {
  return cycles - betweenCycles;
}

/** A bar a generation, in seconds: prefill, then all generated tokens. */
export function generationBars(runs: readonly NamedGeneration[], title = 'Where the time of a generation goes'): Figure {
  const seconds = (cycles: number, { hardware }: Generation): number => cycles / hardware.clockHz;
  const labels = runs.map((run) => name(run.name, 32));
  const bars = PARTS.map(
    (part): PlotTrace => ({
      type: 'bar',
      orientation: 'h',
      name: part.name,
      x: runs.map(({ generation }) => seconds(part.of(generation), generation)),
      y: runs.map((_, i) => i),
      customdata: runs.map(({ generation }) => formatPercent(part.of(generation) / generation.total.cycles)),
      marker: { color: part.colour },
      hovertemplate: '%{x:.3s}s, %{customdata}',
    }),
  );
  const totals: PlotTrace = {
    type: 'scatter',
    mode: 'text',
    x: runs.map(({ generation }) => seconds(generation.total.cycles, generation)),
    y: runs.map((_, i) => i),
    text: runs.map(({ generation }) => ` ${formatSi(seconds(generation.total.cycles, generation), 's')}`),
    textposition: 'middle right',
    cliponaxis: false,
    hoverinfo: 'skip',
    showlegend: false,
  };
  const first = runs[0]?.generation;
  const subtitle =
    first === undefined
      ? 'nothing to show'
      : `${name(first.model.name, 28)} on ${name(first.hardware.name, 28)}, ${formatNumber(first.workload.prompt)} tokens in, ${formatNumber(first.workload.generate)} out`;
  return new Figure([...bars, totals], {
    ...headed(name(title, 70), subtitle, 1, { r: 90 }),
    barmode: 'stack',
    height: 210 + 44 * runs.length,
    hovermode: 'closest',
    xaxis: { title: { text: 'Time' }, tickformat: '~s', ticksuffix: 's', rangemode: 'tozero' },
    yaxis: {
      tickmode: 'array',
      tickvals: runs.map((_, i) => i),
      ticktext: labels,
      range: [runs.length - 0.4, -0.6],
      showgrid: false,
      ticks: '',
      automargin: true,
    },
  });
}
