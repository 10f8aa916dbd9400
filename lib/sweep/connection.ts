// Connection: a Redis or Valkey server by its URL. `redis://USER:PASSWORD@HOST:PORT/DB`, or `rediss://` with TLS, checked
// against the system's certificates. No message and no log shows the password.

import { Redis } from 'ioredis';
import { CompileError, fail } from '../base/problem.ts';
import { codeVersion } from './version.ts';

const CONNECT_MILLISECONDS = 5_000;
const MOST_RETRY_MILLISECONDS = 2_000;

/** Workers of other code never see the jobs: the queue's name says which code they are for. */
export function queueName(): string {
  return `cimbook-${codeVersion().replaceAll(':', '-')}`;
}

/** The server's address without user and password. */
export function serverOf(url: string): string {
  try {
    if (!url.includes('://')) return 'of this URL';
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
  } catch {
    return 'of this URL';
  }
}

/** A connection that waits for the server when it goes away. Throws `queue` if it can't be reached now, or refuses us. */
export async function connect(url: string): Promise<Redis> {
  const options = optionsOf(url);
  const probe = new Redis({ ...options, lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  // What is wrong comes from `connect`; without a listener it would be printed as well.
  let first: unknown;
  probe.on('error', (error) => {
    first ??= error;
  });
  try {
    await probe.connect();
    await probe.ping();
  } catch (error) {
    throw connectionProblem(url, first ?? error);
  } finally {
    probe.disconnect();
  }
  const retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 10), MOST_RETRY_MILLISECONDS);
  return new Redis({ ...options, maxRetriesPerRequest: null, retryStrategy });
}

function optionsOf(text: string) {
  const wrong = (reason: string): never =>
    fail({ kind: 'queue', server: serverOf(text), reason, next: 'Give it as redis://USER:PASSWORD@HOST:PORT, or rediss:// for TLS.' });
  if (!text.includes('://')) return wrong('it does not begin with redis:// or rediss://');
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return wrong('it is not a URL');
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') return wrong(`its scheme is ${url.protocol.replace(':', '')}`);
  if (url.hostname === '') return wrong('it names no host');
  const database = /^\/?(\d{0,4})$/.exec(url.pathname)?.[1];
  if (database === undefined) return wrong('its path is not the number of a database');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
    ...(database !== '' && { db: Number(database) }),
    ...(url.protocol === 'rediss:' && { tls: { servername: url.hostname } }),
    connectTimeout: CONNECT_MILLISECONDS,
  };
}

function connectionProblem(url: string, error: unknown): CompileError {
  const { message, code } = error as Error & { code?: string };
  const [reason, next] = reasonOf(message, code);
  return new CompileError([{ kind: 'queue', server: serverOf(url), reason, next }]);
}

function reasonOf(message: string, code: string | undefined): readonly [reason: string, next: string] {
  const password = 'Give user and password in the URL: redis://USER:PASSWORD@HOST:PORT.';
  if (/WRONGPASS|invalid password|invalid username/i.test(message)) return ['the server refused the user or password', password];
  if (/NOAUTH|Authentication required/i.test(message)) return ['the server asks for a password', password];
  if (/NOPERM/i.test(message)) return ['the user may not do what a queue needs', 'Give it the rights of the keys bull:*.'];
  if (/DB index/i.test(message)) return ['the server has no such database', 'Leave the number at the end of the URL out.'];
  if (code === 'ECONNREFUSED') return ['nothing listens there', 'Start the server, or mend host and port.'];
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return ['the host is not known', 'Mend the name of the host.'];
  if (code === 'ETIMEDOUT' || /timeout|timed out/i.test(message))
    return [`no answer in ${CONNECT_MILLISECONDS / 1000} s`, 'Look whether the server runs and a firewall lets you through.'];
  if (/certificate|self.signed|CERT_|ERR_TLS|SSL|wrong version number/i.test(`${code} ${message}`))
    return ['the TLS handshake failed', 'Use redis:// for a server without TLS; for your own authority set NODE_EXTRA_CA_CERTS.'];
  return [
    `the connection failed (${(code ?? message).slice(0, 80)})`,
    'Look whether a Redis or Valkey server runs there, with or without TLS.',
  ];
}
