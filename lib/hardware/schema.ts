// Schema: the table of format.ts as a JSON Schema (2020-12), for editors. hw/schema.json is this, written down.
// It can't say what joins fields: a value inside its range, a place for every array, energies for known bits.

import { DIMENSIONS, type Dimension, type Field, type Fields, FORMAT, MOST_SOURCE, PLAIN, unitsOf } from './format.ts';
import { MARKS } from './hardware.ts';

export type JsonSchema = { readonly [keyword: string]: unknown };

/** The schema of hardware files. */
export function hardwareSchema(): JsonSchema {
  const quantities = quantitiesUnder(Object.values(FORMAT));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'CIMbook hardware file',
    description: 'A compute-in-memory chip: every number with its unit, its source and how sure it is. See docs/hardware.md.',
    ...objectSchema(FORMAT),
    $defs: {
      mark: { description: 'P published; P* published, read second-hand; D derived; U unknown, an assumption with a range.', enum: MARKS },
      source: {
        description: 'Where the number comes from; for a derived one how, for an unknown one why this value.',
        type: 'string',
        maxLength: MOST_SOURCE,
        pattern: PLAIN.source,
      },
      choice: {
        ...closed({ value: { type: 'boolean' }, mark: { $ref: '#/$defs/mark' }, source: { $ref: '#/$defs/source' } }, [
          'value',
          'mark',
          'source',
        ]),
      },
      ...Object.fromEntries(quantities.map(({ of, zero }) => [quantityName(of, zero), quantitySchema(of, zero)])),
    },
  };
}

function fieldSchema(field: Field): JsonSchema {
  const description = field.means;
  switch (field.kind) {
    case 'quantity':
      return { description, $ref: `#/$defs/${quantityName(field.of, field.zero)}` };
    case 'choice':
      return { description, $ref: '#/$defs/choice' };
    case 'integer':
      return { description, type: 'integer', minimum: field.limits[0], maximum: field.limits[1] };
    case 'text':
      return { description, type: 'string', maxLength: field.atMost, pattern: field.pattern.source };
    case 'list':
      return { description, type: 'array', maxItems: field.atMost, items: fieldSchema(field.entry) };
    case 'object':
      return { description, ...objectSchema(field.fields) };
    case 'map':
      return {
        description: `${field.means} Each key is ${field.keyMeans}.`,
        type: 'object',
        minProperties: 1,
        additionalProperties: false,
        patternProperties: { [field.key.source]: fieldSchema(field.entry) },
      };
  }
}

function objectSchema(fields: Fields): JsonSchema {
  const required = Object.keys(fields).filter((name) => fields[name]?.optional === false);
  return closed(Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, fieldSchema(field)])), required);
}

function closed(properties: JsonSchema, required: readonly string[]): JsonSchema {
  return { type: 'object', additionalProperties: false, ...(required.length > 0 ? { required } : {}), properties };
}

function quantitySchema(of: Dimension, zero: boolean): JsonSchema {
  const units = Object.entries(unitsOf(of));
  const number = { type: DIMENSIONS[of].whole ? 'integer' : 'number', ...(zero ? { minimum: 0 } : { exclusiveMinimum: 0 }) };
  return {
    ...closed(
      {
        value: number,
        unit: { enum: units.map(([unit]) => unit) },
        mark: { $ref: '#/$defs/mark' },
        source: { $ref: '#/$defs/source' },
        range: {
          description: 'Least and greatest value, in the same unit; required where the mark is U.',
          type: 'array',
          minItems: 2,
          maxItems: 2,
          items: number,
        },
      },
      ['value', 'unit', 'mark', 'source'],
    ),
    allOf: [
      { if: { properties: { mark: { const: 'U' } } }, then: { required: ['range'] } },
      ...units.map(([unit, [minimum, maximum]]) => ({
        if: { properties: { unit: { const: unit } } },
        then: { properties: { value: { minimum, maximum }, range: { items: { minimum, maximum } } } },
      })),
    ],
  };
}

/** "time", or "timeOrZero" where zero is a value too. */
function quantityName(of: Dimension, zero: boolean): string {
  return zero ? `${of}OrZero` : of;
}

/** The kinds of quantity that occur, each once. */
function quantitiesUnder(fields: readonly Field[]): readonly { readonly of: Dimension; readonly zero: boolean }[] {
  const found = fields.flatMap((field) => {
    if (field.kind === 'quantity') return [{ of: field.of, zero: field.zero }];
    if (field.kind === 'object') return quantitiesUnder(Object.values(field.fields));
    return field.kind === 'map' ? quantitiesUnder([field.entry]) : [];
  });
  const named = new Map(found.map((quantity) => [quantityName(quantity.of, quantity.zero), quantity]));
  return [...named.values()];
}
