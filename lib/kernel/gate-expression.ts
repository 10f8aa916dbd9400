// How the I/O worker asks the interrupt gate. A file of its own, so that the worker need not load the gate's parts.

/** Key of the gate's symbol on the global object of the main thread. */
export const GATE = 'cimbook.interrupt-gate';

/** Returns JavaScript that stops the cell's code if it is what runs; its value tells whether it was. */
export function gateExpression(cell: number): string {
  return `globalThis[Symbol.for('${GATE}')](${cell})`;
}
