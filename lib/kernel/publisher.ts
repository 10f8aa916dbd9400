// The iopub socket: everything a notebook shows. It lives in the I/O worker, so that what a cell has printed is seen
// although the cell goes on to block the main thread.
// In: messages, and many small pieces of printed text. Out: the same in order, printed text in few messages: the first piece
// after a pause goes out at once, what follows within 20 ms is sent together, so that 10,000 lines are a handful.

import { XPublisher } from 'zeromq';
import { type ConnectionInfo, encodeText, endpoint, type Header, SOCKET_OPTIONS } from './protocol.ts';
import type { StreamName } from './streams.ts';

const FLUSH_AFTER_MS = 20;
const FLUSH_AT_LENGTH = 64 * 1024;

export class Publisher {
  private readonly connection: ConnectionInfo;
  private readonly socket = new XPublisher({ ...SOCKET_OPTIONS, verbosity: 'allSubs' });
  private name: StreamName = 'stdout';
  private parent: Header | undefined;
  private pending: string[] = [];
  private length = 0;
  private sent = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(connection: ConnectionInfo) {
    this.connection = connection;
  }

  async bind(): Promise<void> {
    await this.socket.bind(endpoint(this.connection, this.connection.iopub_port));
    void this.welcome();
  }

  /** `content`: JSON. */
  publish(msgType: string, content: string, parent: Header | undefined): void {
    this.flush();
    this.send(`kernel.${msgType}`, msgType, content, parent);
  }

  print(name: StreamName, text: string, parent: Header | undefined): void {
    if (name !== this.name || parent?.msg_id !== this.parent?.msg_id) this.flush();
    this.name = name;
    this.parent = parent;
    this.pending.push(text);
    this.length += text.length;
    if (this.length >= FLUSH_AT_LENGTH || performance.now() - this.sent > FLUSH_AFTER_MS) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS);
  }

  /** Sends the text that is pending. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.length === 0) return;
    const pieces = this.pending;
    this.pending = [];
    this.length = 0;
    this.sent = performance.now();
    this.send('kernel.stream', 'stream', streamContent(this.name, pieces), this.parent);
  }

  close(): void {
    this.flush();
    this.socket.close();
  }

  private send(topic: string, msgType: string, content: string, parent: Header | undefined): void {
    if (this.socket.closed) return;
    // A client that has gone away is not this kernel's problem.
    this.socket.send(encodeText(this.connection.key, [topic], msgType, content, parent)).catch(() => {});
  }

  /** Tells each subscriber that it is connected: what is published from then on reaches it. */
  private async welcome(): Promise<void> {
    for await (const [frame] of this.socket) {
      if (frame?.[0] !== 1) continue; // 1: a subscription; 0: its end.
      const subscription = frame.subarray(1).toString();
      this.send(subscription, 'iopub_welcome', JSON.stringify({ subscription }), undefined);
    }
  }
}

function streamContent(name: StreamName, pieces: readonly string[]): string {
  try {
    return JSON.stringify({ name, text: pieces.join('') });
  } catch (error) {
    // Half a gigabyte, escaped, is more than a string holds; the kernel goes on.
    return JSON.stringify({ name: 'stderr', text: `What was printed can't be shown: ${(error as Error).message}\n` });
  }
}
