// The Jupyter wire protocol: message frames <-> messages, signed with HMAC-SHA256.
// In: the raw frames of a ZeroMQ message. Out: a Message, or a ProtocolError for anything unsigned, forged or malformed.
// Source: Jupyter messaging protocol 5.4, "The Wire Protocol".

import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';

export const PROTOCOL_VERSION = '5.4';

export interface ConnectionInfo {
  readonly transport: string;
  readonly ip: string;
  readonly shell_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly control_port: number;
  readonly hb_port: number;
  /** Secret shared with the client; empty means unsigned messages. */
  readonly key: string;
}

export interface Header {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly version: string;
}

export type Content = Readonly<Record<string, unknown>>;

export interface Message {
  /** ZeroMQ routing prefix: where a reply goes. */
  readonly identities: readonly Buffer[];
  readonly header: Header;
  readonly parentHeader: Content;
  readonly metadata: Content;
  readonly content: Content;
}

/** What a sent message answers; a message nobody asked for has no header here. */
export type Parent = Pick<Message, 'header' | 'identities'> | undefined;

export class ProtocolError extends Error {
  override name = 'ProtocolError';
}

/** No high-water mark: a burst of output is queued, never dropped; and sending never waits. */
export const SOCKET_OPTIONS = { sendHighWaterMark: 0, sendTimeout: 0, linger: 500 } as const;

const DELIMITER = Buffer.from('<IDS|MSG>');

/** Identifies this kernel process in the headers it sends. */
const SESSION = randomUUID();

export function readConnectionFile(path: string): ConnectionInfo {
  return JSON.parse(readFileSync(path, 'utf8')) as ConnectionInfo;
}

export function endpoint(connection: ConnectionInfo, port: number): string {
  const separator = connection.transport === 'ipc' ? '-' : ':';
  return `${connection.transport}://${connection.ip}${separator}${port}`;
}

/** Returns the message in `frames`. The signature is checked before anything is parsed. */
export function decode(key: string, frames: readonly Buffer[]): Message {
  const delimiter = frames.findIndex((frame) => frame.equals(DELIMITER));
  if (delimiter < 0) throw new ProtocolError('a message without delimiter was dropped');
  const signature = frames[delimiter + 1];
  const parts = frames.slice(delimiter + 2);
  if (signature === undefined || parts.length < 4) throw new ProtocolError('a message with missing parts was dropped');
  if (key !== '' && !sameBytes(signature, Buffer.from(sign(key, parts.slice(0, 4))))) {
    throw new ProtocolError('a message with a wrong signature was dropped');
  }
  const [header, parentHeader, metadata, content] = parts.slice(0, 4).map(parseObject);
  if (typeof header?.msg_type !== 'string' || typeof header.msg_id !== 'string') {
    throw new ProtocolError('a message without type or id was dropped');
  }
  return {
    identities: frames.slice(0, delimiter),
    header: header as unknown as Header,
    parentHeader: parentHeader ?? {},
    metadata: metadata ?? {},
    content: content ?? {},
  };
}

/** Returns the frames of a new message of this kernel. */
export function encode(
  key: string,
  prefix: readonly (Buffer | string)[],
  msgType: string,
  content: Content,
  parent: Header | undefined,
  metadata: Content = {},
): (Buffer | string)[] {
  return encodeText(key, prefix, msgType, JSON.stringify(content), parent, metadata);
}

/** As `encode`, for content that is JSON already. */
export function encodeText(
  key: string,
  prefix: readonly (Buffer | string)[],
  msgType: string,
  content: string,
  parent: Header | undefined,
  metadata: Content = {},
): (Buffer | string)[] {
  const header: Header = {
    msg_id: randomUUID(),
    msg_type: msgType,
    session: SESSION,
    username: 'kernel',
    date: new Date().toISOString(),
    version: PROTOCOL_VERSION,
  };
  const parts = [...[header, parent ?? {}, metadata].map((part) => JSON.stringify(part)), content];
  return [...prefix, DELIMITER, key === '' ? '' : sign(key, parts), ...parts];
}

function sign(key: string, parts: readonly (Buffer | string)[]): string {
  const hash = createHmac('sha256', key);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function sameBytes(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function parseObject(frame: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(frame.toString('utf8'));
  } catch {
    throw new ProtocolError('a message that is not JSON was dropped');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ProtocolError('a malformed message was dropped');
  return value as Record<string, unknown>;
}
