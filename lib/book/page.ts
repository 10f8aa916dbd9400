// Page: one page of the site around its content: contents on the left, search above, links to its neighbours below.

import { escapeHtml } from '../report/html.ts';
import type { Heading } from './markdown.ts';

/** What every page knows of every other. */
export interface Entry {
  /** Path on the site, such as 'solutions/03-segmentation.html'. */
  readonly path: string;
  readonly title: string;
  readonly group: Group;
}

export const GROUPS = ['notebook', 'solution', 'reference'] as const;
export type Group = (typeof GROUPS)[number];
export const GROUP_TITLES: Readonly<Record<Group, string>> = { notebook: 'Notebooks', solution: 'Solutions', reference: 'Reference' };

export interface PageContent {
  readonly path: string;
  readonly title: string;
  readonly body: string;
  readonly headings: readonly Heading[];
  /** Name of the notebook's file on the site, to be downloaded. */
  readonly download?: string;
}

/** Only files of the site itself may be loaded or run, and inline scripts never: a second lock behind the escaping. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' file:",
  "style-src 'self' file: 'unsafe-inline'",
  "img-src 'self' file: data: blob:",
  "font-src 'self' file:",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** The page's HTML. `entries`: all pages in reading order; `book`: the site's title. */
export function renderPage(page: PageContent, entries: readonly Entry[], book: string): string {
  const up = '../'.repeat(page.path.split('/').length - 1);
  const asset = (name: string): string => `${up}assets/${name}`;
  const title = page.path === 'index.html' ? book : `${page.title} \u2013 ${book}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="${asset('icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${asset('katex.min.css')}">
<link rel="stylesheet" href="${asset('style.css')}">
<script src="${asset('theme.js')}"></script>
</head>
<body data-root="${up}">
<a class="skip" href="#main">Skip to the text</a>
<header>
<button type="button" id="menu" aria-expanded="false" aria-controls="contents">Contents</button>
<a class="book" href="${up}index.html">${escapeHtml(book)}</a>
<div class="search" role="search">
<input type="search" id="search" placeholder="Search  ( / )" aria-label="Search the book" autocomplete="off" role="combobox" aria-expanded="false" aria-controls="found" disabled>
<ul id="found" role="listbox" aria-label="Search results" hidden></ul>
<p id="count" class="unseen" role="status"></p>
</div>
<button type="button" id="theme" aria-label="Dark or light">\u25d0</button>
</header>
<nav id="contents" aria-label="Contents">
${contents(page, entries, up)}
</nav>
<main id="main">
<article>
${page.body}
</article>
${neighbours(page, entries, up)}
</main>
<script src="${asset('minisearch.js')}" defer></script>
<script src="${asset('sections.js')}" defer></script>
${page.body.includes('data-figure="') ? `<script src="${asset('plotly.min.js')}" defer></script>\n` : ''}<script src="${asset('book.js')}" defer></script>
</body>
</html>
`;
}

function contents(page: PageContent, entries: readonly Entry[], up: string): string {
  return GROUPS.flatMap((group) => {
    const items = entries
      .filter((entry) => entry.group === group)
      .map((entry) => {
        const isHere = entry.path === page.path;
        const link = `<a href="${up}${escapeHtml(encodeURI(entry.path))}"${isHere ? ' aria-current="page"' : ''}>${escapeHtml(entry.title)}</a>`;
        return `<li>${link}${isHere ? sections(page) : ''}</li>`;
      });
    return items.length === 0 ? [] : [`<h2>${GROUP_TITLES[group]}</h2>`, `<ul>`, ...items, '</ul>'];
  }).join('\n');
}

function sections({ headings }: PageContent): string {
  const items = headings
    .filter(({ level }) => level === 2)
    .map(({ text, anchor }) => `<li><a href="#${escapeHtml(anchor)}">${escapeHtml(text)}</a></li>`);
  return items.length === 0 ? '' : `\n<ul class="sections">\n${items.join('\n')}\n</ul>`;
}

function neighbours(page: PageContent, entries: readonly Entry[], up: string): string {
  const download =
    page.download === undefined
      ? ''
      : `<p class="download"><a href="${up}${escapeHtml(encodeURI(page.download))}" download>Download this notebook</a></p>\n`;
  const at = entries.findIndex(({ path }) => path === page.path);
  const [before, after] = at < 0 ? [undefined, entries[0]] : [entries[at - 1], entries[at + 1]];
  const link = (entry: Entry | undefined, rel: string, arrow: string): string =>
    entry === undefined
      ? '<span></span>'
      : `<a rel="${rel}" href="${up}${escapeHtml(encodeURI(entry.path))}"><small>${arrow}</small>${escapeHtml(entry.title)}</a>`;
  return `${download}<nav class="neighbours" aria-label="Previous and next page">\n${link(before, 'prev', '\u2190 Previous')}\n${link(after, 'next', 'Next \u2192')}\n</nav>`;
}
