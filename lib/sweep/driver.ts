// Driver: points, block after block, are listed in the store; what no sweep has computed goes to a crew in small jobs;
// results are stored as they come. Memory holds one block and the jobs in flight, however many points there are.
// Jobs are cut at fixed places, so that a resumed sweep asks for the same ones.

import { CompileError } from '../base/problem.ts';
import type { Crew } from './crew.ts';
import type { Metrics } from './metrics.ts';
import { isWithin, type Job, type Outcome } from './outcome.ts';
import { paceOf, type SweepProgress } from './pace.ts';
import { type Chip, keyOf, type Run, runOf } from './run.ts';
import type { Settings, Space } from './spec.ts';
import type { Known, Store, StoredResult } from './store.ts';

const BLOCK_POINTS = 1024;
/** Runs of a job: 8 of 20 ms each are work enough that asking costs nothing, and little to repeat. */
export const JOB_RUNS = 8;

export interface DriverRequest {
  readonly space: Space;
  readonly store: Store;
  readonly crew: Crew;
  readonly version: string;
  readonly onProgress?: (progress: SweepProgress) => void;
  readonly signal?: AbortSignal;
}

/** What a point came to, as far as a search needs it. */
export interface Answer {
  readonly status: Outcome['status'];
  readonly metrics?: Metrics;
}

export interface Driver {
  /** Lists and computes points, numbered from `from` on. `onAnswer` is told the result of each, in any order. */
  readonly compute: (points: Iterable<Settings>, from: number, onAnswer?: (point: number, answer: Answer) => void) => Promise<void>;
  readonly progress: () => SweepProgress;
}

export function driverOf({ space, store, crew, version, onProgress, signal }: DriverRequest, chips: ReadonlyMap<string, Chip>): Driver {
  const files = { model: (name: string) => space.models[name]!.sha256, chip: (name: string) => chips.get(name)! };
  const chipFiles = new Map([...chips.values()].map(({ hash, file }) => [hash, file]));
  const areaBounds = space.constraints.areaMm2 ?? {};
  const counts = { done: 0, computed: 0, reused: 0, failed: 0 };
  const pace = paceOf(space.size);
  const write = writerTo(store);
  /** Points that wait for a key in flight; an entry stays until a listing that began after it was stored has ended. */
  const waiting = new Map<string, ((answer: Answer) => void)[]>();
  let settled: string[] = [];

  const count = (answer: Answer, isNew: boolean): void => {
    counts.done++;
    counts[isNew ? 'computed' : 'reused']++;
    if (answer.status === 'failed') counts.failed++;
  };
  const tell = (): void => onProgress?.(pace(counts));

  const send = async (runs: readonly { readonly key: string; readonly run: Run }[]): Promise<void> => {
    const named = new Set(runs.map(({ run }) => run.chip));
    const job: Job = {
      version,
      chips: Object.fromEntries([...named].map((hash) => [hash, chipFiles.get(hash)!])),
      area: space.area,
      areaBounds,
      runs: runs.map(({ run }) => run),
    };
    const outcomes = await crew.run(job);
    await write(runs.map(({ key, run }, i) => ({ key, run, version, outcome: outcomes[i]! })));
    await crew.stored?.(job);
    for (const [i, { key }] of runs.entries()) {
      settled.push(key);
      for (const answer of waiting.get(key)!.splice(0)) answer(outcomes[i]!);
    }
    tell();
  };

  const compute: Driver['compute'] = async (points, from, onAnswer) => {
    const jobs = slots(crew.inFlight);
    let first = from;
    for (const block of blocksOf(points)) {
      signal?.throwIfAborted();
      const runs = block.map((settings) => runOf(settings, files));
      const keys = runs.map((run) => keyOf(run, space.area));
      const stored = settled;
      settled = [];
      const known = await store.list(
        first,
        block.map((settings, i) => ({ settings, key: keys[i]! })),
      );
      for (const key of stored) waiting.delete(key);
      const stale = [...known].filter(([, result]) => !isUsable(result, areaBounds)).map(([key]) => key);
      if (stale.length > 0) await store.forget(stale);

      for (let start = 0; start < block.length; start += JOB_RUNS) {
        const missing: { key: string; run: Run }[] = [];
        for (let i = start; i < Math.min(start + JOB_RUNS, block.length); i++) {
          const key = keys[i]!;
          const point = first + i;
          const result = known.get(key);
          const answered = (isNew: boolean) => (answer: Answer) => {
            count(answer, isNew);
            onAnswer?.(point, answer);
          };
          if (result !== undefined && isUsable(result, areaBounds)) answered(false)(result);
          else if (waiting.get(key) === undefined) {
            waiting.set(key, [answered(true)]);
            missing.push({ key, run: runs[i]! });
          } else {
            const others = waiting.get(key)!;
            if (settled.includes(key)) {
              // Stored since the listing began: its answer is in the store by now.
              const again = await store.list(point, [{ key, settings: block[i]! }]);
              answered(false)(again.get(key)!);
            } else others.push(answered(false));
          }
        }
        if (missing.length > 0) {
          signal?.throwIfAborted();
          await jobs.add(() => send(missing));
        }
      }
      first += block.length;
      tell();
    }
    await jobs.all();
    tell();
  };

  return { compute, progress: () => pace(counts) };
}

/** Failures that may not repeat, and points that only another sweep's area excluded, are computed again. */
function isUsable({ status, certain, areaMm2 }: Known, areaBounds: Job['areaBounds']): boolean {
  return status === 'failed' ? certain : status !== 'excluded' || !isWithin(areaMm2, areaBounds);
}

function* blocksOf<T>(items: Iterable<T>): Generator<readonly T[]> {
  let block: T[] = [];
  for (const item of items) {
    block.push(item);
    if (block.length < BLOCK_POINTS) continue;
    yield block;
    block = [];
  }
  if (block.length > 0) yield block;
}

/** Runs at most `most` works at a time; `add` resolves when there is a free place. The first failure fails everything after it. */
function slots(most: number) {
  const running = new Set<Promise<void>>();
  let failure: unknown;
  return {
    add: async (work: () => Promise<void>): Promise<void> => {
      while (running.size >= most) await Promise.race(running);
      if (failure !== undefined) throw failure;
      const started: Promise<void> = work()
        .catch((error: unknown) => {
          failure ??= error;
        })
        .finally(() => running.delete(started));
      running.add(started);
    },
    all: async (): Promise<void> => {
      await Promise.all(running);
      if (failure !== undefined) throw failure;
    },
  };
}

/** A function that resolves when results are on disk. Those that come while it writes go together into the next transaction. */
function writerTo(store: Store): (results: readonly StoredResult[]) => Promise<void> {
  let queue: StoredResult[] = [];
  let next: Promise<void> | undefined;
  let last: Promise<void> = Promise.resolve();
  return (results) => {
    queue.push(...results);
    next ??= last.then(() => {
      const batch = queue;
      queue = [];
      next = undefined;
      last = store.put(batch).catch((error: unknown) => {
        throw error instanceof CompileError ? error : new Error(`internal: results could not be stored: ${String(error)}`);
      });
      return last;
    });
    return next;
  };
}
