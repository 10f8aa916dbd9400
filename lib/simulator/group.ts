// Statements that run together (a boundary, or a parallel block), by themselves: meta-operators -> how long they take and
// what they cost, counted from their beginning. Groups with one signature go the same way, so that each is run once.

import { internal } from '../base/problem.ts';
import type { Cycles } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { ProgramIndex } from '../program/geometry.ts';
import type { MetaOp } from '../program/program.ts';
import { type KnownGraphs, taskGraph } from '../program/tasks.ts';
import { type Charges, chargesOf, type Usage, usageOf } from './account.ts';
import { criticalPath, type GroupStretch } from './critical-path.ts';
import { runBlock } from './engine.ts';
import type { Job, JobLog } from './job-log.ts';
import { arraysTouched, portsOf, streamsOf } from './jobs.ts';
import type { StatementTrace } from './trace.ts';

export interface GroupRun {
  readonly duration: Cycles;
  readonly events: number;
  readonly charges: Charges;
  /** By statement. */
  readonly usage: readonly Usage[];
  /** Of all statements. */
  readonly busy: StatementTrace['busy'];
  readonly statements: readonly Omit<StatementTrace, 'kind' | 'label'>[];
  /** If it was asked for. */
  readonly path?: readonly GroupStretch[];
}

export interface GroupOptions {
  /** Statements of the segment before them. */
  readonly offset: number;
  readonly path: boolean;
  readonly knownGraphs?: KnownGraphs | undefined;
  /** Gets all jobs when the group has run. */
  readonly onJobs?: ((log: JobLog) => void) | undefined;
}

/** What no statements do. */
export const NOTHING: GroupRun = { duration: 0, events: 0, charges: chargesOf([]), usage: [], busy: [], statements: [] };

/** Groups that have run on a chip, by signature. */
export interface KnownBlocks {
  readonly hardware: Hardware;
  readonly runs: Map<string, GroupRun>;
}

export function knownBlocks(hardware: Hardware): KnownBlocks {
  return { hardware, runs: new Map() };
}

export function runGroup(
  statements: readonly MetaOp[],
  index: ProgramIndex,
  hardware: Hardware,
  { offset, path, knownGraphs, onJobs }: GroupOptions,
): GroupRun {
  const graph = taskGraph(statements, index, knownGraphs);
  const ports = portsOf(statements, index);
  const activity = (s: number) => graph.activities[s] ?? lost(s);
  const streams = statements.map((op, s) => streamsOf(op, activity(s), `${s + offset}`, ports, index, hardware));
  const jobs: Job[] | undefined = path || onJobs !== undefined ? [] : undefined;
  const { end, starts, ends, busy, events } = runBlock(
    graph,
    streams,
    0,
    jobs && ((statement, stream, chunk, start, until) => jobs.push({ statement, stream, chunk, start, end: until })),
  );
  if (jobs !== undefined) onJobs?.({ graph, jobs });
  const traces = statements.map((op, s) => ({
    start: Math.min(starts[s] ?? end, ends[s] ?? end),
    end: ends[s] ?? end,
    jobs: activity(s).chunks,
    busy: busyOf((streams[s] ?? []).map(({ resource }, i) => ({ resource: publicName(resource), cycles: busy[s]?.[i] ?? 0 }))),
    arrays: arraysTouched(op, index),
  }));
  return {
    duration: end,
    events,
    charges: chargesOf(streams.flat()),
    usage: streams.map(usageOf),
    busy: busyOf(traces.flatMap((trace) => trace.busy)),
    statements: traces,
    ...(path && jobs !== undefined && { path: criticalPath({ graph, jobs }) }),
  };
}

/** Busy cycles summed up by resource. */
function busyOf(parts: StatementTrace['busy']): StatementTrace['busy'] {
  const perResource = new Map<string, Cycles>();
  for (const { resource, cycles } of parts) perResource.set(resource, (perResource.get(resource) ?? 0) + cycles);
  return [...perResource].map(([resource, cycles]) => ({ resource, cycles }));
}

/** A statement's own compute or write arrays go under one name in summaries. */
export function publicName(resource: string): string {
  if (resource.startsWith('compute ')) return 'arrays computing';
  if (resource.startsWith('write ')) return 'arrays being written';
  if (resource.startsWith('arrays ')) return 'memory-mode arrays';
  return resource;
}

function lost(statement: number): never {
  throw internal(`statement ${statement} has no activity`);
}
