// Runs cells: tslab's executor with its results caught instead of printed.
// In: a cell. Out: its last value, its type errors, or what it threw. Variables live on from cell to cell.

import { type Cell, type CellConverter, createCellConverter } from './cell-converter.ts';
import {
  type CellDiagnostic,
  type CompletionInfo,
  type Executor,
  type ExecutorModule,
  type Typescript,
  tslabRequire,
  type tsNamespace,
} from './tslab.ts';

export type Outcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'diagnostics'; readonly diagnostics: readonly CellDiagnostic[] }
  | { readonly kind: 'thrown'; readonly error: unknown };

export interface Session {
  run(cell: Cell): Promise<Outcome>;
  complete(code: string, offset: number): CompletionInfo;
  inspect(code: string, offset: number): tsNamespace.QuickInfo | undefined;
  /** Forgets all variables. */
  reset(): void;
  /** Makes a cell that waits for a promise end. */
  interrupt(): void;
  close(): void;
}

export function createSession(ts: Typescript, cwd: string): Session {
  const { createExecutor } = tslabRequire('./dist/executor.js') as ExecutorModule;
  const converter: CellConverter = createCellConverter(ts, cwd, () => executor.locals);
  let value: unknown;
  let thrown: { error: unknown } | undefined;
  // tslab calls `log` with the last value only, `error` with diagnostics (a format and arguments) and exceptions.
  const executor: Executor = createExecutor(
    cwd,
    { node: converter, browser: converter, close: () => converter.close() },
    {
      log: (last: unknown) => {
        value = last;
      },
      error: (...args: unknown[]) => {
        if (args.length === 1) thrown = { error: args[0] };
      },
    },
  );

  async function run(cell: Cell): Promise<Outcome> {
    value = undefined;
    thrown = undefined;
    converter.cell = cell;
    converter.diagnostics = [];
    try {
      if (await executor.execute(cell.code)) converter.settle();
      if (converter.diagnostics.length > 0) return { kind: 'diagnostics', diagnostics: converter.diagnostics };
      // The narrowing of `thrown` to undefined above does not see the callback.
      const failure = thrown as { error: unknown } | undefined;
      if (failure !== undefined) return { kind: 'thrown', error: failure.error };
      const last = await takeLast();
      return last === undefined ? { kind: 'nothing' } : { kind: 'value', value: last };
    } catch (error) {
      return { kind: 'thrown', error };
    }
  }

  /** Returns the cell's last value, or what it promises. */
  async function takeLast(): Promise<unknown> {
    const variable = converter.lastVariable;
    // tslab prints no null.
    if (value === undefined && variable !== undefined && executor.locals[variable] === null) return null;
    // A function without name has got the one of tslab's variable.
    if (typeof value === 'function' && value.name === variable) Object.defineProperty(value, 'name', { value: '', configurable: true });
    return value;
  }

  return {
    run,
    complete: (code, offset) => executor.complete(code, offset),
    inspect: (code, offset) => executor.inspect(code, offset),
    reset() {
      executor.reset();
      converter.settle();
    },
    interrupt() {
      executor.interrupt();
      // A module whose loading was cut off must be loaded again, not taken as it is.
      for (const [path, module] of Object.entries(tslabRequire.cache)) if (module?.loaded === false) delete tslabRequire.cache[path];
    },
    close: () => executor.close(),
  };
}
