// Trace file: single jobs of a run as a Chrome trace, which Perfetto (ui.perfetto.dev) and chrome://tracing open.
// Format: "Trace Event Format" (Google), JSON object form. Spans -> file, piece by piece: a long run has millions.

import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { fail } from '../base/problem.ts';
import type { Span } from '../simulator/trace.ts';

export interface TraceFileOptions {
  /** One cycle is 1 / clockHz seconds in the file. */
  readonly clockHz: number;
  /** What the trace is of, such as 'vgg16 on dynaplasia'. */
  readonly title?: string;
}

/** Takes spans as they happen; nothing is at `path` before `end`. */
export interface TraceFile {
  span(span: Span): void;
  /** Writes what is left and puts the file in its place. */
  end(): void;
  /** Gives up and leaves nothing behind. */
  abort(): void;
}

const PROCESS = 1;
const FLUSH_CHARACTERS = 1 << 18;
const MICROSECONDS_PER_SECOND = 1e6;

/** A sink that writes a trace file at `path`; one track a resource, times in microseconds. Throws `file`. */
export function openTraceFile(path: string, options: TraceFileOptions): TraceFile {
  const partial = `${path}.partial`;
  const file = orFail(path, () => openSync(partial, 'w'));
  const tracks = new Map<string, number>();
  const title = options.title ?? 'CIMbook';
  let isOpen = true;
  let isFirst = true;
  let pending = `{"displayTimeUnit":"ns","otherData":${JSON.stringify({ title, clockHz: options.clockHz })},"traceEvents":[`;

  const flush = (): void => {
    orFail(path, () => writeSync(file, pending));
    pending = '';
  };
  const event = (fields: object): void => {
    pending += `${isFirst ? '\n' : ',\n'}${JSON.stringify(fields)}`;
    isFirst = false;
    if (pending.length >= FLUSH_CHARACTERS) flush();
  };
  const trackOf = (resource: string): number => {
    const known = tracks.get(resource);
    if (known !== undefined) return known;
    tracks.set(resource, tracks.size + 1);
    return tracks.size;
  };
  const close = (): void => {
    if (isOpen) closeSync(file);
    isOpen = false;
  };
  const microseconds = (cycles: number): number => (cycles * MICROSECONDS_PER_SECOND) / options.clockHz;

  return {
    span: ({ segment, statement, label, resource, start, end }) => {
      event({
        ph: 'X',
        pid: PROCESS,
        tid: trackOf(resource),
        name: label,
        cat: `segment ${segment}`,
        ts: microseconds(start),
        dur: microseconds(end - start),
        args: { segment, statement, startCycle: start, endCycle: end },
      });
    },
    end: () => {
      event({ ph: 'M', pid: PROCESS, name: 'process_name', args: { name: title } });
      // Tracks in natural order, array 2 before array 10, whichever was busy first.
      const inOrder = [...tracks].toSorted(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
      for (const [position, [resource, tid]] of inOrder.entries()) {
        event({ ph: 'M', pid: PROCESS, tid, name: 'thread_name', args: { name: resource } });
        event({ ph: 'M', pid: PROCESS, tid, name: 'thread_sort_index', args: { sort_index: position } });
      }
      pending += '\n]}\n';
      flush();
      close();
      orFail(path, () => renameSync(partial, path));
    },
    abort: () => {
      close();
      rmSync(partial, { force: true });
    },
  };
}

function orFail<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail({
      kind: 'file',
      path,
      reason: `the trace can't be written (${reason})`,
      next: 'Choose a path in a folder that exists and has room.',
    });
  }
}
