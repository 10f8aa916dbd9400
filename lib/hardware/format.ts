// Format: every field a hardware file may have, with its unit, its limits and its meaning.
// check.ts checks files against this table, schema.ts writes hw/schema.json from it, and leaves.ts
// walks it; so the reader, the editor and the notebook can't disagree about what a file may say.
// The types at the end tie the table to HardwareFile: a field in only one of them does not compile.

import { VECTOR_CLASSES, type VectorClass } from '../base/shapes.ts';
import type { Choice, HardwareFile, Quantity } from './hardware.ts';

/** Least and greatest value a unit may have. Beyond them a file has a typo, and products of numbers would lose digits. */
export type Limits = readonly [least: number, greatest: number];

/**
 * What quantities measure, and the units each may be written in.
 * KB is 1,024 bytes; GB/s is 10^9 bytes a second, as data sheets count rates.
 */
export const DIMENSIONS = {
  frequency: { whole: false, units: { Hz: [1e3, 1e11], MHz: [1e-3, 1e5], GHz: [1e-6, 100] } },
  time: { whole: false, units: { ns: [0, 1e9], us: [0, 1e6], cycle: [0, 1e9] } },
  arrays: { whole: true, units: { array: [1, 1_000_000] } },
  rows: { whole: true, units: { row: [1, 65_536] } },
  weights: { whole: true, units: { weight: [1, 65_536] } },
  bits: { whole: true, units: { bit: [1, 64] } },
  banks: { whole: true, units: { bank: [1, 1_000_000] } },
  size: { whole: true, units: { B: [1, 2 ** 32], KB: [1, 2 ** 22] } },
  dataRate: { whole: false, units: { 'B/cycle': [1e-5, 1e6], 'GB/s': [1e-3, 1e6] } },
  elementRate: { whole: false, units: { 'element/cycle': [1e-5, 1e9] } },
  macEnergy: { whole: false, units: { 'fJ/MAC': [0, 1e9], 'pJ/MAC': [0, 1e6] } },
  byteEnergy: { whole: false, units: { 'pJ/B': [0, 1e9], 'pJ/bit': [0, 1e9] } },
  elementEnergy: { whole: false, units: { 'fJ/element': [0, 1e12], 'pJ/element': [0, 1e9] } },
  energy: { whole: false, units: { fJ: [0, 1e15], pJ: [0, 1e12] } },
  power: { whole: false, units: { mW: [0, 1e9], W: [0, 1e6] } },
  area: { whole: false, units: { mm2: [1e-6, 1e6] } },
} as const satisfies Record<string, { readonly whole: boolean; readonly units: Readonly<Record<string, Limits>> }>;
export type Dimension = keyof typeof DIMENSIONS;

/** The units of a dimension with their limits. */
export function unitsOf(dimension: Dimension): Readonly<Record<string, Limits>> {
  return DIMENSIONS[dimension].units;
}

interface About {
  readonly means: string;
  readonly optional: boolean;
}
export interface QuantityField extends About {
  readonly kind: 'quantity';
  readonly of: Dimension;
  /** Zero is a value of this field; everywhere else a quantity is positive. */
  readonly zero: boolean;
}
export interface ChoiceField extends About {
  readonly kind: 'choice';
}
/** A bare whole number: structure rather than measurement, so it has no source. */
export interface IntegerField extends About {
  readonly kind: 'integer';
  readonly limits: Limits;
}
export interface TextField extends About {
  readonly kind: 'text';
  readonly pattern: RegExp;
  readonly atMost: number;
}
export interface ListField extends About {
  readonly kind: 'list';
  readonly entry: TextField;
  readonly atMost: number;
}
export interface ObjectField extends About {
  readonly kind: 'object';
  readonly fields: Fields;
}
/** An object whose keys are bits, "8", or pairs of bits, "8x8". */
export interface MapField extends About {
  readonly kind: 'map';
  readonly key: RegExp;
  readonly keyMeans: string;
  readonly entry: QuantityField | ObjectField;
}
export type Field = QuantityField | ChoiceField | IntegerField | TextField | ListField | ObjectField | MapField;
export type Fields = Readonly<Record<string, Field>>;

/** Text with at least one visible character and no control characters, which could rewrite the terminal it is printed on. */
export const PLAIN = /^(?=.*\S)[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+$/;
/** Characters a `source` may have. */
export const MOST_SOURCE = 2_000;
/** Bits of a weight or an activation. */
const BITS = /^(?:[1-9]|[12][0-9]|3[0-2])$/;
/** Bits of an activation x bits of a weight. */
export const BITS_BY_BITS = /^(?:[1-9]|[12][0-9]|3[0-2])x(?:[1-9]|[12][0-9]|3[0-2])$/;

const about = { optional: false } as const;
const quantity = (of: Dimension, means: string): QuantityField => ({ ...about, kind: 'quantity', of, zero: false, means });
const orZero = (field: QuantityField): QuantityField => ({ ...field, zero: true });
const energy = (of: Dimension, means: string): QuantityField => orZero(quantity(of, means));
const optional = <F extends Field>(field: F): F => ({ ...field, optional: true });
const choice = (means: string): ChoiceField => ({ ...about, kind: 'choice', means });
const integer = (limits: Limits, means: string): IntegerField => ({ ...about, kind: 'integer', limits, means });
const text = (means: string, atMost = MOST_SOURCE, pattern: RegExp = PLAIN): TextField => ({
  ...about,
  kind: 'text',
  pattern,
  atMost,
  means,
});
const list = (entry: TextField, means: string): ListField => ({ ...about, kind: 'list', entry, atMost: 100, means });
const object = <const F extends Fields>(means: string, fields: F) => ({ ...about, kind: 'object' as const, fields, means });
const map = <const E extends QuantityField | ObjectField>(key: RegExp, keyMeans: string, entry: E, means: string) => ({
  ...about,
  kind: 'map' as const,
  key,
  keyMeans,
  entry,
  means,
});

/** One rate a class of vector work; each may be left out. */
const vectorRates = Object.fromEntries(
  VECTOR_CLASSES.map((name) => [
    name,
    optional(quantity('elementRate', `Elements a cycle of '${name}' work, where it differs from vector.rate.`)),
  ]),
) as Readonly<Record<VectorClass, QuantityField>>;

/** The top level of a hardware file. */
export const FORMAT = {
  $schema: optional(text('Schema for editors: "./schema.json" beside our own files.', 500)),
  schemaVersion: integer([1, 1], 'Version of this format.'),
  name: text('Short name, used in reports: lower-case letters, digits and dashes.', 64, /^[a-z0-9][a-z0-9-]*$/),
  title: text('The chip in one line.', 200),
  references: list(text('A publication or data sheet.'), 'Where the numbers come from.'),
  notes: optional(list(text('A sentence a reader of results should know.'), 'What a reader of results should know.')),
  clock: quantity('frequency', 'Clock all cycles count.'),
  area: optional(quantity('area', 'Area of what the file describes, where it is published.')),
  arrays: object('The arrays that compute, and can be memory if the file has `memory` and `switch`.', {
    count: quantity('arrays', 'Number of arrays, N_cim.'),
    grid: object('Where they are drawn: array i is at x = i mod x, y = floor(i / x).', {
      x: integer([1, 1_000_000], 'Arrays in a line.'),
      y: integer([1, 1_000_000], 'Lines of arrays.'),
    }),
  }),
  compute: object('An array as a matrix-vector engine.', {
    rows: quantity('rows', 'Rows of a weight tile: inputs of one matrix-vector product.'),
    weights: map(
      BITS,
      'bits of a weight, such as "8"',
      object('How weights of these bits are stored.', {
        perRow: quantity('weights', 'Weights in a row: columns of a weight tile.'),
        storedBits: quantity('bits', 'Cells one weight takes, sign and padding included.'),
        writeRow: quantity('time', 'Time to write one row of a tile.'),
      }),
      'By bits of a weight.',
    ),
    activations: map(
      BITS,
      'bits of an activation, such as "8"',
      object('Computing with inputs of these bits.', {
        mvm: quantity('time', 'Time of one matrix-vector product on one array.'),
      }),
      'By bits of an activation.',
    ),
    macEnergy: map(
      BITS_BY_BITS,
      'activation bits x weight bits, such as "8x8"',
      energy('macEnergy', 'Energy of one multiply-accumulate, conversion included.'),
      'Energy of a multiply-accumulate by activation bits x weight bits.',
    ),
    adcEnergy: optional(
      map(
        BITS_BY_BITS,
        'activation bits x weight bits, such as "8x8"',
        energy('macEnergy', 'What of the energy of a multiply-accumulate the converters take.'),
        'The part of macEnergy that the converters take, where it is known.',
      ),
    ),
    writeEnergy: optional(energy('byteEnergy', 'Energy of writing weights, where it is not memory.writeEnergy.')),
    writesWhileComputing: choice('An array computes while another part of it is written.'),
  }),
  memory: optional(
    object('An array as memory; left out, with `switch`, if arrays only compute.', {
      bytes: quantity('size', 'Capacity of one array in memory mode.'),
      read: quantity('dataRate', 'Read rate of one array.'),
      write: quantity('dataRate', 'Write rate of one array.'),
      readEnergy: energy('byteEnergy', 'Energy of reading.'),
      writeEnergy: energy('byteEnergy', 'Energy of writing; also of writing weights, unless compute.writeEnergy says otherwise.'),
    }),
  ),
  buffer: object('The shared on-chip buffer, which is always memory.', {
    banks: quantity('banks', 'Number of banks.'),
    bankBytes: quantity('size', 'Capacity of one bank.'),
    bankRate: quantity('dataRate', 'Rate of one bank.'),
    readEnergy: energy('byteEnergy', 'Energy of reading.'),
    writeEnergy: energy('byteEnergy', 'Energy of writing.'),
  }),
  external: object('External memory: one channel.', {
    rate: quantity('dataRate', 'Rate of the channel.'),
    latency: orZero(quantity('time', 'Time from a request to its first byte.')),
    energy: energy('byteEnergy', 'Energy of moving data either way.'),
    multicastWeights: choice('One fetch of a weight tile reaches all of its copies.'),
  }),
  vector: object('The vector unit.', {
    rate: quantity('elementRate', 'Elements a cycle, for work without a rate of its own.'),
    rates: optional(object('Elements a cycle by class of work.', vectorRates)),
    energy: energy('elementEnergy', 'Energy of one element.'),
  }),
  switch: optional(
    object('Switching one array between its modes.', {
      toCompute: orZero(quantity('time', 'Time from memory mode to compute mode, L_m->c.')),
      toMemory: orZero(quantity('time', 'Time from compute mode to memory mode, L_c->m.')),
      energy: energy('energy', 'Energy of one switch of one array.'),
    }),
  ),
  power: object('Power that flows whatever the chip does.', {
    leakage: energy('power', 'Leakage of the whole chip.'),
    refresh: optional(energy('power', 'Refresh of the whole chip, where cells forget.')),
  }),
} as const satisfies FieldsOf<HardwareFile>;

/** The table as an object field, for whoever walks it. */
export const FILE_FIELD: ObjectField = object(
  'A chip as CIMbook reads it: every number with its unit, its source and how sure it is.',
  FORMAT,
);

/** The table entry that a type of HardwareFile must have. */
type FieldOf<T> = T extends Quantity
  ? QuantityField
  : T extends Choice
    ? ChoiceField
    : T extends number
      ? IntegerField
      : T extends string
        ? TextField
        : T extends readonly string[]
          ? ListField
          : string extends keyof T
            ? MapField & { readonly entry: FieldOf<T[keyof T]> }
            : ObjectField & { readonly fields: FieldsOf<T> };
type FieldsOf<T> = { readonly [K in keyof T]-?: FieldOf<Exclude<T[K], undefined>> };
