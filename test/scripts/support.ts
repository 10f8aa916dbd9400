// What the tests of scripts/ share: the scripts as untyped modules, throw-away folders.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** A module of scripts/; these are plain JavaScript, so TypeScript knows nothing of their exports. */
export function script(name: string) {
  return import(new URL(`../../scripts/${name}`, import.meta.url).href);
}

/** Runs `work` in a new folder holding `files` (path -> text), and removes it afterwards. */
export async function inFolder<T>(files: Readonly<Record<string, string>>, work: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cimbook-test-')));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
