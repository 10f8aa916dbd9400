// With overrides: a hardware file and other values for some of its numbers -> a hardware file.
// An override is an assumption: its mark becomes U, its range reaches from what the file said to the new value.

import { CompileError, type Problem } from '../base/problem.ts';
import { nearest, shown } from '../base/wording.ts';
import { checkHardwareFile, isRecord } from './check.ts';
import { MOST_SOURCE } from './format.ts';
import type { Choice, HardwareFile, Quantity } from './hardware.ts';
import { type Leaf, leavesOf } from './leaves.ts';
import { written } from './quantity.ts';
import { readHardwareFile } from './read.ts';

/** Values by path, each in the unit that the file gives the number in: `{ 'arrays.count': 48, 'external.rate': 16 }`. */
export type Overrides = Readonly<Record<string, number | boolean>>;

/**
 * The file with some of its numbers and choices replaced; the file given stays as it is.
 * More arrays than the grid has places get more lines, unless the grid is overridden too.
 * Throws `hardware` problems: paths the file does not have, values it can't have.
 */
export function withOverrides(file: HardwareFile, overrides: Overrides): HardwareFile {
  const original = readHardwareFile(file);
  const leaves = leavesOf(original).filter((leaf) => leaf.path !== 'schemaVersion');
  const problems: Problem[] = [];
  const prefix = `override of ${original.name}: `;
  const report = (path: string, found: string, expected: string) =>
    problems.push({ kind: 'hardware', path: `${prefix}${path}`, found, expected });

  let result: unknown = original;
  for (const [path, value] of Object.entries(withGrid(original, overrides))) {
    const leaf = leaves.find((candidate) => candidate.path === path);
    const wanted = leaf?.kind === 'choice' ? 'boolean' : 'number';
    if (leaf === undefined) report(path, 'an unknown parameter', expectedPath(path, leaves));
    else if (typeof value !== wanted) report(path, shown(value), wanted === 'boolean' ? 'true or false' : 'a number');
    else result = replacedAt(result, leaf.keys, overridden(leaf, value));
  }

  const checked = checkHardwareFile(result, prefix);
  // A range is wrong only where the value that stretched it is, and that is reported already.
  problems.push(...checked.problems.filter((problem) => problem.kind !== 'hardware' || !/\.range(?:\[\d\])?$/.test(problem.path)));
  if (problems.length > 0 || checked.file === undefined) throw new CompileError(problems);
  return checked.file;
}

function withGrid(file: HardwareFile, overrides: Overrides): Overrides {
  const count = overrides['arrays.count'];
  const { x, y } = file.arrays.grid;
  if (typeof count !== 'number' || count <= x * y || 'arrays.grid.x' in overrides || 'arrays.grid.y' in overrides) return overrides;
  return { ...overrides, 'arrays.grid.y': Math.ceil(count / x) };
}

function overridden(leaf: Leaf, value: number | boolean): Quantity | Choice | number | boolean {
  if (leaf.kind === 'quantity' && typeof value === 'number') {
    const { unit, range: [least, greatest] = [leaf.value.value, leaf.value.value] } = leaf.value;
    const range = [Math.min(least, value), Math.max(greatest, value)] as const;
    return { value, unit, mark: 'U', source: sourceOf(leaf.value, written(leaf.value)), range };
  }
  if (leaf.kind === 'choice' && typeof value === 'boolean')
    return { value, mark: 'U', source: sourceOf(leaf.value, String(leaf.value.value)) };
  return value;
}

const BY_HAND = 'set by hand; the file says ';

function sourceOf({ mark, source }: Quantity | Choice, value: string): string {
  return source.startsWith(BY_HAND) ? source : `${BY_HAND}${value} [${mark}]: ${source}`.slice(0, MOST_SOURCE);
}

function replacedAt(value: unknown, [key, ...rest]: readonly string[], entry: unknown): unknown {
  if (key === undefined) return entry;
  return isRecord(value) ? { ...value, [key]: replacedAt(value[key], rest, entry) } : value;
}

function expectedPath(path: string, leaves: readonly Leaf[]): string {
  const paths = leaves.map((leaf) => leaf.path);
  const near = nearest(path, paths);
  if (near !== undefined) return `'${near}'`;
  const inside = paths.filter((candidate) => candidate.startsWith(`${path}.`));
  return `one of ${(inside.length > 0 ? inside : paths).join(', ')}`;
}
