// Runs a cell so that it can be interrupted whatever it does.
// In: the cell's work. Out: its result, or INTERRUPTION. The work's own promise may never settle: V8 drops the promise
// jobs that are waiting when the interrupt gate terminates one that blocks.

import { freshTask } from './fresh-task.ts';
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
    const stopped = new Promise<typeof INTERRUPTION>((resolve) => {
      this.stop = () => resolve(INTERRUPTION);
    });
    this.controller = new AbortController();
    this.timers.startCell(this.controller.signal);
    // None of the kernel's promise jobs is waiting at the start of a task: terminating the cell can't drop one.
    await freshTask();
    this.state.cell = cell;
    const result = await Promise.race([Promise.resolve().then(work), stopped]);
    this.state.cell = 0;
    this.stop = undefined;
    // What was released by an interruption ends before the next cell starts.
    if (result === INTERRUPTION) await freshTask();
    return result;
  }

  /** Interrupts the cell if it is still the one that runs. */
  interrupt(cell: number): void {
    if (cell === 0 || cell !== this.state.cell) return;
    this.stop?.();
    this.timers.clear();
    this.release();
    // Last: its listeners are the cell's code, which may block and be terminated as well.
    this.controller.abort();
  }
}
