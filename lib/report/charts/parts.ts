// Parts that several charts share: headings, names, keys of the legend, an axis of segments.

import { fail } from '../../base/problem.ts';
import { formatNumber, shortened } from '../../base/text.ts';
import type { Plan } from '../../optimizer/plan.ts';
import { plotText } from '../html.ts';
import type { JsonObject, PlotTrace } from '../plotly.ts';
import { ROLE_NAMES, ROLES, type Role } from '../roles.ts';
import { ROLE_COLOURS } from '../theme.ts';

/** Characters of a line under the title of a picture 880 pixels wide. */
const MOST_SUBTITLE = 115;
const MOST_MODEL = 28;

const TITLE_HEIGHT = 36;
const SUBTITLE_LINE = 18;
const LEGEND_ROW = 25;

/**
 * Title, subtitle (lines apart by <br>) and the room they and `legendRows` rows of legend take above the plot, in
 * pixels. Names within come through `name`. `margin`: the other sides, where the theme's don't fit.
 */
export function headed(title: string, subtitle: string, legendRows: number, margin: JsonObject = {}): JsonObject {
  const lines = subtitle.split('<br>').length;
  const above = 12 + SUBTITLE_LINE * lines + (legendRows === 0 ? 12 : 6 + LEGEND_ROW * legendRows);
  return {
    title: { text: title, subtitle: { text: subtitle }, pad: { b: above } },
    margin: { ...margin, t: above + TITLE_HEIGHT },
  };
}

/** A name of the model's as a label; of a long one its end, which tells operators apart. */
export function name(text: string, most = 40): string {
  const characters = [...text];
  return plotText(characters.length <= most ? text : `…${characters.slice(characters.length - most + 1).join('')}`);
}

/** The name of a model or chip, short enough for a title. */
export function modelName(model: { readonly name: string }): string {
  return name(model.name, MOST_MODEL);
}

/** Position of the segment with this id. Throws `usage` where there is none. */
export function segmentAt(segments: readonly { readonly id: number }[], id: number): number {
  const position = segments.findIndex((segment) => segment.id === id);
  if (position >= 0) return position;
  const known = segments.length === 0 ? 'There are none.' : `There are segments ${segments[0]!.id} to ${segments.at(-1)!.id}.`;
  return fail({ kind: 'usage', message: `There is no segment ${id}`, next: known });
}

/** 'VGG-16 on dynaplasia'. */
export function whatRuns(noun: { readonly model: { readonly name: string }; readonly hardware: { readonly name: string } }): string {
  return `${modelName(noun.model)} on ${modelName(noun.hardware)}`;
}

/** 'VGG-16 on dynaplasia, optimizer cmswitch'. */
export function whatPlan(plan: Plan): string {
  return `${whatRuns(plan)}, optimizer ${name(plan.optimizer, MOST_MODEL)}`;
}

/** The operators of a segment by number, as far as a line has room: '1 = conv1 · 2 = conv2'. */
export function numbered(ids: readonly string[]): string {
  const mostOfOne = Math.max(16, Math.floor(MOST_SUBTITLE / Math.max(1, ids.length)) - 8);
  const fitting = Math.max(1, Math.floor(MOST_SUBTITLE / (mostOfOne + 7)));
  const shown = ids.slice(0, fitting).map((id, i) => `${i + 1} = ${name(id, mostOfOne)}`);
  const left = ids.length - shown.length;
  return shown.join(' · ') + (left > 0 ? ` · and ${formatNumber(left)} more` : '');
}

/** Entries of the legend that carry no data: squares of the colours a heatmap or a coloured bar chart uses. */
export function keys(roles: readonly Role[]): readonly PlotTrace[] {
  return roles.map((role) => ({
    type: 'scatter',
    mode: 'markers',
    name: ROLE_NAMES[role],
    x: [null],
    y: [null],
    marker: { symbol: 'square', size: 11, color: ROLE_COLOURS[role], line: { width: 0 } },
    hoverinfo: 'skip',
    showlegend: true,
  }));
}

/** A plotly colour scale of one flat colour a role: value i of 0 .. ROLES.length - 1 is the colour of role i. */
export const ROLE_SCALE: JsonObject = {
  zmin: -0.5,
  zmax: ROLES.length - 0.5,
  colorscale: ROLES.flatMap((role, i) => [
    [i / ROLES.length, ROLE_COLOURS[role]],
    [(i + 1) / ROLES.length, ROLE_COLOURS[role]],
  ]),
  showscale: false,
};

/** Labels of the segments, with the number of runs where one stands for several: '7 ×32'. */
export function segmentLabels(plan: Plan, times: readonly number[]): readonly string[] {
  return plan.segments.map((segment, i) => (times[i] === 1 ? String(segment.id) : `${segment.id} ×${times[i]}`));
}

/** An axis of whole things: no fractions between few of them, no crowd of labels among many. */
export function countAxis(title: string, labels: readonly string[]): JsonObject {
  const every = niceStep(labels.length / 16);
  const shown = labels.map((_, i) => i).filter((i) => i % every === 0);
  return {
    title: { text: title },
    tickmode: 'array',
    tickvals: shown,
    ticktext: shown.map((i) => plotText(shortened(labels[i]!, 12))),
    range: [-0.6, labels.length - 0.4],
  };
}

/** The least of 1, 2, 5, 10, 20, ... that is not below `least`. */
function niceStep(least: number): number {
  for (let decade = 1; ; decade *= 10) {
    for (const digit of [1, 2, 5]) if (digit * decade >= least) return digit * decade;
  }
}
