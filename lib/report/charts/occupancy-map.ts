// Occupancy map: every array over the time, coloured by what it does; the shared resources above it.

import { formatCycles } from '../../base/text.ts';
import type { Occupancy } from '../../simulator/trace.ts';
import { Figure } from '../figure.ts';
import type { PlotTrace } from '../plotly.ts';
import { COLOURS } from '../theme.ts';
import { clockOf, timeAxis } from './clock.ts';
import { headed, whatRuns } from './parts.ts';

/** What an array does in a bin, and shades from not at all to all of the time. */
const STATES = [
  { name: 'Computes', pale: '#EEF1F5', full: COLOURS.compute },
  { name: 'In memory mode, read or written', pale: '#FBE7C0', full: '#B87700' },
  { name: 'Weights are written', pale: '#F3DCE9', full: COLOURS.write },
] as const;

/** Arrays (rows) by time; pale grey is idle, pale orange holds data. Above it the shares of the shared resources, in percent. */
export function occupancyMap(occupancy: Occupancy): Figure {
  const { bins, rows, resources, makespanCycles, clockHz } = occupancy;
  const clock = clockOf(clockHz, makespanCycles);
  const times = Array.from({ length: bins }, (_, bin) => Number(clock.timeOf(((bin + 0.5) * makespanCycles) / bins).toPrecision(5)));
  const map: PlotTrace = {
    type: 'heatmap',
    x: times,
    y: rows.map(({ first }) => first),
    z: rows.map((row) => times.map((_, bin) => rounded(stateOf(row, bin)))),
    zmin: 0,
    zmax: STATES.length,
    colorscale: STATES.flatMap(({ pale, full }, i) => [
      [i / STATES.length, pale],
      [(i + 1) / STATES.length, full],
    ]),
    showscale: false,
    hovertemplate: `array %{y} at %{x} ${clock.unit}<extra></extra>`,
  };
  const shared: PlotTrace = {
    type: 'heatmap',
    x: times,
    y: resources.map((_, i) => i),
    z: resources.map(({ busy }) => busy.map(rounded)),
    zmin: 0,
    zmax: 1,
    colorscale: [
      [0, '#EEF1F5'],
      [1, COLOURS.vector],
    ],
    showscale: false,
    xaxis: 'x',
    yaxis: 'y2',
    hovertemplate: `%{z:.0%} busy at %{x} ${clock.unit}<extra></extra>`,
  };
  const keys = [...STATES.map(({ name, full }) => ({ name, full })), { name: 'Shared resource busy', full: COLOURS.vector }].map(
    ({ name, full }): PlotTrace => ({
      type: 'scatter',
      mode: 'markers',
      name,
      x: [null],
      y: [null],
      marker: { symbol: 'square', size: 11, color: full, line: { width: 0 } },
      hoverinfo: 'skip',
      showlegend: true,
    }),
  );
  const share = Math.min(0.3, 0.055 * resources.length);
  return new Figure([map, shared, ...keys], {
    ...headed(
      'What every array does',
      `${whatRuns(occupancy)}; makespan ${formatCycles(makespanCycles, clockHz)}; dark is all of the time`,
      1,
    ),
    height: 560,
    legend: { itemclick: false, itemdoubleclick: false },
    xaxis: { ...timeAxis(clock, [0, makespanCycles]), anchor: 'y' },
    yaxis: {
      title: { text: rows.length === occupancy.hardware.arrays ? 'Array' : `Array (runs of ${rows[0]?.count})` },
      domain: [0, 0.97 - share],
      showgrid: false,
      range: [occupancy.hardware.arrays - 0.5, -0.5],
    },
    yaxis2: {
      domain: [1 - share, 1],
      showgrid: false,
      ticks: '',
      ticklabelstandoff: 6,
      anchor: 'x',
      tickmode: 'array',
      tickvals: resources.map((_, i) => i),
      ticktext: resources.map(({ id }) => SHARED_NAMES[id] ?? id),
      range: [resources.length - 0.5, -0.5],
    },
  });
}

const SHARED_NAMES: Readonly<Record<string, string>> = {
  'external channel': 'Channel',
  buffer: 'Buffer',
  'vector unit': 'Vector unit',
  'switch line': 'Switch line',
};

type Row = Occupancy['rows'][number];

/** Band of the state plus its share. */
function stateOf(row: Row, bin: number): number {
  const [computing, written, memory, accessed] = [row.computing[bin]!, row.written[bin]!, row.memoryMode[bin]!, row.accessed[bin]!];
  const within = (share: number): number => Math.min(0.99, share);
  if (memory > 0.5) return 1 + within(accessed);
  return written > computing ? 2 + within(written) : within(computing);
}

/** Nobody sees more; 20,000 cells are a lot of digits. */
function rounded(share: number): number {
  return Math.round(share * 100) / 100;
}
