// Workload: what is asked of a language model, described once: batch, prompt and generated tokens -> the passes of the network.
// Prefill is one pass over the prompt. Every generated token then is one pass over itself, with all tokens before it in the
// KV cache: pass i of `generate` reads prompt + i tokens and leaves one more.

import { fail } from '../base/problem.ts';

export interface Workload {
  /** Sequences side by side; 1 if absent. */
  readonly batch?: number;
  /** Tokens of the prompt of each. */
  readonly prompt: number;
  /** Tokens generated for each; 0, prefill alone, if absent. */
  readonly generate?: number;
}

/** One run of the network: `sequence` new tokens of each sample, behind `past` in the cache. */
export interface Pass {
  readonly kind: 'prefill' | 'decode';
  readonly sequence: number;
  readonly past: number;
}

/** A table of one latency a token must fit in memory. */
const MOST_TOKENS = 1e7;

/** The workload with nothing absent. Throws `usage`. */
export function checkedWorkload({ batch = 1, prompt, generate = 0 }: Workload): Required<Workload> {
  for (const [name, value, least] of [
    ['batch', batch, 1],
    ['prompt', prompt, 1],
    ['generate', generate, 0],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= least && value <= MOST_TOKENS) continue;
    fail({
      kind: 'usage',
      message: `a workload with ${name} ${value}`,
      next: `Give a whole number from ${least} to ${MOST_TOKENS}, for example ${name} ${Math.max(8, least)}.`,
    });
  }
  return { batch, prompt, generate };
}

export function prefillOf({ prompt }: Workload): Pass {
  return { kind: 'prefill', sequence: prompt, past: 0 };
}

/** The pass of the generated token `index`, counted from 0. */
export function decodeOf({ prompt }: Workload, index: number): Pass {
  return { kind: 'decode', sequence: 1, past: prompt + index };
}

/** Tokens in the cache when the pass is over. */
export function contextOf({ past, sequence }: Pass): number {
  return past + sequence;
}
