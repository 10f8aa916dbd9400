// The number of the running cell, seen by the main thread and the control worker at any time, even while the cell blocks
// the main thread. 0: no cell runs.

export class SharedState {
  readonly buffer: SharedArrayBuffer;
  private readonly words: Int32Array;

  constructor(buffer = new SharedArrayBuffer(4)) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
  }

  get cell(): number {
    return Atomics.load(this.words, 0);
  }
  set cell(cell: number) {
    Atomics.store(this.words, 0, cell);
  }
}
