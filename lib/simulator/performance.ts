// What a run achieved: operations a second, a joule and a square millimetre. An operation is half a useful MAC, as chips are rated.

import { sum } from '../base/units.ts';
import type { Trace } from './trace.ts';

const OPERATIONS_PER_MAC = 2;
const PICOJOULES_PER_JOULE = 1e12;

export interface Performance {
  readonly seconds: number;
  readonly joules: number;
  /** Average power. */
  readonly watts: number;
  /** TOPS times 10^12. */
  readonly operationsPerSecond: number;
  /** TOPS/W times 10^12. */
  readonly operationsPerJoule: number;
  /** With every energy at the greatest, and at the least, that its source allows. */
  readonly operationsPerJouleRange: readonly [number, number];
  /** Absent where no area is published. */
  readonly operationsPerSecondPerSquareMillimetre?: number;
}

/** Zero where nothing ran. */
export function performanceOf(trace: Trace): Performance {
  const { makespanCycles, clockHz, energyPicojoules, energyRangePicojoules, areaSquareMillimetres, usage } = trace;
  const operations = OPERATIONS_PER_MAC * usage.mac;
  const seconds = makespanCycles / clockHz;
  const joulesOf = (picojoules: number): number => picojoules / PICOJOULES_PER_JOULE;
  const joules = joulesOf(sum(Object.values(energyPicojoules)));
  const ratio = (a: number, b: number): number => (b === 0 ? 0 : a / b);
  const operationsPerSecond = ratio(operations, seconds);
  return {
    seconds,
    joules,
    watts: ratio(joules, seconds),
    operationsPerSecond,
    operationsPerJoule: ratio(operations, joules),
    operationsPerJouleRange: [
      ratio(operations, joulesOf(energyRangePicojoules.greatest)),
      ratio(operations, joulesOf(energyRangePicojoules.least)),
    ],
    ...(areaSquareMillimetres !== undefined && { operationsPerSecondPerSquareMillimetre: operationsPerSecond / areaSquareMillimetres }),
  };
}
