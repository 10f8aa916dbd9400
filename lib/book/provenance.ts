// Provenance: what a notebook's results came from, as its last cell shows it and `cimbook check` compares it.
// In: graphs, chips, plans, traces, seeds. Out: versions, the hashes of models and chips, settings, a line each.

import { readFileSync } from 'node:fs';
import { fail } from '../base/problem.ts';
import { printable } from '../base/text.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph } from '../ir/graph.ts';
import type { Plan } from '../optimizer/plan.ts';
import type { Program } from '../program/program.ts';
import { DISPLAY } from '../report/figure.ts';
import { escapeHtml } from '../report/html.ts';
import type { MimeBundle } from '../report/plotly.ts';
import type { Trace } from '../simulator/trace.ts';

/** A noun, or settings of one's own by name, such as { seed: 7 }. */
export type Source = Graph | Hardware | Plan | Program | Trace | Readonly<Record<string, string | number | boolean>>;

/** One line: what it is, what it is called, and what tells it from another of that name. */
export interface ProvenanceLine {
  readonly kind: string;
  readonly name: string;
  readonly value: string;
}

/** Hexadecimal digits of a SHA-256 shown: 64 bits tell any two files apart. */
const HASH_DIGITS = 16;
const TITLE = 'Provenance';
/** Of these the notebook's results may not depend; `check` mentions a difference without counting it. */
const TOOLS = ['cimbook', 'Node.js'];

/** What the results came from; the last value of a shared notebook. Throws `usage` for anything but nouns and plain settings. */
export function provenance(...sources: readonly Source[]): Provenance {
  const lines = [
    { kind: 'version', name: 'cimbook', value: packageVersion() },
    { kind: 'version', name: 'Node.js', value: process.versions.node.split('.')[0]! },
    ...sources.flatMap(linesOf),
  ];
  const seen = new Set<string>();
  return new Provenance(lines.filter((line) => !seen.has(lineKey(line)) && seen.add(lineKey(line))));
}

/** Versions, hashes and settings; compared by `cimbook check`. */
export class Provenance {
  readonly lines: readonly ProvenanceLine[];

  constructor(lines: readonly ProvenanceLine[]) {
    this.lines = lines;
  }

  toText(): string {
    const widths = (['kind', 'name'] as const).map((key) => Math.max(...this.lines.map((line) => line[key].length)));
    const rows = this.lines.map(({ kind, name, value }) => `  ${kind.padEnd(widths[0]!)}  ${name.padEnd(widths[1]!)}  ${value}`);
    return [TITLE, ...rows].join('\n');
  }

  [DISPLAY](): MimeBundle {
    const cell = 'text-align: left; padding: 1px 16px 1px 0;';
    const rows = this.lines.map(
      ({ kind, name, value }) =>
        `<tr>${[kind, name, value].map((text) => `<td align="left" style="${cell}">${escapeHtml(text)}</td>`).join('')}</tr>`,
    );
    return { 'text/html': `<table>\n<caption>${TITLE}</caption>\n${rows.join('\n')}\n</table>`, 'text/plain': this.toText() };
  }
}

/** The provenance shown by an output's text; undefined where the text is none. */
export function parseProvenance(text: string): Provenance | undefined {
  const [title, ...rows] = text.trimEnd().split('\n');
  if (title !== TITLE) return undefined;
  const parsed = rows.map((row) => /^ {2}(\S+) +(.+?) {2,}(.*)$/.exec(row));
  if (parsed.some((match) => match === null)) return undefined;
  return new Provenance(parsed.map((match) => ({ kind: match![1]!, name: match![2]!, value: match![3]! })));
}

/** Whether a line names a tool, not something results are made of. */
export function isTool({ kind, name }: ProvenanceLine): boolean {
  return kind === 'version' && TOOLS.includes(name);
}

function linesOf(source: Source): readonly ProvenanceLine[] {
  if (typeof source !== 'object' || source === null) return refuse(source);
  if (!('noun' in source)) return Object.entries(source).map(([name, value]) => line('setting', name, String(value)));
  const noun = source as Graph | Hardware | Plan | Program | Trace;
  switch (noun.noun) {
    case 'graph':
      return [modelLine(noun)];
    case 'hardware':
      return [chipLine(noun)];
    case 'plan': {
      const settings = [noun.optimizer, `solver ${noun.solver}`, `cost ${noun.cost}`, `objective ${noun.objective}`, `seed ${noun.seed}`];
      return [modelLine(noun.model), chipLine(noun.hardware), line('plan', noun.model.name, settings.join(', '))];
    }
    case 'program':
    case 'trace':
      return [modelLine(noun.model), chipLine(noun.hardware)];
    default:
      return refuse(source);
  }
}

function refuse(source: unknown): never {
  return fail({
    kind: 'usage',
    message: `provenance takes graphs, chips, plans, programs, traces and plain settings, not ${printable(String(source))}`,
    next: 'For example provenance(graph, chip, plan, { seed: 1 }).',
  });
}

function modelLine({ name, hash }: { readonly name: string; readonly hash: string }): ProvenanceLine {
  return line('model', name, `sha256 ${hash.slice(0, HASH_DIGITS)}`);
}

function chipLine({ name, hash }: { readonly name: string; readonly hash: string }): ProvenanceLine {
  return line('chip', name, `sha256 ${hash.slice(0, HASH_DIGITS)}`);
}

/** Names come from files: one line each, without gaps that a reader would take for columns. */
function line(kind: string, name: string, value: string): ProvenanceLine {
  const tidy = (text: string): string => printable(text).replace(/\s+/g, ' ').trim() || '-';
  return { kind, name: tidy(name), value: tidy(value) };
}

function lineKey({ kind, name, value }: ProvenanceLine): string {
  return JSON.stringify([kind, name, value]);
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
