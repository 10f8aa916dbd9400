// What cells print: process.stdout and process.stderr become `stream` messages.
// In: many small writes. Out: few messages, in order. The first write after a pause goes out at once, so that a cell which
// prints and then blocks is seen to print; what follows within 20 ms is sent together, so that 10,000 lines are a handful.

import { clearTimeout, setTimeout } from 'node:timers'; // Not the global ones, which belong to the cell.

export type StreamName = 'stdout' | 'stderr';

const FLUSH_AFTER_MS = 20;
const FLUSH_AT_LENGTH = 64 * 1024;

export class OutputStreams {
  private readonly send: (name: StreamName, text: string) => void;
  private name: StreamName = 'stdout';
  private pending: string[] = [];
  private length = 0;
  private sent = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(send: (name: StreamName, text: string) => void) {
    this.send = send;
  }

  /** Makes everything in this process that prints print here. */
  install(): void {
    for (const name of ['stdout', 'stderr'] as const) {
      const decoder = new TextDecoder();
      const write = (chunk: unknown, encoding?: unknown, done?: unknown): boolean => {
        this.write(name, typeof chunk === 'string' ? chunk : decoder.decode(chunk as Uint8Array, { stream: true }));
        const callback = typeof encoding === 'function' ? encoding : done;
        if (typeof callback === 'function') process.nextTick(callback);
        return true;
      };
      process[name].write = write as typeof process.stdout.write;
    }
  }

  write(name: StreamName, text: string): void {
    if (text === '') return;
    if (name !== this.name) {
      this.flush();
      this.name = name;
    }
    this.pending.push(text);
    this.length += text.length;
    if (this.length >= FLUSH_AT_LENGTH || performance.now() - this.sent > FLUSH_AFTER_MS) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS);
  }

  /** Sends what is pending: before every message that has to come after it. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.length === 0) return;
    const text = this.pending.join('');
    this.pending = [];
    this.length = 0;
    this.sent = performance.now();
    this.send(this.name, text);
  }
}
