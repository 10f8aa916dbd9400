// A cell's last value -> the MIME bundle that a notebook shows.
// Asked in turn: the value's own `Symbol.for('Jupyter.display')`, the renderer a library registered as
// `globalThis[Symbol.for('cimbook.render')]`, and last Node's inspect.

import { inspect } from 'node:util';

/** MIME type -> data: text, JSON, or bytes in base64. */
export type MimeBundle = Readonly<Record<string, unknown>>;

const DISPLAY = Symbol.for('Jupyter.display');
const RENDER = Symbol.for('cimbook.render');

/** Returns what to show for `value`, at once unless a hook takes its time; a hook that throws is told to `warn`. */
export function toMimeBundle(value: unknown, warn: (error: unknown) => void): MimeBundle | Promise<MimeBundle> {
  const finish = (made: unknown): MimeBundle => (isObject(made) ? encodeBytes(made) : { 'text/plain': plainText(value) });
  const fail = (error: unknown): MimeBundle => {
    warn(error);
    return finish(undefined);
  };
  try {
    const own = (value as { [DISPLAY]?: unknown } | null | undefined)?.[DISPLAY];
    const render = (globalThis as { [RENDER]?: unknown })[RENDER];
    const made: unknown = (typeof own === 'function' ? own.call(value) : own) ?? (typeof render === 'function' ? render(value) : undefined);
    return made instanceof Promise ? made.then(finish).catch(fail) : finish(made);
  } catch (error) {
    return fail(error);
  }
}

/** Whether `value` is a bundle itself: an object whose keys are all MIME types. */
export function isMimeBundle(value: unknown): value is MimeBundle {
  if (!isObject(value)) return false;
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => /^[\w.+-]+\/[\w.+-]+$/.test(key));
}

export function plainText(value: unknown): string {
  try {
    return inspect(value, { colors: false, breakLength: 100 });
  } catch {
    return Object.prototype.toString.call(value);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function encodeBytes(bundle: Record<string, unknown>): MimeBundle {
  const entries = Object.entries(bundle).filter(([, data]) => data !== undefined);
  return Object.fromEntries(
    entries.map(([type, data]) => [type, data instanceof Uint8Array ? Buffer.from(data).toString('base64') : data]),
  );
}
