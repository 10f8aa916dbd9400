// Random changes to a valid hardware file: at a random place, something is removed, added or replaced.

import * as fc from 'fast-check';
import type { Json, JsonObject } from './chips.ts';

export interface Mutation {
  /** Chooses the way down: at each level, child `turn mod children`. */
  readonly turns: readonly number[];
  readonly change: 'remove' | 'replace' | 'add' | 'swap' | 'scale';
  readonly name: string;
  readonly value: Json;
  readonly factor: number;
}

const NAMES = [
  'value',
  'unit',
  'range',
  'mark',
  'source',
  'rows',
  '8',
  '4x8',
  '__proto__',
  'constructor',
  'x',
  'refresh',
  'rates',
  'softmax',
  'valeu',
  '',
];
const VALUES: readonly Json[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1,
  2,
  8.5,
  1e-300,
  1e300,
  '',
  'U',
  'D',
  'P*',
  'ns',
  'cycle',
  'GB/s',
  'pJ/bit',
  'text',
  [],
  [1, 2],
  [2, 1],
  [0, 1e9],
  {},
  { value: 1 },
  { value: 1, unit: 'cycle', mark: 'D', source: 'test' },
  { value: 1, unit: 'element/cycle', mark: 'U', source: 'test', range: [1, 2] },
];

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  turns: fc.array(fc.nat(30), { minLength: 1, maxLength: 6 }),
  change: fc.constantFrom('remove', 'replace', 'add', 'swap', 'scale'),
  name: fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 12 })),
  value: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...VALUES) }, { weight: 1, arbitrary: fc.jsonValue() as fc.Arbitrary<Json> }),
  factor: fc.constantFrom(0, -1, 0.5, 1.01, 2, 1e6, 1e12, Number.NaN, Number.POSITIVE_INFINITY),
});

/** The content, changed in place and returned. */
export function mutated(content: JsonObject, { turns, change, name, value, factor }: Mutation): JsonObject {
  let parent: JsonObject | Json[] = content;
  let key = '';
  for (const [level, turn] of turns.entries()) {
    const keys = Object.keys(parent);
    if (keys.length === 0) break;
    key = keys[turn % keys.length] ?? '';
    const child: Json | undefined = (parent as JsonObject)[key];
    if (level === turns.length - 1 || typeof child !== 'object' || child === null) break;
    parent = child;
  }
  const place = parent as JsonObject;
  const old = place[key];
  if (change === 'remove') delete place[key];
  else if (change === 'add')
    Object.defineProperty(place, name, { value: structuredClone(value), enumerable: true, configurable: true, writable: true });
  else if (change === 'scale' && typeof old === 'number') place[key] = old * factor;
  else if (change === 'swap') {
    const other = Object.keys(place).find((candidate) => candidate !== key);
    if (other !== undefined && old !== undefined) [place[key], place[other]] = [place[other] ?? null, old];
  } else place[key] = structuredClone(value);
  return content;
}
