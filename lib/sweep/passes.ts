// Passes: what a generation measures, made of what its passes measure.

import { sumOver } from '../generation/contexts.ts';
import { METRICS, type Metrics } from './metrics.ts';

/** Metrics of prefill and tokens together. Area and segments are the prefill's; shares are weighed by time. */
export function combined(prefill: Metrics, tokens: readonly { readonly context: number; readonly ran: Metrics }[]): Metrics {
  const total = (of: (metrics: Metrics) => number): number =>
    of(prefill) + sumOver(tokens.map(({ context, ran }) => ({ context, value: of(ran) })));
  const [latencySeconds, energyJoules] = [total((metrics) => metrics.latencySeconds), total((metrics) => metrics.energyJoules)];
  const sums = Object.fromEntries(METRICS.map(({ name }) => [name, total((metrics) => metrics[name])])) as unknown as Metrics;
  return {
    ...sums,
    powerWatts: energyJoules / latencySeconds,
    areaMm2: prefill.areaMm2,
    energyDelayJouleSeconds: energyJoules * latencySeconds,
    throughputPerSecond: (prefill.throughputPerSecond * prefill.latencySeconds) / latencySeconds,
    memoryModeShare: total((metrics) => metrics.latencySeconds * metrics.memoryModeShare) / latencySeconds,
    segments: prefill.segments,
  };
}
