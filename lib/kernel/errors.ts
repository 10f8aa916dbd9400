// What went wrong in a cell -> the fields of Jupyter's `error` message: name, message and a traceback with a code frame
// at the cell's own line and column.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { codeFrame, grey, red } from './code-frame.ts';
import type { Place } from './source-positions.ts';
import { placesOf } from './stack-frames.ts';
import type { CellDiagnostic } from './tslab.ts';

export interface ErrorMessage {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

/** Type errors shown in full; a broken cell can have hundreds. */
const DIAGNOSTICS_SHOWN = 8;

export const INTERRUPTED: ErrorMessage = {
  ename: 'Interrupted',
  evalue: 'The cell was interrupted.',
  traceback: [`${red('Interrupted')}: The cell was interrupted.`],
};

export function isInterruption(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED';
}

/** `label` names the cell the errors are in, `code` is its text. */
export function describeDiagnostics(diagnostics: readonly CellDiagnostic[], label: string, code: string): ErrorMessage {
  const [first] = diagnostics;
  const traceback: string[] = [];
  for (const diagnostic of diagnostics.slice(0, DIAGNOSTICS_SHOWN)) {
    const place = placeOfDiagnostic(diagnostic, label, code);
    const length = diagnostic.end.line === diagnostic.start.line ? diagnostic.end.character - diagnostic.start.character : Infinity;
    if (place.source !== '') traceback.push(...codeFrame(place, length));
    traceback.push('', `${red(`TS${diagnostic.code}`)}: ${diagnostic.messageText} ${grey(`(${where(place)})`)}`, '');
  }
  const hidden = diagnostics.length - DIAGNOSTICS_SHOWN;
  if (hidden > 0) traceback.push(`and ${hidden} more type ${hidden === 1 ? 'error' : 'errors'}`);
  while (traceback.at(-1) === '') traceback.pop();
  const message = first === undefined ? '' : `TS${first.code}: ${first.messageText} (${where(placeOfDiagnostic(first, label, code))})`;
  return { ename: 'TypeScriptError', evalue: message, traceback };
}

export function describeThrown(error: unknown): ErrorMessage {
  if (isInterruption(error)) return INTERRUPTED;
  if (!isError(error)) {
    const evalue = typeof error === 'string' ? error : inspect(error);
    return { ename: 'Thrown', evalue, traceback: [`${red('Thrown')}: ${evalue}`] };
  }
  const ename = text(error.name) || 'Error';
  const evalue = text(error.message);
  const [place] = placesOf(error);
  const traceback = place === undefined ? [] : [...codeFrame(place), ''];
  traceback.push(`${red(ename)}: ${evalue}`);
  // A CompileError says all there is to say: what, where, numbers, next step.
  if (ename !== 'CompileError') traceback.push(...frames(error), ...reasons(error));
  return { ename, evalue, traceback };
}

/** Returns the text for an error outside any cell's own run: a timer, a promise nobody awaited. */
export function describeStray(error: unknown): string {
  return `${describeThrown(error).traceback.join('\n')}\n`;
}

function placeOfDiagnostic(diagnostic: CellDiagnostic, label: string, code: string): Place {
  const lines = code.split('\n').length;
  const { line, character } = diagnostic.start;
  if (diagnostic.fileName !== undefined) {
    return { label: diagnostic.fileName, source: readSource(diagnostic.fileName), line: line + 1, column: character + 1 };
  }
  // tslab appends an export statement: an error there is about the cell as a whole.
  const isInside = line >= 0 && line < lines;
  return { label, source: code, line: isInside ? line + 1 : lines, column: isInside ? character + 1 : 1 };
}

function where(place: Place): string {
  return `${place.label}, line ${place.line}, column ${place.column}`;
}

function readSource(fileName: string): string {
  try {
    return readFileSync(resolve(fileName), 'utf8');
  } catch {
    return '';
  }
}

function isError(error: unknown): error is Error {
  return error instanceof Error || Object.prototype.toString.call(error) === '[object Error]';
}

/** Properties of a thrown object can be anything. */
function text(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value);
}

function frames(error: Error): string[] {
  const stack = typeof error.stack === 'string' ? error.stack : '';
  return stack
    .split('\n')
    .filter((line) => /^ {4}at /.test(line))
    .map(grey);
}

function reasons(error: Error): string[] {
  const lines: string[] = [];
  const { cause } = error;
  if (isError(cause) && cause !== error) lines.push(`caused by ${red(text(cause.name))}: ${text(cause.message)}`, ...frames(cause));
  else if (cause !== undefined) lines.push(`caused by ${inspect(cause)}`);
  if (error instanceof AggregateError) for (const each of error.errors) lines.push(`  - ${isError(each) ? `${each}` : inspect(each)}`);
  return lines;
}
