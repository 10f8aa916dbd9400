// Quantity: a number with a unit -> the unit the compiler computes in, with the formula that led there.
// Times become whole cycles here, rounded up, and nowhere else.

import { internal } from '../base/problem.ts';
import type { Bytes, BytesPerCycle, Cycles, Hertz, Picojoules } from '../base/units.ts';
import type { Quantity } from './hardware.ts';

/** A derived number and how it came about: `{ value: 73, formula: 'ceil(363 ns * 200 MHz) = 73' }`. */
export interface Derived<T extends number = number> {
  readonly value: T;
  readonly formula: string;
}

const HERTZ: Readonly<Record<string, number>> = { Hz: 1, MHz: 1e6, GHz: 1e9 };
const NANOSECONDS: Readonly<Record<string, number>> = { ns: 1, us: 1e3 };
const BYTES: Readonly<Record<string, number>> = { B: 1, KB: 1024 };
/** Per MAC, byte, element or event. */
const PICOJOULES: Readonly<Record<string, number>> = {
  'fJ/MAC': 1e-3,
  'pJ/MAC': 1,
  'pJ/B': 1,
  'pJ/bit': 8,
  'fJ/element': 1e-3,
  'pJ/element': 1,
  fJ: 1e-3,
  pJ: 1,
};
const MILLIWATTS: Readonly<Record<string, number>> = { mW: 1, W: 1e3 };

export function toHertz(frequency: Quantity): Derived<Hertz> {
  return scaled(frequency, HERTZ);
}

/** Whole cycles, rounded up; a time above zero takes at least one. The tiny slack absorbs the product's rounding, not real work. */
export function toCycles(time: Quantity, clock: Quantity): Derived<Cycles> {
  const exact = time.unit === 'cycle' ? time.value : (time.value * factor(time, NANOSECONDS) * toHertz(clock).value) / 1e9;
  const value = time.value === 0 ? 0 : Math.max(1, Math.ceil(exact - Math.max(1e-9, exact * 1e-12)));
  if (time.unit === 'cycle' && value === time.value) return { value, formula: written(time) };
  return { value, formula: `ceil(${time.unit === 'cycle' ? written(time) : `${written(time)} * ${written(clock)}`}) = ${value}` };
}

export function toBytesPerCycle(rate: Quantity, clock: Quantity): Derived<BytesPerCycle> {
  if (rate.unit === 'B/cycle') return { value: rate.value, formula: written(rate) };
  const value = (rate.value * factor(rate, { 'GB/s': 1e9 })) / toHertz(clock).value;
  return { value, formula: `${written(rate)} / ${written(clock)} = ${rounded(value)}` };
}

export function toBytes(size: Quantity): Derived<Bytes> {
  return scaled(size, BYTES);
}

/** Picojoules per MAC, byte, element or event, whichever the unit says. */
export function toPicojoules(energy: Quantity): Derived<Picojoules> {
  return scaled(energy, PICOJOULES);
}

/** Picojoules that a power spends in a cycle: 1 mW is 10^9 pJ a second. */
export function toPicojoulesPerCycle(power: Quantity, clock: Quantity): Derived<Picojoules> {
  const value = (power.value * factor(power, MILLIWATTS) * 1e9) / toHertz(clock).value;
  return { value, formula: `${written(power)} / ${written(clock)} = ${rounded(value)}` };
}

function scaled(quantity: Quantity, factors: Readonly<Record<string, number>>): Derived {
  const by = factor(quantity, factors);
  const value = quantity.value * by;
  return { value, formula: by === 1 ? written(quantity) : `${written(quantity)} = ${rounded(value)}` };
}

function factor(quantity: Quantity, factors: Readonly<Record<string, number>>): number {
  const known = factors[quantity.unit];
  if (known === undefined) throw internal(`unit '${quantity.unit}' passed the checks of a hardware file`);
  return known;
}

/** A quantity as a formula names it: "363 ns", "1 cycle", "9 cycles". */
export function written({ value, unit }: Quantity): string {
  return `${rounded(value)} ${value === 1 ? unit : unit.replace(/^(?:array|row|weight|bit|bank|element|cycle)/, '$&s')}`;
}

/** Whole numbers in full, others to five digits or, from 10,000 on, to one decimal. */
export function rounded(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return String(Number(Math.abs(value) < 1e4 ? value.toPrecision(5) : value.toFixed(1)));
}
