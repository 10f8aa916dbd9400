// Latency comparison: optimizers and baselines side by side, as `compare` gives them.

import { formatNumber, formatPercent } from '../../base/text.ts';
import { Figure } from '../figure.ts';
import type { PlotTrace } from '../plotly.ts';
import { COLOURS } from '../theme.ts';
import { headed, modelName, name } from './parts.ts';

/** A row of `compare`, as far as the chart reads it. */
export interface ComparisonRow {
  readonly optimizer: string;
  readonly model?: { readonly name: string };
  readonly hardware?: { readonly name: string };
  readonly cycles: { readonly analytic: number; readonly simulated?: number; readonly lowerBound?: number };
  /** Memory-mode array-cycles over all, 0 .. 1. */
  readonly memoryModeShare?: number;
}

/**
 * Latency of each row in cycles: simulated (bars; analytic where nothing was simulated) and analytic (diamonds), with
 * the speedup over `baseline` (the row 'static:1', else the last) and the chip's lower bound.
 */
export function latencyComparison(rows: readonly ComparisonRow[], baseline?: string): Figure {
  const latency = rows.map((row) => row.cycles.simulated ?? row.cycles.analytic);
  const isSimulated = rows.some((row) => row.cycles.simulated !== undefined);
  const found = rows.findIndex((row) => row.optimizer === (baseline ?? 'static:1'));
  const base = found < 0 ? rows.length - 1 : found;
  const labels = rows.map((row) => name(row.optimizer));
  const results = rows.map((row, i) => {
    const speedup = `${(latency[base]! / latency[i]!).toFixed(2)}×`;
    return row.memoryModeShare === undefined ? speedup : `${speedup} · ${formatPercent(row.memoryModeShare)} memory mode`;
  });
  const positions = rows.map((_, i) => i);
  const most = Math.max(1, ...latency, ...rows.map((row) => row.cycles.analytic));
  const bars: PlotTrace = {
    type: 'bar',
    orientation: 'h',
    name: isSimulated ? 'Simulated' : 'Analytic',
    x: latency,
    y: positions,
    text: results,
    textposition: 'none',
    customdata: labels,
    marker: { color: rows.map((_, i) => (i === base ? COLOURS.faint : COLOURS.neutral)) },
    hovertemplate: '%{customdata}: %{x:,} cycles, %{text}<extra></extra>',
  };
  const analytic: PlotTrace = {
    type: 'scatter',
    mode: 'markers',
    name: 'Analytic',
    x: rows.map((row) => row.cycles.analytic),
    y: positions,
    marker: { symbol: 'diamond', size: 10, color: COLOURS.switch },
    customdata: labels,
    hovertemplate: '%{customdata}: %{x:,} cycles analytic<extra></extra>',
  };
  const bound: PlotTrace = {
    type: 'scatter',
    mode: 'lines',
    name: 'Lower bound of the machine',
    x: rows.flatMap((row) => [row.cycles.lowerBound ?? null, row.cycles.lowerBound ?? null, null]),
    y: positions.flatMap((i) => [i - 0.42, i + 0.42, null]),
    line: { color: COLOURS.vector, width: 3 },
    hovertemplate: 'lower bound: %{x:,} cycles<extra></extra>',
  };
  const hasBound = rows.some((row) => row.cycles.lowerBound !== undefined);
  const [first] = rows;
  const where = [first?.model, first?.hardware]
    .filter((thing) => thing !== undefined)
    .map(modelName)
    .join(' on ');
  const over = rows[base] === undefined ? 'nothing to compare' : `speedup over ${labels[base]} (${formatNumber(latency[base]!)} cycles)`;
  return new Figure([bars, ...(isSimulated ? [analytic] : []), ...(hasBound ? [bound] : [])], {
    ...headed('Latency by optimizer', where === '' ? over : `${where}; ${over}`, 1),
    height: 190 + Math.max(3, rows.length) * 46,
    bargap: 0.28,
    hovermode: 'closest',
    xaxis: { title: { text: 'Latency (cycles)' }, range: [0, most * 1.05], tickformat: '~s', showgrid: true },
    yaxis: {
      tickmode: 'array',
      tickvals: positions,
      ticktext: labels.map((label, i) => `<b>${label}</b><br>${results[i]}`),
      range: [rows.length - 0.5, -0.5],
      showgrid: false,
      ticks: '',
      ticklabelstandoff: 6,
    },
  });
}
