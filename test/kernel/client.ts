// A small Jupyter client for the tests: starts the real kernel process and talks to it over ZeroMQ.
// In: code. Out: what a front end would get: stream text, results, errors, the reply.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Dealer, Subscriber } from 'zeromq';
import { freePorts } from '../../lib/kernel/free-ports.ts';
import { type ConnectionInfo, type Content, decode, encode, endpoint, type Message } from '../../lib/kernel/protocol.ts';

export const repositoryRoot = fileURLToPath(new URL('../../', import.meta.url));
export const kernelEntry = process.env.CIMBOOK_KERNEL ?? join(repositoryRoot, 'dist', 'kernel', 'main.js');

export interface ErrorContent {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

/** Everything a notebook would show for a cell. */
export interface CellOutput {
  readonly reply: Content;
  readonly messages: readonly Message[];
  readonly stdout: string;
  readonly stderr: string;
  /** The bundle of execute_result. */
  readonly result: Record<string, unknown> | undefined;
  readonly error: ErrorContent | undefined;
}

const TIMEOUT_MS = 60_000;

export class KernelClient {
  readonly process: ChildProcess;
  readonly connection: ConnectionInfo;
  readonly folder: string;
  /** Questions to the reader go to the one who sent the request, by this id. */
  private readonly id = randomUUID();
  private readonly shell = new Dealer({ linger: 0, routingId: this.id });
  private readonly stdin = new Dealer({ linger: 0, routingId: this.id });
  private readonly control = new Dealer({ linger: 0 });
  private readonly iopub = new Subscriber({ linger: 0 });
  private readonly listeners = new Set<(message: Message) => void>();

  private constructor(process: ChildProcess, connection: ConnectionInfo, folder: string) {
    this.process = process;
    this.connection = connection;
    this.folder = folder;
  }

  /** Starts a kernel in `cwd` and waits for its first answer. `command`: another kernel's, its connection file comes last. */
  static async start(
    options: { readonly cwd?: string; readonly command?: readonly string[]; readonly env?: NodeJS.ProcessEnv } = {},
  ): Promise<KernelClient> {
    const { cwd = repositoryRoot, command = [process.execPath, kernelEntry] } = options;
    if (options.command === undefined && !existsSync(kernelEntry))
      throw new Error(`${kernelEntry} does not exist: run \`npm run build\` first.`);
    const [shell_port, iopub_port, stdin_port, control_port, hb_port] = (await freePorts(5)) as [number, number, number, number, number];
    const ports = { shell_port, iopub_port, stdin_port, control_port, hb_port };
    const connection = { transport: 'tcp', ip: '127.0.0.1', key: randomUUID(), signature_scheme: 'hmac-sha256', ...ports };
    const folder = mkdtempSync(join(tmpdir(), 'cimbook-kernel-'));
    const file = join(folder, 'connection.json');
    writeFileSync(file, JSON.stringify(connection));
    // As Jupyter does it: a process group of its own, and a parent whose end is the kernel's end.
    const env = { ...process.env, ...options.env, JPY_PARENT_PID: String(process.pid) };
    const [program = '', ...args] = command;
    const child = spawn(program, [...args, file], { cwd, env, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    const client = new KernelClient(child, connection, folder);
    await client.connect();
    return client;
  }

  /** Another client of a kernel that runs. */
  static async attach({ process, connection }: KernelClient): Promise<KernelClient> {
    const client = new KernelClient(process, connection, mkdtempSync(join(tmpdir(), 'cimbook-kernel-')));
    await client.connect();
    return client;
  }

  private async connect(): Promise<void> {
    const { connection } = this;
    this.shell.connect(endpoint(connection, connection.shell_port));
    this.stdin.connect(endpoint(connection, connection.stdin_port));
    this.control.connect(endpoint(connection, connection.control_port));
    this.iopub.connect(endpoint(connection, connection.iopub_port));
    this.iopub.subscribe();
    for (const socket of this.sockets) void this.listen(socket);
    const welcome = this.next((message) => message.header.msg_type === 'iopub_welcome');
    await this.request('kernel_info_request', {});
    await welcome;
  }

  private get sockets() {
    return [this.shell, this.stdin, this.control, this.iopub];
  }

  /** Executes a cell and waits until the kernel is idle again. */
  async execute(code: string, options: Content = {}): Promise<CellOutput> {
    return this.collect(this.sendExecute(code, options));
  }

  /** Sends a cell without waiting; returns the id to `collect` by. */
  sendExecute(code: string, options: Content = {}): string {
    return this.send(this.shell, 'execute_request', { code, silent: false, store_history: true, allow_stdin: false, ...options });
  }

  /** Waits for the reply and the idle status of the request with this id. */
  collect(id: string): Promise<CellOutput> {
    const messages: Message[] = [];
    return this.waitFor(`the output of ${id}`, (message) => {
      if (message.parentHeader.msg_id !== id) return undefined;
      messages.push(message);
      const reply = messages.find(({ header }) => header.msg_type.endsWith('_reply'));
      const isIdle = messages.some(({ header, content }) => header.msg_type === 'status' && content.execution_state === 'idle');
      return reply !== undefined && isIdle ? cellOutput(reply.content, messages) : undefined;
    });
  }

  /** Returns the content of the reply to a request on the shell or control socket. */
  async request(type: string, content: Content, channel: 'shell' | 'control' = 'shell'): Promise<Content> {
    const id = this.send(this[channel], type, content);
    return (await this.next((message) => message.parentHeader.msg_id === id && message.header.msg_type.endsWith('_reply'))).content;
  }

  /** Returns the next message that satisfies `accept`. */
  next(accept: (message: Message) => boolean): Promise<Message> {
    return this.waitFor('a message', (message) => (accept(message) ? message : undefined));
  }

  /** Answers a question of a cell. */
  answer(value: string): void {
    this.send(this.stdin, 'input_reply', { value });
  }

  /** Goes away without a word: the kernel runs on. */
  vanish(): void {
    for (const socket of this.sockets) if (!socket.closed) socket.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Sends frames as they are. */
  async sendRaw(frames: (Buffer | string)[]): Promise<void> {
    await this.shell.send(frames);
  }

  /** Ends the kernel by the protocol; returns its exit code. */
  async shutdown(): Promise<number | null> {
    const exit = new Promise<number | null>((resolve) => this.process.once('exit', resolve));
    await this.request('shutdown_request', { restart: false }, 'control');
    const code = await exit;
    this.close();
    return code;
  }

  close(): void {
    this.vanish();
    if (this.process.exitCode === null) this.process.kill('SIGKILL');
  }

  private send(socket: Dealer, type: string, content: Content): string {
    const frames = encode(this.connection.key, [], type, content, undefined);
    void socket.send(frames);
    return (JSON.parse(String(frames[2])) as { msg_id: string }).msg_id;
  }

  private async listen(socket: Dealer | Subscriber): Promise<void> {
    for await (const frames of socket) {
      const message = decode(this.connection.key, frames);
      for (const listener of [...this.listeners]) listener(message);
    }
  }

  private waitFor<T>(what: string, visit: (message: Message) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => finish(() => reject(new Error(`timeout: ${what} did not come`))), TIMEOUT_MS);
      const listener = (message: Message) => {
        const found = visit(message);
        if (found !== undefined) finish(() => resolve(found));
      };
      const finish = (end: () => void) => {
        clearTimeout(timer);
        this.listeners.delete(listener);
        end();
      };
      this.listeners.add(listener);
    });
  }
}

function cellOutput(reply: Content, messages: readonly Message[]): CellOutput {
  const contents = (type: string) => messages.filter(({ header }) => header.msg_type === type).map(({ content }) => content);
  const text = (name: string) =>
    contents('stream')
      .filter((content) => content.name === name)
      .map((content) => content.text)
      .join('');
  return {
    reply,
    messages,
    stdout: text('stdout'),
    stderr: text('stderr'),
    result: contents('execute_result')[0]?.data as Record<string, unknown> | undefined,
    error: contents('error')[0] as ErrorContent | undefined,
  };
}

/** Text without its colours. */
export function plain(lines: readonly string[] | undefined): string {
  return (lines ?? []).join('\n').replace(/\u001b\[[\d;]*m/g, '');
}
