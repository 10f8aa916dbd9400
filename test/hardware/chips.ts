// The two shipped files, fresh for every test that changes them, and what a call throws.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CompileError, type Problem } from '../../lib/base/problem.ts';

export const CHIPS = ['dynaplasia', 'dynaplasia-paper'] as const;
export type Chip = (typeof CHIPS)[number];

/** Every chip in hw/. */
export const SHIPPED: readonly string[] = readdirSync(new URL('../../hw/', import.meta.url))
  .filter((file) => file.endsWith('.json') && file !== 'schema.json')
  .map((file) => file.slice(0, -'.json'.length));

export function pathOf(chip: string): string {
  return fileURLToPath(new URL(`../../hw/${chip}.json`, import.meta.url));
}

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

/** A chip's file as parsed, to be changed at will. */
export function contentOf(chip: string): JsonObject {
  return JSON.parse(readFileSync(pathOf(chip), 'utf8')) as JsonObject;
}

/** The chip's content with another value at a path of keys; `undefined` removes what is there. */
export function contentWith(chip: string, path: string, value: unknown): JsonObject {
  const content = contentOf(chip);
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let parent: JsonObject = content;
  for (const key of keys) parent = parent[key] as JsonObject;
  if (value === undefined) delete parent[last];
  else parent[last] = value as Json;
  return content;
}

/** The problems of the CompileError that `call` throws; none if it returns. */
export function problemsOf(call: () => unknown): readonly Problem[] {
  try {
    call();
    return [];
  } catch (error) {
    if (error instanceof CompileError) return error.problems;
    throw error;
  }
}

/** "path: found -> expected" of each hardware problem. */
export function linesOf(problems: readonly Problem[]): readonly string[] {
  return problems.map((problem) =>
    problem.kind === 'hardware' ? `${problem.path}: ${problem.found} -> ${problem.expected}` : problem.kind,
  );
}
