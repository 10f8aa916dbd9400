// Progress: bars that move in a notebook while long work runs; elsewhere nothing is shown.
// In: shares of work. Out, through `globalThis[Symbol.for('cimbook.display')]` of our kernel: all bars of a cell are lines of one
// output, sent once as display_data and then at most ten times a second as update_display_data. No timers: whoever works, reports.

import { escapeHtml } from './html.ts';
import { printable } from './text.ts';

export interface Progress {
  /** Moves the bar to `share` (0 to 1) of the work; `note` stands behind the percentage. */
  readonly update: (share: number, note?: string) => void;
  /** The work is done: the bar's line says how long it took, or goes away if it shall not stay. */
  readonly end: () => void;
  /** Aborted when the reader interrupts the cell; undefined outside a notebook. */
  readonly signal: AbortSignal | undefined;
}

export interface ProgressOptions {
  /** Work that ends within this time shows no bar; 0 unless given. */
  readonly afterMilliseconds?: number;
  /** false takes the line away at the end. */
  readonly stays?: boolean;
}

/** For the library's own calls: what is done at once shows nothing, and nothing is left of the rest. */
export const PASSING: ProgressOptions = { afterMilliseconds: 500, stays: false };

/** The part of the kernel's `NotebookDisplay` that bars need. */
interface Notebook {
  display(bundle: Readonly<Record<string, string>>): string;
  update(displayId: string, bundle: Readonly<Record<string, string>>): void;
  readonly signal: AbortSignal;
}

const BETWEEN_MILLISECONDS = 100;
const TEXT_WIDTH = 30;
const NOWHERE: Progress = { update: () => {}, end: () => {}, signal: undefined };

function runningNotebook(): Notebook | undefined {
  return (globalThis as { [key: symbol]: unknown })[Symbol.for('cimbook.display')] as Notebook | undefined;
}

/** Aborted when the reader interrupts the cell that is running; undefined outside a notebook. */
export function cellSignal(): AbortSignal | undefined {
  return runningNotebook()?.signal;
}

/** A bar with this title in the running cell's output. Committed notebooks (CIMBOOK_STATIC=1) show none. */
export function progress(title: string, options: ProgressOptions = {}): Progress {
  const notebook = runningNotebook();
  if (notebook === undefined) return NOWHERE;
  const { signal } = notebook;
  if (process.env.CIMBOOK_STATIC === '1') return { ...NOWHERE, signal };
  const board = boardOf(notebook);
  const { afterMilliseconds = 0, stays = true } = options;
  const started = performance.now();
  const bar: Bar = { title, share: 0, note: '', state: 'waiting', milliseconds: 0 };
  board.bars.add(bar);
  const show = (): void => {
    if (bar.state === 'waiting' && performance.now() - started >= afterMilliseconds) bar.state = 'running';
    if (bar.state !== 'waiting') board.draw();
  };
  show();
  return {
    update(share, note = '') {
      if (bar.state === 'ended' || signal.aborted) return;
      bar.share = Math.min(1, Math.max(0, share));
      bar.note = note;
      show();
    },
    end() {
      if (bar.state === 'ended' || signal.aborted) return;
      const wasShown = bar.state === 'running';
      bar.state = 'ended';
      bar.milliseconds = performance.now() - started;
      if (!stays || !wasShown) board.bars.delete(bar);
      if (wasShown) board.draw(true);
    },
    signal,
  };
}

/** Tells of every share that is more than all before: for work in parts, each of which has its own. */
export function growing(onProgress: ((done: number) => void) | undefined): (done: number) => void {
  let most = 0;
  return (done) => {
    const share = Math.min(1, done);
    if (share <= most) return;
    most = share;
    onProgress?.(share);
  };
}

/** The items one by one, with a bar that counts them: `for (const chip of track(chips, 'Chips'))`. */
export function* track<T>(items: Iterable<T>, title: string, total: number | undefined = lengthOf(items)): Generator<T, void, undefined> {
  const bar = progress(title);
  let done = 0;
  try {
    for (const item of items) {
      bar.update(total === undefined ? 0 : done / total, total === undefined ? `${done}` : `${done} of ${total}`);
      yield item;
      done++;
    }
  } finally {
    bar.end();
  }
}

function lengthOf(items: Iterable<unknown>): number | undefined {
  const { length, size } = items as { readonly length?: unknown; readonly size?: unknown };
  return [length, size].find((count) => typeof count === 'number');
}

interface Bar {
  readonly title: string;
  share: number;
  note: string;
  state: 'waiting' | 'running' | 'ended';
  milliseconds: number;
}

/** One cell's bars. */
interface Board {
  readonly bars: Set<Bar>;
  /** `now`: whatever was drawn a moment ago. */
  readonly draw: (now?: boolean) => void;
}

/** Each cell has a signal of its own. */
const boards = new WeakMap<AbortSignal, Board>();

function boardOf(notebook: Notebook): Board {
  const { signal } = notebook;
  const known = boards.get(signal);
  if (known !== undefined) return known;
  const bars = new Set<Bar>();
  let displayId: string | undefined;
  let drawn = Number.NEGATIVE_INFINITY;
  const draw = (now = false): void => {
    if (!now && performance.now() - drawn < BETWEEN_MILLISECONDS) return;
    drawn = performance.now();
    const shown = [...bars].filter(({ state }) => state !== 'waiting');
    const bundle = {
      'text/html': shown.map((bar) => htmlLine(bar, signal.aborted)).join('\n'),
      'text/plain': shown.map((bar) => textLine(bar, signal.aborted)).join('\n'),
    };
    if (displayId === undefined) displayId = notebook.display(bundle);
    else notebook.update(displayId, bundle);
  };
  signal.addEventListener('abort', () => {
    if (displayId !== undefined) draw(true);
  });
  const board = { bars, draw };
  boards.set(signal, board);
  return board;
}

function htmlLine(bar: Bar, interrupted: boolean): string {
  const meter =
    bar.state === 'ended' || interrupted
      ? ''
      : `<progress max="1" value="${bar.share.toFixed(4)}" style="width: 240px; vertical-align: middle;"></progress> `;
  return `<div style="font-variant-numeric: tabular-nums;">${escapeHtml(bar.title)} ${meter}${escapeHtml(state(bar, interrupted))}</div>`;
}

function textLine(bar: Bar, interrupted: boolean): string {
  const filled = Math.round(bar.share * TEXT_WIDTH);
  const meter = bar.state === 'ended' || interrupted ? '' : `[${'#'.repeat(filled)}${'.'.repeat(TEXT_WIDTH - filled)}] `;
  return `${printable(bar.title)} ${meter}${printable(state(bar, interrupted))}`;
}

function state({ state, share, note, milliseconds }: Bar, interrupted: boolean): string {
  if (state === 'ended') return `done in ${(milliseconds / 1000).toFixed(1)} s`;
  const percent = `${Math.floor(share * 100)} %`;
  return [interrupted ? `interrupted at ${percent}` : percent, ...(note === '' ? [] : [note])].join(', ');
}
