// Trace file: single jobs of a run as a Chrome trace, which Perfetto (ui.perfetto.dev) and chrome://tracing open.
// Format: "Trace Event Format" (Google), JSON object form. Spans and flows -> file, piece by piece: a long run has millions.
// Tracks: the shared resources; every array with its mode and what it computes or is written with; its ports as memory.

import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { fail } from '../base/problem.ts';
import type { Cycles } from '../base/units.ts';
import type { Flow, Span } from '../simulator/trace.ts';

export interface TraceFileOptions {
  /** One cycle is 1 / clockHz seconds in the file. */
  readonly clockHz: number;
  /** What the trace is of, such as 'vgg16 on dynaplasia'. */
  readonly title?: string;
  /** Arrays that get a track with their mode; those that spans name get one anyway. */
  readonly arrays?: number;
}

/** Takes spans and flows as they happen; nothing is at `path` before `end`. */
export interface TraceFile {
  span(span: Span): void;
  flow(flow: Flow): void;
  /** Writes what is left and puts the file in its place. */
  end(): void;
  /** Gives up and leaves nothing behind. */
  abort(): void;
}

/** Processes are groups of tracks, the shared resources first. */
const SHARED = 1;
const ARRAYS = 2;
const PORTS = 3;
const GROUPS: readonly (readonly [number, string])[] = [
  [SHARED, 'shared'],
  [ARRAYS, 'arrays'],
  [PORTS, 'ports of memory-mode arrays'],
];
const FLUSH_CHARACTERS = 1 << 18;
const MICROSECONDS_PER_SECOND = 1e6;
const MODES = { TOM: 'memory mode', TOC: 'compute mode' } as const;

interface Track {
  readonly pid: number;
  readonly tid: number;
}

/** A sink that writes a trace file at `path`; times in microseconds. Throws `file`. */
export function openTraceFile(path: string, options: TraceFileOptions): TraceFile {
  const partial = `${path}.partial`;
  const file = orFail(path, () => openSync(partial, 'w'));
  const tracks = new Map<string, Track & { readonly name: string }>();
  const modes = new Map<number, { readonly mode: keyof typeof MODES; readonly since: Cycles }>();
  const title = options.title ?? 'CIMbook';
  let isOpen = true;
  let isFirst = true;
  let now: Cycles = 0;
  let flows = 0;
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
  const track = (pid: number, name: string): Track => {
    const key = `${pid} ${name}`;
    const known = tracks.get(key);
    if (known !== undefined) return known;
    const made = { pid, tid: tracks.size + 1, name };
    tracks.set(key, made);
    return made;
  };
  /** An array computes and is written on its own track, is read and written as memory on those of its ports. */
  const tracksOf = ({ resource, arrays }: Span): readonly Track[] => {
    if (arrays.length === 0 || resource === 'switch line') return [track(SHARED, resource)];
    const port = /^arrays .*(read|write)$/.exec(resource)?.[1];
    return arrays.map((array) => (port === undefined ? track(ARRAYS, `array ${array}`) : track(PORTS, `array ${array} ${port}`)));
  };
  const microseconds = (cycles: Cycles): number => (cycles * MICROSECONDS_PER_SECOND) / options.clockHz;
  const slice = ({ pid, tid }: Track, name: string, cat: string, start: Cycles, end: Cycles, args: object): void =>
    event({ ph: 'X', pid, tid, name, cat, ts: microseconds(start), dur: microseconds(end - start), args });
  /** Ends the mode an array was in. */
  const leaveMode = (array: number, at: Cycles): void => {
    const { mode, since } = modes.get(array) ?? { mode: 'TOC', since: 0 };
    if (at > since) slice(track(ARRAYS, `array ${array}`), MODES[mode], 'mode', since, at, {});
  };
  const close = (): void => {
    if (isOpen) closeSync(file);
    isOpen = false;
  };

  return {
    span: (span) => {
      const { segment, statement, label, resource, chunk, arrays, start, end } = span;
      now = Math.max(now, end);
      const args = { segment, statement, chunk, startCycle: start, endCycle: end };
      for (const one of tracksOf(span)) slice(one, label, `segment ${segment}`, start, end, args);
      if (resource !== 'switch line') return;
      for (const array of arrays) {
        leaveMode(array, start);
        modes.set(array, { mode: label === 'TOM' ? 'TOM' : 'TOC', since: end });
      }
    },
    flow: ({ from, to }) => {
      const id = ++flows;
      for (const [ph, span] of [
        ['s', from],
        ['f', to],
      ] as const) {
        const [first] = tracksOf(span);
        // Flows hang on the slice that is under way at their time.
        const ts = microseconds((span.start + span.end) / 2);
        event({ ph, pid: first?.pid, tid: first?.tid, name: 'data', cat: 'data', id, ts, ...(ph === 'f' && { bp: 'e' }) });
      }
    },
    end: () => {
      const named = [...tracks.values()].flatMap(({ pid, name }) => (pid === ARRAYS ? [Number(name.slice('array '.length))] : []));
      for (const array of new Set([...Array(options.arrays ?? 0).keys(), ...modes.keys(), ...named])) leaveMode(array, now);
      event({ ph: 'M', pid: SHARED, name: 'process_name', args: { name: title } });
      for (const [pid, name] of GROUPS) {
        if (pid !== SHARED) event({ ph: 'M', pid, name: 'process_name', args: { name } });
        event({ ph: 'M', pid, name: 'process_sort_index', args: { sort_index: pid } });
      }
      // Tracks in natural order, array 2 before array 10, whichever was busy first.
      const inOrder = [...tracks.values()].toSorted((a, b) => a.pid - b.pid || a.name.localeCompare(b.name, 'en', { numeric: true }));
      for (const [position, { pid, tid, name }] of inOrder.entries()) {
        event({ ph: 'M', pid, tid, name: 'thread_name', args: { name } });
        event({ ph: 'M', pid, tid, name: 'thread_sort_index', args: { sort_index: position } });
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
