// Leaves: the numbers and choices of a hardware file, each with its path, in the order of the format;
// and among them those that are uncertain, with their ranges.

import { FILE_FIELD, type Field } from './format.ts';
import type { Choice, HardwareFile, Mark, Quantity } from './hardware.ts';
import { readHardwareFile } from './read.ts';

/** `keys` leads to the leaf; `path` is the same with dots: "compute.weights.8.perRow". */
export type Leaf = { readonly path: string; readonly keys: readonly string[] } & (
  | { readonly kind: 'quantity'; readonly value: Quantity }
  | { readonly kind: 'choice'; readonly value: Choice }
  | { readonly kind: 'integer'; readonly value: number }
);

/** Every quantity, choice and bare number of a checked file. */
export function leavesOf(file: HardwareFile): readonly Leaf[] {
  return Array.from(leavesUnder(file, FILE_FIELD, []));
}

function* leavesUnder(value: unknown, field: Field, keys: readonly string[]): Generator<Leaf> {
  // The file is checked, so under a field there is what the table says, or nothing where it is optional.
  if (value === undefined) return;
  const path = keys.join('.');
  switch (field.kind) {
    case 'object':
      for (const [key, entry] of Object.entries(field.fields))
        yield* leavesUnder((value as Record<string, unknown>)[key], entry, [...keys, key]);
      return;
    case 'map':
      for (const [key, entry] of Object.entries(value as Record<string, unknown>)) yield* leavesUnder(entry, field.entry, [...keys, key]);
      return;
    case 'quantity':
      return yield { kind: 'quantity', path, keys, value: value as Quantity };
    case 'choice':
      return yield { kind: 'choice', path, keys, value: value as Choice };
    case 'integer':
      return yield { kind: 'integer', path, keys, value: value as number };
    case 'text':
    case 'list':
      return;
  }
}

/** A number that may be otherwise: its path fits `withOverrides`. */
export interface ParameterRange {
  readonly path: string;
  readonly value: number;
  readonly unit: string;
  readonly least: number;
  readonly greatest: number;
  readonly mark: Mark;
  readonly source: string;
}

/** Every number of a file that has a range, in the order of the format: the unknown ones (U) all have. Throws `hardware` problems. */
export function parameterRanges(file: HardwareFile): readonly ParameterRange[] {
  return leavesOf(readHardwareFile(file)).flatMap((leaf) => {
    if (leaf.kind !== 'quantity' || leaf.value.range === undefined) return [];
    const { value, unit, mark, source, range } = leaf.value;
    return [{ path: leaf.path, value, unit, least: range[0], greatest: range[1], mark, source }];
  });
}
