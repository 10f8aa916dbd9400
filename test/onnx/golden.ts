// Golden files: recorded text under test/golden/. UPDATE_GOLDEN=1 writes it anew; a missing one fails.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';

const MOST_LINES = 100;

/** Compares `text` with test/golden/`name`. */
export function matchesGolden(name: string, text: string): void {
  const path = fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
  assert.ok(text.split('\n').length <= MOST_LINES, `${name} has more than ${MOST_LINES} lines`);
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return;
  }
  assert.ok(existsSync(path), `${name} is missing; UPDATE_GOLDEN=1 writes it`);
  assert.fixture(text, readFileSync(path, 'utf8'));
}
