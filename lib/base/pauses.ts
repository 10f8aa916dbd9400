// Pauses of long work: now and then other work runs, and a signal is heard. Without them, an abort waits until all is done.
// What is synchronous for its callers is written as steps, and a caller that may wait pauses between them.

const EVERY_MS = 50;

export class Pauses {
  private readonly signal: AbortSignal | undefined;
  private last = performance.now();

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal;
  }

  /** A pause if the last one was some time ago, else undefined: awaiting for nothing would cost a turn of the event loop. Rejects with the signal's reason. */
  due(): Promise<void> | undefined {
    return performance.now() - this.last < EVERY_MS ? undefined : this.now();
  }

  private async now(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.signal?.throwIfAborted();
    this.last = performance.now();
  }
}

/** Work in steps, each short. A step may tell the share of all that is done with it. */
export type Steps<T> = Generator<number | undefined, T, undefined>;

/** All steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const next = steps.next();
    if (next.done) return next.value;
  }
}

/** All steps, with pauses, at which `onProgress` is told the share done. Rejects with the reason of the pauses' signal; what the work has begun is ended. */
export async function finishWithPauses<T>(steps: Steps<T>, pauses: Pauses, onProgress?: (done: number) => void): Promise<T> {
  let share: number | undefined;
  try {
    for (;;) {
      const next = steps.next();
      if (next.done) return next.value;
      share = next.value ?? share;
      const pause = pauses.due();
      if (pause === undefined) continue;
      if (share !== undefined) onProgress?.(share);
      await pause;
    }
  } finally {
    steps.return(undefined as never);
  }
}
