// A real Redis or Valkey server of a test's own: started from the binary that CIMBOOK_REDIS_SERVER names, in a folder of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './support.ts';

/** Path of the server's program; tests of the queue are left out where it is not set. */
export const REDIS_SERVER = process.env.CIMBOOK_REDIS_SERVER;

export class TestRedis {
  readonly port: number;
  readonly folder = mkdtempSync(join(tmpdir(), 'cimbook-redis-'));
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
  }

  /** A running server that writes every change to disk; `args`: further settings, such as --requirepass. */
  static async start(...args: readonly string[]): Promise<TestRedis> {
    const server = new TestRedis(await freePort(), args);
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://localhost:${this.port}`;
  }

  async restart(): Promise<void> {
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
    const settings = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder, ...durable, ...this.#args];
    this.#child = spawn(REDIS_SERVER!, settings, { stdio: 'ignore' });
    await until(() => isAnswering(this.port), 'Redis to answer');
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const child = this.#child;
    const end = new Promise((resolve) => child?.on('exit', resolve));
    child?.kill('SIGKILL');
    await end;
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function isAnswering(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.on('connect', () => answer(true)).on('error', () => answer(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
