// Chip map: the arrays where they lie on the chip, coloured by what they do, a slider over the segments.

import type { Hardware } from '../../hardware/hardware.ts';
import type { Plan } from '../../optimizer/plan.ts';
import { Figure } from '../figure.ts';
import type { JsonObject } from '../plotly.ts';
import { type ArrayUse, arrayUses, ROLES, roleCounts } from '../roles.ts';
import { COLOURS } from '../theme.ts';
import { headed, keys, name, numbered, ROLE_SCALE } from './parts.ts';

/** Of a column and of a row; the rest is the gap to the next. */
const CELL_WIDTH = 0.97;
const CELL_HEIGHT = 0.9;
const MOST_HOVER_OPERATORS = 8;

/**
 * The grid of arrays (grid.x columns, grid.y rows), each coloured by its role in the segment the slider
 * stands at and labelled with the operator's number within the segment. `segment`: position to start at.
 */
export function chipMap(plan: Plan, hardware: Hardware, segment = 0): Figure {
  const uses = plan.segments.map((each, i) => arrayUses(plan, each, plan.segments[i - 1]));
  const ids = Array.from({ length: plan.hardware.arrays }, (_, id) => id);
  const { x: columns } = hardware.grid;
  const rows = Math.max(1, Math.ceil(ids.length / columns));
  const start = Math.min(Math.max(0, segment), Math.max(0, plan.segments.length - 1));
  const { zmin, zmax, colorscale } = ROLE_SCALE;
  const first = uses[start];
  const bars = {
    type: 'bar',
    x: ids.map((id) => id % columns),
    y: ids.map(() => CELL_HEIGHT),
    base: ids.map((id) => Math.floor(id / columns) - CELL_HEIGHT / 2),
    width: CELL_WIDTH,
    customdata: ids,
    ...(first === undefined ? {} : traceOf(plan, start, first)),
    marker: { color: first === undefined ? [] : coloursOf(first), cmin: zmin, cmax: zmax, colorscale, showscale: false },
    textposition: 'inside', insidetextanchor: 'middle', textangle: 0, textfont: { size: 11 }, constraintext: 'both',
    showlegend: false,
  } as const;
  const shown = ROLES.filter((role) => role === 'idle' || uses.some((each) => each.some((use) => use.role === role)));
  const subtitle = first === undefined ? 'The plan has no segments' : subtitleOf(plan, start, first);
  return new Figure([bars, ...keys(shown)], {
    ...headed(`Arrays of ${name(hardware.name)} running ${name(plan.model.name)}`, subtitle, 1, { b: 118, l: 64 }),
    height: 240 + Math.min(480, Math.max(160, rows * 31)),
    bargap: 0,
    legend: { itemclick: false, itemdoubleclick: false },
    xaxis: { title: { text: 'Column of the grid' }, range: [-0.5, columns - 0.5], dtick: 1, showline: false, ticks: '', fixedrange: true },
    yaxis: { title: { text: 'Row of the grid' }, range: [rows - 0.5, -0.5], dtick: Math.ceil(rows / 16), showgrid: false, ticks: '', fixedrange: true },
    ...(plan.segments.length > 1 && { sliders: [sliderOf(plan, uses, start)] }),
  });
}

function sliderOf(plan: Plan, uses: readonly (readonly ArrayUse[])[], active: number): JsonObject {
  return {
    active,
    x: 0, len: 1, y: 0, yanchor: 'top', pad: { t: 52, b: 4, l: 0, r: 0 },
    currentvalue: { prefix: 'Segment ', offset: 8 },
    steps: uses.map((use, i) => {
      const { text, hovertemplate } = traceOf(plan, i, use);
      return {
        label: String(plan.segments[i]!.id),
        method: 'update',
        args: [{ text: [text], hovertemplate: [hovertemplate], 'marker.color': [coloursOf(use)] }, { 'title.subtitle.text': subtitleOf(plan, i, use) }, [0]],
      };
    }),
  };
}

function coloursOf(uses: readonly ArrayUse[]): readonly number[] {
  return uses.map((use) => ROLES.indexOf(use.role));
}

/** What changes from segment to segment: labels of the cells and the text under the pointer. */
function traceOf(plan: Plan, position: number, uses: readonly ArrayUse[]): { readonly text: readonly string[]; readonly hovertemplate: string } {
  const operators = plan.segments[position]!.operators;
  const listed = operators.slice(0, MOST_HOVER_OPERATORS).map((operator, i) => `${i + 1} = ${name(operator.id).replaceAll('%', '&#37;')}`);
  if (operators.length > listed.length) listed.push(`and ${operators.length - listed.length} more`);
  return {
    text: uses.map((use) => use.operators.map((operator) => operator + 1).join('→')),
    hovertemplate: `<b>Array %{customdata}</b><br>Operator %{text}<br><span style="color:${COLOURS.neutral}">${listed.join('<br>')}</span><extra></extra>`,
  };
}

function subtitleOf(plan: Plan, position: number, uses: readonly ArrayUse[]): string {
  const { id, operators } = plan.segments[position]!;
  const counts = roleCounts(uses);
  const memory = counts.memoryIn + counts.memoryOut + counts.shared + counts.kept;
  const parts = ([['compute', counts.compute], ['memory', memory], ['staged', counts.staged], ['idle', counts.idle]] as const)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`);
  return `Arrays: ${parts.join(', ')}<br>${numbered(operators.map((operator) => operator.id))}`;
}

