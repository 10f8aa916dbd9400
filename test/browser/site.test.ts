// A reader of the static site that `cimbook book` writes, opened as files: nothing but these files can be reached.
// `npm run test:browser`.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chipMap } from '../../lib/report/charts/chip-map.ts';
import { roofline } from '../../lib/report/charts/roofline.ts';
import { DISPLAY, type Figure } from '../../lib/report/figure.ts';
import { table } from '../../lib/report/table.ts';
import { code, notebookText, result, text } from '../book/notebooks.ts';
import { repositoryRoot } from '../kernel/client.ts';
import { chip, graph, plan } from '../report/nouns.ts';
import { launchChromium, openPage, screenshot } from './support.ts';

/** As an operator may be called; `hostile` on the page tells that it ran. */
const HOSTILE = `<script>window.hostile = 1</script><img src=x onerror="window.hostile = 1">`;
const TITLE = '.infolayer .g-gtitle';

let folder: string;
let browser: Browser;
let page: Page;
let refused: readonly string[];
let errors: readonly string[];

const address = (...path: readonly string[]) => pathToFileURL(join(folder, ...path)).href;

/** Runs `cimbook book`. */
function writeBook(out: string, ...flags: readonly string[]): void {
  const command = [join(repositoryRoot, 'dist', 'cli', 'main.js'), 'book', '--no-execute', '--out', join(folder, out), ...flags];
  const { status, stderr } = spawnSync(process.execPath, command, { cwd: repositoryRoot, encoding: 'utf8' });
  assert.is(status, 0, stderr);
}

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cimbook-site-'));
  writeBook('site');
  browser = await launchChromium();
  ({ page, refused, errors } = await openPage(browser, [pathToFileURL(folder).href]));
  await page.context().setOffline(true);
  await page.goto(address('site', 'index.html'));
});

test.after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the contents lead to a notebook, and drawing its charts moves nothing', async () => {
  await screenshot(page, 'site-start');
  await page.locator('#contents a', { hasText: '01 From a model to its latency' }).click();
  const figures = page.locator('figure.plot');
  await figures.first().waitFor();
  await page.waitForLoadState('load'); // a long page is shown while the rest of it is still read
  const height = () => page.evaluate<number>('document.documentElement.scrollHeight');
  const before = await height();
  const count = await figures.count();
  assert.ok(count >= 6, `${count} charts`);
  for (let i = 0; i < count; i++) {
    await figures.nth(i).scrollIntoViewIfNeeded();
    await figures.nth(i).locator('.js-plotly-plot .main-svg').first().waitFor();
    await figures.nth(i).locator(':scope > img').waitFor({ state: 'detached' });
  }
  assert.is(await height(), before);
});

test('the slider of the chip map moves from segment to segment', async () => {
  const map = page.locator('figure.plot[aria-label*="Arrays of"]');
  const before = (await map.locator(TITLE).textContent()) ?? '';
  const rail = map.locator('.slider-rail-touch-rect').first();
  await rail.scrollIntoViewIfNeeded();
  const box = await rail.boundingBox();
  assert.ok(box);
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  await map.locator(TITLE, { hasNotText: before }).waitFor();
  await screenshot(page, 'site-slider');
});

test('search finds a passage and leads to it', async () => {
  await page.locator('#search').fill('roofline');
  await page.locator('#found [role="option"]').first().waitFor();
  await screenshot(page, 'site-search');
  const before = page.url();
  await page.locator('#found [role="option"]').first().click();
  await page.waitForURL((url) => url.href !== before);
  await page.locator('main', { hasText: /roofline/i }).waitFor();
});

test('the dark theme is remembered on the next page', async () => {
  await page.locator('#theme').click();
  await page.locator('nav.neighbours a').first().click();
  await page.locator('html[data-theme="dark"] main').waitFor();
  await screenshot(page, 'site-dark');
});

test('markup in the names of a model stays text, in prose, code, tables and charts', async () => {
  const plotly = (figure: Figure) =>
    result({ 'application/vnd.plotly.v1+json': { data: figure.data, layout: figure.layout }, 'text/plain': HOSTILE });
  mkdirSync(join(folder, 'notebooks'));
  const cells = [
    text(`# 00 ${HOSTILE}\n\n## About ${HOSTILE}\n\nThe operator ${HOSTILE}.`),
    code(`const name = '${HOSTILE}';`, plotly(chipMap(plan(HOSTILE), chip()))),
    code('2', plotly(roofline(graph(HOSTILE), chip()))),
    code('3', result({ ...table([{ operator: HOSTILE, cycles: 1 }])[DISPLAY]() })),
  ];
  writeFileSync(join(folder, 'notebooks', '00-names.ipynb'), notebookText(...cells));
  writeBook('names', '--notebooks', join(folder, 'notebooks'));
  await page.goto(address('names', '00-names.html'));
  for (const figure of await page.locator('figure.plot').all()) {
    await figure.scrollIntoViewIfNeeded();
    await figure.locator('.js-plotly-plot .main-svg').first().waitFor();
  }
  await page.locator('td', { hasText: HOSTILE }).waitFor();
  await page.locator('h1', { hasText: HOSTILE }).waitFor();
  // A long name keeps its end.
  assert.match((await page.locator('.js-plotly-plot').allTextContents()).join('\n'), '<img src=x');
  await page.locator('#search').fill('hostile');
  await page.locator('#found [role="option"]').first().waitFor();
  await screenshot(page, 'site-names');
  assert.is(await page.locator('main img, main script:not([type="application/json"]), #found img, #found script').count(), 0);
  assert.is(await page.evaluate('window.hostile'), undefined);
});

test('nothing else was asked for, and no script failed', () => {
  assert.equal([...refused], []);
  assert.equal([...errors], []);
});

test.run();
