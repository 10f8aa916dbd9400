// The main thread's side of the I/O worker: starts it, hands it everything a notebook shows, and passes on what it is told.

import { Worker } from 'node:worker_threads';
import type { IoNotice, IoOrder, IoWorkerData } from './io-worker.ts';
import type { ConnectionInfo, Content, Parent } from './protocol.ts';
import type { SharedState } from './shared-state.ts';
import type { StreamName } from './streams.ts';

type NoticeOf<Kind extends IoNotice['kind']> = Extract<IoNotice, { kind: Kind }>;

export interface IoEvents {
  status(notice: NoticeOf<'status'>): void;
  /** The cell with this number is to be stopped. */
  interrupt(cell: number): void;
  shutdown(notice: NoticeOf<'shutdown'>): void;
  /** The worker has ended though nobody asked it to: nothing is shown or answered any more. */
  failure(error: Error): void;
}

/** How long a cell that ends the process waits for what it has printed. */
const EXIT_LIMIT_MS = 1000;

export class Io {
  /** Resolves when the worker's sockets are bound; what is published before waits. */
  readonly bound: Promise<void>;
  private readonly worker: Worker;
  private readonly ended: Promise<void>;
  private readonly state: SharedState;

  constructor(connection: ConnectionInfo, state: SharedState, events: IoEvents) {
    const workerData: IoWorkerData = { connection, state: state.buffer };
    // The cells' own standard streams are replaced; the worker has no use for any.
    this.worker = new Worker(new URL('./io-worker.js', import.meta.url), { workerData, stdin: false });
    this.ended = new Promise((resolve) => this.worker.once('exit', () => resolve()));
    this.state = state;
    this.bound = new Promise((resolve, reject) => {
      this.worker.once('error', reject);
      this.worker.on('message', (notice: IoNotice) => {
        switch (notice.kind) {
          case 'bound':
            this.worker.once('error', (error) => events.failure(error));
            return resolve();
          case 'status':
            return events.status(notice);
          case 'interrupt':
            return events.interrupt(notice.cell);
          case 'shutdown':
            return events.shutdown(notice);
        }
      });
    });
  }

  publish(msgType: string, content: Content, parent: Parent): void {
    let text: string;
    try {
      text = JSON.stringify(content);
    } catch (error) {
      // Data that JSON can't hold (a bigint, a cycle) must not cost the cell its other outputs.
      return this.print('stderr', `This output can't be shown: ${(error as Error).message}\n`, parent);
    }
    this.order({ kind: 'publish', msgType, content: text, parent: parent?.header });
  }

  print(name: StreamName, text: string, parent: Parent): void {
    this.order({ kind: 'print', name, text, parent: parent?.header });
  }

  /** Stops the running cell, as a request on the control socket does. */
  interrupt(): void {
    this.order({ kind: 'interrupt' });
  }

  /** Sends what is left, closes the worker's sockets and waits for its end: a process that exits before would crash. */
  close(): Promise<void> {
    this.order({ kind: 'close' });
    return this.ended;
  }

  /** The same where nothing can be waited for: when a cell calls `process.exit`. */
  closeAtExit(): void {
    this.order({ kind: 'exit' });
    this.state.waitUntilClosed(EXIT_LIMIT_MS);
  }

  private order(order: IoOrder): void {
    this.worker.postMessage(order);
  }
}
