// Curves: one column of a table against another, a line for each value of a third. A value with a single point is a marker
// with its name beside it.

import { counted } from '../../base/text.ts';
import { Figure } from '../figure.ts';
import type { JsonObject, PlotTrace } from '../plotly.ts';
import type { Row } from '../table.ts';
import { COLOURS } from '../theme.ts';
import { headed, name } from './parts.ts';
import { checkColumns, valueAxis, valueText, withNumbers } from './sweep-columns.ts';

export interface CurvesOptions {
  readonly x: string;
  readonly y: string;
  /** Column with a line for each of its values. */
  readonly group?: string;
  readonly title?: string;
  readonly subtitle?: string;
  /** Axes that are logarithmic; neither unless given. The ticks of x are then the values themselves. */
  readonly log?: 'x' | 'y' | 'xy';
}

/** Pixels: a legend beside the title, an entry without its text, a letter. */
const LEGEND_WIDTH = 760;
const ENTRY_WIDTH = 50;
const LETTER_WIDTH = 6.5;

const LINES = [
  { colour: COLOURS.compute, symbol: 'circle' },
  { colour: COLOURS.memory, symbol: 'diamond' },
  { colour: COLOURS.vector, symbol: 'square' },
  { colour: COLOURS.write, symbol: 'triangle-up' },
  { colour: COLOURS.move, symbol: 'triangle-down' },
  { colour: COLOURS.neutral, symbol: 'cross' },
] as const;

/** Lines through the rows in the order of x; rows without numbers in both columns are left out. Throws `usage` for unknown columns. */
export function curves(rows: readonly Row[], { x, y, group, title, subtitle, log = 'x' }: CurvesOptions): Figure {
  checkColumns(rows, x, y, ...(group === undefined ? [] : [group]));
  const shown = withNumbers(rows, [x, y]).toSorted((a, b) => Number(a[x]) - Number(b[x]));
  const groups = group === undefined ? [undefined] : [...new Set(withNumbers(rows, [x, y]).map((row) => row[group]))];
  const each = (row: Row): string[] => [x, y].map((column) => `${name(column)} ${valueText(column, row[column])}`);
  const scale = log.includes('x') ? Math.log : Number;
  const ends = [shown[0], shown.at(-1)].map((row) => scale(Number(row?.[x])));
  /** A name beside a point must stay inside. */
  const isLeft = (at: number): boolean => scale(at) - (ends[0] ?? 0) < ((ends[1] ?? 0) - (ends[0] ?? 0)) / 3;
  const lines = groups.map((value, i): PlotTrace => {
    const members = group === undefined ? shown : shown.filter((row) => row[group] === value);
    const { colour, symbol } = LINES[i % LINES.length]!;
    const title = name(String(value ?? y));
    const isLine = members.length > 1 || groups.length === 1;
    return {
      type: 'scatter',
      mode: isLine ? 'lines+markers' : 'markers+text',
      name: title,
      showlegend: isLine && groups.length > 1,
      x: members.map((row) => Number(row[x])),
      y: members.map((row) => Number(row[y])),
      ...(isLine
        ? {}
        : {
            text: members.map(() => title),
            textposition: isLeft(Number(members[0]?.[x])) ? 'top right' : 'top left',
            textfont: { size: 12 },
          }),
      hovertext: members.map((row) => [...(value === undefined ? [] : [title]), ...each(row)].join('<br>')),
      line: { color: colour, width: 2.5 },
      marker: { color: colour, symbol, size: isLine ? 8 : 11 },
      hovertemplate: '%{hovertext}<extra></extra>',
    };
  });
  const isLog = (axis: 'x' | 'y'): boolean => log.includes(axis) && shown.every((row) => Number(row[axis === 'x' ? x : y]) > 0);
  const named = lines.filter(({ showlegend }) => showlegend === true).map((line) => String(line.name));
  return new Figure(lines, {
    ...headed(title ?? `${name(y)} against ${name(x)}`, subtitle ?? counted(shown.length, 'point'), legendRows(named)),
    height: 440,
    hovermode: 'closest',
    xaxis: isLog('x') ? logAxis(x, [...new Set(shown.map((row) => Number(row[x])))]) : valueAxis(x),
    yaxis: isLog('y') ? { ...valueAxis(y), type: 'log', dtick: 1 } : { ...plainAxis(y, shown), rangemode: 'tozero' },
  });
}

/** Numbers below a thousand are written out where the unit takes no prefix: 0.5 mJ, not 500m of them. */
function plainAxis(column: string, rows: readonly Row[]): JsonObject {
  const axis = valueAxis(column);
  const areSmall = rows.every((row) => Math.abs(Number(row[column])) < 1000);
  return areSmall && axis.ticksuffix === undefined ? { ...axis, tickformat: ',.6~g' } : axis;
}

/** Rows that plotly needs for a legend of these entries; all columns are as wide as the widest when it needs more than one. */
function legendRows(names: readonly string[]): number {
  const widths = names.map((text) => ENTRY_WIDTH + LETTER_WIDTH * text.length);
  const fits = widths.reduce((sum, width) => sum + width, 0) <= LEGEND_WIDTH;
  if (names.length === 0 || fits) return Math.min(1, names.length);
  return Math.ceil(names.length / Math.max(1, Math.floor(LEGEND_WIDTH / Math.max(...widths))));
}

/** Ticks at the values, as powers of two have none at powers of ten; at powers of ten if the values would crowd. */
function logAxis(column: string, values: readonly number[]): JsonObject {
  const apart = values.slice(1).map((value, i) => Math.log(value / (values[i] ?? value)));
  const room = Math.log((values.at(-1) ?? 1) / (values[0] ?? 1)) / 24;
  if (apart.some((distance) => distance < room)) return { ...valueAxis(column), type: 'log', dtick: 1 };
  return {
    ...valueAxis(column),
    type: 'log',
    tickmode: 'array',
    tickvals: values,
    ticktext: values.map((value) => valueText(column, value)),
  };
}
