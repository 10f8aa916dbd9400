// Notebook: a Jupyter notebook's file as plain, checked data. In: its text, which is not trusted. Out: cells and outputs.
// Source: nbformat 4.5, "The Notebook file format".

import { CompileError, fail } from '../base/problem.ts';
import type { Json } from '../report/plotly.ts';

export type Output =
  | { readonly kind: 'stream'; readonly name: string; readonly text: string }
  /** `data`: by MIME type; texts joined, bytes in base64, JSON as it is. */
  | { readonly kind: 'data'; readonly data: Readonly<Record<string, Json>> }
  | { readonly kind: 'error'; readonly name: string; readonly message: string; readonly traceback: string };

export interface CodeCell {
  readonly kind: 'code';
  readonly id: string;
  readonly source: string;
  readonly tags: readonly string[];
  readonly outputs: readonly Output[];
}

export interface TextCell {
  readonly kind: 'markdown' | 'raw';
  readonly id: string;
  readonly source: string;
  /** Pictures pasted into the cell: name -> MIME type -> base64. */
  readonly attachments: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export type Cell = CodeCell | TextCell;

export interface Notebook {
  /** Name of the kernel it asks for; empty where it asks for none. */
  readonly kernel: string;
  readonly language: string;
  readonly cells: readonly Cell[];
}

/** The notebook in a file's text. Throws `file`. */
export function parseNotebook(text: string, path: string): Notebook {
  const refuse = (reason: string): never =>
    fail({ kind: 'file', path, reason, next: 'Give a Jupyter notebook (.ipynb, nbformat 4); JupyterLab converts older ones on opening.' });
  try {
    const file = asObject(JSON.parse(text));
    if (file === undefined) return refuse('is not a notebook');
    if (file.nbformat !== 4) return refuse(`is of nbformat ${JSON.stringify(file.nbformat) ?? 'unknown'}, not 4`);
    if (!Array.isArray(file.cells)) return refuse('has no cells');
    const metadata = asObject(file.metadata) ?? {};
    const kernelspec = asObject(metadata.kernelspec) ?? {};
    return {
      kernel: asText(kernelspec.name),
      language: asText(kernelspec.language) || asText(asObject(metadata.language_info)?.name),
      cells: file.cells.map((cell: unknown, i) => cellOf(asObject(cell) ?? refuse(`has a cell ${i + 1} that is none`), i)),
    };
  } catch (error) {
    if (error instanceof CompileError) throw error;
    return refuse('is not a notebook: it is no JSON');
  }
}

/** One output as the file or the kernel's messages have it; undefined for kinds unknown. */
export function outputOf(kind: unknown, content: Readonly<Record<string, unknown>>): Output | undefined {
  switch (kind) {
    case 'stream':
      return { kind: 'stream', name: asText(content.name), text: joined(content.text) };
    case 'display_data':
    case 'execute_result': {
      const entries = Object.entries(asObject(content.data) ?? {});
      return { kind: 'data', data: Object.fromEntries(entries.map(([type, data]) => [type, dataOf(type, data)])) };
    }
    case 'error': {
      const traceback = Array.isArray(content.traceback) ? content.traceback.map(asText).join('\n') : '';
      return { kind: 'error', name: asText(content.ename), message: asText(content.evalue), traceback: withoutColours(traceback) };
    }
    default:
      return undefined;
  }
}

/** Neighbouring pieces of one stream as one output. */
export function joinStreams(outputs: readonly Output[]): readonly Output[] {
  const all: Output[] = [];
  for (const output of outputs) {
    const last = all.at(-1);
    if (output.kind === 'stream' && last?.kind === 'stream' && last.name === output.name) {
      all[all.length - 1] = { ...last, text: last.text + output.text };
    } else all.push(output);
  }
  return all;
}

function cellOf(cell: Readonly<Record<string, unknown>>, index: number): Cell {
  const id = asText(cell.id) || String(index + 1);
  const source = joined(cell.source);
  if (cell.cell_type !== 'code') {
    const attachments = Object.entries(asObject(cell.attachments) ?? {}).map(([name, types]) => [
      name,
      Object.fromEntries(Object.entries(asObject(types) ?? {}).map(([type, data]) => [type, joined(data)])),
    ]);
    return { kind: cell.cell_type === 'markdown' ? 'markdown' : 'raw', id, source, attachments: Object.fromEntries(attachments) };
  }
  const tags = asObject(cell.metadata)?.tags;
  const outputs = Array.isArray(cell.outputs) ? cell.outputs.map((output: unknown) => asObject(output) ?? {}) : [];
  return {
    kind: 'code',
    id,
    source,
    tags: Array.isArray(tags) ? tags.map(asText) : [],
    outputs: joinStreams(outputs.map((output) => outputOf(output.output_type, output)).filter((output) => output !== undefined)),
  };
}

function dataOf(type: string, data: unknown): Json {
  return /^application\/(.*\+)?json$/.test(type) ? (data as Json) : joined(data);
}

/** Texts stand in the file whole or as a list of lines. */
function joined(text: unknown): string {
  return Array.isArray(text) ? text.map(asText).join('') : asText(text);
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

function withoutColours(text: string): string {
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '');
}
