// From positions in the JavaScript that runs back to the cell it was written in.
// In: a script name, line and column of a stack frame. Out: the same place in the cell's own text, through the two
// source maps of tslab's two steps (TypeScript -> ES module -> function body).

import type { SourceMapPayload } from 'node:module';
import { SourceMap } from 'node:module';

/** A place in text a person wrote; line and column count from 1. */
export interface Place {
  /** `cell 3`, or a file name. */
  readonly label: string;
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

/** Scripts made from cells are named so, with the cell's number. */
export const CELL_SCRIPT = 'cimbook-cell-';

export interface Script {
  readonly label: string;
  readonly source: string;
  /** Source maps as text, last step first, as they are followed; few cells ever need theirs. */
  readonly maps: readonly string[];
  /** Characters put in front of the script's first line. */
  readonly prefixLength: number;
  /** Lines of the script that the maps are about; more may follow. */
  readonly mappedLines: number;
  /** Lines that were put in front of the original text. */
  readonly originalOffset: number;
}

/** Old cells are forgotten, so that a long session does not grow without bound. */
const MAX_SCRIPTS = 500;
const scripts = new Map<string, Script>();

/** Remembers how positions in the script called `name` lead back to what a person wrote. */
export function registerScript(name: string, script: Script): void {
  scripts.delete(name);
  scripts.set(name, script);
  const oldest = scripts.keys().next().value;
  if (scripts.size > MAX_SCRIPTS && oldest !== undefined) scripts.delete(oldest);
}

export function locate(name: string, line: number, column: number): Place | undefined {
  const script = scripts.get(name);
  if (script === undefined || line > script.mappedLines) return undefined;
  // Counted from 0, as source maps do.
  let position = { line: line - 1, column: column - 1 - (line === 1 ? script.prefixLength : 0) };
  for (const map of script.maps) {
    const entry = new SourceMap(JSON.parse(map) as SourceMapPayload).findEntry(position.line, Math.max(0, position.column));
    if (!('originalLine' in entry)) return undefined;
    position = { line: entry.originalLine, column: entry.originalColumn };
  }
  const original = position.line - script.originalOffset;
  if (original < 0 || original >= script.source.split('\n').length) return undefined;
  return { label: script.label, source: script.source, line: original + 1, column: position.column + 1 };
}
