// Files of the command line: read with a clear message, written whole or not at all.

import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompileError, fail } from '../base/problem.ts';
import { fileReason } from '../base/wording.ts';
import { makeFolder } from '../kernel/make-folder.ts';

const MOST_TEXT_BYTES = 64 * 1024 * 1024;

/** Text of a file. Throws `file`. */
export function readText(path: string, what: string): string {
  try {
    const stat = statSync(path);
    const refuse = (reason: string): never => fail({ kind: 'file', path, reason, next: `Give the path of ${what}.` });
    // A pipe or a device may never end.
    if (!stat.isFile()) refuse('is not a regular file');
    if (stat.size > MOST_TEXT_BYTES) refuse(`is larger than ${MOST_TEXT_BYTES / 1024 / 1024} MB`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof CompileError) throw error;
    return fail({ kind: 'file', path, reason: fileReason(error), next: `Give the path of ${what}.` });
  }
}

export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Writes files into a directory: first all beside their places, then all into them. Throws `file`. */
export function writeWhole(directory: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  const written: { temporary: string; path: string }[] = [];
  try {
    makeFolder(directory);
    for (const [name, text] of Object.entries(files)) {
      const path = join(directory, name);
      const temporary = `${path}.${process.pid}.part`;
      written.push({ temporary, path });
      writeFileSync(temporary, text);
    }
    for (const { temporary, path } of written) renameSync(temporary, path);
  } catch (error) {
    for (const { temporary } of written) rmSync(temporary, { force: true });
    fail({
      kind: 'file',
      path: directory,
      reason: `cannot be written (${fileReason(error)})`,
      next: 'Choose a directory you may write to, with room on the disk.',
    });
  }
}
