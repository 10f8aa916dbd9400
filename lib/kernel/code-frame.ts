// A few lines of source around a place, with a caret below it, coloured for a notebook's traceback.

import type { Place } from './source-positions.ts';

const LINES_AROUND = 2;

const RED = '\u001b[31m';
const BOLD_RED = '\u001b[1;31m';
const GREY = '\u001b[90m';
const RESET = '\u001b[0m';

export function red(text: string): string {
  return `${BOLD_RED}${text}${RESET}`;
}

export function grey(text: string): string {
  return `${GREY}${text}${RESET}`;
}

/** Returns the lines of the frame; `length` characters are underlined, at least one, at most to the end of the line. */
export function codeFrame(place: Place, length = 1): string[] {
  const lines = place.source.split(/\r?\n/);
  const first = Math.max(1, place.line - LINES_AROUND);
  const last = Math.min(lines.length, place.line + LINES_AROUND);
  const width = String(last).length;
  const frame: string[] = [];
  for (let number = first; number <= last; number++) {
    const text = lines[number - 1] ?? '';
    const gutter = ` ${String(number).padStart(width)} | `;
    if (number !== place.line) {
      frame.push(`${grey(` ${gutter}`)}${text}`);
      continue;
    }
    frame.push(`${RED}>${RESET}${grey(gutter)}${text}`);
    // Tabs stay tabs, so that the caret stands below its character.
    const indent = text.slice(0, place.column - 1).replace(/[^\t]/g, ' ');
    const carets = '^'.repeat(Math.max(1, Math.min(length, text.length - place.column + 1)));
    frame.push(`${grey(`  ${' '.repeat(width)} | `)}${indent}${RED}${carets}${RESET}`);
  }
  return frame;
}
