// Golden texts: what a stage printed when a person last looked. UPDATE_GOLDEN=1 rewrites them; a missing one fails.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';

const MOST_LINES = 100;

/** Compares a text with test/golden/<name>, which must be short enough to read. */
export function matchesGolden(name: string, text: string): void {
  const path = join('test', 'golden', name);
  const found = text.endsWith('\n') ? text : `${text}\n`;
  const lines = found.split('\n').length - 1;
  assert.ok(lines < MOST_LINES, `${name} has ${lines} lines; a golden has under ${MOST_LINES}`);
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, found);
  }
  assert.ok(existsSync(path), `${path} is missing; UPDATE_GOLDEN=1 writes it`);
  assert.fixture(found, readFileSync(path, 'utf8'), `${path} differs; UPDATE_GOLDEN=1 rewrites it if the change is meant`);
}
