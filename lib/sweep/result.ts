// Result: what a sweep found, as rows for tables and charts, with the points that no other one beats.

import type { DataFrame } from 'danfojs';
import { hypervolume, paretoFront } from '../base/pareto.ts';
import { counted, formatNumber } from '../base/text.ts';
import { DISPLAY } from '../report/figure.ts';
import type { MimeBundle } from '../report/plotly.ts';
import { Table } from '../report/table.ts';
import { METRICS, type MetricName, objectiveVector } from './metrics.ts';
import type { Outcome } from './outcome.ts';
import type { ResultRow, Store } from './store.ts';

/** Rows that are read into memory; of a larger sweep only the front's are, and the store has the others. */
const MOST_ROWS = 200_000;
const SHOWN = 20;

export interface SweepSummary {
  /** Of the sweep in its store: view `sweep_<id>`. */
  readonly id: string;
  readonly title: string;
  readonly store: string;
  /** `codeVersion` that computed it. */
  readonly version: string;
  readonly points: number;
  readonly counts: Readonly<Record<Outcome['status'], number>>;
  /** By this call: computed now, and known from any sweep before. */
  readonly computed: number;
  readonly reused: number;
  readonly seconds: number;
  readonly objectives: readonly MetricName[];
  /** Share of the box between the best and the worst value of each objective that the front dominates, 0 .. 1. */
  readonly hypervolume: { readonly share: number; readonly best: readonly number[]; readonly worst: readonly number[] };
}

export class SweepResult implements SweepSummary {
  readonly id: string;
  readonly title: string;
  readonly store: string;
  readonly version: string;
  readonly points: number;
  readonly counts: SweepSummary['counts'];
  readonly computed: number;
  readonly reused: number;
  readonly seconds: number;
  readonly objectives: readonly MetricName[];
  readonly hypervolume: SweepSummary['hypervolume'];
  /** Every point in order, or the front alone where there are more than 200,000. */
  readonly rows: readonly ResultRow[];
  /** Points inside the constraints that no other one beats in every objective. */
  readonly front: readonly ResultRow[];

  constructor(summary: SweepSummary, rows: readonly ResultRow[], front: readonly ResultRow[]) {
    this.id = summary.id;
    this.title = summary.title;
    this.store = summary.store;
    this.version = summary.version;
    this.points = summary.points;
    this.counts = summary.counts;
    this.computed = summary.computed;
    this.reused = summary.reused;
    this.seconds = summary.seconds;
    this.objectives = summary.objectives;
    this.hypervolume = summary.hypervolume;
    this.rows = rows;
    this.front = front;
  }

  /** Without the rows: what `cimbook sweep --json` prints beside the front. */
  get summary(): SweepSummary {
    const { id, title, store, version, points, counts, computed, reused, seconds, objectives, hypervolume: volume } = this;
    return { id, title, store, version, points, counts, computed, reused, seconds, objectives, hypervolume: volume };
  }

  /** Rows as a table: the front unless told otherwise. Columns that are the same in every row are left out. */
  toTable(rows: readonly ResultRow[] = this.front): Table {
    const columns = columnsOf(rows, this.objectives);
    const units = Object.fromEntries(METRICS.map(({ name, unit }) => [name, unit]));
    return new Table(rows, { title: `${this.title}: ${this.toText()}`, columns, units, mostRows: SHOWN });
  }

  /** All rows as a danfojs DataFrame. */
  toDataFrame(): Promise<DataFrame> {
    return new Table(this.rows).toDataFrame();
  }

  /** The objectives of every point inside the constraints, each to be made small: what `paretoFront` and `hypervolume` take. */
  vectors(): readonly (readonly number[])[] {
    return this.rows.filter(({ feasible }) => feasible).map((row) => objectiveVector(row as Record<MetricName, number>, this.objectives));
  }

  toText(): string {
    const { failed, excluded } = this.counts;
    return [
      counted(this.points, 'point'),
      ...(this.reused > 0 ? [`${formatNumber(this.reused)} known before`] : []),
      ...(excluded > 0 ? [`${formatNumber(excluded)} excluded by area`] : []),
      ...(failed > 0 ? [`${formatNumber(failed)} failed`] : []),
      `${formatNumber(this.front.length)} on the Pareto front of ${this.objectives.join(', ')}`,
    ].join('; ');
  }

  [DISPLAY](): MimeBundle {
    return this.toTable()[DISPLAY]();
  }
}

/** The sweep that a store has begun, read into memory. */
export async function readResult(
  store: Store,
  known: Pick<SweepSummary, 'id' | 'title' | 'version' | 'computed' | 'reused' | 'seconds' | 'objectives'>,
): Promise<SweepResult> {
  const { objectives } = known;
  const counts = await store.counts();
  const points = counts.done + counts.failed + counts.excluded;
  const feasible = await store.feasible(objectives);
  const vectors = feasible.map((row) => objectiveVector(row as Record<MetricName, number>, objectives));
  const onFront = paretoFront(vectors).map((i) => Number(feasible[i]!.point));
  const front = await store.rows(onFront);
  const rows = points > MOST_ROWS ? front : await store.rows();
  return new SweepResult({ ...known, store: store.path, points, counts, hypervolume: boxShare(vectors) }, rows, front);
}

function boxShare(vectors: readonly (readonly number[])[]): SweepSummary['hypervolume'] {
  const dimensions = vectors[0]?.length ?? 0;
  const ends = (pick: (a: number, b: number) => number) =>
    Array.from({ length: dimensions }, (_, k) => vectors.reduce((end, vector) => pick(end, vector[k]!), vectors[0]![k]!));
  const [best, worst] = [ends(Math.min), ends(Math.max)];
  const box = best.reduce((product, value, k) => product * (worst[k]! - value), 1);
  return { share: box > 0 ? hypervolume(vectors, worst) / box : 1, best, worst };
}

/** What differs between rows, in the order: point, fields, objectives, other metrics, and the rest. */
function columnsOf(rows: readonly ResultRow[], objectives: readonly MetricName[]): readonly string[] {
  const metrics = METRICS.map(({ name }): string => name);
  const all = Object.keys(rows[0] ?? {});
  const fields = all.filter((column) => !metrics.includes(column) && !['status', 'feasible', 'error'].includes(column));
  const differs = (column: string): boolean => rows.some((row) => row[column] !== rows[0]![column]);
  const others = ['status', 'error', 'cycles', 'memoryModeShare', 'segments'].filter((column) => all.includes(column));
  return [
    'point',
    ...fields.filter((column) => column !== 'point' && differs(column)),
    ...objectives,
    ...others.filter((column) => !(objectives as readonly string[]).includes(column) && differs(column)),
  ];
}
