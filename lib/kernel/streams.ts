// What cells print: process.stdout and process.stderr become `stream` messages.
// In: many small writes. Out: few messages, in order, at most some 20 ms late; a cell that prints 10,000 lines in one go
// sends a handful, a cell that blocks while it prints is still seen to print.

import { clearTimeout, setTimeout } from 'node:timers'; // Not the global ones, which belong to the cell.

export type StreamName = 'stdout' | 'stderr';

const FLUSH_AFTER_MS = 20;
const FLUSH_AT_LENGTH = 64 * 1024;

export class OutputStreams {
  private readonly send: (name: StreamName, text: string) => void;
  private name: StreamName = 'stdout';
  private pending: string[] = [];
  private length = 0;
  private since = 0;
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
    if (this.length === 0) this.since = performance.now();
    this.pending.push(text);
    this.length += text.length;
    if (this.length >= FLUSH_AT_LENGTH || performance.now() - this.since > FLUSH_AFTER_MS) this.flush();
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
    this.send(this.name, text);
  }
}
