// A time axis: cycles in the unit in which the longest time shown is at least 1.

import { formatNumber } from '../../base/text.ts';
import type { JsonObject } from '../plotly.ts';

export interface Clock {
  readonly unit: string;
  /** Cycles a unit. */
  readonly perUnit: number;
  readonly clockHz: number;
  readonly timeOf: (cycles: number) => number;
}

const TIME_UNITS = [
  [1, 's'],
  [1e-3, 'ms'],
  [1e-6, 'µs'],
  [1e-9, 'ns'],
] as const;

export function clockOf(clockHz: number, mostCycles: number): Clock {
  const [seconds, unit] = TIME_UNITS.find(([scale]) => mostCycles / clockHz >= scale) ?? TIME_UNITS[TIME_UNITS.length - 1]!;
  const perUnit = clockHz * seconds;
  return { unit, perUnit, clockHz, timeOf: (cycles) => Number((cycles / perUnit).toPrecision(9)) };
}

/** From one cycle to another, with a little room behind. */
export function timeAxis(clock: Clock, [from, to]: readonly [number, number]): JsonObject {
  return {
    title: { text: `Time (${clock.unit}; 1 ${clock.unit} is ${formatNumber(clock.perUnit)} cycles)` },
    range: [clock.timeOf(from), clock.timeOf(to + (to - from) * 0.01)],
  };
}
