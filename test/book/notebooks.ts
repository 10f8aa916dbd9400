// Small notebooks for the tests, written cell by cell.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestCell {
  readonly cell_type: 'markdown' | 'code' | 'raw';
  readonly source: string;
  readonly metadata?: object;
  readonly outputs?: readonly object[];
}

export const text = (source: string): TestCell => ({ cell_type: 'markdown', source });

export const code = (source: string, ...outputs: readonly object[]): TestCell => ({ cell_type: 'code', source, outputs });

export const printed = (words: string): object => ({ output_type: 'stream', name: 'stdout', text: words });

export const result = (data: object): object => ({ output_type: 'execute_result', execution_count: 1, metadata: {}, data });

/** A notebook's file as text. */
export function notebookText(...cells: readonly TestCell[]): string {
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: 'cimbook', language: 'typescript', display_name: 'CIMbook' } },
    cells: cells.map((cell, i) => ({ id: `c${i}`, metadata: {}, ...cell })),
  });
}

/** A new folder with files in it. */
export function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'cimbook-book-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}
