// Axes of a spec, checked: what is not a list of settings or a range with values in it becomes a problem.

import type { Problem } from '../base/problem.ts';
import { jsonPath, nearest, shown } from '../base/wording.ts';
import type { Axis, RangeSpec, Setting } from './spec.ts';

/** A list longer than this was made by a program that should have written a range. */
const MOST_LISTED = 100_000;
const RANGE_KEYS = ['from', 'to', 'step', 'count', 'scale', 'whole'] as const;

export type Report = (where: string, found: string, expected: string) => undefined;

/** A function that collects `sweep` problems; it returns undefined, as a check that failed does. */
export function reporter(problems: Problem[]): Report {
  return (where, found, expected) => {
    problems.push({ kind: 'sweep', where, found, expected });
    return undefined;
  };
}

/** Reports the names in `value` that are not among `known`, with the one that was probably meant. */
export function reportUnknown(value: object, known: readonly string[], where: string, what: string, report: Report): void {
  for (const name of Object.keys(value).filter((key) => !known.includes(key))) {
    const meant = nearest(name, known);
    report(jsonPath(where, name), `an unknown ${what}`, meant === undefined ? `one of ${known.join(', ')}` : `'${meant}'`);
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isSetting(value: unknown): value is Setting {
  return typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}

/** The axis of one field. */
export function axisOf(field: string, value: unknown, where: string, report: Report): Axis | undefined {
  if (Array.isArray(value)) {
    const values = listOf(value, where, report);
    return values === undefined ? undefined : { kind: 'list', fields: [field], values: values.map((setting) => [setting]) };
  }
  if (isRecord(value)) return rangeOf(field, value, where, report);
  return report(where, shown(value), 'a list of values or a range { from, to, ... }');
}

function listOf(value: readonly unknown[], where: string, report: Report): readonly Setting[] | undefined {
  if (value.length === 0) return report(where, 'an empty list', 'at least one value');
  if (value.length > MOST_LISTED) return report(where, `${value.length} values`, `at most ${MOST_LISTED}; write a range`);
  const wrong = value.findIndex((setting) => !isSetting(setting));
  if (wrong >= 0) return report(`${where}[${wrong}]`, shown(value[wrong]), 'a finite number, a text, true or false');
  const repeated = value.findIndex((setting, i) => value.indexOf(setting) < i);
  if (repeated >= 0) return report(`${where}[${repeated}]`, `${shown(value[repeated])} a second time`, 'each value once');
  return value as readonly Setting[];
}

function rangeOf(field: string, value: Record<string, unknown>, where: string, report: Report): Axis | undefined {
  reportUnknown(value, RANGE_KEYS, where, 'part of a range', report);
  const numbers = (['from', 'to', 'step', 'count'] as const).filter((key) => value[key] !== undefined || key === 'from' || key === 'to');
  for (const key of numbers) if (!Number.isFinite(value[key])) return report(`${where}.${key}`, shown(value[key]), 'a finite number');
  const { from, to, step, count, scale = 'linear', whole } = value as unknown as RangeSpec;
  if (scale !== 'linear' && scale !== 'log') return report(`${where}.scale`, shown(scale), "'linear' or 'log'");
  if (whole !== undefined && typeof whole !== 'boolean') return report(`${where}.whole`, shown(whole), 'true or false');
  if (from > to) return report(where, `an empty range from ${from} to ${to}`, '`from` to be at most `to`');
  if (scale === 'log' && from <= 0) return report(`${where}.from`, String(from), 'a number above zero on a logarithmic scale');
  if (step !== undefined && count !== undefined) return report(where, 'both `step` and `count`', 'one of them');
  const range = { kind: 'range', fields: [field], from, to, scale, whole: whole === true } as const;
  if (step !== undefined) {
    if (step <= 0) return report(`${where}.step`, String(step), 'a number above zero');
    if (scale === 'log') return report(`${where}.step`, 'a step on a logarithmic scale', '`count`: equal factors');
    const steps = Math.floor((to - from) / step + 1e-9);
    return { ...range, to: Number((from + steps * step).toPrecision(12)), count: steps + 1 };
  }
  if (count !== undefined) {
    const least = from === to ? 1 : 2;
    if (!Number.isSafeInteger(count) || count < least)
      return report(`${where}.count`, String(count), `a whole number of at least ${least}`);
    if (whole !== true || count < 3) return { ...range, count };
    return roundedRange(field, range, count, where, report);
  }
  const isWhole = whole ?? (Number.isInteger(from) && Number.isInteger(to) && scale === 'linear');
  return isWhole && scale === 'linear'
    ? { ...range, whole: true, count: Math.floor(to) - Math.ceil(from) + 1, from: Math.ceil(from), to: Math.floor(to) }
    : { ...range, whole: isWhole, count: Number.POSITIVE_INFINITY };
}

/** Rounding may make neighbours equal; each value counts once. */
function roundedRange(
  field: string,
  { from, to, scale }: { readonly from: number; readonly to: number; readonly scale: 'linear' | 'log' },
  count: number,
  where: string,
  report: Report,
): Axis | undefined {
  if (count > MOST_LISTED) return report(`${where}.count`, String(count), `at most ${MOST_LISTED} where values are rounded`);
  const values = Array.from({ length: count }, (_, i) => {
    const share = i / (count - 1);
    return Math.round(scale === 'log' ? from * (to / from) ** share : from + (to - from) * share);
  });
  return { kind: 'list', fields: [field], values: [...new Set(values)].map((value) => [value]) };
}

/** The axis of fields that vary in step. */
export function togetherOf(value: unknown, where: string, report: Report): Axis | undefined {
  if (!isRecord(value) || Object.keys(value).length === 0) return report(where, shown(value), 'lists of values by field');
  const fields = Object.keys(value);
  const lists = fields.map((field) => {
    const list = value[field];
    const path = jsonPath(where, field);
    if (!Array.isArray(list) || list.length === 0) return report(path, shown(list), 'a list with at least one value');
    const wrong = list.findIndex((setting) => !isSetting(setting));
    if (wrong >= 0) return report(`${path}[${wrong}]`, shown(list[wrong]), 'a finite number, a text, true or false');
    return list as readonly Setting[];
  });
  const [first] = lists;
  if (first === undefined || lists.includes(undefined)) return undefined;
  const other = lists.findIndex((list) => list?.length !== first.length);
  if (other >= 0)
    return report(jsonPath(where, fields[other]!), `${lists[other]!.length} values`, `${first.length}, as many as '${fields[0]}' has`);
  return { kind: 'list', fields, values: first.map((_, i) => lists.map((list) => list![i]!)) };
}
