// Speedup grid: a ratio for every row and column, such as batch against length or one chip parameter against another. White is 1,
// orange a gain, blue a loss; frames mark cells that something else says are special, such as those near a published value.

import { formatNumber } from '../../base/text.ts';
import { Figure } from '../figure.ts';
import type { JsonObject, PlotTrace } from '../plotly.ts';
import { COLOURS } from '../theme.ts';
import { headed, name } from './parts.ts';

export interface SpeedupGridOptions {
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly rowTitle?: string;
  readonly columnTitle?: string;
  /** By row, then column; empty where there is none. */
  readonly values: readonly (readonly (number | undefined)[])[];
  /** Cells with a frame. */
  readonly marked?: readonly (readonly boolean[])[];
  /** What a frame means. */
  readonly mark?: string;
}

const ROW_HEIGHT = 26;
const LEAST_SPAN = 1.05;

/** A map of speedups, each written in its cell; colours are as strong at 1.5 as at 1 / 1.5. */
export function speedupGrid(options: SpeedupGridOptions): Figure {
  const { title, rows, columns, rowTitle = '', columnTitle = '', values, marked = [], mark = 'marked' } = options;
  const known = values.flat().filter((value) => value !== undefined && Number.isFinite(value)) as number[];
  const span = Math.max(LEAST_SPAN, ...known.map((value) => Math.max(value, 1 / value)));
  const cells = rows.map((_, r) => columns.map((_, c) => values[r]?.[c]));
  const heat: PlotTrace = {
    type: 'heatmap',
    z: cells.map((row) => row.map((value) => (value === undefined ? null : Math.log(value)))),
    text: cells.map((row) => row.map((value) => (value === undefined ? '' : `${value.toFixed(2)}×`))),
    texttemplate: '%{text}',
    textfont: { size: 11, color: '#1F2937' },
    zmin: -Math.log(span),
    zmax: Math.log(span),
    colorscale: [
      [0, COLOURS.move],
      [0.5, '#FFFFFF'],
      [1, COLOURS.memory],
    ],
    xgap: 2,
    ygap: 2,
    showscale: false,
    hovertemplate: '%{y}, %{x}: %{text}<extra></extra>',
  };
  const frames = cells.flatMap((row, r) =>
    row.flatMap((_, c): JsonObject[] => {
      if (marked[r]?.[c] !== true) return [];
      return [{ type: 'rect', x0: c - 0.48, x1: c + 0.48, y0: r - 0.44, y1: r + 0.44, line: { color: COLOURS.switch, width: 2.5 } }];
    }),
  );
  const range =
    known.length === 0 ? 'nothing to show' : `${formatNumber(Math.min(...known), 3)}× to ${formatNumber(Math.max(...known), 3)}×`;
  const framed = marked.length === 0 ? '' : `; framed (${frames.length}): ${name(mark, 60)}`;
  return new Figure([heat], {
    ...headed(name(title, 70), `${range}${framed}`, 0),
    height: 150 + rows.length * ROW_HEIGHT,
    shapes: frames,
    xaxis: axisOf(columns, columnTitle),
    yaxis: { ...axisOf(rows, rowTitle), range: [rows.length - 0.5, -0.5], showgrid: false },
  });
}

function axisOf(labels: readonly string[], title: string): JsonObject {
  return {
    title: { text: name(title, 60) },
    tickmode: 'array',
    tickvals: labels.map((_, i) => i),
    ticktext: labels.map((label) => name(label)),
    range: [-0.5, labels.length - 0.5],
    showline: false,
    ticks: '',
  };
}
