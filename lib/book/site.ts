// Site: the book's notebooks, solutions and reference as files of a static site. In: sources with their outputs.
// Out: path -> content. It needs no server and no network: pages load only what lies beside them.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { escapeHtml, scriptLiteral } from '../report/html.ts';
import { type Heading, highlight, type MarkdownContext, renderMarkdown, type Section } from './markdown.ts';
import type { Notebook } from './notebook.ts';
import { renderOutputs } from './outputs.ts';
import { type Entry, type PageContent, renderPage } from './page.ts';
import { bookScript, THEME_SCRIPT } from './script.ts';
import type { BookSource, SourceFile } from './source.ts';
import { ICON, STYLE } from './style.ts';

export type SiteFiles = ReadonlyMap<string, string | Uint8Array>;

interface Page extends PageContent {
  readonly sections: readonly Section[];
}

const DEFAULT_TITLE = 'CIMbook';
/** Larger pictures of a page of reference stay out. */
const MOST_PICTURE_BYTES = 2 * 1024 * 1024;
const PICTURE_TYPES: Readonly<Record<string, string>> = { '.png': 'image/png', '.jpg': 'image/jpeg', '.svg': 'image/svg+xml' };

/** All files of the site. */
export function buildSite(source: BookSource): SiteFiles {
  const places = new Map(source.files.map(({ file, path }) => [file, path]));
  places.set(join(source.folder, 'README.md'), 'index.html');
  const pages = source.files.map((each) => pageOf(each, places));
  const entries = pages.map((page, i): Entry => ({ path: page.path, title: page.title, group: source.files[i]!.group }));
  const index = indexPage(source, pages, places);
  const files = new Map<string, string | Uint8Array>();
  for (const page of [index, ...pages]) files.set(page.path, renderPage(page, entries, index.title));
  for (const [i, each] of source.files.entries()) {
    const download = pages[i]!.download;
    if (download !== undefined) files.set(download, readFileSync(each.file));
  }
  for (const [name, content] of assets([...pages])) files.set(`assets/${name}`, content);
  return files;
}

function pageOf(source: SourceFile, places: ReadonlyMap<string, string>): Page {
  const context = contextOf(source, places);
  const name = basename(source.file, extname(source.file));
  const { html, sections } = 'notebook' in source ? renderNotebook(source.notebook, context) : renderMarkdown(source.markdown, context);
  const headings = sections.map(({ heading }) => heading).filter((heading) => heading !== undefined);
  const title = headings.find(({ level }) => level === 1)?.text ?? name;
  return {
    path: source.path,
    title: source.group === 'solution' && !/solution/i.test(title) ? `Solutions: ${title}` : title,
    body: html,
    headings,
    sections,
    ...('notebook' in source && { download: `${dirname(source.path)}/files/${basename(source.file)}`.replace(/^\.\//, '') }),
  };
}

function renderNotebook(notebook: Notebook, context: MarkdownContext): { readonly html: string; readonly sections: readonly Section[] } {
  let figures = 0;
  const figureName = (): string => `figure-${++figures}`;
  const sections: Section[] = [{ heading: undefined, text: '' }];
  const say = (text: string): void => {
    const last = sections.at(-1)!;
    sections[sections.length - 1] = { ...last, text: `${last.text}${text} ` };
  };
  const html = notebook.cells.map((cell) => {
    if (cell.kind === 'raw') return `<pre>${escapeHtml(cell.source)}</pre>`;
    if (cell.kind !== 'code') {
      const attached = (target: string): string | undefined => {
        const [type, data] = Object.entries(cell.attachments[target.replace(/^attachment:/, '')] ?? {})[0] ?? [];
        return type !== undefined && /^image\/(png|jpeg|gif|svg\+xml)$/.test(type) ? `data:${type};base64,${data}` : undefined;
      };
      const page = renderMarkdown(cell.source, { ...context, picture: (target) => attached(target) ?? context.picture(target) });
      for (const section of page.sections) section.heading === undefined ? say(section.text) : sections.push(section);
      return page.html;
    }
    if (cell.source.trim() === '' && cell.outputs.length === 0) return '';
    say(cell.source);
    const code = `<div class="code"><pre tabindex="0"><code>${highlight(cell.source, 'typescript')}</code></pre></div>`;
    return `<div class="cell">\n${code}\n${renderOutputs(cell.outputs, context, figureName)}\n</div>`;
  });
  return { html: html.join('\n'), sections };
}

function contextOf(source: SourceFile, places: ReadonlyMap<string, string>): MarkdownContext {
  return {
    anchors: new Set(['main', 'contents', 'menu', 'search', 'found', 'count', 'theme']),
    link: (target) => {
      const [, path = '', fragment = ''] = /^([^#]*)(#.*)?$/s.exec(target) ?? [];
      const place = places.get(resolve(dirname(source.file), decoded(path)));
      return place === undefined ? undefined : encodeURI(relative(dirname(source.path), place).replaceAll('\\', '/')) + fragment;
    },
    // Only pages of reference bring pictures along: what a notebook names on this machine stays here.
    picture: (target) => (source.group === 'reference' ? pictureBeside(source.file, target) : undefined),
  };
}

function pictureBeside(file: string, target: string): string | undefined {
  const path = resolve(dirname(file), decoded(target));
  const type = PICTURE_TYPES[extname(path)];
  const isBelow = !relative(dirname(file), path).startsWith('..');
  const stat = statSync(path, { throwIfNoEntry: false });
  if (type === undefined || !isBelow || !stat?.isFile() || stat.size > MOST_PICTURE_BYTES) return undefined;
  return `data:${type};base64,${readFileSync(path).toString('base64')}`;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function indexPage(source: BookSource, pages: readonly Page[], places: ReadonlyMap<string, string>): Page {
  const file = join(source.folder, 'README.md');
  const context = contextOf({ file, group: 'notebook', path: 'index.html', markdown: '' }, places);
  const introduction = renderMarkdown(source.introduction, context);
  const title = introduction.sections.find(({ heading }) => heading?.level === 1)?.heading?.text ?? DEFAULT_TITLE;
  const lessons = source.files.flatMap((each, i) => {
    if (!('notebook' in each) || each.group !== 'notebook') return [];
    const page = pages[i]!;
    const goals = intentions(each.notebook).map((goal) => `<li>${renderMarkdown(goal, context).html.replace(/^<p>|<\/p>\s*$/g, '')}</li>`);
    const link = `<h3><a href="${escapeHtml(encodeURI(page.path))}">${escapeHtml(page.title)}</a></h3>`;
    return [`<li>${link}${goals.length === 0 ? '' : `<ul>${goals.join('')}</ul>`}</li>`];
  });
  const heading = introduction.html === '' ? `<h1>${escapeHtml(title)}</h1>` : introduction.html;
  return { path: 'index.html', title, body: `${heading}\n<ul class="lessons">\n${lessons.join('\n')}\n</ul>`, headings: [], sections: [] };
}

/** The points under "What you will learn" of a notebook's first cell. */
function intentions(notebook: Notebook): readonly string[] {
  const first = notebook.cells.find(({ kind }) => kind === 'markdown')?.source ?? '';
  const list = /\*\*What you will learn\*\*\s*\n((?:[-*] .*\n?(?: {2,}.*\n?)*)+)/.exec(first)?.[1] ?? '';
  return list
    .split(/^[-*] /m)
    .map((point) => point.trim().replace(/[;.]$/, ''))
    .filter((point) => point !== '');
}

function assets(pages: readonly Page[]): ReadonlyMap<string, string | Uint8Array> {
  const require = createRequire(import.meta.url);
  const file = (name: string): Buffer => readFileSync(require.resolve(name));
  const katex = dirname(require.resolve('katex/dist/katex.min.css'));
  const files = new Map<string, string | Uint8Array>([
    ['style.css', STYLE],
    ['theme.js', THEME_SCRIPT],
    ['book.js', bookScript()],
    ['icon.svg', ICON],
    ['sections.js', `window.cimbookSections = ${scriptLiteral(searchable(pages))};\n`],
    ['minisearch.js', readFileSync(join(dirname(require.resolve('minisearch')), '..', 'umd', 'index.js'))],
    ['plotly.min.js', file('plotly.js-dist-min/plotly.min.js')],
    // Browsers that can run the page read woff2; the older formats would be dead links.
    ['katex.min.css', readFileSync(join(katex, 'katex.min.css'), 'utf8').replace(/,url\(fonts\/[\w-]+\.(woff|ttf)\) format\("\w+"\)/g, '')],
  ]);
  for (const name of readdirSync(join(katex, 'fonts'))) {
    if (name.endsWith('.woff2')) files.set(`fonts/${name}`, readFileSync(join(katex, 'fonts', name)));
  }
  return files;
}

/** What the search looks through: the text below each heading. */
function searchable(pages: readonly Page[]): readonly { url: string; title: string; heading: string; text: string }[] {
  return pages.flatMap(({ path, title, sections }) =>
    sections.flatMap(({ heading, text }) => {
      const words = text.replace(/\s+/g, ' ').trim();
      if (heading === undefined && words === '') return [];
      return [{ url: `${encodeURI(path)}${anchorOf(heading)}`, title, heading: heading?.text ?? title, text: words }];
    }),
  );
}

function anchorOf(heading: Heading | undefined): string {
  return heading === undefined ? '' : `#${heading.anchor}`;
}
