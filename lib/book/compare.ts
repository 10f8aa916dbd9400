// Compare: what a notebook's cells show against what they show when run again.
// Texts and figures must be the same to the last digit. Left out: pictures (drawn from the figures), the look of a figure,
// versions of tools, and numbers of cells that read a clock.

import type { Json } from '../report/plotly.ts';
import type { CodeCell, Notebook, Output } from './notebook.ts';
import { isTool, type ProvenanceLine, parseProvenance } from './provenance.ts';

export interface Difference {
  /** The cell's number among all cells of the notebook, from 1. */
  readonly cell: number;
  /** What differs, such as 'line 3 of the text' or 'data[0].y[4] of the figure'. */
  readonly what: string;
  readonly was: string;
  readonly now: string;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** Other versions than those the notebook was made with: no difference by themselves. */
  readonly notes: readonly string[];
}

const PLOTLY = 'application/vnd.plotly.v1+json';
/** A cell whose source does so shows times, which are never twice the same; so does one with the tag 'timing'. */
const READS_CLOCK = /\bperformance\.now\b|\bDate\.now\b|\bnew Date\b|\bDate\(|\bhrtime\b|\bconsole\.time/;
const NUMBER = /[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?/gi;
const MOST_CHARACTERS = 160;

/** What differs between the recorded outputs of a notebook and those of an execution, cell by cell. */
export function compareOutputs(notebook: Notebook, outputs: readonly (readonly Output[])[]): Comparison {
  const differences: Difference[] = [];
  const notes: string[] = [];
  let code = 0;
  for (const [i, cell] of notebook.cells.entries()) {
    if (cell.kind !== 'code') continue;
    const now = outputs[code++];
    if (now === undefined) continue;
    const found = compareCell(cell, now, notes);
    differences.push(...found.map((difference) => ({ cell: i + 1, ...difference })));
  }
  // What a result is made of explains what became of it.
  const isCause = ({ what }: Difference): boolean => what.startsWith('provenance');
  return { differences: [...differences.filter(isCause), ...differences.filter((each) => !isCause(each))], notes };
}

/** Whether numbers of this cell's texts may differ from run to run. */
export function readsClock({ source, tags }: CodeCell): boolean {
  return tags.includes('timing') || READS_CLOCK.test(source);
}

type Found = Omit<Difference, 'cell'>;

function compareCell(cell: CodeCell, now: readonly Output[], notes: string[]): readonly Found[] {
  const settle = readsClock(cell) ? withoutNumbers : (text: string) => text;
  const streams = ['stdout', 'stderr'].flatMap((name) =>
    compareText(
      settle(streamText(cell.outputs, name)),
      settle(streamText(now, name)),
      name === 'stdout' ? 'the printed text' : 'the text on stderr',
    ),
  );
  const [before, after] = [shown(cell.outputs), shown(now)];
  if (before.length !== after.length) {
    return [...streams, { what: 'the number of outputs', was: String(before.length), now: String(after.length) }];
  }
  return [...streams, ...before.flatMap((was, i) => compareShown(was, after[i]!, settle, readsClock(cell), notes))];
}

type Shown = Exclude<Output, { kind: 'stream' }>;

function shown(outputs: readonly Output[]): readonly Shown[] {
  return outputs.filter((output): output is Shown => output.kind === 'error' || (output.kind === 'data' && !isBlank(output.data)));
}

/** What a progress bar leaves behind. */
function isBlank(data: Readonly<Record<string, Json>>): boolean {
  return Object.values(data).every((each) => each === '');
}

function streamText(outputs: readonly Output[], name: string): string {
  return outputs.map((output) => (output.kind === 'stream' && output.name === name ? output.text : '')).join('');
}

function compareShown(was: Shown, now: Shown, settle: (text: string) => string, isTimed: boolean, notes: string[]): readonly Found[] {
  if (was.kind === 'error' || now.kind === 'error') {
    const say = (each: Shown): string => (each.kind === 'error' ? `${each.name}: ${each.message}` : 'a value');
    return say(was) === say(now) ? [] : [{ what: 'the outcome', was: say(was), now: say(now) }];
  }
  const [before, after] = [was.data[PLOTLY], now.data[PLOTLY]];
  if (before !== undefined && after !== undefined) return isTimed ? [] : compareFigures(before, after);
  const [textBefore, textAfter] = [was.data['text/plain'], now.data['text/plain']];
  if (typeof textBefore !== 'string' || typeof textAfter !== 'string') {
    const kinds = (each: typeof was): string => Object.keys(each.data).sort().join(', ') || 'nothing';
    const common = Object.keys(was.data).filter((type) => !type.startsWith('image/') && was.data[type] === now.data[type]);
    return common.length > 0 || kinds(was) === kinds(now) ? [] : [{ what: 'the kind of output', was: kinds(was), now: kinds(now) }];
  }
  const [recorded, made] = [parseProvenance(textBefore), parseProvenance(textAfter)];
  if (recorded !== undefined && made !== undefined) return compareProvenance(recorded.lines, made.lines, notes);
  return compareText(settle(textBefore), settle(textAfter), 'the text');
}

function compareText(was: string, now: string, what: string): readonly Found[] {
  if (was.trimEnd() === now.trimEnd()) return [];
  const [before, after] = [was.trimEnd().split('\n'), now.trimEnd().split('\n')];
  const at = before.findIndex((line, i) => line !== after[i]);
  const line = at < 0 ? before.length : at;
  const count = Array.from({ length: Math.max(before.length, after.length) }, (_, i) => i).filter((i) => before[i] !== after[i]).length;
  const more = count > 1 ? ` (and ${count - 1} more)` : '';
  return [{ what: `line ${line + 1} of ${what}${more}`, was: shortened(before[line]), now: shortened(after[line]) }];
}

/** Numbers of a text as '#', and the gaps beside them, whose width follows theirs. */
function withoutNumbers(text: string): string {
  return text
    .replace(NUMBER, '#')
    .replace(/[ \t]+/g, ' ')
    .replace(/[-\u2500]{2,}/g, '--');
}

function compareFigures(was: Json, now: Json): readonly Found[] {
  const difference = firstDifference(withoutLook(was), withoutLook(now), '');
  return difference === undefined ? [] : [{ ...difference, what: `${difference.what} of the figure` }];
}

/** Data and layout; the theme and the buttons are how a figure looks, not what it says. */
function withoutLook(figure: Json): Json {
  const { data, layout } = (figure ?? {}) as { readonly data?: Json; readonly layout?: Record<string, Json> };
  const { template: _template, ...rest } = layout ?? {};
  return { data: data ?? null, layout: rest };
}

function firstDifference(was: Json | undefined, now: Json | undefined, path: string): Found | undefined {
  if (was === now || (was === undefined && now === null)) return undefined;
  if (!isTree(was) || !isTree(now) || Array.isArray(was) !== Array.isArray(now)) {
    return { what: path.replace(/^\./, '') || 'all', was: shortened(JSON.stringify(was)), now: shortened(JSON.stringify(now)) };
  }
  for (const key of new Set([...Object.keys(was), ...Object.keys(now)])) {
    const found = firstDifference(was[key], now[key], Array.isArray(was) ? `${path}[${key}]` : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isTree(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null;
}

function compareProvenance(was: readonly ProvenanceLine[], now: readonly ProvenanceLine[], notes: string[]): readonly Found[] {
  const say = ({ kind, name }: ProvenanceLine): string => `${kind} ${name}`;
  const values = (lines: readonly ProvenanceLine[], what: string): string =>
    lines
      .filter((line) => say(line) === what)
      .map(({ value }) => value)
      .join('; ') || 'nothing';
  const found: Found[] = [];
  for (const what of new Set([...was, ...now].map(say))) {
    const [before, after] = [values(was, what), values(now, what)];
    if (before === after) continue;
    const isNote = [...was, ...now].some((line) => say(line) === what && isTool(line));
    if (isNote) notes.push(`made with ${what.replace('version ', '')} ${before}, checked with ${after}`);
    else found.push({ what: `provenance: ${what}`, was: before, now: after });
  }
  return found;
}

function shortened(text: string | undefined): string {
  if (text === undefined) return '(nothing)';
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}\u2026`;
}
