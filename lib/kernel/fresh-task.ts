// A turn of the event loop in which no promise job of anyone else is waiting.
// Timers and immediates share their turns; messages have one each.

import { MessageChannel } from 'node:worker_threads';

const { port1, port2 } = new MessageChannel();
const waiting: (() => void)[] = [];
port1.on('message', () => waiting.shift()?.());

/** Resolves in a turn of its own. */
export function freshTask(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    port2.postMessage(undefined);
  });
}
