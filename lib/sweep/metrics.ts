// Metrics: the numbers a point ends with, each with its unit and which way is better.

import { sum } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Plan } from '../optimizer/plan.ts';
import type { Trace } from '../simulator/trace.ts';

export interface Metric {
  /** Column of tables and of the database; a spec may also say the word alone. */
  readonly name: string;
  readonly word: string;
  readonly unit: string;
  readonly means: string;
  readonly better: 'less' | 'more';
}

export const METRICS = [
  { name: 'latencySeconds', word: 'latency', unit: 's', means: 'simulated makespan of the whole batch', better: 'less' },
  { name: 'energyJoules', word: 'energy', unit: 'J', means: 'energy of the simulated run', better: 'less' },
  { name: 'powerWatts', word: 'power', unit: 'W', means: 'energy / latency: the average over the run', better: 'less' },
  { name: 'areaMm2', word: 'area', unit: 'mm2', means: 'area of the chip by the linear model of lib/sweep/area.ts', better: 'less' },
  { name: 'energyDelayJouleSeconds', word: 'edp', unit: 'J s', means: 'energy * latency', better: 'less' },
  { name: 'throughputPerSecond', word: 'throughput', unit: '1/s', means: 'samples of the batch / latency', better: 'more' },
  { name: 'cycles', word: 'cycles', unit: 'cycle', means: 'simulated makespan', better: 'less' },
  { name: 'analyticCycles', word: 'analytic', unit: 'cycle', means: 'latency under the cost the optimizer minimises', better: 'less' },
  { name: 'lowerBoundCycles', word: 'bound', unit: 'cycle', means: 'no plan of this model takes less on this chip', better: 'less' },
  { name: 'memoryModeShare', word: 'memory', unit: '1', means: 'arrays in memory mode, averaged over time', better: 'more' },
  { name: 'segments', word: 'segments', unit: '1', means: 'segments of the plan', better: 'less' },
] as const satisfies readonly Metric[];
export type MetricName = (typeof METRICS)[number]['name'];
export type Metrics = Readonly<Record<MetricName, number>>;

/** The metric that a spec names, by its column or its word. */
export function findMetric(name: string): (typeof METRICS)[number] | undefined {
  return METRICS.find((metric) => metric.name === name || metric.word === name);
}

/** What a compiled and simulated point measures. `batch`: samples of one run. */
export function metricsOf(plan: Plan, trace: Trace, hardware: Hardware, batch: number, areaMm2: number): Metrics {
  const latencySeconds = trace.makespanCycles / hardware.clockHz;
  const energyJoules = sum(Object.values(trace.energyPicojoules)) * 1e-12;
  return {
    latencySeconds,
    energyJoules,
    powerWatts: energyJoules / latencySeconds,
    areaMm2,
    energyDelayJouleSeconds: energyJoules * latencySeconds,
    throughputPerSecond: batch / latencySeconds,
    cycles: trace.makespanCycles,
    analyticCycles: plan.analyticCycles,
    lowerBoundCycles: plan.lowerBoundCycles,
    memoryModeShare: trace.memoryModeShare,
    segments: plan.segments.length,
  };
}

/** A result as vectors are compared: each objective to be made small. */
export function objectiveVector(
  metrics: Readonly<Partial<Record<MetricName, number>>>,
  objectives: readonly MetricName[],
): readonly number[] {
  return objectives.map((name) => {
    const value = metrics[name] ?? Number.POSITIVE_INFINITY;
    return findMetric(name)?.better === 'more' ? -value : value;
  });
}
