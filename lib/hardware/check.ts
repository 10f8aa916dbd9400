// Check: anything -> every problem it has as a hardware file, each with its JSON path.
// The table of format.ts says what each field may be; rules that join fields stand in `checkTogether`.

import type { Problem } from '../base/problem.ts';
import { either, jsonPath, nearest, shown } from '../base/wording.ts';
import {
  BITS_BY_BITS,
  DIMENSIONS,
  FILE_FIELD,
  type Field,
  type Fields,
  type Limits,
  MOST_SOURCE,
  PLAIN,
  type QuantityField,
  unitsOf,
} from './format.ts';
import { type HardwareFile, MARKS } from './hardware.ts';

/** Receives one problem: where in the file, what is there, what should be. */
type Report = (path: string, found: string, expected: string) => void;

/** Problems an object's unknown fields may make, so that a hostile file can't make millions. */
const MOST_UNKNOWN = 20;

/** Returned by `checkHardwareFile`: a file only where there is no problem. */
export type Checked =
  | { readonly file: HardwareFile; readonly problems: readonly [] }
  | { readonly file?: undefined; readonly problems: readonly Problem[] };

/**
 * The value as a hardware file, or all of its problems.
 * `prefix` stands before each JSON path: "hw/x.json: " or nothing. The value must be plain data, as JSON.parse
 * and structuredClone make it.
 */
export function checkHardwareFile(value: unknown, prefix = ''): Checked {
  const problems: Problem[] = [];
  const report: Report = (path, found, expected) => problems.push({ kind: 'hardware', path: `${prefix}${path}`, found, expected });
  checkField(value, FILE_FIELD, '$', report);
  checkTogether(value, report);
  // Without problems each field of HardwareFile is there and as it should be, because FORMAT is tied to that type.
  return problems.length > 0 ? { problems } : { file: value as HardwareFile, problems: [] };
}

function checkField(value: unknown, field: Field, path: string, report: Report): void {
  switch (field.kind) {
    case 'object':
      return checkObject(value, field.fields, path, report);
    case 'map': {
      if (!isRecord(value)) return report(path, shown(value), `an object; its keys are ${field.keyMeans}`);
      const known = Object.keys(value).filter((key) => field.key.test(key));
      reportUnknown(
        value,
        (key) => field.key.test(key),
        path,
        report,
        () => field.keyMeans,
      );
      if (known.length === 0) report(path, 'no entry', `at least one; its key is ${field.keyMeans}`);
      for (const key of known) checkField(value[key], field.entry, jsonPath(path, key), report);
      return;
    }
    case 'list':
      if (!Array.isArray(value)) return report(path, shown(value), 'a list of texts');
      if (value.length > field.atMost) return report(path, `${value.length} entries`, `at most ${field.atMost}`);
      for (const [index, entry] of value.entries()) checkField(entry, field.entry, `${path}[${index}]`, report);
      return;
    case 'text':
      return checkText(value, field.pattern, field.atMost, field.means, path, report);
    case 'integer':
      if (!Number.isInteger(value) || !within(value, field.limits)) report(path, shown(value), wanted('a whole number', field.limits));
      return;
    case 'choice':
      return checkProvenance(value, path, report, 'value, mark and source, its value true or false', (choice) => {
        reportUnknown(choice, (key) => ['value', 'mark', 'source'].includes(key), path, report, nearestOf(['value', 'mark', 'source']));
        if (typeof choice.value !== 'boolean') report(jsonPath(path, 'value'), shown(choice.value), 'true or false');
      });
    case 'quantity':
      return checkProvenance(
        value,
        path,
        report,
        `value, unit, mark and source, its unit ${either(Object.keys(unitsOf(field.of)))}`,
        (quantity) => checkQuantity(quantity, field, path, report),
      );
  }
}

function checkObject(value: unknown, fields: Fields, path: string, report: Report): void {
  const names = Object.keys(fields);
  if (!isRecord(value)) return report(path, shown(value), `an object with ${names.join(', ')}`);
  reportUnknown(value, (key) => Object.hasOwn(fields, key), path, report, nearestOf(names));
  for (const [name, field] of Object.entries(fields)) {
    const entry = Object.hasOwn(value, name) ? value[name] : undefined;
    if (entry === undefined && field.optional) continue;
    checkField(entry, field, jsonPath(path, name), report);
  }
}

/** What quantities and choices share: an object with a mark and a source. */
function checkProvenance(
  value: unknown,
  path: string,
  report: Report,
  expected: string,
  rest: (value: Record<string, unknown>) => void,
): void {
  if (!isRecord(value)) return report(path, shown(value), `an object with ${expected}`);
  rest(value);
  if (!MARKS.some((mark) => mark === value.mark))
    report(jsonPath(path, 'mark'), shown(value.mark), `one of ${MARKS.map((mark) => `"${mark}"`).join(', ')}`);
  checkText(value.source, PLAIN, MOST_SOURCE, 'where this comes from', jsonPath(path, 'source'), report);
}

const QUANTITY_FIELDS = ['value', 'unit', 'mark', 'source', 'range'];

function checkQuantity(quantity: Record<string, unknown>, field: QuantityField, path: string, report: Report): void {
  reportUnknown(quantity, (key) => QUANTITY_FIELDS.includes(key), path, report, nearestOf(QUANTITY_FIELDS));
  const { value, unit, range } = quantity;
  const units = unitsOf(field.of);
  const limits = typeof unit === 'string' && Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (limits === undefined) report(jsonPath(path, 'unit'), shown(unit), either(Object.keys(units).map((name) => `"${name}"`)));

  const isGood = (number: unknown): number is number =>
    typeof number === 'number' &&
    Number.isFinite(number) &&
    (field.zero ? number >= 0 : number > 0) &&
    (!DIMENSIONS[field.of].whole || Number.isInteger(number)) &&
    (limits === undefined || (number === 0 && field.zero) || within(number, limits));
  const what = `${field.zero ? 'zero or a positive' : 'a positive'} ${DIMENSIONS[field.of].whole ? 'whole number' : 'number'}`;
  const expected = () => (limits === undefined ? what : wanted(what, limits, String(unit)));

  if (!isGood(value)) report(jsonPath(path, 'value'), shown(value), expected());
  if (range === undefined) {
    if (quantity.mark === 'U') report(jsonPath(path, 'range'), 'nothing', 'a range [least, greatest], because the mark is "U"');
    return;
  }
  if (!Array.isArray(range) || range.length !== 2) return report(jsonPath(path, 'range'), shown(range), 'two numbers [least, greatest]');
  const [least, greatest]: unknown[] = range;
  for (const [index, end] of [least, greatest].entries()) {
    if (!isGood(end)) report(`${jsonPath(path, 'range')}[${index}]`, shown(end), expected());
  }
  if (!isGood(least) || !isGood(greatest)) return;
  if (least > greatest) report(jsonPath(path, 'range'), `[${least}, ${greatest}]`, 'the least first');
  else if (isGood(value) && (value < least || value > greatest))
    report(jsonPath(path, 'value'), shown(value), `a value inside its own range [${least}, ${greatest}]`);
}

function checkText(value: unknown, pattern: RegExp, atMost: number, means: string, path: string, report: Report): void {
  const expected = `a text: ${means.charAt(0).toLowerCase()}${means.slice(1).replace(/\.$/, '')}`;
  if (typeof value !== 'string') return report(path, shown(value), expected);
  if (value.length > atMost) return report(path, `${value.length} characters`, `at most ${atMost}`);
  if (!pattern.test(value)) report(path, shown(value), pattern === PLAIN ? `${expected}; not blank, without control characters` : expected);
}

/** Rules that join several fields, as far as each of them is there at all. */
function checkTogether(file: unknown, report: Report): void {
  const count = valueAt(file, 'arrays', 'count', 'value');
  const x = valueAt(file, 'arrays', 'grid', 'x');
  const y = valueAt(file, 'arrays', 'grid', 'y');
  if (typeof count === 'number' && typeof x === 'number' && typeof y === 'number' && x * y < count) {
    report('$.arrays.grid', `${x} x ${y} = ${x * y} places`, `at least one for each of the ${count} arrays`);
  }

  const memory = valueAt(file, 'memory') !== undefined;
  if (memory !== (valueAt(file, 'switch') !== undefined)) {
    report(memory ? '$.switch' : '$.memory', 'nothing', 'both memory and switch, or neither if arrays only compute');
  }
  if (!memory && valueAt(file, 'compute') !== undefined && valueAt(file, 'compute', 'writeEnergy') === undefined) {
    report('$.compute.writeEnergy', 'nothing', 'the energy of writing weights, because there is no memory.writeEnergy');
  }

  const activations = valueAt(file, 'compute', 'activations');
  const weights = valueAt(file, 'compute', 'weights');
  const energies = valueAt(file, 'compute', 'macEnergy');
  for (const pair of Object.keys(isRecord(energies) ? energies : {}).filter((key) => BITS_BY_BITS.test(key))) {
    const [activationBits = '', weightBits = ''] = pair.split('x');
    const path = jsonPath('$.compute.macEnergy', pair);
    if (isRecord(activations) && !Object.hasOwn(activations, activationBits)) {
      report(path, `an energy at ${activationBits}-bit activations`, `the time there too, in compute.activations["${activationBits}"]`);
    }
    if (isRecord(weights) && !Object.hasOwn(weights, weightBits)) {
      report(path, `an energy at ${weightBits}-bit weights`, `how they are stored too, in compute.weights["${weightBits}"]`);
    }
  }
}

function valueAt(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((inside, key) => (isRecord(inside) && Object.hasOwn(inside, key) ? inside[key] : undefined), value);
}

function reportUnknown(
  value: Record<string, unknown>,
  isKnown: (key: string) => boolean,
  path: string,
  report: Report,
  expected: (key: string) => string,
): void {
  const unknown = Object.keys(value).filter((key) => !isKnown(key));
  for (const key of unknown.slice(0, MOST_UNKNOWN)) report(jsonPath(path, key), 'an unknown field', expected(key));
  if (unknown.length > MOST_UNKNOWN) report(path, `${unknown.length - MOST_UNKNOWN} more unknown fields`, 'none');
}

function nearestOf(names: readonly string[]): (key: string) => string {
  return (key) => {
    const near = nearest(key, names);
    return near === undefined ? `one of ${names.join(', ')}` : `'${near}'`;
  };
}

/** An object written with braces, and nothing else: no list, no Date, no null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function within(value: unknown, [least, greatest]: Limits): boolean {
  return typeof value === 'number' && value >= least && value <= greatest;
}

function wanted(what: string, [least, greatest]: Limits, unit = ''): string {
  const most = `${greatest.toLocaleString('en-US')}${unit === '' ? '' : ` ${unit}`}`;
  return least > 0 ? `${what}, ${least.toLocaleString('en-US', { maximumFractionDigits: 6 })} to ${most}` : `${what}, at most ${most}`;
}
