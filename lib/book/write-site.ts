// Writes a site whole or not at all, over nothing but an earlier book.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fail } from '../base/problem.ts';
import { fileReason } from '../base/wording.ts';
import { makeFolder } from '../kernel/make-folder.ts';

/** Tells a folder written by us from one that holds something else. */
const MARKER = '.cimbook-book';

/** Refuses a place that holds something else, or that cannot be written: before notebooks run for minutes. Throws `file`, `usage`. */
export function checkPlace(out: string): void {
  if (!existsSync(out)) return checkWritable(out);
  const isOurs = (() => {
    try {
      const names = readdirSync(out);
      return names.length === 0 || names.includes(MARKER);
    } catch {
      return false;
    }
  })();
  if (!isOurs) {
    fail({
      kind: 'usage',
      message: `${out} exists and is not a book`,
      next: 'Give --out DIR with a new folder, or remove this one yourself.',
    });
  }
}

function checkWritable(out: string): void {
  const trial = `${resolve(out)}.${process.pid}.part`;
  try {
    makeFolder(trial);
  } catch (error) {
    unwritable(out, error);
  } finally {
    rmSync(trial, { recursive: true, force: true });
  }
}

function unwritable(out: string, error: unknown): never {
  return fail({
    kind: 'file',
    path: out,
    reason: `cannot be written (${fileReason(error)})`,
    next: 'Choose a folder you may write to, with room on the disk.',
  });
}

/** Writes all files into `out`, replacing an earlier book there. Throws `file`, `usage`. */
export function writeSite(out: string, files: ReadonlyMap<string, string | Uint8Array>): void {
  checkPlace(out);
  const place = resolve(out);
  const fresh = `${place}.${process.pid}.part`;
  const old = `${place}.${process.pid}.old`;
  try {
    makeFolder(fresh);
    writeFileSync(join(fresh, MARKER), '');
    for (const [path, content] of files) {
      mkdirSync(join(fresh, dirname(path)), { recursive: true });
      writeFileSync(join(fresh, path), content);
    }
    if (existsSync(place)) renameSync(place, old);
    renameSync(fresh, place);
  } catch (error) {
    unwritable(out, error);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
}
