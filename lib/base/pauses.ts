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

/** Work in steps, each short. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** All steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** All steps, with pauses. Rejects with the reason of the pauses' signal; what the work has begun is ended. */
export async function finishWithPauses<T>(steps: Steps<T>, pauses: Pauses): Promise<T> {
  try {
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      const pause = pauses.due();
      if (pause !== undefined) await pause;
    }
  } finally {
    steps.return(undefined as never);
  }
}
