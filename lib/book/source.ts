// Source: the folder a book is made of: notebooks in the order of their names, solutions, and pages of reference.

import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { fail } from '../base/problem.ts';
import { fileReason } from '../base/wording.ts';
import { type Notebook, parseNotebook } from './notebook.ts';
import type { Group } from './page.ts';

/** A file that becomes a page. */
export type SourceFile = { readonly file: string; readonly group: Group; readonly path: string } & (
  | { readonly notebook: Notebook }
  | { readonly markdown: string }
);

export interface BookSource {
  /** Real path of the notebooks' folder. */
  readonly folder: string;
  /** Text above the contents: the folder's README.md up to its first section. */
  readonly introduction: string;
  readonly files: readonly SourceFile[];
}

const MOST_FILE_BYTES = 64 * 1024 * 1024;

/** Reads `folder`, its `solutions`, and the Markdown files of `docs` if given. Throws `file`. */
export function readBook(folder: string, docs?: string): BookSource {
  const root = realpathOf(folder);
  const notebooks = namesIn(root, ['.ipynb']).map((name) => sourceFile(join(root, name), 'notebook', ''));
  if (notebooks.length === 0) {
    fail({
      kind: 'file',
      path: folder,
      reason: 'holds no notebooks',
      next: 'Give --notebooks DIR with a folder of .ipynb files; npx cimbook new DIR makes one.',
    });
  }
  const below = join(root, 'solutions');
  const solutions = isFolder(below)
    ? namesIn(below, ['.ipynb', '.md']).map((name) => sourceFile(join(below, name), 'solution', 'solutions/'))
    : [];
  const reference = docs === undefined ? [] : referenceIn(realpathOf(docs));
  const readme = namesIn(root, ['.md']).find((name) => name.toLowerCase() === 'readme.md');
  const introduction = readme === undefined ? '' : (readFile(join(root, readme)).split(/^## /m)[0] ?? '');
  return { folder: root, introduction, files: [...notebooks, ...solutions, ...reference] };
}

function referenceIn(docs: string): readonly SourceFile[] {
  return namesIn(docs, ['.md']).map((name) => sourceFile(join(docs, name), 'reference', 'reference/'));
}

/** One notebook's file. Throws `file`. */
export function readNotebook(path: string): Notebook {
  return parseNotebook(readFile(path), path);
}

function sourceFile(file: string, group: Group, prefix: string): SourceFile {
  const path = `${prefix}${basename(file, extname(file))}.html`;
  return file.endsWith('.ipynb') ? { file, group, path, notebook: readNotebook(file) } : { file, group, path, markdown: readFile(file) };
}

function readFile(path: string): string {
  const next = 'Give the path of a file you may read.';
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return fail({ kind: 'file', path, reason: 'is not a regular file', next });
    if (stat.size > MOST_FILE_BYTES)
      return fail({ kind: 'file', path, reason: `is larger than ${MOST_FILE_BYTES / 1024 / 1024} MB`, next });
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as { problems?: unknown }).problems !== undefined) throw error;
    return fail({ kind: 'file', path, reason: fileReason(error), next });
  }
}

function namesIn(folder: string, extensions: readonly string[]): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(
      (entry) => (entry.isFile() || entry.isSymbolicLink()) && !entry.name.startsWith('.') && extensions.includes(extname(entry.name)),
    )
    .map(({ name }) => name)
    .sort();
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function realpathOf(folder: string): string {
  try {
    const path = realpathSync(resolve(folder));
    if (isFolder(path)) return path;
    return fail({ kind: 'file', path: folder, reason: 'is not a folder', next: 'Give the folder of the notebooks.' });
  } catch (error) {
    if ((error as { problems?: unknown }).problems !== undefined) throw error;
    return fail({
      kind: 'file',
      path: folder,
      reason: fileReason(error),
      next: 'Give the folder of the notebooks; npx cimbook new DIR makes one.',
    });
  }
}
