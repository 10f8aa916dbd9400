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
  if (!isSound(program, '')) {
    walk(program, 'program', '', add);
    return;
  }
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

function isSound(value: unknown, key: string): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) && (value >= 0 || SIGNED.has(key));
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every((part) => isSound(part, key));
  for (const name in value) if (!isSound((value as Record<string, unknown>)[name], name)) return false;
  return true;
}

/** Finds every number that is not sound, and where it is. */
function walk(value: unknown, where: string, key: string, add: (where: string, value: number) => void): void {
  if (typeof value === 'number') {
    if (!isSound(value, key)) add(where, value);
  } else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) walk(value[i], `${where}[${i}]`, key, add);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, part] of Object.entries(value)) walk(part, `${where}.${name}`, name, add);
  }
}
