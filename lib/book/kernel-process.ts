// Kernel process: starts our kernel and sends it cells over ZeroMQ, as a Jupyter client would.
// In: code. Out: the messages a front end would get. Its end is bound to ours.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dealer, Subscriber } from 'zeromq';
import { fail } from '../base/problem.ts';
import { freePorts } from '../kernel/free-ports.ts';
import { packageRoot } from '../kernel/own-package.ts';
import { type ConnectionInfo, type Content, decode, encode, endpoint, type Message } from '../kernel/protocol.ts';

const START_SECONDS = 60;

function exitInterrupted(): never {
  process.exit(130);
}

/** A kernel process and the sockets to it. */
export class KernelProcess {
  private readonly process: ChildProcess;
  private readonly connection: ConnectionInfo;
  private readonly folder: string;
  private readonly shell = new Dealer({ linger: 0 });
  private readonly iopub = new Subscriber({ linger: 0 });
  private readonly listeners = new Set<(message: Message | undefined) => void>();
  private readonly end = (): void => this.close();
  private hasEnded = false;

  private constructor(process: ChildProcess, connection: ConnectionInfo, folder: string) {
    this.process = process;
    this.connection = connection;
    this.folder = folder;
  }

  /** Starts a kernel in `cwd` and waits for its first word. */
  static async start(cwd: string): Promise<KernelProcess> {
    const entry = join(packageRoot, 'dist', 'kernel', 'main.js');
    if (!existsSync(entry)) fail({ kind: 'file', path: entry, reason: 'does not exist', next: 'Build the package first: npm run build.' });
    const [shell_port, iopub_port, stdin_port, control_port, hb_port] = (await freePorts(5)) as [number, number, number, number, number];
    const ports = { shell_port, iopub_port, stdin_port, control_port, hb_port };
    const connection = { transport: 'tcp', ip: '127.0.0.1', key: randomUUID(), signature_scheme: 'hmac-sha256', ...ports };
    const folder = mkdtempSync(join(tmpdir(), 'cimbook-kernel-'));
    const file = join(folder, 'connection.json');
    writeFileSync(file, JSON.stringify(connection), { mode: 0o600 });
    // Outputs without scripts; a process group of its own, whose end is bound to ours.
    const env = { ...process.env, CIMBOOK_STATIC: '1', JPY_PARENT_PID: String(process.pid) };
    const child = spawn(process.execPath, [entry, file], { cwd, env, stdio: ['ignore', 'ignore', 'inherit'], detached: true });
    const kernel = new KernelProcess(child, connection, folder);
    for (const event of ['exit', 'error']) child.once(event, () => kernel.tell(undefined));
    process.once('exit', kernel.end);
    // So that Ctrl-C, too, ends with 'exit', and no kernel is left behind.
    if (process.listenerCount('SIGINT') === 0) process.on('SIGINT', exitInterrupted);
    kernel.shell.connect(endpoint(connection, shell_port));
    kernel.iopub.connect(endpoint(connection, iopub_port));
    kernel.iopub.subscribe();
    for (const socket of [kernel.shell, kernel.iopub]) void kernel.listen(socket);
    const welcome = kernel.until(START_SECONDS, ({ header }) => (header.msg_type === 'iopub_welcome' ? true : undefined));
    kernel.send('kernel_info_request', {});
    if ((await welcome) === undefined) {
      kernel.close();
      throw new Error(`internal: the kernel did not answer within ${START_SECONDS} s`);
    }
    return kernel;
  }

  /** Runs a cell, handing its messages to `visit`; why it did not come to its end, if it did not. */
  async execute(code: string, seconds: number, visit: (message: Message) => void): Promise<string | undefined> {
    const id = this.send('execute_request', { code, silent: false, store_history: true, allow_stdin: false, stop_on_error: true });
    let hasReply = false;
    let isIdle = false;
    const done = await this.until(seconds, (message) => {
      if (message.parentHeader.msg_id !== id) return undefined;
      const type = message.header.msg_type;
      if (type === 'execute_reply') hasReply = true;
      else if (type !== 'status') visit(message);
      else if (message.content.execution_state === 'idle') isIdle = true;
      return hasReply && isIdle ? true : undefined;
    });
    if (done === true) return undefined;
    return this.hasEnded ? 'The kernel ended before the cell had.' : `The cell ran for more than ${seconds} s.`;
  }

  close(): void {
    process.off('exit', this.end);
    for (const socket of [this.shell, this.iopub]) if (!socket.closed) socket.close();
    try {
      // The group: what the kernel started (renderer, workers) ends with it.
      if (this.process.pid !== undefined) process.kill(-this.process.pid, 'SIGKILL');
    } catch {
      this.process.kill('SIGKILL');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private send(type: string, content: Content): string {
    const frames = encode(this.connection.key, [], type, content, undefined);
    void this.shell.send(frames);
    return (JSON.parse(String(frames[2])) as { msg_id: string }).msg_id;
  }

  private async listen(socket: Dealer | Subscriber): Promise<void> {
    for await (const frames of socket) this.tell(decode(this.connection.key, frames));
  }

  private tell(message: Message | undefined): void {
    this.hasEnded ||= message === undefined;
    for (const listener of [...this.listeners]) listener(message);
  }

  /** What `visit` finds first; undefined after `seconds`, or when the kernel ends. */
  private until<T>(seconds: number, visit: (message: Message) => T | undefined): Promise<T | undefined> {
    return new Promise((resolve) => {
      const finish = (found: T | undefined): void => {
        clearTimeout(timer);
        this.listeners.delete(listener);
        resolve(found);
      };
      const listener = (message: Message | undefined): void => {
        const found = message === undefined ? undefined : visit(message);
        if (message === undefined || found !== undefined) finish(found);
      };
      const timer = setTimeout(() => finish(undefined), seconds * 1000);
      this.listeners.add(listener);
      if (this.hasEnded) finish(undefined);
    });
  }
}
