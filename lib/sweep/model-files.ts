// Model files by their content: a sweep names a model by its SHA-256, so that a worker reads what its own folders
// hold under that hash and nothing else; no path ever travels.

import { createHash } from 'node:crypto';
import { closeSync, fstatSync, lstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fail } from '../base/problem.ts';
import { fileReason } from '../base/wording.ts';
import type { ModelFile } from './spec.ts';

const BLOCK_BYTES = 1024 * 1024;
const NEXT = 'Give the path of an ONNX model from the folder of the spec.';
/** Folders below a worker's that are looked into, and files in all: a worker started in the wrong place must not read a disk. */
const MOST_DEPTH = 4;
const MOST_FILES = 2_000;

/** A model with the hash of its file. Throws `file`. */
export function modelFile(path: string): ModelFile {
  try {
    return { name: basename(path, '.onnx'), sha256: hashFile(path), path: resolve(path) };
  } catch (error) {
    return fail({ kind: 'file', path, reason: fileReason(error), next: NEXT });
  }
}

/** Hashes of files, remembered by what the file system says of them. */
const remembered = new Map<string, { readonly mark: string; readonly sha256: string }>();

function hashFile(path: string): string {
  const file = openSync(path, 'r');
  try {
    const { size, mtimeMs, ino } = fstatSync(file);
    if (!fstatSync(file).isFile()) return fail({ kind: 'file', path, reason: 'is not a regular file', next: NEXT });
    const mark = `${size} ${mtimeMs} ${ino}`;
    const before = remembered.get(resolve(path));
    if (before?.mark === mark) return before.sha256;
    const hash = createHash('sha256');
    const block = Buffer.alloc(BLOCK_BYTES);
    for (let read = readSync(file, block); read > 0; read = readSync(file, block)) hash.update(block.subarray(0, read));
    const sha256 = hash.digest('hex');
    remembered.set(resolve(path), { mark, sha256 });
    return sha256;
  } finally {
    closeSync(file);
  }
}

/** Path of the model with that hash among the .onnx files of the folders; links are not followed. */
export function findModel(sha256: string, folders: readonly string[]): string | undefined {
  for (const folder of folders) {
    for (const path of modelsBelow(folder)) {
      try {
        if (hashFile(path) === sha256) return path;
      } catch {
        // What can't be read is not the model.
      }
    }
  }
  return undefined;
}

export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function modelsBelow(root: string): readonly string[] {
  const found: string[] = [];
  const visit = (folder: string, depth: number): void => {
    for (const name of readdirSync(folder).sort()) {
      if (found.length >= MOST_FILES) return;
      const path = join(folder, name);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat?.isFile() && name.endsWith('.onnx')) found.push(path);
      else if (stat?.isDirectory() && depth < MOST_DEPTH && name !== 'node_modules' && !name.startsWith('.')) visit(path, depth + 1);
    }
  };
  try {
    visit(root, 0);
  } catch {
    // A folder that is not there has no models.
  }
  return found;
}
