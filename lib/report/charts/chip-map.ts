// Chip map: the arrays where they lie on the chip, coloured by what they do, a slider over the segments.

import { formatNumber } from '../../base/text.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { Plan } from '../../optimizer/plan.ts';
import { Figure } from '../figure.ts';
import type { JsonObject } from '../plotly.ts';
import { type ArrayUse, arrayUses, ROLES, roleCounts } from '../roles.ts';
import { headed, keys, modelName, name, numbered, ROLE_SCALE, segmentAt } from './parts.ts';

/** Above it a label has no room, and a static picture no time for so many. */
const MOST_LABELLED_ARRAYS = 256;
/** Above it the arrays touch. */
const MOST_SEPARATE_ARRAYS = 2048;
const MOST_HOVER_OPERATORS = 8;

export interface ChipMapOptions {
  /** Id of the segment to start at, and the one a static picture shows; the first unless given. */
  readonly segment?: number;
}

/**
 * The grid of arrays (grid.x columns, grid.y rows), each coloured by its role in the segment the slider
 * stands at and labelled with the operator's number within the segment. Throws `usage`.
 */
export function chipMap(plan: Plan, hardware: Hardware, options: ChipMapOptions = {}): Figure {
  const uses = plan.segments.map((each, i) => arrayUses(plan, each, plan.segments[i - 1]));
  const { x: columns } = hardware.grid;
  const rows = Math.max(1, Math.ceil(plan.hardware.arrays / columns));
  const start = options.segment === undefined ? 0 : segmentAt(plan.segments, options.segment);
  const first = uses[start];
  const gap = plan.hardware.arrays <= MOST_LABELLED_ARRAYS ? 3 : plan.hardware.arrays <= MOST_SEPARATE_ARRAYS ? 1 : 0;
  const cells = {
    type: 'heatmap',
    customdata: grid(
      Array.from({ length: plan.hardware.arrays }, (_, id) => id),
      columns,
    ),
    ...(first === undefined ? { z: grid([], columns) } : cellsOf(plan, start, first, columns)),
    ...ROLE_SCALE,
    xgap: gap,
    ygap: gap,
    texttemplate: '%{text}',
    textfont: { size: 11 },
  } as const;
  const shown = ROLES.filter((role) => role === 'idle' || uses.some((each) => each.some((use) => use.role === role)));
  const subtitle = first === undefined ? 'The plan has no segments' : subtitleOf(plan, start, first);
  return new Figure([cells, ...keys(shown)], {
    ...headed(`Arrays of ${name(hardware.name)} running ${modelName(plan.model)}`, subtitle, 1, { b: 118, l: 64 }),
    height: 240 + Math.min(480, Math.max(160, rows * 31)),
    legend: { itemclick: false, itemdoubleclick: false },
    xaxis: {
      title: { text: 'Column of the grid' },
      range: [-0.5, columns - 0.5],
      dtick: Math.ceil(columns / 16),
      showline: false,
      ticks: '',
      fixedrange: true,
    },
    yaxis: {
      title: { text: 'Row of the grid' },
      range: [rows - 0.5, -0.5],
      dtick: Math.ceil(rows / 16),
      showgrid: false,
      ticks: '',
      ticklabelstandoff: 6,
      fixedrange: true,
    },
    ...(plan.segments.length > 1 && { sliders: [sliderOf(plan, uses, columns, start)] }),
  });
}

function sliderOf(plan: Plan, uses: readonly (readonly ArrayUse[])[], columns: number, active: number): JsonObject {
  return {
    active,
    x: 0,
    len: 1,
    y: 0,
    yanchor: 'top',
    pad: { t: 52, b: 4, l: 0, r: 0 },
    currentvalue: { prefix: 'Segment ', offset: 8 },
    steps: uses.map((use, i) => {
      const { z, text, hovertemplate } = cellsOf(plan, i, use, columns);
      const cells = { z: [z], text: [text], hovertemplate: [hovertemplate] };
      return {
        label: String(plan.segments[i]!.id),
        method: 'update',
        args: [cells, { 'title.subtitle.text': subtitleOf(plan, i, use) }, [0]],
      };
    }),
  };
}

interface Cells {
  readonly z: readonly (readonly (number | null)[])[];
  readonly text: readonly (readonly (string | null)[])[];
  readonly hovertemplate: string;
}

/** What changes from segment to segment: roles of the arrays, their labels and the text under the pointer. */
function cellsOf(plan: Plan, position: number, uses: readonly ArrayUse[], columns: number): Cells {
  const operators = plan.segments[position]!.operators;
  const listed = operators.slice(0, MOST_HOVER_OPERATORS).map((operator, i) => `${i + 1} = ${name(operator.id).replaceAll('%', '&#37;')}`);
  if (operators.length > listed.length) listed.push(`and ${operators.length - listed.length} more`);
  const isLabelled = uses.length <= MOST_LABELLED_ARRAYS;
  const labels = !isLabelled ? [] : uses.map((use) => use.operators.map((operator) => operator + 1).join('→'));
  return {
    z: grid(
      uses.map((use) => ROLES.indexOf(use.role)),
      columns,
    ),
    text: grid(labels, columns),
    hovertemplate: `<b>Array %{customdata}</b><br>${isLabelled ? 'Operator %{text}<br>' : ''}${listed.join('<br>')}<extra></extra>`,
  };
}

/** Values by array id as rows of the grid, the last one filled up with nothing. */
function grid<T>(values: readonly T[], columns: number): readonly (readonly (T | null)[])[] {
  const rows = Math.ceil(values.length / columns);
  return Array.from({ length: rows }, (_, y) => Array.from({ length: columns }, (_, x) => values[y * columns + x] ?? null));
}

function subtitleOf(plan: Plan, position: number, uses: readonly ArrayUse[]): string {
  const { operators } = plan.segments[position]!;
  const counts = roleCounts(uses);
  const memory = counts.memoryIn + counts.memoryOut + counts.shared + counts.kept;
  const parts = (
    [
      ['compute', counts.compute],
      ['memory', memory],
      ['staged', counts.staged],
      ['idle', counts.idle],
    ] as const
  )
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${formatNumber(count)} ${what}`);
  return `Arrays: ${parts.join(', ')}<br>${numbered(operators.map((operator) => operator.id))}`;
}
