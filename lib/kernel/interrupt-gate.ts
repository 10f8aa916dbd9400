// Stops code that blocks the main thread, and nothing but the cell's code.
// The I/O worker has V8 call this gate in the midst of whatever runs. In: a cell's number. If that cell's code is on
// the stack, V8 is told to terminate it, at once and not to be caught; the compiler and the kernel's own jobs go on.

import { Session } from 'node:inspector';
import { dirname } from 'node:path';
import { GATE } from './gate-expression.ts';
import { ownRequire } from './own-package.ts';
import type { SharedState } from './shared-state.ts';
import { callSites, isInternal, scriptOf } from './stack-frames.ts';
import { typescriptPath } from './tslab.ts';

export function installInterruptGate(state: SharedState): void {
  const session = new Session();
  session.connect();
  const zeromqFolder = dirname(dirname(ownRequire.resolve('zeromq')));
  // A progress bar draws that it was interrupted while the gate is still asked: half a drawing would be none.
  const base = new URL('../base/', import.meta.url).href;
  const isOurs = (script: string) =>
    isInternal(script) || script === typescriptPath || script.startsWith(zeromqFolder) || script.startsWith(base);
  const gate = (cell: number): boolean => {
    if (cell !== state.cell || callSites().every((site) => isOurs(scriptOf(site)))) return false;
    // V8 acts on it when it returns to the code below. No function may be called from here on: it would be hit instead.
    session.post('Runtime.terminateExecution');
    return true;
  };
  Object.defineProperty(globalThis, Symbol.for(GATE), { value: gate });
}
