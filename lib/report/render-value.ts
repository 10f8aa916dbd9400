// Render value: what a notebook shows for a cell's last value that says nothing about itself: nouns, danfojs DataFrames,
// plotly figures written as plain objects, problems. Everything else is left to the kernel.

import { escapeHtml } from '../base/html.ts';
import { CompileError, describe, type Problem } from '../base/problem.ts';
import { counted, printable } from '../base/text.ts';
import { DISPLAY, Figure } from './figure.ts';
import type { MimeBundle, PlotConfig, PlotLayout, PlotTrace } from './plotly.ts';
import { renderNoun } from './summary.ts';

/** MIME bundle of a value, or undefined when it is nothing of ours. Never throws. */
export function renderValue(value: unknown): MimeBundle | Promise<MimeBundle> | undefined {
  try {
    return figureOf(value)?.[DISPLAY]() ?? renderProblems(problemsOf(value)) ?? renderNoun(value);
  } catch {
    return undefined;
  }
}

const FIGURE_KEYS = ['data', 'layout', 'config', 'frames'];

/** `{ data: [traces], layout: {} }`, as plotly's own documentation writes figures. */
function figureOf(value: unknown): Figure | undefined {
  if (!isPlain(value) || !Array.isArray(value.data) || !isPlain(value.layout)) return undefined;
  if (!Object.keys(value).every((key) => FIGURE_KEYS.includes(key)) || !value.data.every(isPlain)) return undefined;
  const { data, layout, config } = asJson(value) as { data: PlotTrace[]; layout: PlotLayout; config?: PlotConfig };
  return new Figure(
    data.map((trace) => ({ ...trace, type: trace.type ?? 'scatter' })),
    layout,
    config,
  );
}

/** Typed arrays become arrays: JSON would make objects of them. */
function asJson(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, part: unknown) =>
      ArrayBuffer.isView(part) && !(part instanceof DataView) ? Array.from(part as unknown as number[]) : part,
    ),
  );
}

function problemsOf(value: unknown): readonly Problem[] {
  if (value instanceof CompileError) return value.problems;
  const list = Array.isArray(value) ? value : [value];
  return list.every(isProblem) ? list : [];
}

function isProblem(value: unknown): value is Problem {
  if (!isPlain(value) || typeof value.kind !== 'string') return false;
  try {
    // A look-alike lacks what the sentence needs.
    return !describe(value as Problem).includes('undefined');
  } catch {
    return false;
  }
}

function renderProblems(problems: readonly Problem[]): MimeBundle | undefined {
  if (problems.length === 0) return undefined;
  const title = counted(problems.length, 'problem');
  const lines = problems.map(describe);
  const items = lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('\n');
  return {
    'text/html': `<div style="border-left: 3px solid #d55e00; padding: 2px 12px;">\n<strong>${title}</strong>\n<ul>\n${items}\n</ul>\n</div>`,
    'text/plain': [title, ...lines.map((line) => `  - ${printable(line)}`)].join('\n'),
  };
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Cells run in the library's own realm or in one of their own.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
