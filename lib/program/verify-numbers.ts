// Verifier, part zero: every number of a program is whole, not negative and small enough to calculate with.
// A parsed program is so already; one made by hand or read from JSON need not be.

import type { Findings } from './findings.ts';
import type { Program } from './program.ts';

/** Fields that may be negative: a window may begin before its input or end behind it. */
const SIGNED = new Set(['reach', 'lead']);
/** Wider than any converter or accumulator. */
const MOST_BITS = 64;

export function checkNumbers(program: Program, findings: Findings): void {
  const add = (where: string, value: number): void => {
    findings.add('shape', where, `${value} is not a whole number from 0`, 'Use whole numbers.');
  };
  walk(program, 'program', '', add);
  if (findings.problems.length > 0) return;
  for (const { id, positions, features, bits } of program.tensors) {
    if (bits > MOST_BITS || !Number.isSafeInteger(positions * features * bits)) {
      findings.add(
        'shape',
        `tensor ${id}`,
        `${positions} x ${features} elements of ${bits} bits are too many`,
        `Use at most ${MOST_BITS} bits and fewer elements.`,
      );
    }
  }
  for (const { id, matrix } of program.operators) {
    if (matrix !== undefined && !Number.isSafeInteger(matrix.m * matrix.n * matrix.k * matrix.groups)) {
      findings.add('shape', `operator ${id}`, 'its MACs are too many to count', 'Use smaller sizes.');
    }
  }
}

function walk(value: unknown, where: string, key: string, add: (where: string, value: number) => void): void {
  if (typeof value === 'number') {
    const least = SIGNED.has(key) ? Number.MIN_SAFE_INTEGER : 0;
    if (!Number.isSafeInteger(value) || value < least) add(where, value);
  } else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) walk(value[i], `${where}[${i}]`, key, add);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, part] of Object.entries(value)) walk(part, `${where}.${name}`, name, add);
  }
}
