// Pareto: the points of a sweep in two metrics, with the front that no point beats in both.

import { paretoFront } from '../../base/pareto.ts';
import { counted, formatNumber } from '../../base/text.ts';
import { Figure } from '../figure.ts';
import type { PlotTrace } from '../plotly.ts';
import type { Row } from '../table.ts';
import { COLOURS } from '../theme.ts';
import { headed, name } from './parts.ts';
import { checkColumns, columnWord, hoverText, valueAxis, valueText, variedFields, withNumbers } from './sweep-columns.ts';

export interface ParetoOptions {
  /** Columns to be made small; latencySeconds and energyJoules unless given. */
  readonly x?: string;
  readonly y?: string;
  /** Column whose values get colours of their own, such as 'optimizer'. */
  readonly group?: string;
  /** Column written beside the points of the front. */
  readonly label?: string;
}

const GROUP_COLOURS = [COLOURS.compute, COLOURS.memory, COLOURS.vector, COLOURS.write, COLOURS.move, COLOURS.neutral] as const;
const MOST_LABELS = 12;

/** Two metrics of every point (those outside the constraints hollow) and the staircase of the Pareto front. */
export function pareto(rows: readonly Row[], options: ParetoOptions = {}): Figure {
  const { x = 'latencySeconds', y = 'energyJoules', group, label } = options;
  checkColumns(rows, x, y, ...(group === undefined ? [] : [group]), ...(label === undefined ? [] : [label]));
  const computed = withNumbers(rows, [x, y]);
  const inside = computed.filter((row) => row.feasible !== false);
  const outside = computed.filter((row) => row.feasible === false);
  const at = (row: Row): readonly [number, number] => [row[x] as number, row[y] as number];
  const front = paretoFront(inside.map(at))
    .map((i) => inside[i]!)
    .sort((a, b) => at(a)[0] - at(b)[0]);
  const fields = variedFields(computed);
  const hover = `%{text}<br>${name(columnWord(x))} %{x:.3~s}<br>${name(columnWord(y))} %{y:.3~s}<extra></extra>`;
  const cloud = (title: string, members: readonly Row[], colour: string, isHollow = false): PlotTrace => ({
    type: 'scatter',
    mode: 'markers',
    name: title,
    x: members.map((row) => at(row)[0]),
    y: members.map((row) => at(row)[1]),
    text: members.map((row) => hoverText(row, fields)),
    marker: { size: 7, color: colour, opacity: isHollow ? 0.7 : 0.55, symbol: isHollow ? 'circle-open' : 'circle' },
    hovertemplate: hover,
  });
  const groups = group === undefined ? [] : [...new Set(inside.map((row) => row[group]))];
  const clouds =
    group === undefined
      ? [cloud('Points', inside, COLOURS.faint)]
      : groups.map((value, i) =>
          cloud(
            // A number alone says nothing: 'weightBits 4'.
            name(typeof value === 'number' ? `${group} ${valueText(group, value)}` : String(value)),
            inside.filter((row) => row[group] === value),
            GROUP_COLOURS[i % GROUP_COLOURS.length]!,
          ),
        );
  const every = Math.ceil(front.length / MOST_LABELS);
  const labels = front.map((row, i) => (label === undefined || i % every !== 0 ? '' : valueText(label, row[label])));
  const staircase: PlotTrace = {
    type: 'scatter',
    mode: 'lines+markers+text',
    name: 'Pareto front',
    x: front.map((row) => at(row)[0]),
    y: front.map((row) => at(row)[1]),
    text: labels,
    textposition: 'top right',
    textfont: { size: 11 },
    customdata: front.map((row) => hoverText(row, fields)),
    line: { shape: 'hv', color: COLOURS.switch, width: 2 },
    marker: { size: 9, color: COLOURS.switch },
    hovertemplate: hover.replace('%{text}', '%{customdata}'),
  };
  const what = `${counted(inside.length, 'point')}, ${formatNumber(front.length)} of them on the front`;
  const left = outside.length === 0 ? '' : `; ${counted(outside.length, 'point')} outside the constraints`;
  const labelled = label === undefined ? '' : `; labels: ${name(label)}`;
  return new Figure([...clouds, ...(outside.length === 0 ? [] : [cloud('Outside constraints', outside, COLOURS.faint, true)]), staircase], {
    ...headed(`${columnWord(y)} against ${columnWord(x).toLowerCase()}`, `${what}${left}${labelled}`, 1),
    height: 480,
    hovermode: 'closest',
    xaxis: valueAxis(x),
    yaxis: valueAxis(y),
  });
}
