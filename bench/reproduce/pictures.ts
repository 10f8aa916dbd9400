// Pictures of the ledger: published values in grey, the paper's cost model in one colour, the machine in another.

import { headed } from '../../lib/report/charts/parts.ts';
import { Figure } from '../../lib/report/figure.ts';
import type { JsonObject, PlotTrace } from '../../lib/report/plotly.ts';
import { COLOURS } from '../../lib/report/theme.ts';
import type { Published } from './verdict.ts';

export const PAPER = COLOURS.write;
export const MACHINE = COLOURS.vector;
export const PUBLISHED = COLOURS.neutral;
const BAND = 'rgba(127, 136, 150, 0.28)';

interface Group {
  readonly name: string;
  readonly published: Published;
  readonly paper: readonly number[];
  readonly machine: readonly number[];
}

export interface GroupedOptions {
  readonly title: string;
  readonly subtitle: string;
  readonly groups: readonly Group[];
  /** Of the numbers of a group. */
  readonly labels: readonly string[];
  readonly axis: string;
}

/** Groups side by side: the published range as a box, ours as dots from left to right. */
export function grouped({ title, subtitle, groups, labels, axis }: GroupedOptions): Figure {
  const places = labels.map((_, i) => (labels.length === 1 ? 0 : -0.3 + (0.6 * i) / (labels.length - 1)));
  const dots = (name: string, colour: string, symbol: string, of: (group: Group) => readonly number[]): PlotTrace => ({
    type: 'scatter',
    mode: 'lines+markers',
    name,
    x: groups.flatMap((group, g) => [...of(group).map((_, i) => g + (places[i] ?? 0)), null]),
    y: groups.flatMap((group) => [...of(group), null]),
    customdata: groups.flatMap((group) => [...of(group).map((_, i) => `${group.name}, ${labels[i] ?? ''}`), '']),
    line: { color: colour, width: 1.5 },
    marker: { color: colour, size: 8, symbol },
    hovertemplate: `%{customdata}: %{y:.2f}, ${name}<extra></extra>`,
  });
  const boxes = groups.flatMap(({ published }, g): JsonObject[] => {
    if (published.kind !== 'range') return [];
    const { least, greatest, mean } = published;
    const box = {
      type: 'rect',
      layer: 'below',
      x0: g - 0.4,
      x1: g + 0.4,
      y0: least,
      y1: greatest,
      fillcolor: BAND,
      line: { width: 0 },
    };
    if (mean === undefined) return [box];
    return [
      box,
      { type: 'line', layer: 'below', x0: g - 0.4, x1: g + 0.4, y0: mean, y1: mean, line: { color: PUBLISHED, width: 2, dash: 'dot' } },
    ];
  });
  const key: PlotTrace = {
    type: 'scatter',
    mode: 'markers',
    name: 'Published',
    x: [null],
    y: [null],
    marker: { symbol: 'square', size: 12, color: BAND, line: { width: 0 } },
    hoverinfo: 'skip',
    showlegend: true,
  };
  return new Figure(
    [
      key,
      dots("Ours, the paper's cost", PAPER, 'circle', ({ paper }) => paper),
      dots('Ours, on the machine', MACHINE, 'diamond', ({ machine }) => machine),
    ],
    {
      ...headed(title, subtitle, 1),
      height: 430,
      shapes: [
        ...boxes,
        {
          type: 'line',
          layer: 'below',
          x0: -0.5,
          x1: groups.length - 0.5,
          y0: 1,
          y1: 1,
          line: { color: COLOURS.faint, width: 1, dash: 'dash' },
        },
      ],
      xaxis: {
        tickmode: 'array',
        tickvals: groups.map((_, i) => i),
        ticktext: groups.map(({ name }) => name),
        range: [-0.5, groups.length - 0.5],
        ticks: '',
      },
      yaxis: { title: { text: axis }, range: rangeOf(groups) },
    },
  );
}

/** From a little below the least number to a little above the greatest, 1 and what is published among them. */
function rangeOf(groups: readonly Group[]): readonly [number, number] {
  const numbers = groups.flatMap(({ published, paper, machine }) => [
    ...paper,
    ...machine,
    ...(published.kind === 'range' ? [published.least, published.greatest] : []),
  ]);
  const [least, greatest] = [Math.min(1, ...numbers), Math.max(1, ...numbers)];
  return [least - 0.05 * (greatest - least), greatest + 0.05 * (greatest - least)];
}

export interface Line {
  readonly name: string;
  readonly colour: string;
  readonly values: readonly (number | undefined)[];
  readonly dash?: 'dot' | 'dash' | 'solid';
  readonly symbol?: string;
}

export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
  /** A published range behind the lines. */
  readonly band?: readonly [least: number, greatest: number];
  /** Of this panel, where the panels differ. */
  readonly labels?: readonly string[];
}

export interface PanelsOptions {
  readonly title: string;
  readonly subtitle: string;
  /** Along every x axis. */
  readonly labels: readonly string[];
  readonly xTitle: string;
  readonly yTitle: string;
  readonly panels: readonly Panel[];
  readonly columns?: number;
  /** A number format of plotly's for hovering; '.2f' unless given. */
  readonly format?: string;
  readonly log?: boolean;
}

const GAP = 0.07;
/** Pixels of a panel, of what is between two rows of them, of a heading, and below the last row. */
const PANEL = 175;
const BETWEEN = 78;
const HEADING = 26;
const BELOW = 64;

/** Small line charts side by side; lines of one name have one entry in the legend. */
export function panels(options: PanelsOptions): Figure {
  const { title, subtitle, xTitle, yTitle, columns = Math.min(3, options.panels.length), format = '.2f', log = false } = options;
  const rows = Math.ceil(options.panels.length / columns);
  const width = (1 - GAP * (columns - 1)) / columns;
  const pixels = rows * PANEL + (rows - 1) * BETWEEN;
  const [height, gapY] = [PANEL / pixels, BETWEEN / pixels];
  const head = headed(title, subtitle, 2);
  const traces: PlotTrace[] = [];
  const layout: Record<string, JsonObject> = {};
  const shapes: JsonObject[] = [];
  const annotations: JsonObject[] = [];
  const named = new Set<string>();
  for (const [p, { title: heading, lines, band, labels = options.labels }] of options.panels.entries()) {
    const [column, row] = [p % columns, Math.floor(p / columns)];
    const suffix = p === 0 ? '' : String(p + 1);
    const left = column * (width + GAP);
    const bottom = 1 - height - row * (height + gapY);
    const places = labels.map((_, i) => i);
    layout[`xaxis${suffix}`] = {
      domain: [left, left + width],
      anchor: `y${suffix}`,
      tickmode: 'array',
      tickvals: places.filter((i) => labels[i] !== ''),
      ticktext: labels.filter((label) => label !== ''),
      range: [-0.4, labels.length - 0.6],
      ...(row === rows - 1 || p + columns >= options.panels.length ? { title: { text: xTitle } } : {}),
    };
    layout[`yaxis${suffix}`] = {
      domain: [bottom, bottom + height],
      anchor: `x${suffix}`,
      ...(log && { type: 'log', dtick: 'D2' }),
      ...(column === 0 && { title: { text: yTitle } }),
    };
    annotations.push({
      text: `<b>${heading}</b>`,
      xref: 'paper',
      yref: 'paper',
      x: left,
      y: bottom + height,
      xanchor: 'left',
      yanchor: 'bottom',
      showarrow: false,
    });
    if (band !== undefined) {
      shapes.push({
        type: 'rect',
        layer: 'below',
        xref: `x${suffix}`,
        yref: `y${suffix}`,
        x0: -0.4,
        x1: labels.length - 0.6,
        y0: band[0],
        y1: band[1],
        fillcolor: BAND,
        line: { width: 0 },
      });
    }
    for (const { name, colour, values, dash = 'solid', symbol = 'circle' } of lines) {
      traces.push({
        type: 'scatter',
        mode: dash === 'solid' ? 'lines+markers' : 'lines',
        name,
        legendgroup: name,
        showlegend: !named.has(name),
        x: places,
        y: values.map((value) => value ?? null),
        connectgaps: true,
        xaxis: `x${suffix}`,
        yaxis: `y${suffix}`,
        line: { color: colour, width: 2, dash },
        marker: { color: colour, size: 7, symbol },
        hovertemplate: `%{y:${format}}, ${name}<extra></extra>`,
      });
      named.add(name);
    }
  }
  return new Figure(traces, {
    ...head,
    height: pixels + Number((head.margin as { t: number }).t) + BELOW,
    legend: { y: 1 + HEADING / pixels },
    ...layout,
    shapes,
    annotations,
  });
}
