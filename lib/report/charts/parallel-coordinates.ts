// Parallel coordinates: every point of a sweep as a line across its fields and metrics, the front in colour.
// Drawn with plain lines, as plotly's own needs WebGL and so has no picture on paper.

import { paretoFront } from '../../base/pareto.ts';
import { type Cell, counted } from '../../base/text.ts';
import { Figure } from '../figure.ts';
import type { JsonObject, PlotTrace } from '../plotly.ts';
import type { Row } from '../table.ts';
import { COLOURS } from '../theme.ts';
import { headed } from './parts.ts';
import { checkColumns, columnWord, hoverText, valueText, variedFields, withNumbers } from './sweep-columns.ts';

export interface ParallelOptions {
  /** Columns from left to right; the varied fields and then the objectives unless given. */
  readonly columns?: readonly string[];
  /** What the front is of; latencySeconds and energyJoules unless given. */
  readonly objectives?: readonly string[];
}

/** More lines than this are one grey. */
const MOST_LINES = 2_000;

/** One line a point over equally spaced axes, each scaled to its own values; equal factors apart where a range spans a hundredfold. */
export function parallelCoordinates(rows: readonly Row[], options: ParallelOptions = {}): Figure {
  const objectives = options.objectives ?? ['latencySeconds', 'energyJoules'];
  const computed = withNumbers(rows, objectives).filter((row) => row.feasible !== false);
  const columns = options.columns ?? [...variedFields(computed), ...objectives];
  checkColumns(rows, ...columns, ...objectives);
  const onFront = new Set(paretoFront(computed.map((row) => objectives.map((objective) => row[objective] as number))));
  const every = Math.ceil(computed.length / MOST_LINES);
  const others = computed.filter((_, i) => !onFront.has(i) && i % every === 0);
  const front = computed.filter((_, i) => onFront.has(i));
  const scales = columns.map((column) => scaleOf(computed.map((row) => row[column])));
  const fields = variedFields(computed);

  const lines = (title: string, members: readonly Row[], look: JsonObject): PlotTrace => ({
    type: 'scatter',
    mode: 'lines',
    name: title,
    x: members.flatMap(() => [...columns.map((_, k) => k), null]),
    y: members.flatMap((row) => [...columns.map((column, k) => rounded(scales[k]!.place(row[column]))), null]),
    text: members.flatMap((row) => [...columns.map(() => hoverText(row, fields)), '']),
    line: look,
    connectgaps: false,
    hovertemplate: '%{text}<extra></extra>',
  });
  const ticks = columns.flatMap((column, k) =>
    scales[k]!.marks.map(({ at, value }) => ({
      x: k,
      y: at,
      text: valueText(column, value),
      showarrow: false,
      xanchor: 'left',
      xshift: 6,
      yshift: at < 0.03 ? -9 : k === columns.length - 1 && at < 0.97 ? 0 : 9,
      font: { size: 11 },
    })),
  );
  return new Figure(
    [lines('Other points', others, { color: COLOURS.idle, width: 1 }), lines('Pareto front', front, { color: COLOURS.switch, width: 2 })],
    {
      ...headed(
        'Where the good points lie',
        `${counted(computed.length, 'point')}, ${front.length} on the Pareto front of ${objectives.map((each) => columnWord(each).toLowerCase()).join(', ')}`,
        1,
        { l: 48, r: 84 },
      ),
      height: 460,
      hovermode: 'closest',
      xaxis: {
        tickmode: 'array',
        tickvals: columns.map((_, k) => k),
        ticktext: columns.map((column) => columnWord(column)),
        range: [-0.15, columns.length - 0.85],
        showline: false,
        ticks: '',
      },
      yaxis: { visible: false, range: [-0.08, 1.08], title: { text: 'share of each range' } },
      shapes: columns.map((_, k) => ({ type: 'line', x0: k, x1: k, y0: 0, y1: 1, line: { width: 1.5 } })),
      annotations: ticks,
    },
  );
}

interface Scale {
  /** 0 at the bottom, 1 at the top. */
  readonly place: (value: Cell) => number;
  readonly marks: readonly { readonly at: number; readonly value: Cell }[];
}

const MOST_MARKS = 6;

function scaleOf(values: readonly Cell[]): Scale {
  const different = [...new Set(values)];
  const numbers = different.filter((value) => typeof value === 'number').sort((a, b) => a - b);
  if (numbers.length < different.length || different.length === 1) {
    const place = (value: Cell): number => (different.length === 1 ? 0.5 : different.indexOf(value) / (different.length - 1));
    return { place, marks: different.map((value) => ({ at: place(value), value })) };
  }
  const [least, greatest] = [numbers[0]!, numbers.at(-1)!];
  const isLog = least > 0 && greatest / least >= 100;
  const place = (value: Cell): number =>
    isLog ? Math.log((value as number) / least) / Math.log(greatest / least) : ((value as number) - least) / (greatest - least);
  const shown = numbers.length <= MOST_MARKS && spacedOut(numbers.map(place)) ? numbers : [least, greatest];
  return { place, marks: shown.map((value) => ({ at: place(value), value })) };
}

function spacedOut(places: readonly number[]): boolean {
  return places.every((place, i) => i === 0 || place - places[i - 1]! > 0.06);
}

function rounded(value: number): number {
  return Number(value.toFixed(4));
}
