// Tornado: how far a metric moves when one field at a time goes to the ends of its range, the widest first.

import { counted } from '../../base/text.ts';
import { Figure } from '../figure.ts';
import type { PlotTrace } from '../plotly.ts';
import type { Row } from '../table.ts';
import { COLOURS } from '../theme.ts';
import { headed, name } from './parts.ts';
import { checkColumns, columnWord, valueText, variedFields, withNumbers } from './sweep-columns.ts';

export interface TornadoOptions {
  /** latencySeconds unless given. */
  readonly metric?: string;
  readonly mostFields?: number;
}

interface Swing {
  readonly field: string;
  /** Change of the metric against the base, as a share, with the field's value; in order of the values. */
  readonly ends: readonly { readonly value: unknown; readonly change: number }[];
}

const MOST_FIELDS = 12;

/** Change of a metric in percent of the first row, which every other row differs from in one field: a one-at-a-time sweep. */
export function tornado(rows: readonly Row[], options: TornadoOptions = {}): Figure {
  const { metric = 'latencySeconds', mostFields = MOST_FIELDS } = options;
  checkColumns(rows, metric);
  const [base, ...others] = withNumbers(rows, [metric]);
  const swings = base === undefined ? [] : swingsOf(base, others, metric);
  const moving = swings.filter(({ ends }) => ends.some(({ change }) => Math.abs(change) > 5e-5));
  const shown = moving.sort((a, b) => spread(b) - spread(a)).slice(0, mostFields);
  const places = shown.map((_, i) => i);
  const bar = (title: string, colour: string, pick: (swing: Swing) => Swing['ends'][number] | undefined): PlotTrace => ({
    type: 'bar',
    orientation: 'h',
    name: title,
    x: shown.map((swing) => rounded((pick(swing)?.change ?? 0) * 100)),
    y: places,
    text: shown.map((swing) => {
      const end = pick(swing);
      return end === undefined ? '' : valueText(swing.field, end.value);
    }),
    textposition: 'outside',
    textfont: { size: 11 },
    cliponaxis: false,
    customdata: shown.map(({ field }) => name(field)),
    marker: { color: colour },
    hovertemplate: '%{customdata} = %{text}: %{x:+.2f} %<extra></extra>',
  });
  const baseText = base === undefined ? 'no point was computed' : `${columnWord(metric)} is ${valueText(metric, base[metric])} at the base`;
  const widest = Math.max(1, ...shown.flatMap(({ ends }) => ends.map(({ change }) => change * 100)));
  const lowest = Math.min(-1, ...shown.flatMap(({ ends }) => ends.map(({ change }) => change * 100)));
  const room = (widest - lowest) * 0.12;
  return new Figure(
    [
      bar('Field at its least', COLOURS.move, ({ ends }) => ends[0]),
      bar('Field at its greatest', COLOURS.write, ({ ends }) => (ends.length > 1 ? ends.at(-1) : undefined)),
    ],
    {
      ...headed(
        `What ${columnWord(metric).toLowerCase()} hangs on`,
        `${baseText}; ${counted(swings.length - moving.length, 'field')} of ${swings.length} without effect`,
        1,
      ),
      height: 190 + Math.max(3, shown.length) * 30,
      barmode: 'overlay',
      bargap: 0.3,
      hovermode: 'closest',
      xaxis: {
        title: { text: `Change of ${columnWord(metric).toLowerCase()} (%)` },
        showgrid: true,
        zeroline: true,
        zerolinewidth: 1.5,
        zerolinecolor: COLOURS.neutral,
        range: [lowest - room, widest + room],
      },
      yaxis: {
        tickmode: 'array',
        tickvals: places,
        ticktext: shown.map(({ field }) => `${name(field)} = ${valueText(field, base?.[field])}`),
        range: [Math.max(shown.length, 1) - 0.5, -0.5],
        showgrid: false,
        ticks: '',
        ticklabelstandoff: 6,
      },
    },
  );
}

function swingsOf(base: Row, others: readonly Row[], metric: string): Swing[] {
  const was = base[metric] as number;
  return variedFields([base, ...others]).map((field) => {
    const ends = others
      .filter((row) => row[field] !== base[field])
      .map((row) => ({ value: row[field], change: ((row[metric] as number) - was) / was }));
    return { field, ends: ends.sort((a, b) => (Number(a.value) < Number(b.value) ? -1 : 1)) };
  });
}

function spread({ ends }: Swing): number {
  const changes = [0, ...ends.map(({ change }) => change)];
  return Math.max(...changes) - Math.min(...changes);
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
