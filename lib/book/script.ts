// Script: what the site's pages do: charts, search, theme, copying. It is plain JavaScript in files of the site, because
// the pages' policy lets no inline script run. Texts of the book reach the page as text, never as markup.

import { PLOT_CONFIG } from '../report/figure.ts';
import { scriptLiteral } from '../report/html.ts';
import { template } from '../report/theme.ts';

/** Runs before the page is drawn, so that it never flashes in the other theme. */
export const THEME_SCRIPT = `try {
  const kept = localStorage.getItem('cimbook-theme');
  if (kept === 'dark' || kept === 'light') document.documentElement.dataset.theme = kept;
} catch {
  // A browser that stores nothing (a page opened as a file, a private window) follows the system's theme.
}
`;

export function bookScript(): string {
  return `'use strict';
const TEMPLATES = ${scriptLiteral({ light: template('light'), dark: template('dark') })};
const CONFIG = ${scriptLiteral(PLOT_CONFIG)};
${BOOK}`;
}

const BOOK = String.raw`
const page = document.documentElement;
const root = document.body.dataset.root;
const isDark = () => page.dataset.theme ? page.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
const templateNow = () => TEMPLATES[isDark() ? 'dark' : 'light'];

// Theme
function redraw() {
  for (const plot of document.querySelectorAll('.js-plotly-plot')) Plotly.relayout(plot, { template: templateNow() });
}
document.getElementById('theme').addEventListener('click', () => {
  page.dataset.theme = isDark() ? 'light' : 'dark';
  try {
    localStorage.setItem('cimbook-theme', page.dataset.theme);
  } catch {
    // Nothing can be stored: the choice holds for this page.
  }
  redraw();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);

// Contents on small screens
const menu = document.getElementById('menu');
menu.addEventListener('click', () => {
  const isOpen = document.getElementById('contents').classList.toggle('open');
  menu.setAttribute('aria-expanded', String(isOpen));
});

// Charts, drawn when they come near; the picture stays where drawing fails.
async function draw(figure) {
  if (figure.dataset.drawn || !window.Plotly) return;
  figure.dataset.drawn = 'pending';
  const spec = JSON.parse(document.querySelector('script[data-figure="' + figure.id + '"]').textContent);
  const holder = document.createElement('div');
  figure.append(holder);
  try {
    await Plotly.newPlot(holder, spec.data, { ...spec.layout, template: templateNow() }, CONFIG);
    for (const still of figure.querySelectorAll(':scope > img, :scope > p')) still.remove();
    figure.dataset.drawn = 'yes';
  } catch {
    holder.remove();
    figure.dataset.drawn = 'failed';
  }
}
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
}, { rootMargin: '600px' });
for (const figure of document.querySelectorAll('figure.plot')) seen.observe(figure);
addEventListener('beforeprint', () => document.querySelectorAll('figure.plot').forEach(draw));

// Copying code
for (const code of document.querySelectorAll('.code')) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(code.querySelector('code').textContent);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(code.querySelector('code'));
      button.textContent = 'Press Ctrl-C';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  });
  code.append(button);
}

// Search
const input = document.getElementById('search');
const found = document.getElementById('found');
const count = document.getElementById('count');
let index;
let marked = -1;
function openIndex() {
  if (index) return;
  index = new MiniSearch({ idField: 'url', fields: ['heading', 'title', 'text'], storeFields: ['heading', 'title', 'text'],
    searchOptions: { boost: { heading: 4, title: 2 }, prefix: true, fuzzy: (term) => (term.length > 4 ? 0.2 : false), combineWith: 'AND' } });
  index.addAll(window.cimbookSections);
}
function show(results) {
  found.replaceChildren(...results.map((result, i) => {
    const item = document.createElement('li');
    item.role = 'option';
    item.id = 'found-' + i;
    const heading = document.createElement('strong');
    heading.textContent = result.heading;
    const where = document.createElement('small');
    where.textContent = (result.heading === result.title ? '' : result.title + ' \u2013 ') + excerpt(result);
    item.append(heading, where);
    item.addEventListener('click', () => go(result));
    return item;
  }));
  mark(results.length > 0 ? 0 : -1);
  found.hidden = results.length === 0;
  input.setAttribute('aria-expanded', String(results.length > 0));
  count.textContent = input.value.trim() === '' ? '' : results.length + ' results';
  found.results = results;
}
function excerpt({ text, terms }) {
  const at = Math.max(0, ...terms.map((term) => text.toLowerCase().indexOf(term)));
  const start = Math.max(0, at - 40);
  return (start > 0 ? '\u2026' : '') + text.slice(start, start + 110) + (text.length > start + 110 ? '\u2026' : '');
}
function mark(i) {
  marked = i;
  [...found.children].forEach((item, j) => item.setAttribute('aria-selected', String(j === i)));
  if (i >= 0) { input.setAttribute('aria-activedescendant', 'found-' + i); found.children[i].scrollIntoView({ block: 'nearest' }); }
  else input.removeAttribute('aria-activedescendant');
}
function go(result) {
  found.hidden = true;
  location.href = root + result.id;
}
if (window.MiniSearch && window.cimbookSections) {
  input.disabled = false;
  input.addEventListener('input', () => { openIndex(); show(index.search(input.value).slice(0, 12)); });
  input.addEventListener('keydown', (event) => {
    const last = found.children.length - 1;
    if (event.key === 'ArrowDown' && last >= 0) { mark(Math.min(last, marked + 1)); event.preventDefault(); }
    if (event.key === 'ArrowUp' && last >= 0) { mark(Math.max(0, marked - 1)); event.preventDefault(); }
    if (event.key === 'Enter' && marked >= 0 && !found.hidden) go(found.results[marked]);
    if (event.key === 'Escape') { input.value = ''; show([]); input.blur(); }
  });
  addEventListener('click', (event) => { if (!event.target.closest('.search')) found.hidden = true; });
  addEventListener('keydown', (event) => {
    if (event.key === '/' && !event.target.closest('input, textarea')) { input.focus(); event.preventDefault(); }
  });
}
`;
