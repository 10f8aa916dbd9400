import { readFileSync, writeFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkHardwareFile } from '../../lib/hardware/check.ts';
import { hardwareSchema, type JsonSchema } from '../../lib/hardware/schema.ts';
import { CHIPS, contentOf, contentWith, type Json, type JsonObject, linesOf, SHIPPED } from './chips.ts';
import { mutated, mutation } from './mutate.ts';

const test = suite('hardware: schema');
const SCHEMA = new URL('../../hw/schema.json', import.meta.url);

if (process.env.UPDATE_GOLDEN === '1') writeFileSync(SCHEMA, `${layOut(hardwareSchema())}\n`);
const schema = JSON.parse(readFileSync(SCHEMA, 'utf8')) as JsonSchema;

test('hw/schema.json is what the table of fields says (UPDATE_GOLDEN=1 rewrites it)', () => {
  assert.equal(schema, JSON.parse(JSON.stringify(hardwareSchema())));
});

test('the schema accepts the shipped files, and they name it', () => {
  for (const chip of SHIPPED) {
    assert.ok(accepts(schema, contentOf(chip)), chip);
    assert.is(contentOf(chip).$schema, './schema.json');
  }
});

test('removing, renaming or misspelling any field is refused by schema and reader alike, or by neither', () => {
  for (const chip of CHIPS) {
    for (const path of pathsUnder(contentOf(chip))) {
      for (const change of ['remove', 'rename', 'null'] as const) {
        const content = contentWith(chip, path, change === 'null' ? null : undefined);
        const changed = change === 'rename' ? withValue(content, `${path}_`, valueAt(contentOf(chip), path)) : content;
        assert.is(accepts(schema, changed), readerAccepts(changed), `${chip}: ${change} ${path}`);
      }
    }
  }
});

test('on random mutations the schema refuses what the reader refuses, and accepts what it accepts', () => {
  let refused = 0;
  fc.assert(
    fc.property(fc.constantFrom(...CHIPS), fc.array(mutation, { minLength: 1, maxLength: 2 }), (chip, mutations) => {
      // What JSON can't hold (NaN) is not the schema's business.
      const content = JSON.parse(JSON.stringify(mutations.reduce(mutated, contentOf(chip)))) as JsonObject;
      assert.is(accepts(schema, content), readerAccepts(content), linesOf(checkHardwareFile(content).problems).join('\n'));
      if (!readerAccepts(content)) refused++;
    }),
    { seed: 6, numRuns: 1_000 },
  );
  assert.ok(refused > 300, `only ${refused} mutations were refused`);
});

/** The reader's judgement, leaving out the rules that join fields: no JSON Schema can state them. */
function readerAccepts(content: JsonObject): boolean {
  const joined =
    /inside its own range|the least first|places -> at least one|the time there too|how they are stored too|or neither if arrays only|because there is no memory/;
  return linesOf(checkHardwareFile(content).problems).every((line) => joined.test(line));
}

/** JSON with everything on one line that fits on one. */
function layOut(value: unknown, indent = '', used = 0): string {
  const flat = JSON.stringify(value, null, 1).replace(/\n */g, ' ');
  if (typeof value !== 'object' || value === null || indent.length + used + flat.length <= 140) return flat;
  const inner = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((entry: unknown) => layOut(entry, inner))
    : Object.entries(value).map(([key, entry]) => `${JSON.stringify(key)}: ${layOut(entry, inner, key.length + 5)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indent}${close}`;
}

/** Dotted paths of everything in a file, outer before inner; entries of lists apart. */
function pathsUnder(value: Json, prefix = ''): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, entry]) => [`${prefix}${key}`, ...pathsUnder(entry, `${prefix}${key}.`)]);
}

function valueAt(content: JsonObject, path: string): Json {
  return path.split('.').reduce<Json>((value, key) => (value as JsonObject)[key] ?? null, content);
}

function withValue(content: JsonObject, path: string, value: Json): JsonObject {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  (keys.reduce<Json>((parent, key) => (parent as JsonObject)[key] ?? null, content) as JsonObject)[last] = value;
  return content;
}

/**
 * Whether a JSON Schema accepts a value: the keywords of 2020-12 that ours uses. One it does not know is an
 * error, so that the schema can't grow past this test.
 */
function accepts(part: JsonSchema, value: Json, root: JsonSchema = part): boolean {
  for (const keyword of Object.keys(part)) if (!obeys(keyword, part, value, root)) return false;
  return true;
}

function obeys(keyword: string, part: JsonSchema, value: Json, root: JsonSchema): boolean {
  const rule = part[keyword];
  const inner = (nested: unknown, of: Json) => accepts(nested as JsonSchema, of, root);
  const fields = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  switch (keyword) {
    case '$schema':
    case '$defs':
    case 'title':
    case 'description':
    case 'then': // judged with `if`
      return true;
    case '$ref':
      return inner((root.$defs as JsonObject)[String(rule).replace('#/$defs/', '')], value);
    case 'type':
      if (rule === 'integer') return Number.isInteger(value);
      if (rule === 'array') return Array.isArray(value);
      return rule === 'object' ? fields !== undefined : typeof value === rule;
    case 'enum':
      return (rule as Json[]).includes(value);
    case 'const':
      return rule === value;
    case 'minimum':
      return typeof value !== 'number' || value >= Number(rule);
    case 'maximum':
      return typeof value !== 'number' || value <= Number(rule);
    case 'exclusiveMinimum':
      return typeof value !== 'number' || value > Number(rule);
    case 'pattern':
      return typeof value !== 'string' || regexOf(String(rule)).test(value);
    case 'maxLength':
      return typeof value !== 'string' || [...value].length <= Number(rule);
    case 'minItems':
      return !Array.isArray(value) || value.length >= Number(rule);
    case 'maxItems':
      return !Array.isArray(value) || value.length <= Number(rule);
    case 'items':
      return !Array.isArray(value) || value.every((entry) => inner(rule, entry));
    case 'required':
      return fields === undefined || (rule as string[]).every((name) => Object.hasOwn(fields, name));
    case 'minProperties':
      return fields === undefined || Object.keys(fields).length >= Number(rule);
    case 'properties':
      return Object.entries(fields ?? {}).every(
        ([name, entry]) => !Object.hasOwn(rule as JsonObject, name) || inner((rule as JsonObject)[name], entry),
      );
    case 'patternProperties':
      return Object.entries(fields ?? {}).every(([name, entry]) =>
        Object.entries(rule as JsonObject).every(([pattern, nested]) => !regexOf(pattern).test(name) || inner(nested, entry)),
      );
    case 'additionalProperties':
      return Object.keys(fields ?? {}).every(
        (name) =>
          Object.hasOwn(part.properties ?? {}, name) ||
          Object.keys(part.patternProperties ?? {}).some((pattern) => regexOf(pattern).test(name)),
      );
    case 'allOf':
      return (rule as JsonSchema[]).every((nested) => inner(nested, value));
    case 'if':
      return !inner(rule, value) || inner(part.then, value);
    default:
      throw new Error(`the test does not know the keyword '${keyword}'`);
  }
}

const regexes = new Map<string, RegExp>();

function regexOf(pattern: string): RegExp {
  const regex = regexes.get(pattern) ?? new RegExp(pattern, 'u');
  regexes.set(pattern, regex);
  return regex;
}

test.run();
