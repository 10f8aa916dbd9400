// Passes: what a run computes. A network is one pass; a language model with a prompt is a prefill over it and then one pass
// a generated token, each with a longer context. Those are simulated at a few contexts and interpolated linearly between.

import { METRICS, type Metrics } from './metrics.ts';
import type { Run } from './run.ts';

/** Symbolic dimensions of an exported language model, as PyTorch exports usually call them. */
const SEQUENCE = 'sequence';
const PAST = 'past';
/** Contexts of a generation that are simulated. */
const MOST_CONTEXTS = 5;

export interface Pass {
  readonly bind: Readonly<Record<string, number>>;
  /** How many passes it stands for; need not be whole. */
  readonly times: number;
}

/** The passes of a run; their times sum to 1, or to 1 + generated tokens. */
export function passesOf({ bind, prompt, generate = 0 }: Pick<Run, 'bind' | 'prompt' | 'generate'>): readonly Pass[] {
  if (prompt === undefined) return [{ bind, times: 1 }];
  const prefill: Pass = { bind: { ...bind, [SEQUENCE]: prompt }, times: 1 };
  const contexts = spaced(prompt, prompt + generate - 1);
  return [prefill, ...contexts.map((past, i) => ({ bind: { ...bind, [SEQUENCE]: 1, [PAST]: past }, times: timesOf(contexts, i) }))];
}

/** Up to MOST_CONTEXTS whole numbers from `first` to `last`, both among them; none if there is nothing between. */
function spaced(first: number, last: number): readonly number[] {
  if (last < first) return [];
  const count = Math.min(MOST_CONTEXTS, last - first + 1);
  return Array.from({ length: count }, (_, i) => (count === 1 ? first : Math.round(first + ((last - first) * i) / (count - 1))));
}

/** Tokens that a context stands for: its weight in the sum over all contexts of what is linear between the chosen ones. */
function timesOf(contexts: readonly number[], i: number): number {
  const to = (other: number | undefined): number => (other === undefined ? 0 : (Math.abs(other - contexts[i]!) - 1) / 2);
  return 1 + to(contexts[i - 1]) + to(contexts[i + 1]);
}

/** Metrics of all passes one after another. Area and segments are the first one's; shares are weighed by time. */
export function combined(passes: readonly { readonly times: number; readonly metrics: Metrics }[]): Metrics {
  const [first] = passes;
  if (passes.length === 1 && first?.times === 1) return first.metrics;
  const total = (name: keyof Metrics): number => passes.reduce((sum, { times, metrics }) => sum + times * metrics[name], 0);
  const [latencySeconds, energyJoules] = [total('latencySeconds'), total('energyJoules')];
  const share = passes.reduce((sum, { times, metrics }) => sum + times * metrics.latencySeconds * metrics.memoryModeShare, 0);
  const samples = (first?.metrics.throughputPerSecond ?? 0) * (first?.metrics.latencySeconds ?? 0);
  const sums = Object.fromEntries(METRICS.map(({ name }) => [name, total(name)])) as unknown as Metrics;
  return {
    ...sums,
    powerWatts: energyJoules / latencySeconds,
    areaMm2: first?.metrics.areaMm2 ?? 0,
    energyDelayJouleSeconds: energyJoules * latencySeconds,
    throughputPerSecond: samples / latencySeconds,
    memoryModeShare: share / latencySeconds,
    segments: first?.metrics.segments ?? 0,
  };
}
