// Hash of a model: SHA-256 of the file's bytes and the bindings.

import { createHash } from 'node:crypto';

/** Hexadecimal; bindings count in the order of their names. */
export function hashOf(bytes: Uint8Array, bindings: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(bindings).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(bytes).update(JSON.stringify(sorted)).digest('hex');
}
