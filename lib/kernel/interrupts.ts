// Runs a cell so that it can be interrupted whatever it does.
// In: the cell's work. Out: its result, or INTERRUPTION. The work's own promise may never settle: V8 drops it when the
// control worker terminates a callback that blocks.

import { setImmediate as macrotask } from 'node:timers/promises';
import type { SharedState } from './shared-state.ts';
import type { CellTimers } from './timers.ts';

export const INTERRUPTION = Symbol('interruption');

export class Interrupts {
  private readonly state: SharedState;
  private readonly timers: CellTimers;
  /** Ends what the executor waits for. */
  private readonly release: () => void;
  private controller = new AbortController();
  private stop: (() => void) | undefined;

  constructor(state: SharedState, timers: CellTimers, release: () => void) {
    this.state = state;
    this.timers = timers;
    this.release = release;
  }

  /** Aborted when the cell that runs now is interrupted. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  async run<T>(cell: number, work: () => Promise<T>): Promise<T | typeof INTERRUPTION> {
    this.controller = new AbortController();
    this.timers.startCell(this.controller.signal);
    const stopped = new Promise<typeof INTERRUPTION>((resolve) => {
      this.stop = () => resolve(INTERRUPTION);
    });
    this.state.cell = cell;
    this.state.phase = 'awaiting';
    try {
      // The work starts in a promise job of its own: terminating that job leaves this function alone.
      const result = await Promise.race([Promise.resolve().then(work), stopped]);
      // What was released by the interruption ends before the next cell starts.
      if (result === INTERRUPTION) await macrotask();
      return result;
    } finally {
      this.stop = undefined;
      this.state.phase = 'idle';
      this.state.cell = 0;
    }
  }

  /** Interrupts the cell if it is still the one that runs. */
  interrupt(cell: number): void {
    if (cell === 0 || cell !== this.state.cell) return;
    this.timers.clear();
    this.release();
    this.stop?.();
    this.controller.abort();
  }
}
