// What code in a cell can ask of the notebook, as `globalThis[Symbol.for('cimbook.display')]`.
// In: values and MIME bundles. Out: display_data, update_display_data, clear_output and input_request messages.

import { randomUUID } from 'node:crypto';
import { isMimeBundle, type MimeBundle, toMimeBundle } from './mime-bundle.ts';
import type { Content } from './protocol.ts';
import { type JupyterModule, tslabRequire } from './tslab.ts';

export interface DisplayOptions {
  /** Name by which `update` finds this output again. */
  readonly displayId?: string;
}

/** What a library may call; it keeps its own copy of these types, as it must work outside a notebook too. */
export interface NotebookDisplay {
  /** Shows a MIME bundle as it is, any other value as if it were a cell's last. Returns the output's id. */
  display(bundleOrValue: unknown, options?: DisplayOptions): string;
  /** Replaces what is shown under `displayId`. */
  update(displayId: string, bundleOrValue: unknown): void;
  /** Clears the cell's output; with `wait` not before there is something new to show. */
  clear(options?: { readonly wait?: boolean }): void;
  /** Asks the reader for a line of text. */
  input(prompt?: string, options?: { readonly password?: boolean }): Promise<string>;
  /** Shows text in the pager when the cell has ended. */
  page(text: string): void;
  /** Aborted when the running cell is interrupted: long work polls it. */
  readonly signal: AbortSignal;
}

/** The kernel's side of it. */
export interface DisplayPort {
  publish(msgType: string, content: Content): void;
  requestInput(prompt: string, password: boolean): Promise<string>;
  addPayload(payload: Content): void;
  /** A value that needs time to be rendered: the cell waits for it. */
  addWork(work: Promise<void>): void;
  warn(error: unknown): void;
  signal(): AbortSignal;
}

export function installDisplay(port: DisplayPort): void {
  function show(msgType: string, bundleOrValue: unknown, displayId: string): void {
    const send = (data: MimeBundle) => port.publish(msgType, { data, metadata: {}, transient: { display_id: displayId } });
    const bundle = isMimeBundle(bundleOrValue) ? bundleOrValue : toMimeBundle(bundleOrValue, port.warn);
    // What is there goes out at once, so that it keeps its place among printed lines.
    if (bundle instanceof Promise) port.addWork(bundle.then(send));
    else send(bundle);
  }
  const display: NotebookDisplay = {
    display(bundleOrValue, { displayId = randomUUID() } = {}) {
      show('display_data', bundleOrValue, displayId);
      return displayId;
    },
    update: (displayId, bundleOrValue) => show('update_display_data', bundleOrValue, displayId),
    clear: ({ wait = false } = {}) => port.publish('clear_output', { wait }),
    input: (prompt = '', { password = false } = {}) => port.requestInput(prompt, password),
    page: (text) => port.addPayload({ source: 'page', data: { 'text/plain': text }, start: 0 }),
    get signal() {
      return port.signal();
    },
  };
  Object.defineProperty(globalThis, Symbol.for('cimbook.display'), { value: display, configurable: true });

  // tslab's own `import { display } from 'tslab'` sends through this variable.
  const jupyter = tslabRequire('./dist/jupyter.js') as JupyterModule;
  jupyter.lastWriteDisplayData = (data, isUpdate) => {
    port.publish(isUpdate ? 'update_display_data' : 'display_data', data as unknown as Content);
  };
}
