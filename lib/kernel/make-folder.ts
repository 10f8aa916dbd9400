// A folder with the folders above it, one at a time: Node's own recursive mkdir never returns below /proc.

import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Throws the file system's error. */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have been quicker.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
