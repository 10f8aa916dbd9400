// Executes cells one after the other and reports each: execute_input, outputs, execute_result or error, execute_reply.
// After an error the requests the client sent before it could know are answered `aborted`, when it asks for that
// (`stop_on_error`); any later one runs.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Cell } from './cell-converter.ts';
import { describeDiagnostics, describeThrown, type ErrorMessage, INTERRUPTED } from './errors.ts';
import type { History } from './history.ts';
import { INTERRUPTION, type Interrupts } from './interrupts.ts';
import { type MimeBundle, toMimeBundle } from './mime-bundle.ts';
import type { Content, Message } from './protocol.ts';
import type { Session } from './session.ts';

export interface ExecutePort {
  publish(msgType: string, content: Content, parent: Message): void;
  reply(request: Message, content: Content, metadata: Content): void;
  warn(error: unknown): void;
  /** Number of shell requests that have arrived. */
  received(): number;
}

type Result = { readonly error: ErrorMessage } | { readonly error?: undefined; readonly data?: MimeBundle };

export class ExecuteQueue {
  /** The request whose cell runs or ran last: what is printed now belongs to it. */
  current: Message | undefined;
  isBusy = false;
  private readonly waiting: Message[] = [];
  private readonly session: Promise<Session>;
  private readonly interrupts: Interrupts;
  private readonly history: History;
  private readonly port: ExecutePort;
  private payload: Content[] = [];
  private work: Promise<void>[] = [];
  private count = 0;
  private cells = 0;

  constructor(parts: { session: Promise<Session>; interrupts: Interrupts; history: History; port: ExecutePort }) {
    this.session = parts.session;
    this.interrupts = parts.interrupts;
    this.history = parts.history;
    this.port = parts.port;
  }

  add(request: Message): void {
    this.waiting.push(request);
    if (!this.isBusy) void this.drain();
  }

  addPayload(payload: Content): void {
    this.payload.push(payload);
  }

  /** The running cell's reply waits for `work`. */
  addWork(work: Promise<void>): void {
    this.work.push(work);
  }

  private async drain(): Promise<void> {
    this.isBusy = true;
    await this.session;
    for (let request = this.waiting.shift(); request !== undefined; request = this.waiting.shift()) {
      this.current = request;
      this.port.publish('status', { execution_state: 'busy' }, request);
      const hasFailed = await this.execute(request);
      this.port.publish('status', { execution_state: 'idle' }, request);
      if (hasFailed && request.content.stop_on_error !== false) this.abortWaiting(this.waiting.splice(0));
    }
    this.isBusy = false;
  }

  /** Returns whether the cell failed. */
  private async execute(request: Message): Promise<boolean> {
    const started = new Date().toISOString();
    const { content } = request;
    const code = String(content.code ?? '');
    const silent = content.silent === true;
    const storeHistory = !silent && content.store_history !== false;
    if (storeHistory) this.count++;
    const count = this.count;
    if (!silent) this.port.publish('execute_input', { code, execution_count: count }, request);
    this.payload = [];
    const cell = { id: ++this.cells, label: silent ? 'a silent cell' : `cell ${count}`, code };
    const result = await this.run(cell);
    if (storeHistory) this.history.add(count, code, outputText(result));
    if (result.error !== undefined) {
      if (!silent) this.port.publish('error', { ...result.error }, request);
      if (content.stop_on_error !== false) await this.receiveAll();
      this.port.reply(request, { status: 'error', execution_count: count, ...result.error }, { started, status: 'error' });
      return true;
    }
    if (result.data !== undefined && !silent) {
      this.port.publish('execute_result', { execution_count: count, data: result.data, metadata: {} }, request);
    }
    const expressions = await this.evaluate(content.user_expressions);
    const reply = { status: 'ok', execution_count: count, payload: this.payload, user_expressions: expressions };
    this.port.reply(request, reply, { started, status: 'ok' });
    return false;
  }

  private async run(cell: Cell): Promise<Result> {
    this.work = [];
    const session = await this.session;
    const result = await this.interrupts.run(cell.id, async (): Promise<Result> => {
      const outcome = await session.run(cell);
      // Outputs that are still being rendered come before the result or error.
      while (this.work.length > 0) await Promise.allSettled(this.work.splice(0));
      if (outcome.kind === 'diagnostics') return { error: describeDiagnostics(outcome.diagnostics, cell.label, cell.code) };
      if (outcome.kind === 'thrown') return { error: describeThrown(outcome.error) };
      if (outcome.kind === 'nothing') return {};
      return { data: await toMimeBundle(outcome.value, this.port.warn) };
    });
    return result === INTERRUPTION ? { error: INTERRUPTED } : result;
  }

  /** Evaluates the expressions a client wants along with the cell, each as a cell of its own. */
  private async evaluate(expressions: unknown): Promise<Content> {
    const results: Record<string, unknown> = {};
    for (const [name, code] of Object.entries(expressions ?? {})) {
      const { error, ...result } = await this.run({ id: ++this.cells, label: name, code: String(code) });
      results[name] =
        error === undefined
          ? { status: 'ok', data: 'data' in result ? (result.data ?? {}) : {}, metadata: {} }
          : { status: 'error', ...error };
    }
    return results;
  }

  /** Waits until every request that is on its way has arrived, so that a client never loses one it sends after the reply. */
  private async receiveAll(): Promise<void> {
    for (let before = -1, rounds = 0; before !== this.port.received() && rounds < 50; rounds++) {
      before = this.port.received();
      await sleep(2);
    }
  }

  private abortWaiting(requests: readonly Message[]): void {
    for (const request of requests) {
      this.port.publish('status', { execution_state: 'busy' }, request);
      this.port.reply(request, { status: 'aborted', execution_count: this.count }, { status: 'aborted' });
      this.port.publish('status', { execution_state: 'idle' }, request);
    }
  }
}

function outputText(result: Result): string {
  const text = result.error === undefined ? result.data?.['text/plain'] : undefined;
  return typeof text === 'string' ? text : '';
}
