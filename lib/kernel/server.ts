// The kernel's sockets on the main thread: shell (requests) and stdin (questions).
// In: a connection file's content. Out: decoded shell requests to a handler; methods to answer and ask.
// The heartbeat, control and iopub sockets live in the I/O worker.

import { Router } from 'zeromq';
import { freshTask } from './fresh-task.ts';
import { type ConnectionInfo, type Content, decode, encode, endpoint, type Message, ProtocolError, SOCKET_OPTIONS } from './protocol.ts';

export class KernelServer {
  /** Shell requests received so far. */
  received = 0;
  private readonly connection: ConnectionInfo;
  private readonly shell = new Router(SOCKET_OPTIONS);
  private readonly stdin = new Router(SOCKET_OPTIONS);
  private answerInput: ((text: string) => void) | undefined;

  constructor(connection: ConnectionInfo) {
    this.connection = connection;
  }

  /** Binds the sockets: requests may come from now on, and wait. */
  async bind(): Promise<void> {
    const { connection } = this;
    await Promise.all([
      this.shell.bind(endpoint(connection, connection.shell_port)),
      this.stdin.bind(endpoint(connection, connection.stdin_port)),
    ]);
  }

  /** Hands every shell request to `handle` until the server is closed. */
  listen(handle: (message: Message) => void): void {
    void this.receive(this.shell, (message) => {
      this.received++;
      handle(message);
    });
    void this.receive(this.stdin, (message) => {
      // The cell goes on in a turn of its own: terminating it there can't drop the loop that receives.
      const answer = () => this.answerInput?.(String(message.content.value ?? ''));
      if (message.header.msg_type === 'input_reply') void freshTask().then(answer);
    });
  }

  reply(request: Message, msgType: string, content: Content, metadata: Content = {}): void {
    this.send(this.shell, encode(this.connection.key, request.identities, msgType, content, request.header, metadata));
  }

  /** Asks the front end that sent `request` for a line of text. */
  requestInput(request: Message, prompt: string, password: boolean): Promise<string> {
    if (request.content.allow_stdin !== true) throw new Error('This front end does not take input.');
    const answer = new Promise<string>((resolve) => {
      this.answerInput = resolve;
    });
    this.send(this.stdin, encode(this.connection.key, request.identities, 'input_request', { prompt, password }, request.header));
    return answer;
  }

  close(): void {
    for (const socket of [this.shell, this.stdin]) socket.close();
  }

  private send(socket: Router, frames: (Buffer | string)[]): void {
    if (socket.closed) return;
    // A client that has gone away is not this kernel's problem.
    socket.send(frames).catch(() => {});
  }

  private async receive(socket: Router, handle: (message: Message) => void): Promise<void> {
    for await (const frames of socket) {
      try {
        handle(decode(this.connection.key, frames));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }
  }
}
