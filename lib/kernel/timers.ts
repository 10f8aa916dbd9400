// Timers that cells may block in and that end with their cell.
// Their callbacks run as promise jobs, because Node aborts when a callback that a timer calls directly is terminated.
// When a cell is interrupted its timers are cleared, so that a loop which sleeps between its steps ends as well.

import { createRequire } from 'node:module';

type Callback = (...args: unknown[]) => unknown;
type Start = (callback: Callback, ...rest: unknown[]) => object;
type Delay = (...args: unknown[]) => unknown;

export interface CellTimers {
  /** From now on timers belong to the cell with this signal. */
  startCell(signal: AbortSignal): void;
  /** Clears the timers that were started since. */
  clear(): void;
}

const require = createRequire(import.meta.url);

/** Replaces the global timers. `onError` gets what a callback throws. */
export function installTimers(onError: (error: unknown) => void): CellTimers {
  const timers = require('node:timers') as Record<string, Start> & typeof import('node:timers');
  const promises = require('node:timers/promises') as unknown as Record<string, Delay>;
  const { clearTimeout, clearImmediate } = timers;
  const running = new Map<object, 'timeout' | 'immediate'>();
  let signal: AbortSignal | undefined;

  function guard(name: 'setTimeout' | 'setInterval' | 'setImmediate'): void {
    const original = timers[name] as unknown as Start;
    const repeats = name === 'setInterval';
    const guarded: Start = (callback, ...rest) => {
      if (typeof callback !== 'function') return original(callback, ...rest); // Node's own error is the right one.
      const handle = original(
        (...args) => {
          if (!repeats) running.delete(handle);
          Promise.resolve()
            .then(() => callback.apply(handle, args))
            .catch(onError);
        },
        ...rest,
      );
      running.set(handle, name === 'setImmediate' ? 'immediate' : 'timeout');
      return handle;
    };
    // util.promisify finds its own version on the function.
    Object.defineProperties(guarded, Object.getOwnPropertyDescriptors(original));
    Object.assign(timers, { [name]: guarded });
    Object.assign(globalThis, { [name]: guarded });
  }

  /** The options, which carry the signal, are the last of `arity` arguments. */
  function guardPromise(name: string, arity: number): void {
    const original = promises[name];
    if (original === undefined) return;
    promises[name] = (...args) => {
      if (signal === undefined || signal.aborted) return original(...args);
      const options = (args[arity - 1] ?? {}) as { signal?: AbortSignal };
      const signals = options.signal === undefined ? [signal] : [signal, options.signal];
      while (args.length < arity) args.push(undefined);
      args[arity - 1] = { ...options, signal: AbortSignal.any(signals) };
      return original(...args);
    };
  }

  guard('setTimeout');
  guard('setInterval');
  guard('setImmediate');
  guardPromise('setTimeout', 3);
  guardPromise('setImmediate', 2);
  guardPromise('setInterval', 3);

  return {
    startCell(next) {
      signal = next;
      running.clear();
    },
    clear() {
      for (const [handle, kind] of running) {
        if (kind === 'immediate') clearImmediate(handle as NodeJS.Immediate);
        else clearTimeout(handle as NodeJS.Timeout);
      }
      running.clear();
    },
  };
}
