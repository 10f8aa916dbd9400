// Binary heap of events ordered by time, then by a fixed key: the run is repeatable to the bit.

import type { Cycles } from '../base/units.ts';

export class EventQueue {
  private times = new Float64Array(64);
  private keys = new Int32Array(64);
  private count = 0;

  get size(): number {
    return this.count;
  }

  push(time: Cycles, key: number): void {
    if (this.count === this.times.length) this.grow();
    let i = this.count++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.before(time, key, parent)) break;
      this.times[i] = this.times[parent]!;
      this.keys[i] = this.keys[parent]!;
      i = parent;
    }
    this.times[i] = time;
    this.keys[i] = key;
  }

  /** Time of the next event; the queue must not be empty. */
  nextTime(): Cycles {
    return this.times[0]!;
  }

  /** Removes the next event and returns its key; the queue must not be empty. */
  pop(): number {
    const top = this.keys[0]!;
    const last = --this.count;
    const time = this.times[last]!;
    const key = this.keys[last]!;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= last) break;
      if (child + 1 < last && this.before(this.times[child + 1]!, this.keys[child + 1]!, child)) child++;
      if (this.before(time, key, child)) break;
      this.times[i] = this.times[child]!;
      this.keys[i] = this.keys[child]!;
      i = child;
    }
    this.times[i] = time;
    this.keys[i] = key;
    return top;
  }

  private before(time: number, key: number, at: number): boolean {
    const other = this.times[at]!;
    return time < other || (time === other && key < this.keys[at]!);
  }

  private grow(): void {
    const times = new Float64Array(this.times.length * 2);
    const keys = new Int32Array(this.keys.length * 2);
    times.set(this.times);
    keys.set(this.keys);
    this.times = times;
    this.keys = keys;
  }
}
