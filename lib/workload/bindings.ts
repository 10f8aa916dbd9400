// What a run asks of a model: batch and explicit bindings -> numbers for its symbolic dimensions.

import { fail } from '../base/problem.ts';

/** Symbolic dimension that --batch sets, as PyTorch exports usually call it. */
export const BATCH_DIMENSION = 'batch';

/** Parses 'batch=8,sequence=64'. Throws `usage`. */
export function parseBindings(text: string): Readonly<Record<string, number>> {
  const bindings = new Map<string, number>();
  for (const part of text.split(',')) {
    const match = /^\s*([^=]+?)\s*=\s*(\d+)\s*$/.exec(part);
    const [, name = '', digits = ''] = match ?? [];
    const size = Number(digits);
    if (match === null || !Number.isSafeInteger(size)) {
      return fail({
        kind: 'usage',
        message: `'${part}' is not a binding`,
        next: 'Write NAME=N with N a whole number, for example --bind batch=8.',
      });
    }
    if (bindings.has(name)) fail({ kind: 'usage', message: `'${name}' is bound twice`, next: 'Bind each name once.' });
    bindings.set(name, size);
  }
  return Object.fromEntries(bindings);
}
