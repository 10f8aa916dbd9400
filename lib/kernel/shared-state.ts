// A few integers that the main thread and the control worker both see at any time, even while a cell blocks the main
// thread: what the main thread is doing, for which cell, and when the worker last signalled.

/** What the main thread is doing: decides how it may be interrupted. */
export const PHASES = [
  /** Nothing of the user's: never interrupt. */
  'idle',
  /** TypeScript is working on a cell: stopping it half-way would corrupt it, so the worker waits. */
  'compiling',
  /** The first, synchronous part of a cell: Node turns SIGINT into an exception there. */
  'running',
  /** A cell waits for promises or timers, or blocks in one of their callbacks. */
  'awaiting',
] as const;
export type Phase = (typeof PHASES)[number];

const PHASE = 0;
const CELL = 1;
const PONG = 2;
const SIGNALLED = 3;

export class SharedState {
  readonly buffer: SharedArrayBuffer;
  private readonly words: Int32Array;

  constructor(buffer = new SharedArrayBuffer(16)) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
  }

  get phase(): Phase {
    return PHASES[Atomics.load(this.words, PHASE)] ?? 'idle';
  }
  set phase(phase: Phase) {
    Atomics.store(this.words, PHASE, PHASES.indexOf(phase));
  }

  /** Number of the running cell, 0 when none runs. */
  get cell(): number {
    return Atomics.load(this.words, CELL);
  }
  set cell(cell: number) {
    Atomics.store(this.words, CELL, cell);
  }

  /** The last ping the main thread has answered: a late answer means that something blocks it. */
  get pong(): number {
    return Atomics.load(this.words, PONG);
  }
  set pong(sequence: number) {
    Atomics.store(this.words, PONG, sequence);
  }

  /** Notes that the worker is about to send SIGINT to this process. */
  markSignal(): void {
    Atomics.store(this.words, SIGNALLED, seconds());
  }

  /** Whether a SIGINT that arrives now was most likely sent by the worker. */
  get signalledByWorker(): boolean {
    const sent = Atomics.load(this.words, SIGNALLED);
    return sent !== 0 && seconds() - sent <= 2;
  }
}

/** Wall-clock seconds, cut to 31 bits. */
function seconds(): number {
  return Math.floor(Date.now() / 1000) & 0x7fffffff;
}
