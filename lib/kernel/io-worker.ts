// Worker thread with the heartbeat, control and iopub sockets: it answers and shows outputs while a cell blocks the main thread.
// In: what is to be shown; interrupt and shutdown requests. Out: messages to front ends, and whatever it takes to stop a cell:
// a message to the main thread, a signal to the processes the cell has started, and, for a cell that blocks, the interrupt gate.

import { Session } from 'node:inspector';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Reply, Router } from 'zeromq';
import { endDescendants, signalDescendants } from './descendants.ts';
import { gateExpression } from './gate-expression.ts';
import { kernelInfo } from './kernel-info.ts';
import type { ConnectionInfo, Content, Message } from './protocol.ts';
import { decode, encode, endpoint, type Header } from './protocol.ts';
import { Publisher } from './publisher.ts';
import { SharedState } from './shared-state.ts';
import type { StreamName } from './streams.ts';

export interface IoWorkerData {
  readonly connection: ConnectionInfo;
  readonly state: SharedArrayBuffer;
}

/** What the main thread asks of the worker. */
export type IoOrder =
  /** `content`: JSON. */
  | { readonly kind: 'publish'; readonly msgType: string; readonly content: string; readonly parent: Header | undefined }
  | { readonly kind: 'print'; readonly name: StreamName; readonly text: string; readonly parent: Header | undefined }
  /** As an interrupt_request on the control socket. */
  | { readonly kind: 'interrupt' }
  /** The process ends by itself: no time for more than what is left to be sent. */
  | { readonly kind: 'exit' }
  | { readonly kind: 'close' };

/** What the worker tells the main thread. */
export type IoNotice =
  | { readonly kind: 'bound' }
  | { readonly kind: 'status'; readonly status: 'busy' | 'idle'; readonly header: Message['header'] }
  | { readonly kind: 'interrupt'; readonly cell: number }
  | { readonly kind: 'shutdown'; readonly restart: boolean; readonly header: Message['header'] | undefined };

/** How often and how long the worker tries to stop a cell, and how long a shutdown may take. */
const RETRY_MS = 20;
const INTERRUPT_LIMIT_MS = 15_000;
const SHUTDOWN_LIMIT_MS = 2000;

const { connection, state: buffer } = workerData as IoWorkerData;
const state = new SharedState(buffer);
const heartbeat = new Reply();
const control = new Router({ sendHighWaterMark: 0, linger: 500 });
const publisher = new Publisher(connection);

await heartbeat.bind(endpoint(connection, connection.hb_port));
await control.bind(endpoint(connection, connection.control_port));
await publisher.bind();
parentPort?.on('message', obey);
// Only the sockets keep this thread alive.
parentPort?.unref();
notify({ kind: 'bound' });
watchParent();
void echoHeartbeats();

for await (const frames of control) {
  try {
    const message = decode(connection.key, frames);
    notify({ kind: 'status', status: 'busy', header: message.header });
    await handle(message);
    notify({ kind: 'status', status: 'idle', header: message.header });
  } catch {
    // A message that can't be trusted or read gets no answer.
  }
}

function obey(order: IoOrder): void {
  switch (order.kind) {
    case 'publish':
      return publisher.publish(order.msgType, order.content, order.parent);
    case 'print':
      return publisher.print(order.name, order.text, order.parent);
    case 'interrupt':
      interrupt().catch(() => {});
      return;
    case 'exit':
      signalDescendants('SIGTERM');
      closeSockets();
      return state.setClosed();
    case 'close':
      void close();
  }
}

async function handle(message: Message): Promise<void> {
  switch (message.header.msg_type) {
    case 'interrupt_request':
      interrupt().catch(() => {});
      return reply(message, 'interrupt_reply', { status: 'ok' });
    case 'kernel_info_request':
      return reply(message, 'kernel_info_reply', kernelInfo());
    case 'shutdown_request': {
      const restart = message.content.restart === true;
      await reply(message, 'shutdown_reply', { status: 'ok', restart });
      void shutdown(restart, message.header);
    }
  }
}

async function reply(message: Message, msgType: string, content: Content): Promise<void> {
  await control.send(encode(connection.key, message.identities, msgType, content, message.header));
}

/** Stops the running cell: asks it to, and terminates what of it blocks the main thread. */
async function interrupt(): Promise<void> {
  const { cell } = state;
  if (cell === 0) return;
  notify({ kind: 'interrupt', cell });
  signalDescendants('SIGINT');
  const session = new Session();
  session.connectToMainThread();
  const deadline = Date.now() + INTERRUPT_LIMIT_MS;
  // One termination may not be enough: the code may go on in another callback until the main thread reads its messages.
  while (state.cell === cell && Date.now() < deadline) {
    session.post('Runtime.evaluate', { expression: gateExpression(cell) });
    await sleep(RETRY_MS);
  }
  session.disconnect();
}

async function shutdown(restart: boolean, header: Message['header'] | undefined): Promise<void> {
  notify({ kind: 'shutdown', restart, header });
  // A cell that blocks the main thread can't keep the process alive.
  await sleep(SHUTDOWN_LIMIT_MS, undefined, { ref: false });
  signalDescendants('SIGKILL');
  process.kill(process.pid, 'SIGKILL');
}

/** Ends this thread: nothing keeps it alive but its sockets. */
async function close(): Promise<void> {
  publisher.flush();
  await endDescendants();
  closeSockets();
}

function closeSockets(): void {
  publisher.close();
  heartbeat.close();
  control.close();
}

/** Ends the kernel when the Jupyter server that started it is gone, so that none is left behind. */
function watchParent(): void {
  if (process.env.JPY_PARENT_PID === undefined || process.platform === 'win32') return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) void shutdown(false, undefined);
  }, 1000).unref();
}

async function echoHeartbeats(): Promise<void> {
  for await (const frames of heartbeat) await heartbeat.send(frames);
}

function notify(notice: IoNotice): void {
  parentPort?.postMessage(notice);
}
