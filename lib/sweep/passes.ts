// Passes: what a run measures. A network is one pass; a language model with a prompt is a prefill over it and then one pass
// a generated token, each with a longer context. Those are measured at a few contexts, chosen as `simulateGeneration` does.

import { sampleContexts, sumOver } from '../generation/contexts.ts';
import { tileBoundaries } from '../generation/tile-boundaries.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph } from '../ir/graph.ts';
import { checkedWorkload, decodeOf, type Pass, prefillOf, type Workload } from '../workload/workload.ts';
import { METRICS, type Metrics } from './metrics.ts';

/** Largest relative deviation from a line that is accepted between measured tokens. */
const TOLERANCE = 0.0005;

/** Metrics of prefill and all generated tokens, one after another. `measure` is asked for each pass at most once. */
export async function measureGeneration(
  workload: Workload,
  hardware: Hardware,
  graphOf: (pass: Pass) => Graph,
  measure: (pass: Pass) => Promise<Metrics>,
): Promise<Metrics> {
  const asked = checkedWorkload(workload);
  const [first, last] = [decodeOf(asked, 0), decodeOf(asked, asked.generate - 1)];
  // What is impossible shows before anything takes time.
  const boundaries = asked.generate === 0 ? [] : tileBoundaries(first.past, graphOf(first), last.past, graphOf(last), hardware);
  const prefill = await measure(prefillOf(asked));
  if (asked.generate === 0) return prefill;
  const tokens = new Map<number, Metrics>();
  const { contexts } = await sampleContexts({
    first: first.past,
    last: last.past,
    boundaries,
    tolerance: TOLERANCE,
    measure: async (past) => {
      const metrics = await measure({ kind: 'decode', sequence: 1, past });
      tokens.set(past, metrics);
      return metrics.latencySeconds;
    },
  });
  return combined(
    prefill,
    contexts.map((context) => ({ context, metrics: tokens.get(context) ?? prefill })),
  );
}

/** Metrics of prefill and tokens together. Area and segments are the prefill's; shares are weighed by time. */
export function combined(prefill: Metrics, tokens: readonly { readonly context: number; readonly metrics: Metrics }[]): Metrics {
  const total = (of: (metrics: Metrics) => number): number =>
    of(prefill) + sumOver(tokens.map(({ context, metrics }) => ({ context, value: of(metrics) })));
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
