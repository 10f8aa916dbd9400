// Worker thread with the heartbeat and control sockets: it answers while a cell blocks the main thread.
// In: interrupt and shutdown requests. Out: their replies, and whatever it takes to stop the main thread: a message,
// SIGINT to the process group, and, when the main thread still does not answer, termination through the inspector.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Reply, Router } from 'zeromq';
import { kernelInfo } from './kernel-info.ts';
import type { ConnectionInfo, Content, Message } from './protocol.ts';
import { decode, encode, endpoint } from './protocol.ts';
import { SharedState } from './shared-state.ts';

export interface ControlWorkerData {
  readonly connection: ConnectionInfo;
  readonly state: SharedArrayBuffer;
}

/** What the worker tells the main thread. */
export type ControlNotice =
  | { readonly kind: 'bound' }
  | { readonly kind: 'status'; readonly status: 'busy' | 'idle'; readonly header: Message['header'] }
  | { readonly kind: 'interrupt'; readonly cell: number }
  | { readonly kind: 'shutdown'; readonly restart: boolean; readonly header: Message['header'] | undefined }
  | { readonly kind: 'ping'; readonly sequence: number };

/** The main thread answers a ping within milliseconds unless a cell blocks it. */
const HEARTBEAT_MS = 150;
/** How long the worker tries to stop a cell, and how long a shutdown may take. */
const INTERRUPT_LIMIT_MS = 15_000;
const SHUTDOWN_LIMIT_MS = 2000;

const { connection, state: buffer } = workerData as ControlWorkerData;
const state = new SharedState(buffer);
const heartbeat = new Reply();
const control = new Router({ sendHighWaterMark: 0, linger: 500 });
const isWindows = process.platform === 'win32';
let sequence = 0;
let signalTarget: number | undefined;

await heartbeat.bind(endpoint(connection, connection.hb_port));
await control.bind(endpoint(connection, connection.control_port));
notify({ kind: 'bound' });
watchParent();
parentPort?.once('message', close);
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
      return shutdown(restart, message.header);
    }
  }
}

async function reply(message: Message, msgType: string, content: Content): Promise<void> {
  await control.send(encode(connection.key, message.identities, msgType, content, message.header));
}

/** Stops the running cell, by the gentlest means that works. */
async function interrupt(): Promise<void> {
  const cell = state.cell;
  if (cell === 0) return;
  const ping = ++sequence;
  notify({ kind: 'interrupt', cell });
  notify({ kind: 'ping', sequence: ping });
  sendSignal();
  const deadline = Date.now() + INTERRUPT_LIMIT_MS;
  while (Date.now() < deadline) {
    await sleep(HEARTBEAT_MS);
    // The main thread has read its messages: it knows. Or the cell has ended.
    if (state.pong >= ping || state.cell !== cell) return;
    if (state.phase === 'running' && !isWindows) sendSignal();
    // Termination can't be caught. Where SIGINT becomes an exception it is not needed, in the compiler it would do harm.
    else if (state.phase === 'awaiting' || state.phase === 'running') terminate();
  }
}

function terminate(): void {
  const session = new Session();
  session.connectToMainThread();
  session.post('Runtime.terminateExecution', () => session.disconnect());
}

/** Sends SIGINT to this process and, when it leads its process group, to the children of the cell as well. */
function sendSignal(): void {
  if (isWindows) return; // There, process.kill ends the process whatever the signal.
  signalTarget ??= isGroupLeader() ? -process.pid : process.pid;
  state.markSignal();
  process.kill(signalTarget, 'SIGINT');
}

function isGroupLeader(): boolean {
  try {
    const group =
      process.platform === 'linux'
        ? // Fields after the command, which is in parentheses: state, parent, process group.
          readFileSync('/proc/self/stat', 'utf8')
            .replace(/^.*\) /s, '')
            .split(' ')[2]
        : execFileSync('ps', ['-o', 'pgid=', '-p', String(process.pid)], { encoding: 'utf8' }).trim();
    return Number(group) === process.pid;
  } catch {
    return false;
  }
}

async function shutdown(restart: boolean, header: Message['header'] | undefined): Promise<void> {
  notify({ kind: 'shutdown', restart, header });
  // A cell that blocks the main thread can't keep the process alive.
  await sleep(SHUTDOWN_LIMIT_MS, undefined, { ref: false });
  process.kill(process.pid, 'SIGKILL');
}

/** Ends this thread: nothing keeps it alive but its sockets. */
function close(): void {
  heartbeat.close();
  control.close();
}

/** Ends the kernel when the Jupyter server that started it is gone, so that none is left behind. */
function watchParent(): void {
  if (process.env.JPY_PARENT_PID === undefined || isWindows) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) void shutdown(false, undefined);
  }, 1000).unref();
}

async function echoHeartbeats(): Promise<void> {
  for await (const frames of heartbeat) await heartbeat.send(frames);
}

function notify(notice: ControlNotice): void {
  parentPort?.postMessage(notice);
}
