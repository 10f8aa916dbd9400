// JSON text -> value, or the line and column of its first mistake.
// JSON.parse does the parsing; its messages name a position only sometimes, and differently from one
// Node release to the next, so where it fails a scanner of our own looks for the place.

import { fail } from '../base/problem.ts';
import { either, shown } from '../base/wording.ts';

/** The value of a JSON text; throws a `hardware` problem at `path:line:column`. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const { offset, expected } = firstMistake(text);
    const before = text.slice(0, offset).split('\n');
    const found = offset >= text.length ? 'the end of the file' : shown(text.slice(offset).match(/^(?:[\w.+-]+|"[^"\n]{0,40}"?|.)/su)?.[0]);
    return fail({
      kind: 'hardware',
      path: `${path}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`,
      found,
      expected: `JSON: ${expected}`,
    });
  }
}

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/** Offset of the first character that can't belong to a JSON text, and what could have stood there. */
function firstMistake(text: string): { readonly offset: number; readonly expected: string } {
  let offset = 0;
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = offset;
    const matched = pattern.exec(text);
    if (matched !== null) offset += matched[0].length;
    return matched !== null;
  };
  const next = (): string => {
    skip(SPACE);
    return text.charAt(offset);
  };
  const mistake = (...expected: readonly string[]) => ({ offset, expected: either(expected) });

  const open: ('{' | '[')[] = [];
  for (;;) {
    // Here a value stands: a scalar, or the start of an object or a list.
    const start = next();
    const bracket = start === '{' || start === '[' ? start : undefined;
    if (bracket !== undefined) {
      open.push(bracket);
      offset++;
      if (next() === (bracket === '{' ? '}' : ']')) {
        offset++;
        open.pop();
      } else if (bracket === '[') {
        continue;
      } else {
        if (!skip(STRING)) return mistake('a name in double quotes', '}');
        if (next() !== ':') return mistake(':');
        offset++;
        continue;
      }
    } else if (!skip(STRING) && !skip(SCALAR)) return mistake('a value');

    // Here a value has ended: close what it ends, until a comma starts the next one.
    for (;;) {
      const inside = open.at(-1);
      const after = next();
      if (inside === undefined) return mistake('nothing more');
      if (after === (inside === '{' ? '}' : ']')) {
        offset++;
        open.pop();
        continue;
      }
      if (after !== ',') return mistake(',', inside === '{' ? '}' : ']');
      offset++;
      if (inside === '[') break;
      next();
      if (!skip(STRING)) return mistake('a name in double quotes');
      if (next() !== ':') return mistake(':');
      offset++;
      break;
    }
  }
}
