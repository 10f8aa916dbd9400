// Answers shell requests other than execute_request. They are answered at once, also while a cell waits for something.

import type { History } from './history.ts';
import { kernelInfo } from './kernel-info.ts';
import { complete, inspect, isComplete } from './language-help.ts';
import type { ConnectionInfo, Content, Message } from './protocol.ts';
import type { Session } from './session.ts';
import type { Typescript } from './tslab.ts';

export interface RequestParts {
  readonly connection: ConnectionInfo;
  readonly history: History;
  /** Resolves when TypeScript is loaded. */
  readonly language: Promise<{ readonly ts: Typescript; readonly session: Session }>;
}

/** Returns the content of the reply to `request`, or nothing when the protocol has none. */
export async function answer(request: Message, parts: RequestParts): Promise<Content | undefined> {
  const { content } = request;
  switch (request.header.msg_type) {
    case 'kernel_info_request':
      return kernelInfo();
    case 'complete_request':
      return complete((await parts.language).session, content);
    case 'inspect_request':
      return inspect((await parts.language).session, content);
    case 'is_complete_request':
      return isComplete((await parts.language).ts, content);
    case 'history_request':
      return parts.history.reply(content);
    case 'comm_info_request':
      return { status: 'ok', comms: {} };
    case 'connect_request': {
      const { shell_port, iopub_port, stdin_port, hb_port, control_port } = parts.connection;
      return { status: 'ok', shell_port, iopub_port, stdin_port, hb_port, control_port };
    }
    default:
      return undefined;
  }
}
