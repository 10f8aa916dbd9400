// Timeline: when the machine did what. The whole run by kind of meta-operator, or one segment statement by statement.

import { counted, formatCycles, formatNumber } from '../../base/text.ts';
import type { MetaOpKind } from '../../program/program.ts';
import type { SegmentTrace, StatementTrace, Stretch, Trace } from '../../simulator/trace.ts';
import { Figure } from '../figure.ts';
import type { JsonObject, PlotTrace } from '../plotly.ts';
import { RESOURCES } from '../resources.ts';
import { COLOURS } from '../theme.ts';
import { type Clock, clockOf, timeAxis } from './clock.ts';
import { headed, name, segmentAt, whatRuns } from './parts.ts';

/** Lanes from top to bottom; the colour is the kind's everywhere. */
const LANES = [
  { kind: 'CIM.mvm', name: 'Matrix-vector products', colour: COLOURS.compute },
  { kind: 'VEC.run', name: 'Vector operations', colour: COLOURS.vector },
  { kind: 'MEM.move', name: 'Data moves', colour: COLOURS.move },
  { kind: 'CIM.write', name: 'Weight writes', colour: COLOURS.write },
  { kind: 'CM.switch', name: 'Mode switches', colour: COLOURS.switch },
] as const satisfies readonly { kind: MetaOpKind; name: string; colour: string }[];

/** Intervals nearer than this share of the run are drawn as one: half a pixel. */
const MERGE_SHARE = 1 / 2000;
const MOST_STATEMENTS = 48;
const MOST_LABELS = 4;

export interface TimelineOptions {
  /** Id of a segment to show statement by statement; the whole run without it. */
  readonly segment?: number;
}

/** What ran when, in time since the start: one lane a kind of meta-operator, or one row a statement of `segment`. Throws `usage`. */
export function timeline(trace: Trace, options: TimelineOptions = {}): Figure {
  if (options.segment === undefined) return wholeRun(trace);
  return oneSegment(trace, trace.segments[segmentAt(trace.segments, options.segment)]!);
}

interface Interval {
  readonly start: number;
  readonly end: number;
  readonly labels: readonly string[];
  readonly count: number;
}

function wholeRun(trace: Trace): Figure {
  const clock = clockOf(trace.clockHz, trace.makespanCycles);
  const gap = trace.makespanCycles * MERGE_SHARE;
  const statements = trace.segments.flatMap((segment) => [...segment.boundary, ...segment.statements]);
  const lanes = LANES.map((lane): PlotTrace => {
    const intervals = merged(
      statements.filter((statement) => statement.kind === lane.kind),
      gap,
    );
    // A switch takes a cycle of millions; hairlines keep what is short visible.
    const line = { width: lane.kind === 'CM.switch' ? 1 : 0.6, color: lane.colour };
    return barsOf(
      lane.name,
      lane.colour,
      clock,
      intervals,
      intervals.map(() => lane.name),
      {
        hovertemplate: '%{customdata[0]}<br>%{customdata[1]}<extra></extra>',
        marker: { color: lane.colour, line },
      },
    );
  });
  const blocks = [0, 1].map((parity): PlotTrace => {
    const segments = trace.segments.filter((_, i) => i % 2 === parity);
    const intervals = segments.map(({ id, boundaryStart, end }) => ({ start: boundaryStart, end, labels: [`segment ${id}`], count: 1 }));
    const colour = parity === 0 ? COLOURS.neutral : COLOURS.faint;
    return barsOf(
      'Segments',
      colour,
      clock,
      intervals,
      intervals.map(() => 'Segments'),
      {
        text: segments.map(({ id }) => String(id)),
        textposition: 'inside',
        insidetextanchor: 'middle',
        textangle: 0,
        textfont: { size: 11 },
        hovertemplate: '<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>',
      },
    );
  });
  const bounds = boundLanes(trace.criticalPath ?? [], clock, gap, BOUND);
  const rows = ['Segments', ...LANES.map((lane) => lane.name), ...(bounds.length > 0 ? [BOUND] : [])];
  return new Figure([...blocks, ...lanes, ...bounds], {
    ...headed(
      'What ran when',
      `${subtitleOf(trace)}; ${counted(trace.segments.length, 'segment')}`,
      bounds.length === 0 ? 0 : bounds.length > 4 ? 2 : 1,
    ),
    height: bounds.length > 0 ? 480 : 390,
    uniformtext: { mode: 'hide', minsize: 11 },
    ...axesOf(clock, rows, [0, trace.makespanCycles]),
  });
}

const BOUND = 'Bound by';
/** A resource that bounds less of the time shown is left out: nobody would see it. */
const LEAST_BOUND = 1 / 1000;

/** A row of what bounds each stretch of time, with the resources as its legend. */
function boundLanes(path: readonly Stretch[], clock: Clock, gap: number, row: string): readonly PlotTrace[] {
  const all = path.reduce((sum, { start, end }) => sum + end - start, 0);
  return RESOURCES.flatMap(({ id, name: resource, colour }): PlotTrace[] => {
    const own = path.filter((stretch) => stretch.resource === id);
    const cycles = own.reduce((sum, { start, end }) => sum + end - start, 0);
    if (own.length === 0 || cycles < LEAST_BOUND * all) return [];
    const intervals = merged(own, gap);
    return [
      barsOf(
        resource,
        colour,
        clock,
        intervals,
        intervals.map(() => row),
        {
          showlegend: true,
          hovertemplate: `<b>bound by ${resource.toLowerCase()}</b><br>%{customdata[0]}<br>%{customdata[1]}<extra></extra>`,
        },
      ),
    ];
  });
}

function oneSegment(trace: Trace, segment: SegmentTrace): Figure {
  const clock = clockOf(trace.clockHz, segment.end);
  const all = [...segment.boundary, ...segment.statements];
  // Where there are too many, the longest; in the program's order either way.
  const longest = new Set(all.toSorted((a, b) => b.end - b.start - (a.end - a.start)).slice(0, MOST_STATEMENTS));
  const shown = all.filter((statement) => longest.has(statement));
  const rows = shown.map((statement, i) => `${i + 1}  ${name(statement.label, 32)}`);
  const lanes = LANES.map((lane): PlotTrace | undefined => {
    const mine = shown.flatMap((statement, i) => (statement.kind === lane.kind ? [{ statement, row: rows[i]! }] : []));
    if (mine.length === 0) return undefined;
    const intervals = mine.map(({ statement }) => ({ ...statement, labels: [busiest(statement)], count: 1 }));
    return barsOf(
      lane.kind,
      lane.colour,
      clock,
      intervals,
      mine.map(({ row }) => row),
      {
        showlegend: true,
        hovertemplate: '<b>%{y}</b><br>%{customdata[1]}<br>%{customdata[0]}<extra></extra>',
        marker: { color: lane.colour, line: { width: 1, color: lane.colour } },
      },
    );
  });
  const left = all.length - shown.length;
  const stretches = (trace.criticalPath ?? []).filter((stretch) => stretch.segment === segment.id);
  const bounds = boundLanes(stretches, clock, (segment.end - segment.boundaryStart) * MERGE_SHARE, BOUND);
  if (bounds.length > 0) rows.push(BOUND);
  return new Figure([...lanes.filter((lane) => lane !== undefined), ...bounds], {
    ...headed(
      `What ran when in segment ${segment.id}`,
      `${subtitleOf(trace)}${left > 0 ? `; the ${shown.length} longest of ${all.length} statements` : ''}`,
      bounds.length > 0 ? 2 : 1,
    ),
    height: 190 + Math.max(4, rows.length) * 24,
    ...axesOf(clock, rows, [segment.boundaryStart, segment.end]),
  });
}

/** The two resources a statement kept busiest. */
function busiest(statement: StatementTrace): string {
  const most = statement.busy.toSorted((a, b) => b.cycles - a.cycles).slice(0, 2);
  return most.map(({ resource, cycles }) => `${resource} busy ${formatNumber(cycles)}`).join(', ');
}

/** Intervals sorted and joined where they overlap or nearly touch. */
function merged(statements: readonly Pick<StatementTrace, 'start' | 'end' | 'label'>[], gap: number): readonly Interval[] {
  const intervals: { start: number; end: number; labels: string[]; count: number }[] = [];
  for (const { start, end, label } of statements.toSorted((a, b) => a.start - b.start)) {
    const last = intervals.at(-1);
    if (last === undefined || start > last.end + gap) {
      intervals.push({ start, end, labels: [label], count: 1 });
      continue;
    }
    last.end = Math.max(last.end, end);
    last.count += 1;
    if (last.labels.length < MOST_LABELS && !last.labels.includes(label)) last.labels.push(label);
  }
  return intervals;
}

function barsOf(
  title: string,
  colour: string,
  clock: Clock,
  intervals: readonly Interval[],
  rows: readonly string[],
  extra: JsonObject,
): PlotTrace {
  return {
    type: 'bar',
    orientation: 'h',
    name: title,
    showlegend: false,
    width: 0.72,
    base: intervals.map((interval) => clock.timeOf(interval.start)),
    x: intervals.map((interval) => clock.timeOf(interval.end - interval.start)),
    y: rows,
    customdata: intervals.map((interval) => [
      labelsOf(interval),
      `${formatCycles(interval.end - interval.start, clock.clockHz)} from ${formatNumber(interval.start)}`,
    ]),
    marker: { color: colour },
    ...extra,
  };
}

function labelsOf({ labels, count }: Interval): string {
  const more = count > labels.length ? `<br>and ${formatNumber(count - labels.length)} more` : '';
  return labels.map((label) => name(label)).join('<br>') + more;
}

function axesOf(clock: Clock, rows: readonly string[], [from, to]: readonly [number, number]): JsonObject {
  return {
    barmode: 'overlay',
    hovermode: 'closest',
    xaxis: { ...timeAxis(clock, [from, to]), showgrid: true },
    yaxis: {
      type: 'category',
      categoryorder: 'array',
      categoryarray: rows,
      range: [rows.length - 0.5, -0.5],
      showgrid: false,
      ticks: '',
      ticklabelstandoff: 6,
    },
  };
}

function subtitleOf(trace: Trace): string {
  return `${whatRuns(trace)}; makespan ${formatCycles(trace.makespanCycles, trace.clockHz)}`;
}
