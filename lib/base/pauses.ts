// Pauses of long work: now and then other work runs, and a signal is heard. Without them, an abort waits until all is done.

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
