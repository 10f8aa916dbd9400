// Programs come from anybody: whatever numbers and lists they hold, the outcome is a list of problems or a run.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseProgram } from '../../lib/program/parse.ts';
import type { Program } from '../../lib/program/program.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { verifyTrace } from '../../lib/simulator/verify.ts';
import { smallChip } from '../support/chips.ts';
import { TWO_CONVS } from '../support/two-convs.ts';

const CHIP = smallChip();
const RIGHT = parseProgram(TWO_CONVS);

/** A list or leaf value inside a program, by the keys that lead to it. */
interface Spot {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

function* spotsOf(value: unknown, path: readonly (string | number)[] = []): Generator<Spot> {
  if (Array.isArray(value)) yield { path, value };
  if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) yield* spotsOf(inner, [...path, Array.isArray(value) ? Number(key) : key]);
  } else {
    yield { path, value };
  }
}

/** A copy of the program with another value at a spot; it may break the type, as a file may. */
function replaced(program: Program, { path }: Spot, value: unknown): Program {
  const change = (node: unknown, depth: number): unknown => {
    if (depth === path.length) return value;
    const key = path[depth]!;
    if (Array.isArray(node)) return node.map((item: unknown, i) => (i === key ? change(item, depth + 1) : item));
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([name, inner]) => [name, name === key ? change(inner, depth + 1) : inner]));
  };
  return change(program, 0) as Program;
}

const NUMBERS = [0, -0, -1, 1, 2, 3, 0.5, 1.5, 7.25, 17, 1000, -1e9, 1e9, 2 ** 31, 2 ** 53, 1e308, Number.POSITIVE_INFINITY, Number.NaN];

/** Other values of the same type. */
function otherValues({ value }: Spot, ids: readonly string[]): readonly unknown[] {
  if (typeof value === 'number') return NUMBERS;
  if (typeof value === 'string') return ids;
  if (!Array.isArray(value)) return [];
  const list: readonly unknown[] = value;
  return [[], [...list, ...list], [...list].reverse(), list.slice(1)];
}

const KINDS = new Set(['noun', 'kind', 'role', 'use', 'class', 'to', 'schemaVersion']);
const SPOTS = [...spotsOf(RIGHT)].filter(({ path, value }) => !(KINDS.has(String(path.at(-1))) && !Array.isArray(value)));
const IDS = [...RIGHT.tensors, ...RIGHT.operators, ...RIGHT.regions].map(({ id }) => id).concat('nothing', '', '__proto__', 'constructor');

/** What came of a program: how many problems it has, or that it ran; throws if neither. */
function outcome(program: Program): 'rejected' | 'ran' {
  if (verifyProgram(program, CHIP).length > 0) return 'rejected';
  const trace = simulate(program, CHIP);
  assert.ok(Number.isFinite(trace.makespanCycles) && trace.makespanCycles >= 0, `a run of ${trace.makespanCycles} cycles`);
  assert.equal(verifyTrace(trace), []);
  return 'ran';
}

function failuresOf(
  spots: readonly Spot[],
  values: (spot: Spot) => readonly unknown[],
): { readonly failures: readonly string[]; readonly rejected: number } {
  const failures: string[] = [];
  let rejected = 0;
  for (const spot of spots) {
    for (const value of values(spot)) {
      try {
        if (outcome(replaced(RIGHT, spot, value)) === 'rejected') rejected++;
      } catch (error) {
        failures.push(
          `${spot.path.join('.')} = ${String(value)}: ${error instanceof Error ? `${error.name} ${error.message}` : String(error)}`,
        );
      }
    }
  }
  return { failures, rejected };
}

test('any single number of a program may be anything', () => {
  const { failures, rejected } = failuresOf(
    SPOTS.filter(({ value }) => typeof value === 'number'),
    (spot) => otherValues(spot, IDS),
  );
  assert.equal(failures, []);
  assert.ok(rejected > 500, `only ${rejected} rejected`);
});

test('any single id of a program may name anything', () => {
  const { failures, rejected } = failuresOf(
    SPOTS.filter(({ value }) => typeof value === 'string'),
    (spot) => otherValues(spot, IDS),
  );
  assert.equal(failures, []);
  assert.ok(rejected > 100, `only ${rejected} rejected`);
});

test('any single list of a program may be empty, doubled, reversed or shorter', () => {
  const { failures, rejected } = failuresOf(
    SPOTS.filter(({ value }) => Array.isArray(value)),
    (spot) => otherValues(spot, IDS),
  );
  assert.equal(failures, []);
  assert.ok(rejected > 20, `only ${rejected} rejected`);
});

test('a number no machine has - negative, fractional, not finite - is rejected wherever a statement or region holds it', () => {
  const accepted: string[] = [];
  const physical = SPOTS.filter(({ path, value }) => typeof value === 'number' && (path[0] === 'body' || path[0] === 'regions'));
  for (const spot of physical) {
    for (const value of [-1, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      try {
        if (verifyProgram(replaced(RIGHT, spot, value), CHIP).length === 0) accepted.push(`${spot.path.join('.')} = ${value}`);
      } catch {
        // Counted by the tests above.
      }
    }
  }
  assert.equal(accepted, []);
});

test('an array the chip cannot have is rejected even if the whole program uses it alike', () => {
  for (const array of [-1, 0.5, Number.NaN]) {
    const text = JSON.stringify(RIGHT, (key, value: unknown) =>
      key === 'arrays' && Array.isArray(value) ? value.map((id: unknown) => (id === 0 ? 'ARRAY' : id)) : value,
    );
    const program = JSON.parse(text, (_, value: unknown) => (value === 'ARRAY' ? array : value)) as Program;
    assert.ok(verifyProgram(program, CHIP).length > 0, `array ${array} is accepted`);
  }
});

test('two changes at once end in problems or in a run as well', () => {
  const change = fc.tuple(fc.nat({ max: SPOTS.length - 1 }), fc.nat());
  fc.assert(
    fc.property(change, change, (a, b) => {
      let program = RIGHT;
      for (const [at, which] of [a, b]) {
        const values = otherValues(SPOTS[at]!, IDS);
        if (values.length > 0) program = replaced(program, SPOTS[at]!, values[which % values.length]);
      }
      outcome(program);
    }),
    { seed: 9, numRuns: 2000 },
  );
});

test.run();
