// Sums over passes: field by field, of passes one after another, or of all the tokens that simulated ones stand for.

import { COMPONENTS, type Trace } from '../simulator/trace.ts';
import { sumOver } from './contexts.ts';
import type { SimulatedPass, Spent } from './generation.ts';

/** Sums over all tokens from the first simulated one to the last, linear between them. */
export function spentOver(passes: readonly SimulatedPass[]): Spent {
  return combined(passes, (values) => sumOver(values.map((value, i) => ({ context: passes[i]?.past ?? 0, value }))));
}

export function added(...parts: readonly Spent[]): Spent {
  return combined(parts, (values) => values.reduce((a, b) => a + b, 0));
}

type Combine = (values: readonly number[]) => number;

function combined(parts: readonly Spent[], combine: Combine): Spent {
  const of = (value: (part: Spent) => number): number => combine(parts.map(value));
  return {
    cycles: of(({ cycles }) => cycles),
    betweenCycles: of(({ betweenCycles }) => betweenCycles),
    channelCycles: of(({ channelCycles }) => channelCycles),
    memoryModeCycles: of(({ memoryModeCycles }) => memoryModeCycles),
    energyPicojoules: recordOf(COMPONENTS, (component) => of(({ energyPicojoules }) => energyPicojoules[component])),
    bytes: recordOf(TRAFFIC, (kind) => of(({ bytes }) => bytes[kind])),
  };
}

const TRAFFIC = ['externalRead', 'externalWrite', 'buffer', 'memoryArrays', 'weightsFetched'] as const satisfies (keyof Trace['bytes'])[];

function recordOf<K extends string>(names: readonly K[], value: (name: K) => number): Record<K, number> {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Record<K, number>;
}
