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
import { arraysTouched, portsOf, type Stream, streamsOf } from './jobs.ts';
import type { StatementTrace } from './trace.ts';

export interface GroupRun {
  readonly duration: Cycles;
  readonly events: number;
  readonly charges: Charges;
  /** Of all statements. */
  readonly busy: StatementTrace['busy'];
  /** If they were asked for. */
  readonly statements?: readonly StatementRun[];
  readonly path?: readonly GroupStretch[];
}

export interface StatementRun extends Omit<StatementTrace, 'kind' | 'label'> {
  readonly usage: Usage;
}

export interface GroupOptions {
  /** Statements of the segment before them. */
  readonly offset: number;
  readonly statements: boolean;
  readonly path: boolean;
  readonly knownGraphs?: KnownGraphs | undefined;
  /** Gets all jobs when the group has run. */
  readonly onJobs?: ((log: JobLog) => void) | undefined;
}

/** What no statements do. */
export const NOTHING: GroupRun = { duration: 0, events: 0, charges: chargesOf([]), busy: [], statements: [] };

/** Groups that have run on a chip, by signature. */
export interface KnownBlocks {
  readonly hardware: Hardware;
  readonly runs: Map<string, GroupRun>;
}

export function knownBlocks(hardware: Hardware): KnownBlocks {
  return { hardware, runs: new Map() };
}

/** Whether a group that has run tells all that is asked for. */
export function tells(run: GroupRun, { statements, path }: Pick<GroupOptions, 'statements' | 'path'>): boolean {
  return (!statements || run.statements !== undefined) && (!path || run.path !== undefined);
}

export function runGroup(statements: readonly MetaOp[], index: ProgramIndex, hardware: Hardware, options: GroupOptions): GroupRun {
  const { offset, path, knownGraphs, onJobs } = options;
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
  const statementOf = (op: MetaOp, s: number): StatementRun => ({
    start: Math.min(starts[s] ?? end, ends[s] ?? end),
    end: ends[s] ?? end,
    jobs: activity(s).chunks,
    busy: busyOf(streams.slice(s, s + 1), busy.slice(s, s + 1)),
    arrays: arraysTouched(op, index),
    usage: usageOf(streams[s] ?? []),
  });
  return {
    duration: end,
    events,
    charges: chargesOf(streams),
    busy: busyOf(streams, busy),
    ...(options.statements && { statements: statements.map(statementOf) }),
    ...(path && jobs !== undefined && { path: criticalPath({ graph, jobs }) }),
  };
}

/** Busy cycles of statements' streams, summed up by resource. */
function busyOf(streams: readonly (readonly Stream[])[], busy: readonly (readonly Cycles[])[]): StatementTrace['busy'] {
  const perResource = new Map<string, Cycles>();
  for (let s = 0; s < streams.length; s++) {
    for (let i = 0; i < streams[s]!.length; i++) {
      const resource = publicName(streams[s]![i]!.resource);
      perResource.set(resource, (perResource.get(resource) ?? 0) + busy[s]![i]!);
    }
  }
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
