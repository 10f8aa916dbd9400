// Rates of a generation: seconds and tokens a second. Generation -> the figures people compare.

import type { Generation } from './generation.ts';

export interface GenerationRates {
  /** Prefill; the first token's logits are there. */
  readonly prefillSeconds: number;
  readonly firstTokenSeconds: number | null;
  readonly lastTokenSeconds: number | null;
  readonly meanTokenSeconds: number | null;
  readonly totalSeconds: number;
  /** Generated tokens of the whole batch over the whole time; null if nothing is generated. */
  readonly tokensPerSecond: number | null;
  /** The same over the time of the tokens alone. */
  readonly decodeTokensPerSecond: number | null;
}

export function ratesOf({ hardware: { clockHz }, workload, prefill, tokenCycles, decoding, total }: Generation): GenerationRates {
  const tokens = workload.batch * workload.generate;
  const seconds = (cycles: number | undefined): number | null => (cycles === undefined ? null : cycles / clockHz);
  return {
    prefillSeconds: prefill.cycles / clockHz,
    firstTokenSeconds: seconds(tokenCycles[0]),
    lastTokenSeconds: seconds(tokenCycles.at(-1)),
    meanTokenSeconds: tokens === 0 ? null : decoding.cycles / workload.generate / clockHz,
    totalSeconds: total.cycles / clockHz,
    tokensPerSecond: tokens === 0 ? null : (tokens * clockHz) / total.cycles,
    decodeTokensPerSecond: tokens === 0 ? null : (tokens * clockHz) / decoding.cycles,
  };
}
