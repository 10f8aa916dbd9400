// Runs fuzz cases one after another for scripts/fuzz.mjs, which watches from outside and hears of each by a message.
// Arguments: seed, first case, seconds; or seed, case to repeat.

import { performance } from 'node:perf_hooks';
import { bases, fuzzCase, outcomeOf } from './fuzz.ts';

/** What the parent is told. `cpuSeconds` and `megabytes` (most so far) are this process'. */
export type Message =
  | { readonly kind: 'begin'; readonly number: number; readonly base: string; readonly changes: readonly string[] }
  | {
      readonly kind: 'end';
      readonly number: number;
      readonly outcome: string;
      readonly problem?: string;
      readonly cpuSeconds: number;
      readonly megabytes: number;
    }
  | { readonly kind: 'done' };

const [seed = 0, first = 0, seconds] = process.argv.slice(2).map(Number);
const from = bases(false);
const tell = (message: Message): void => void process.send?.(message);

function runCase(number: number): void {
  const one = fuzzCase(from, seed, number);
  tell({ kind: 'begin', number, base: one.base, changes: one.changes });
  const start = process.cpuUsage().user;
  let outcome = 'failed';
  let problem: string | undefined;
  try {
    outcome = outcomeOf(one);
  } catch (error) {
    problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const cpuSeconds = (process.cpuUsage().user - start) / 1e6;
  const megabytes = process.resourceUsage().maxRSS / 1024;
  tell({ kind: 'end', number, outcome, cpuSeconds, megabytes, ...(problem === undefined ? {} : { problem }) });
}

/** Messages only leave between cases. */
async function runUntil(end: number): Promise<void> {
  for (let number = first; performance.now() < end; number++) {
    runCase(number);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

if (seconds === undefined) runCase(first);
else await runUntil(performance.now() + seconds * 1000);
process.send?.({ kind: 'done' } satisfies Message, () => process.disconnect());
