import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildSite } from '../../lib/book/site.ts';
import { readBook } from '../../lib/book/source.ts';
import { code, folderOf, notebookText, printed, result, text } from './notebooks.ts';

/** As an operator may be called; without what Markdown itself reads. */
const HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)"><b>';

const test = suite<{ folder: string; files: ReadonlyMap<string, string | Uint8Array> }>('the book as a site');

const PLOT = {
  data: [{ type: 'bar', name: HOSTILE, y: [1] }],
  layout: { title: { text: `</script>${HOSTILE}` } },
  config: { plotlyServerURL: 'https://x.example' },
};

test.before((context) => {
  const first = notebookText(
    text(
      `# 00 First ${HOSTILE}\n\n**What you will learn**\n- to *read*;\n- ${HOSTILE}\n\n$$ a = \\frac{b}{c} $$\n\n[next](01-second.ipynb#a-section) [docs](../docs/x.md) [bad](javascript:alert(1)) ![p](https://x.example/p.png)`,
    ),
    text(`## A section\n\nwords ${HOSTILE} <img src=x onerror=alert(1)>\n\n| a | b |\n|---|---|\n| ${HOSTILE.replaceAll('|', '')} | 2 |`),
    code(
      `const x = '${HOSTILE}';`,
      printed(`${HOSTILE}\n`),
      result({ 'application/vnd.plotly.v1+json': PLOT, 'text/plain': `Figure ${HOSTILE}` }),
    ),
    code(
      '1',
      result({
        'text/html': `<table onclick="alert(1)" style="position: fixed"><tr><td>${HOSTILE}kept</td></tr></table><script>alert(1)</script><form></form>`,
      }),
    ),
    code('2', result({ 'image/svg+xml': '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', 'text/plain': `"${HOSTILE}` })),
    code('3', result({ 'text/latex': `$\\href{javascript:alert(1)}{x} ${HOSTILE}$` })),
    code('4', { output_type: 'error', ename: HOSTILE, evalue: HOSTILE, traceback: [`\u001b[31m${HOSTILE}`] }),
    { cell_type: 'raw', source: HOSTILE },
  );
  context.folder = folderOf({
    '00-first.ipynb': first,
    '01-second.ipynb': notebookText(text('# Second\n\n## A section\n\n## A section\n')),
  });
  mkdirSync(join(context.folder, 'solutions'));
  writeFileSync(join(context.folder, 'solutions', '00-first.md'), '# First\n\nback to [it](../00-first.ipynb)\n');
  context.files = buildSite(readBook(context.folder));
});

test.after(({ folder }) => rmSync(folder, { recursive: true }));

/** A page's DOM, parsed as a browser would. */
function pageOf(html: string | Uint8Array | undefined): Document {
  const { JSDOM } = createRequire(import.meta.url)('jsdom') as { JSDOM: new (html: string) => { window: { document: Document } } };
  return new JSDOM(String(html)).window.document;
}

interface Document {
  querySelectorAll(selector: string): Iterable<Element>;
  querySelector(selector: string): Element | null;
}
interface Element {
  readonly tagName: string;
  readonly textContent: string;
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>;
  getAttribute(name: string): string | null;
}

test('texts of notebooks stay text on every page: no script, handler or foreign address comes of them', ({ files }) => {
  for (const [path, html] of files) {
    if (!path.endsWith('.html')) continue;
    for (const element of pageOf(html).querySelectorAll('*')) {
      assert.ok(!['FORM', 'IFRAME', 'OBJECT', 'EMBED', 'BASE', 'STYLE'].includes(element.tagName), `${path}: <${element.tagName}>`);
      if (element.tagName === 'SCRIPT') {
        const isData = element.getAttribute('type') === 'application/json';
        assert.ok(isData || /^(\.\.\/)*assets\/[\w.]+\.js$/.test(element.getAttribute('src') ?? ''), `${path}: a script of its own`);
      }
      for (const { name, value } of element.attributes) {
        assert.not.match(name, /^on/, `${path}: ${element.tagName} ${name}`);
        if (['src', 'href'].includes(name))
          assert.not.match(value, /^\s*(javascript:|vbscript:|file:|https?:\/\/x\.example)/i, `${path}: ${value}`);
        if (name === 'style' && element.tagName === 'TABLE') assert.unreachable('a style of a table');
      }
    }
  }
  const first = pageOf(files.get('00-first.html'));
  assert.is(first.querySelector('h1')?.textContent, `00 First ${HOSTILE}`);
  assert.match(String(first.querySelector('.output.html td')?.textContent), /kept$/);
  assert.is([...first.querySelectorAll('.katex-mathml')].length, 2);
});

test('a figure is a block of data beside its picture; the look and the settings are the site\u2019s', ({ files }) => {
  const page = pageOf(files.get('00-first.html'));
  const figure = JSON.parse(String(page.querySelector('script[data-figure="figure-1"]')?.textContent)) as typeof PLOT;
  assert.equal(figure, { data: PLOT.data, layout: PLOT.layout } as never);
  assert.ok(page.querySelector('figure#figure-1'));
});

test('every link inside the site leads to a file of it, and every anchor is there once', ({ files }) => {
  for (const [path, html] of files) {
    if (!path.endsWith('.html')) continue;
    const page = pageOf(html);
    const ids = [...page.querySelectorAll('[id]')].map((element) => element.getAttribute('id'));
    assert.is(new Set(ids).size, ids.length, `${path}: an id twice`);
    for (const element of page.querySelectorAll('[href], [src]')) {
      const target = element.getAttribute('href') ?? element.getAttribute('src') ?? '';
      if (target.startsWith('data:')) continue;
      const url = new URL(target, `https://book.example/${path}`);
      const name = decodeURIComponent(url.pathname.slice(1));
      assert.ok(files.has(name), `${path}: ${target}`);
      if (url.hash !== '') {
        assert.ok(pageOf(files.get(name)).querySelector(`[id="${decodeURIComponent(url.hash.slice(1))}"]`), `${path}: ${target}`);
      }
    }
  }
});

test('the style sheet of formulas names only fonts that are there', ({ files }) => {
  const fonts = [...String(files.get('assets/katex.min.css')).matchAll(/url\(([^)]+)\)/g)].map(([, name]) => `assets/${name}`);
  assert.ok(fonts.length > 10);
  for (const font of fonts) assert.ok(files.has(font), font);
});

test('the search knows every section, and its file is a script that can\u2019t be broken out of', ({ files }) => {
  const script = String(files.get('assets/sections.js'));
  assert.not.match(script, /<script|<\/script/);
  const sections = JSON.parse(script.replace('window.cimbookSections = ', '').replace(/;\n$/, '')) as {
    url: string;
    heading: string;
    text: string;
  }[];
  assert.equal(
    sections.filter(({ url }) => url.startsWith('01')).map(({ url }) => url),
    ['01-second.html#second', '01-second.html#a-section', '01-second.html#a-section-2'],
  );
  assert.ok(sections.some(({ text: words }) => words.includes('const x = ')));
});

test('pages are for everyone: a language, a way past the menu, names for what can be pressed', ({ files }) => {
  for (const path of ['index.html', '00-first.html', 'solutions/00-first.html']) {
    const page = pageOf(files.get(path));
    assert.is(page.querySelector('html')?.getAttribute('lang'), 'en');
    assert.ok(page.querySelector('a.skip[href="#main"]'));
    assert.ok(page.querySelector('main#main'));
    for (const button of page.querySelectorAll('button, input, nav')) {
      assert.ok(
        (button.textContent.trim().length > 1 && button.tagName === 'BUTTON') || button.getAttribute('aria-label'),
        `${path}: ${button.tagName}`,
      );
    }
    for (const image of page.querySelectorAll('img')) assert.ok(image.getAttribute('alt'), `${path}: a picture without words`);
  }
});

test('the contents list what each notebook teaches', ({ files }) => {
  const points = [...pageOf(files.get('index.html')).querySelectorAll('.lessons ul li')].map(({ textContent }) => textContent.trim());
  assert.equal(points, ['to read', HOSTILE]);
});

test.run();
