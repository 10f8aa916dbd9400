// What the main thread and the I/O worker see of each other at any time, even while a cell blocks the main thread.

const CELL = 0;
const CLOSED = 1;

export class SharedState {
  readonly buffer: SharedArrayBuffer;
  private readonly words: Int32Array;

  constructor(buffer = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
  }

  /** The number of the running cell. 0: no cell runs. */
  get cell(): number {
    return Atomics.load(this.words, CELL);
  }
  set cell(cell: number) {
    Atomics.store(this.words, CELL, cell);
  }

  /** Tells that the I/O worker has sent all that was published and closed its sockets. */
  setClosed(): void {
    Atomics.store(this.words, CLOSED, 1);
    Atomics.notify(this.words, CLOSED);
  }

  waitUntilClosed(limitMs: number): void {
    Atomics.wait(this.words, CLOSED, 0, limitMs);
  }
}
