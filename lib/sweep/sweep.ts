// sweep: a spec -> SweepResult. Check it, open the store, hire a crew, drive it through the points, read what came out.
// The same spec gives the same rows whoever computes them, in whatever order.

import { PASSING, progress } from '../base/progress.ts';
import { readSpec } from './check-spec.ts';
import type { Crew } from './crew.ts';
import { type Driver, driverOf } from './driver.ts';
import { objectiveVector } from './metrics.ts';
import { printProgress, type SweepProgress } from './pace.ts';
import { readResult, type SweepResult } from './result.ts';
import { chipOf, contentHash } from './run.ts';
import { type Score, search } from './search.ts';
import { countOf, type Genome, genomesOf, settingsAt } from './space.ts';
import type { Axis, Settings, Space, SweepSpec } from './spec.ts';
import { checkTarget, IN_MEMORY, openStore, type SweepRecord } from './store.ts';
import { codeVersion } from './version.ts';

export interface SweepOptions {
  /** Folder that the spec's paths start from: that of the spec's file, else the current one. */
  readonly folder?: string;
  /** DuckDB file with the results of all sweeps run into it; in memory unless given. */
  readonly store?: string;
  /** Threads on this machine; one a core unless given. */
  readonly workers?: number;
  /** A Redis or Valkey server, `redis://` or `rediss://`: points are computed by `cimbook worker` processes instead. */
  readonly queue?: string;
  /** Also write the rows there: a path that ends with .csv or .parquet. */
  readonly out?: string;
  /** A notebook shows a bar besides. */
  readonly onProgress?: (progress: SweepProgress) => void;
  /** Told in words what the sweep waits for. */
  readonly onNotice?: (text: string) => void;
  /** In a notebook, that of the running cell unless given. */
  readonly signal?: AbortSignal;
}

/** Runs, or resumes, a sweep. `source`: a spec, or the path of one. Throws `sweep`, `file`, `queue` and what its files throw. */
export async function sweep(source: string | SweepSpec, options: SweepOptions = {}): Promise<SweepResult> {
  const start = performance.now();
  const space = readSpec(source, options.folder);
  if (options.out !== undefined) checkTarget(options.out);
  const version = codeVersion();
  const chips = new Map(Object.entries(space.chips).map(([name, file]) => [name, chipOf(file)]));
  const record = recordOf(space, version);
  const bar = progress(`Sweep ${space.title}`, PASSING);
  const signal = options.signal ?? bar.signal;
  const onProgress = (made: SweepProgress): void => {
    bar.update(made.total > 0 ? made.done / made.total : 0, printProgress(made));
    options.onProgress?.(made);
  };
  const store = await openStore(options.store ?? IN_MEMORY);
  try {
    await store.begin(record);
    const crew = await hire(space, options);
    let made: SweepProgress;
    try {
      const driver = driverOf({ space, store, crew, version, onProgress, ...(signal && { signal }) }, chips);
      if (space.sample.kind === 'search') await searchThrough(space, driver);
      else await driver.compute(settingsOf(space), 0);
      made = driver.progress();
    } finally {
      await crew.close();
    }
    if (options.out !== undefined) await store.copyTo(options.out);
    const { computed, reused } = made;
    const seconds = (performance.now() - start) / 1000;
    return await readResult(store, { id: record.id, title: space.title, version, computed, reused, seconds, objectives: space.objectives });
  } finally {
    bar.end();
    store.close();
  }
}

/** Thread pool and queue are loaded when one is asked for: together they take a quarter of a second. */
async function hire(space: Space, options: SweepOptions): Promise<Crew> {
  if (options.queue !== undefined) {
    const { openQueueCrew } = await import('./queue.ts');
    return openQueueCrew(options.queue, pick(options, 'onNotice'));
  }
  const { openPool } = await import('./pool.ts');
  const paths = Object.fromEntries(Object.values(space.models).map(({ sha256, path }) => [sha256, path]));
  return openPool({ paths, folders: [], ...pick(options, 'workers') });
}

function pick<T extends object, K extends keyof T>(from: T, ...keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]])) as Pick<T, K>;
}

function* settingsOf(space: Space): Generator<Settings> {
  for (const genome of genomesOf(space)) yield settingsAt(space, genome);
}

async function searchThrough(space: Space, driver: Driver): Promise<void> {
  const { axes, objectives, sample } = space;
  let evaluated = 0;
  const evaluate = async (generation: readonly Genome[]): Promise<readonly Score[]> => {
    const scores: Score[] = [];
    const first = evaluated;
    evaluated += generation.length;
    const settings = generation.map((genome) => settingsAt(space, genome));
    await driver.compute(settings, first, (point, { metrics }) => {
      const vector = objectiveVector(metrics ?? {}, objectives);
      scores[point - first] = { vector, violation: metrics === undefined ? Number.POSITIVE_INFINITY : violationOf(space, metrics) };
    });
    return scores;
  };
  await search({ counts: axes.map(countOf), ordered: axes.map(isOrdered), evaluations: sample.count, seed: sample.seed }, evaluate);
}

/** How far metrics are outside the constraints, each in parts of its bound. */
function violationOf({ constraints }: Space, metrics: Readonly<Record<string, number>>): number {
  let total = 0;
  for (const [name, { most, least }] of Object.entries(constraints)) {
    const value = metrics[name] ?? 0;
    if (most !== undefined && value > most) total += (value - most) / (Math.abs(most) || 1);
    if (least !== undefined && value < least) total += (least - value) / (Math.abs(least) || 1);
  }
  return total;
}

/** Whether neighbours on an axis are near each other: numbers in order. */
function isOrdered(axis: Axis): boolean {
  if (axis.kind === 'range') return true;
  const values = axis.values.map(([value]) => value);
  return values.every((value, i) => typeof value === 'number' && (i === 0 || value > (values[i - 1] as number)));
}

/** What the store is told of a sweep. Its id is the same whenever the same is asked of the same code and files. */
function recordOf(space: Space, version: string): SweepRecord {
  const { title, fixed, axes, sample, objectives, constraints, area } = space;
  const files = {
    models: Object.fromEntries(Object.entries(space.models).map(([name, { sha256 }]) => [name, sha256])),
    chips: Object.fromEntries(Object.entries(space.chips).map(([name, file]) => [name, contentHash(file)])),
  };
  const asked = { fixed, axes: axes.map(jsonAxis), sample, objectives, constraints, area, files };
  const first = settingsAt(
    space,
    axes.map(() => 0),
  );
  const varied = axes.flatMap(({ fields }) => fields);
  const columns = [...new Set(['model', 'hardware', ...varied])].map((field) => ({
    field,
    type: typeof first[field] as 'number' | 'string' | 'boolean',
  }));
  const id = contentHash([version, asked]).slice(0, 12);
  return { id, title, version, seed: sample.seed, spec: JSON.stringify(asked), columns, constraints };
}

/** JSON has no infinity. */
function jsonAxis(axis: Axis): unknown {
  return countOf(axis) === Number.POSITIVE_INFINITY ? { ...axis, count: 'any' } : axis;
}
