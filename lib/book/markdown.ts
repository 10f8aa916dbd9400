// Markdown: a notebook's text as HTML with formulas set and code coloured. Raw HTML in it stays text, so nothing in it runs.

import { createRequire } from 'node:module';
import katexPlugin from '@vscode/markdown-it-katex';
import highlighter from 'highlight.js/lib/common';
import MarkdownIt from 'markdown-it';
import { escapeHtml } from '../report/html.ts';

export interface Heading {
  readonly level: number;
  readonly text: string;
  readonly anchor: string;
}

/** The plain text below a heading, or before the first. */
export interface Section {
  readonly heading: Heading | undefined;
  readonly text: string;
}

export interface MarkdownPage {
  readonly html: string;
  readonly sections: readonly Section[];
}

export interface MarkdownContext {
  /** Where a relative link leads on the site; undefined where it leads nowhere, its text then stands alone. */
  readonly link: (target: string) => string | undefined;
  /** A picture as a data URI; undefined where there is none. */
  readonly picture: (target: string) => string | undefined;
  /** Anchors of the page so far, so that none comes twice. */
  readonly anchors: Set<string>;
}

const require = createRequire(import.meta.url);
const katex = require('katex') as { renderToString(latex: string, options: object): string };
const KATEX_OPTIONS = {
  throwOnError: false,
  strict: 'ignore',
  trust: false,
  output: 'htmlAndMathml',
  maxExpand: 1000,
  maxSize: 50,
} as const;

/** Markdown as HTML. */
export function renderMarkdown(source: string, context: MarkdownContext): MarkdownPage {
  const markdown = new MarkdownIt({
    html: false,
    linkify: false,
    typographer: false,
    highlight: (code, language) => highlight(code, language),
  });
  // The plugin is CommonJS: what a module gets of it is its `exports`.
  const plugin = ((katexPlugin as unknown as { default?: unknown }).default ?? katexPlugin) as (md: MarkdownIt, options: object) => void;
  markdown.use(plugin, KATEX_OPTIONS);
  const sections: { heading: Heading | undefined; text: string }[] = [{ heading: undefined, text: '' }];
  const { rules } = markdown.renderer;

  markdown.core.ruler.push('cimbook', ({ tokens }) => {
    for (const [i, token] of tokens.entries()) {
      if (token.type === 'heading_open') {
        const text = plainText(tokens[i + 1]?.children ?? []);
        const anchor = uniqueAnchor(text, context.anchors);
        token.attrSet('id', anchor);
        sections.push({ heading: { level: Number(token.tag.slice(1)), text, anchor }, text: '' });
      } else if (token.type === 'inline' && tokens[i - 1]?.type !== 'heading_open') {
        sections.at(-1)!.text += `${plainText(token.children ?? [])} `;
      }
      for (const child of token.children ?? []) {
        if (child.type !== 'link_open') continue;
        const target = String(child.attrGet('href') ?? '');
        const isOutside = /^https?:/i.test(target);
        const href = isOutside || target.startsWith('#') ? target : context.link(target);
        child.attrs =
          href === undefined
            ? [['class', 'nowhere']]
            : [['href', href], ...(isOutside ? [['rel', 'noopener noreferrer'] as [string, string]] : [])];
      }
    }
  });
  rules.image = (tokens, i) => {
    const token = tokens[i]!;
    const alt = plainText(token.children ?? []);
    const data = context.picture(String(token.attrGet('src') ?? ''));
    return data === undefined
      ? `<span class="missing">${escapeHtml(alt)}</span>`
      : `<img alt="${escapeHtml(alt)}" src="${escapeHtml(data)}">`;
  };
  rules.table_open = () => '<div class="wide" tabindex="0" role="region" aria-label="Table"><table>';
  rules.table_close = () => '</table></div>';
  return { html: markdown.render(source), sections };
}

/** A formula between dollar signs, as an output brings it. */
export function renderLatex(latex: string): string {
  const trimmed = latex.trim();
  const isDisplay = !/^\$[^$]/.test(trimmed);
  return katex.renderToString(trimmed.replace(/^(\$\$?|\\\[|\\\()/, '').replace(/(\$\$?|\\\]|\\\))$/, ''), {
    ...KATEX_OPTIONS,
    displayMode: isDisplay,
  });
}

const LANGUAGES: Readonly<Record<string, string>> = { ts: 'typescript', js: 'javascript', sh: 'bash', py: 'python' };

/** Code as HTML with a class for each kind of word; text as it stands where the language is unknown. */
export function highlight(code: string, language: string): string {
  const name = LANGUAGES[language] ?? language;
  return highlighter.getLanguage(name) === undefined
    ? escapeHtml(code)
    : highlighter.highlight(code, { language: name, ignoreIllegals: true }).value;
}

interface Inline {
  readonly type: string;
  readonly content: string;
  readonly children: readonly Inline[] | null;
}

function plainText(tokens: readonly Inline[]): string {
  return tokens.map(({ type, content, children }) => (type === 'softbreak' ? ' ' : children ? plainText(children) : content)).join('');
}

function uniqueAnchor(text: string, taken: Set<string>): string {
  const words =
    text
      .toLowerCase()
      .normalize('NFKD')
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-+|-+$/g, '') || 'section';
  let anchor = words;
  for (let n = 2; taken.has(anchor); n++) anchor = `${words}-${n}`;
  taken.add(anchor);
  return anchor;
}
