// The dynamic program's table: one cell for each last segment i..j, a slider that fills it column by column.

import { formatNumber } from '../../base/text.ts';
import { Figure } from '../figure.ts';
import type { JsonObject, PlotTrace } from '../plotly.ts';
import { COLOURS } from '../theme.ts';
import { headed, modelName, name } from './parts.ts';

/** What is drawn of a `segmentTable`. */
export interface DrawnTable {
  readonly model: { readonly name: string };
  readonly hardware: { readonly name: string };
  readonly operators: readonly string[];
  readonly candidates: readonly { readonly first: number; readonly last: number; readonly total: number; readonly intra: number }[];
  readonly chosen: readonly { readonly first: number; readonly last: number }[];
}

export interface DpTableOptions {
  /** Operators shown, from the first on; 20 unless given. */
  readonly most?: number;
}

const MOST = 20;
const MOST_TEXTS = 16;

/** Columns: the operator j a plan ends with. Rows: the operator i its last segment begins with. Colour: how much longer than the best of the column. */
export function dpTable(table: DrawnTable, { most = MOST }: DpTableOptions = {}): Figure {
  const count = Math.min(most, table.operators.length);
  const cells = table.candidates.filter(({ last }) => last < count);
  const best = Array.from({ length: count }, (_, last) =>
    Math.min(...cells.filter((cell) => cell.last === last).map(({ total }) => total)),
  );
  const names = table.operators.slice(0, count).map((id, i) => `${i + 1} ${name(id, 20)}`);
  const over = (until: number): (number | null)[][] =>
    gridOf(count, (first, last) => {
      const cell = last > until ? undefined : cells.find((each) => each.first === first && each.last === last);
      return cell === undefined ? null : cell.total / (best[last] ?? cell.total) - 1;
    });
  const text = gridOf(count, (first, last) => {
    const cell = cells.find((each) => each.first === first && each.last === last);
    return cell === undefined ? '' : `${formatNumber(Math.round(cell.total / 1000))}k`;
  });
  const winners = (until: number) => cells.filter(({ last, total }) => last <= until && total === best[last]);
  const heat: PlotTrace = {
    type: 'heatmap',
    z: over(count - 1),
    text,
    texttemplate: count <= MOST_TEXTS ? '%{text}' : '',
    textfont: { size: 10, color: '#1F2937' },
    zmin: 0,
    zmax: 1,
    colorscale: [
      [0, '#FFFFFF'],
      [1, COLOURS.move],
    ],
    colorbar: {
      title: { text: 'longer than the best', side: 'right', font: { size: 12 } },
      tickfont: { size: 11 },
      tickformat: '.0%',
      thickness: 12,
    },
    xgap: 1,
    ygap: 1,
    hovertemplate: 'segment %{y} .. %{x}: %{text} cycles in all<extra></extra>',
  };
  const chosen = table.chosen.filter(({ last }) => last < count);
  const frames = (until: number): JsonObject[] => [
    ...winners(until).map((cell) => frame(cell, COLOURS.neutral, 1.5)),
    ...chosen.filter(({ last }) => last <= until).map((cell) => frame(cell, COLOURS.switch, 3)),
  ];
  const keys: PlotTrace[] = [
    key('Best last segment of each prefix', COLOURS.neutral, 2),
    key('Segments of the whole network’s best plan', COLOURS.switch, 3),
  ];
  const shown = count < table.operators.length ? `the first ${count} of ${table.operators.length} sub-operators` : `${count} sub-operators`;
  return new Figure([heat, ...keys], {
    ...headed(
      'Every last segment the search weighs',
      `${modelName(table.model)} on ${modelName(table.hardware)}, ${shown}; numbers are cycles up to operator j`,
      1,
    ),
    height: 270 + count * 24,
    xaxis: {
      ...axisOf(
        'j: number of the operator that the plan ends with',
        names.map((_, i) => String(i + 1)),
      ),
      range: [-0.6, count - 0.4],
    },
    yaxis: { ...axisOf('i: the operator that its last segment begins with', names), range: [count - 0.4, -0.6] },
    shapes: frames(count - 1),
    sliders: [stepper(count, over, frames)],
  });
}

function axisOf(title: string, names: readonly string[]): JsonObject {
  return { title: { text: title }, tickmode: 'array', tickvals: names.map((_, i) => i), ticktext: names, showgrid: false };
}

/** The border of a cell. */
function frame({ first, last }: { readonly first: number; readonly last: number }, color: string, width: number): JsonObject {
  return { type: 'rect', x0: last - 0.46, x1: last + 0.46, y0: first - 0.44, y1: first + 0.44, line: { color, width } };
}

function key(label: string, color: string, width: number): PlotTrace {
  const marker = { symbol: 'square-open', size: 11, color, line: { width, color } };
  return { type: 'scatter', mode: 'markers', name: label, x: [null], y: [null], marker, hoverinfo: 'skip', showlegend: true };
}

function stepper(
  count: number,
  over: (until: number) => (number | null)[][],
  frames: (until: number) => readonly JsonObject[],
): JsonObject {
  return {
    active: count - 1,
    x: 0,
    len: 1,
    y: 0,
    yanchor: 'top',
    pad: { t: 64, b: 4, l: 0, r: 0 },
    currentvalue: { prefix: 'Filled up to operator ', offset: 8 },
    steps: Array.from({ length: count }, (_, until) => ({
      label: String(until + 1),
      method: 'update',
      args: [{ z: [over(until)] }, { shapes: frames(until) }, [0]],
    })),
  };
}

function gridOf<T>(count: number, value: (first: number, last: number) => T): T[][] {
  return Array.from({ length: count }, (_, first) => Array.from({ length: count }, (__, last) => value(first, last)));
}
