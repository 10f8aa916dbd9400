// Puts the kernel's parts together and runs it: sockets first, so that a client is answered at once, then TypeScript
// and the library, while the cells that have arrived wait.

import { writeSync } from 'node:fs';
import { setImmediate as macrotask } from 'node:timers/promises';
import { installDisplay } from './display.ts';
import { describeStray } from './errors.ts';
import { ExecuteQueue } from './execute-queue.ts';
import { History } from './history.ts';
import { installInterruptGate } from './interrupt-gate.ts';
import { Interrupts } from './interrupts.ts';
import { Io } from './io.ts';
import { installRuntimeFallback } from './own-package.ts';
import { preload, typesToPreload } from './preload.ts';
import type { ConnectionInfo, Message, Parent } from './protocol.ts';
import { answer } from './requests.ts';
import { KernelServer } from './server.ts';
import { createSession, type Session } from './session.ts';
import { SharedState } from './shared-state.ts';
import { installStackFrames } from './stack-frames.ts';
import { installStreams, type StreamName } from './streams.ts';
import { installTimers } from './timers.ts';
import { type Typescript, tslabRequire, typescriptPath } from './tslab.ts';
import { installTypescript } from './typescript-host.ts';

interface Language {
  readonly ts: Typescript;
  readonly session: Session;
}

/** Runs until a client asks for shutdown. `cwd` is the notebook's folder. */
export async function runKernel(connection: ConnectionInfo, cwd: string): Promise<void> {
  const state = new SharedState();
  const server = new KernelServer(connection);
  const history = new History();
  const io = new Io(connection, state, {
    status: ({ status, header }) => publishStatus(status, { header, identities: [] }),
    interrupt(cell) {
      interrupts.interrupt(cell);
      listenForSigint();
    },
    shutdown: ({ header, restart }) => void shutdown(header && { header, identities: [] }, restart),
    failure(error) {
      writeSync(2, `The CIMbook kernel lost its sockets: ${error.stack}\n`);
      process.exit(1);
    },
  });
  const print = (name: StreamName, text: string) => io.print(name, text, queue.current);
  const warn = (error: unknown) => print('stderr', describeStray(error));
  let loaded: Session | undefined;

  let startLoading = () => {};
  const canLoad = new Promise<void>((resolve) => {
    startLoading = resolve;
  });
  const language = canLoad.then(() => loadLanguage(cwd));
  const interrupts = new Interrupts(state, installTimers(warn), () => loaded?.interrupt());
  const queue = new ExecuteQueue({
    session: language.then(({ session }) => session),
    interrupts,
    history,
    port: {
      publish: (msgType, content, request) => io.publish(msgType, content, request),
      reply: (request, content, metadata) => server.reply(request, 'execute_reply', content, metadata),
      warn,
      received: () => server.received,
    },
  });

  installStreams(print);
  installInterruptGate(state);
  process.on('uncaughtException', warn);
  process.on('unhandledRejection', warn);
  listenForSigint();
  process.on('SIGTERM', () => void shutdown(undefined, false));
  process.once('exit', closeAtExit);

  const bound = Promise.all([io.bound, server.bind()]);
  // Blocks this thread for a quarter of a second: just while the worker starts.
  tslabRequire(typescriptPath);
  await bound;
  // Before anything is answered: a front end believes the last status it sees.
  publishStatus('starting', undefined);
  server.listen((request) => void handle(request));
  // One turn for the requests that have arrived: TypeScript blocks this thread for about a second.
  await macrotask();
  startLoading();
  loaded = (await language).session;
  installDisplay({
    publish: (msgType, content) => io.publish(msgType, content, queue.current),
    requestInput: async (prompt, password) => {
      if (queue.current === undefined) throw new Error('No cell is running.');
      return server.requestInput(queue.current, prompt, password);
    },
    addPayload: (payload) => queue.addPayload(payload),
    addWork: (work) => queue.addWork(work),
    warn,
    signal: () => interrupts.signal,
  });

  function publishStatus(status: string, parent: Parent): void {
    io.publish('status', { execution_state: status }, parent);
    // Front ends show the last status they see, and a cell may be running.
    if (status === 'idle' && queue.isBusy) io.publish('status', { execution_state: 'busy' }, queue.current);
  }

  /** For front ends that interrupt by signal. Node takes listeners away while a cell starts; a terminated one never gives back. */
  function listenForSigint(): void {
    if (process.listenerCount('SIGINT') === 0) process.on('SIGINT', () => interrupts.interrupt(state.cell));
  }

  async function handle(request: Message): Promise<void> {
    const { msg_type: type } = request.header;
    if (type === 'execute_request') return queue.add(request);
    publishStatus('busy', request);
    if (type === 'shutdown_request') {
      const restart = request.content.restart === true;
      server.reply(request, 'shutdown_reply', { status: 'ok', restart });
      return shutdown(request, restart);
    }
    // VS Code asks here, not on the control socket.
    if (type === 'interrupt_request') {
      io.interrupt();
      server.reply(request, 'interrupt_reply', { status: 'ok' });
    }
    // No communication channel has a counterpart here.
    if (type === 'comm_open') io.publish('comm_close', { comm_id: request.content.comm_id, data: {} }, request);
    try {
      const content = await answer(request, { connection, history, language });
      if (content !== undefined) server.reply(request, type.replace(/_request$/, '_reply'), content);
    } finally {
      publishStatus('idle', request);
    }
  }

  /** For a cell that ends the process: sockets that are still open would crash it. */
  function closeAtExit(): void {
    server.close();
    io.closeAtExit();
  }

  async function shutdown(parent: Parent, restart: boolean): Promise<void> {
    io.publish('shutdown_reply', { status: 'ok', restart }, parent);
    publishStatus('idle', parent);
    server.close();
    await io.close();
    process.off('exit', closeAtExit);
    process.exit(0);
  }
}

async function loadLanguage(cwd: string): Promise<Language> {
  installRuntimeFallback();
  installStackFrames();
  const types = typesToPreload(cwd);
  const ts = installTypescript(cwd, types);
  await macrotask();
  const session = createSession(ts, cwd);
  await macrotask();
  if (types !== undefined) await preload(session);
  return { ts, session };
}
