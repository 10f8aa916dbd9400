// The JSON of `cimbook simulate` (schemaVersion 1): the trace, with the sum of the energy beside its parts, what was achieved, and
// how many cycles each resource bounds. Trace -> plain object.

import { type Picojoules, sum } from '../base/units.ts';
import { performanceOf } from './performance.ts';
import { boundedBy } from './print.ts';
import type { Component, Trace } from './trace.ts';

export function traceReport(trace: Trace) {
  const { energyPicojoules, operators } = trace;
  return {
    ...trace,
    energyPicojoules: withTotal(energyPicojoules),
    operators: operators.map((row) => ({ ...row, energyPicojoules: withTotal(row.energyPicojoules) })),
    performance: performanceOf(trace),
    /** Cycles of the critical path by resource: they add up to the makespan. */
    boundCycles: Object.fromEntries(boundedBy(trace)),
  };
}

function withTotal(energy: Trace['energyPicojoules']): Readonly<Record<Component | 'total', Picojoules>> {
  return { total: sum(Object.values(energy)), ...energy };
}
