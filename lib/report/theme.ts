// Theme: one look for every picture. Colours are Okabe and Ito's (Color Universal Design, 2008), told apart by every
// common kind of colour vision; one hue means one thing everywhere: blue is compute mode, orange is memory mode.

import type { JsonObject } from './plotly.ts';

/** Hue by meaning. */
export const COLOURS = {
  compute: '#0072B2',
  memory: '#E69F00',
  /** Translucent, so that it is faint on white and on black. */
  idle: 'rgba(127, 136, 150, 0.3)',
  switch: '#D55E00',
  /** Weights being written. */
  write: '#CC79A7',
  move: '#56B4E9',
  vector: '#009E73',
  /** What is neither: external memory, the time inside a segment. */
  neutral: '#6B7686',
  faint: '#A5AEBA',
} as const;

/** What an array does in a segment; shades of one hue belong to one mode. */
export const ROLE_COLOURS = {
  compute: COLOURS.compute,
  memoryIn: COLOURS.memory,
  memoryOut: '#F3C766',
  shared: '#AD7300',
  kept: '#FAE3B3',
  staged: COLOURS.write,
  idle: COLOURS.idle,
} as const;

/** Family asked for; the static renderer brings it along, a browser may fall back. */
export const FONT_FAMILY = 'Inter, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/** Pixels of a static picture, and of the HTML where the page leaves the choice. */
export const DEFAULT_WIDTH = 880;
export const DEFAULT_HEIGHT = 440;

export const THEMES = ['light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

interface Shades {
  readonly paper: string;
  readonly text: string;
  readonly quiet: string;
  readonly axis: string;
  readonly grid: string;
  readonly panel: string;
}

const SHADES: Readonly<Record<Theme, Shades>> = {
  light: { paper: '#FFFFFF', text: '#1F2937', quiet: '#5B6676', axis: '#9AA4B2', grid: '#E7EAEF', panel: '#F3F5F8' },
  dark: { paper: '#15181D', text: '#E5E9F0', quiet: '#A7B0BE', axis: '#5C6675', grid: '#2B313B', panel: '#232932' },
};

/** Plotly's template of a theme: everything about the look that is not the data's. */
export function template(theme: Theme): JsonObject {
  const shades = SHADES[theme];
  const axis: JsonObject = {
    gridcolor: shades.grid,
    zeroline: false,
    linecolor: shades.axis,
    tickcolor: shades.axis,
    ticks: 'outside',
    ticklen: 4,
    tickfont: { size: 12, color: shades.quiet },
    title: { font: { size: 13, color: shades.text }, standoff: 12 },
    automargin: true,
  };
  return {
    layout: {
      font: { family: FONT_FAMILY, size: 13, color: shades.text },
      title: {
        font: { size: 17, color: shades.text, weight: 600 },
        subtitle: { font: { size: 13, color: shades.quiet } },
        x: 0,
        xref: 'paper',
        xanchor: 'left',
        y: 1,
        yref: 'paper',
        yanchor: 'bottom',
        pad: { b: 62 },
      },
      paper_bgcolor: shades.paper,
      plot_bgcolor: shades.paper,
      colorway: [
        COLOURS.compute,
        COLOURS.memory,
        COLOURS.vector,
        COLOURS.write,
        COLOURS.move,
        COLOURS.switch,
        COLOURS.neutral,
        COLOURS.faint,
      ],
      margin: { l: 72, r: 28, t: 96, b: 64 },
      separators: '.,',
      hoverlabel: {
        align: 'left',
        bgcolor: shades.panel,
        bordercolor: shades.axis,
        font: { family: FONT_FAMILY, size: 13, color: shades.text },
      },
      legend: {
        orientation: 'h',
        traceorder: 'normal',
        x: 0,
        xanchor: 'left',
        y: 1.01,
        yanchor: 'bottom',
        font: { size: 12, color: shades.text },
      },
      xaxis: { ...axis, showgrid: false, showline: true },
      yaxis: { ...axis, showgrid: true, showline: false },
      annotationdefaults: { font: { size: 12, color: shades.quiet }, arrowcolor: shades.axis },
      shapedefaults: { line: { color: shades.axis } },
      sliderdefaults: {
        bgcolor: shades.panel,
        bordercolor: shades.axis,
        borderwidth: 1,
        activebgcolor: shades.axis,
        tickcolor: shades.axis,
        font: { size: 11, color: shades.quiet },
        ticklen: 4,
        minorticklen: 2,
        currentvalue: { font: { size: 13, color: shades.text }, xanchor: 'left' },
      },
      updatemenudefaults: { bgcolor: shades.panel, bordercolor: shades.axis, font: { size: 12, color: shades.text } },
    },
    data: {
      bar: [{ marker: { line: { width: 0 } } }],
      scatter: [{ marker: { line: { width: 1, color: shades.paper } } }],
    },
  };
}
