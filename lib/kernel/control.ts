// The main thread's side of the control worker: starts it and passes on what it is told.

import { Worker } from 'node:worker_threads';
import type { ControlNotice, ControlWorkerData } from './control-worker.ts';
import type { ConnectionInfo } from './protocol.ts';
import type { SharedState } from './shared-state.ts';

type NoticeOf<Kind extends ControlNotice['kind']> = Extract<ControlNotice, { kind: Kind }>;

export interface ControlEvents {
  status(notice: NoticeOf<'status'>): void;
  /** The cell with this number is to be stopped. */
  interrupt(cell: number): void;
  shutdown(notice: NoticeOf<'shutdown'>): void;
}

export interface Control {
  /** Closes the worker's sockets and waits for its end: a process that exits before would crash. */
  close(): Promise<void>;
}

/** Resolves when the worker's sockets are bound. */
export function startControl(connection: ConnectionInfo, state: SharedState, events: ControlEvents): Promise<Control> {
  const workerData: ControlWorkerData = { connection, state: state.buffer };
  // The cells' own standard streams are replaced; the worker has no use for any.
  const worker = new Worker(new URL('./control-worker.js', import.meta.url), { workerData, stdin: false });
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const control: Control = {
    close() {
      worker.postMessage('close');
      return ended;
    },
  };
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.on('message', (notice: ControlNotice) => {
      switch (notice.kind) {
        case 'bound':
          return resolve(control);
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
