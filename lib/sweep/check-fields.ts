// Fields of a spec against the chips it names: known, of the right type, set once, and numbers a chip can have.

import { CompileError } from '../base/problem.ts';
import { jsonPath, nearest, shown } from '../base/wording.ts';
import type { HardwareFile } from '../hardware/hardware.ts';
import { parameterRanges } from '../hardware/leaves.ts';
import { type Overrides, withOverrides } from '../hardware/with-overrides.ts';
import type { Report } from './check-axes.ts';
import { DEFAULT_BITS, fieldNames, hardwarePaths, isRunField, wrongValue } from './fields.ts';
import { countOf, settingsAt } from './space.ts';
import type { Axis, Setting, Space } from './spec.ts';

/** Values of an axis that are tried on the chip before the sweep starts. */
const MOST_TRIED = 40;

/** Every number of the chip that has a range, at its value, its least and its greatest; those of other precisions left out. */
export function rangeAxes([chip]: readonly HardwareFile[], fixed: Readonly<Record<string, Setting>>): readonly Axis[] {
  if (chip === undefined) return [];
  const weight = String(fixed.weightBits ?? DEFAULT_BITS);
  const activation = String(fixed.activationBits ?? DEFAULT_BITS);
  const counts = (path: string): boolean => {
    const [, part, bits] = /^compute\.(weights|activations|macEnergy)\.([^.]+)/.exec(path) ?? [];
    return part === undefined || bits === { weights: weight, activations: activation, macEnergy: `${activation}x${weight}` }[part];
  };
  return parameterRanges(chip)
    .filter(({ path }) => counts(path) && !(path in fixed))
    .map(({ path, value, least, greatest }) => ({
      kind: 'list',
      fields: [path],
      values: [...new Set([value, least, greatest])].map((each) => [each]),
    }));
}

/** Unknown fields, wrong types, and numbers that two fields set. */
export function checkFields(
  fixed: Readonly<Record<string, Setting>>,
  axes: readonly Axis[],
  chips: readonly HardwareFile[],
  report: Report,
): void {
  const places: [field: string, where: string, values: readonly Setting[]][] = Object.entries(fixed).map(([field, value]) => [
    field,
    jsonPath('$.fixed', field),
    [value],
  ]);
  for (const axis of axes) {
    const values = axis.kind === 'list' ? axis.values : [[axis.from], [axis.to]];
    axis.fields.forEach((field, k) => {
      places.push([field, jsonPath('$.axes', field), values.map((row) => row[k]!)]);
    });
  }
  const known = fieldNames(chips);
  const setBy = new Map<string, string>();
  for (const [field, where, values] of places) {
    if (!isRunField(field) && !known.includes(field)) {
      if (chips.length === 0) continue;
      const meant = nearest(field, known) ?? known.find((name) => name.startsWith(`${field}.`) || name.endsWith(`.${field}`));
      const hint = meant === undefined ? `one of ${known.join(', ')}` : `'${meant}'`;
      report(where, 'an unknown field', hint);
      continue;
    }
    for (const path of isRunField(field) ? [field] : hardwarePaths(field, fixed)) {
      if (setBy.has(path)) report(where, `'${path}' set a second time`, `only '${setBy.get(path)}' to set it`);
      setBy.set(path, field);
    }
    const wrong = values.map((value) => wrongValue(field, value)).find((expected) => expected !== undefined);
    const value = values.find((each) => wrongValue(field, each) !== undefined);
    if (wrong !== undefined) report(where, shown(value), wrong);
  }
}

/** Sets values of each hardware axis alone on each chip, so that what no chip can be is told before the sweep. */
export function tryValues(space: Pick<Space, 'fixed' | 'axes'>, chips: readonly HardwareFile[], report: Report): void {
  const base = settingsAt(
    space,
    space.axes.map(() => 0),
  );
  for (const chip of chips) {
    for (const axis of space.axes.filter(({ fields }) => !fields.every(isRunField))) {
      for (const place of somePlaces(countOf(axis))) {
        const settings = settingsAt({ fixed: {}, axes: [axis] }, [place]);
        const overrides = Object.entries(settings).flatMap(([field, value]) =>
          isRunField(field) ? [] : hardwarePaths(field, { ...base, ...settings }).map((path) => [path, value] as const),
        );
        const found = wrongOverrides(chip, Object.fromEntries(overrides) as Overrides);
        if (found.length === 0) continue;
        for (const { path, found: value, expected } of found) report(jsonPath('$.axes', axis.fields[0]!), value, `${expected} (${path})`);
        break;
      }
    }
  }
}

/** At most MOST_TRIED places of an axis, both ends among them. */
function somePlaces(count: number): readonly number[] {
  const tried = Math.min(count, MOST_TRIED);
  const last = count === Number.POSITIVE_INFINITY ? 1 : count - 1;
  const shares = Array.from({ length: tried }, (_, i) => (tried === 1 ? 0 : (last * i) / (tried - 1)));
  return count === Number.POSITIVE_INFINITY ? shares : [...new Set(shares.map(Math.round))];
}

function wrongOverrides(chip: HardwareFile, overrides: Overrides) {
  try {
    withOverrides(chip, overrides);
    return [];
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return error.problems.filter((problem) => problem.kind === 'hardware');
  }
}
