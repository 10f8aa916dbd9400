// A reader in JupyterLab: the first notebook is opened and run in a real browser against the real kernel, offline.
// One page serves the whole file. `npm run test:browser`; what was seen lies in .cimbook/screenshots.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { repositoryRoot } from '../kernel/client.ts';
import { type JupyterServer, launchChromium, openPage, PATIENCE_MS, runCell, screenshot, startJupyter } from './support.ts';

const NOTEBOOK = 'notebooks/01-model-to-latency.ipynb';
const TITLE = '.infolayer .g-gtitle';
const OWN_CELLS = [
  'const kept = 42;',
  `console.log('begun');\nawait null;\nfor (;;) {}`,
  'kept + 1',
  `import { table, track } from 'cimbook';\nfor (const step of track([1, 2, 3, 4], 'Steps')) await new Promise((r) => setTimeout(r, 400));`,
  `table([{ operator: '<script>window.hostile = 1</script><img src=x onerror="window.hostile = 1">', cycles: 1 }])`,
  'const wrong: string = kept;',
];

let server: JupyterServer;
let browser: Browser;
let page: Page;
let refused: readonly string[];
let errors: readonly string[];

test.before(async () => {
  server = await startJupyter('jupyterlab', { '01.ipynb': NOTEBOOK, 'own.ipynb': OWN_CELLS });
  browser = await launchChromium();
  ({ page, refused, errors } = await openPage(browser, [server.url, server.url.replace('http', 'ws')]));
});

test.after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Opens a notebook, and waits until all its cells are there and its kernel is idle. */
async function open(name: string, cells: number): Promise<void> {
  await page.goto(`${server.url}lab/tree/notebooks/${name}?reset&token=${server.token}`);
  await page
    .locator('.jp-Notebook .jp-Cell')
    .nth(cells - 1)
    .waitFor({ state: 'attached' });
  await idle();
}

async function idle(): Promise<void> {
  await page.locator('#jp-main-statusbar', { hasText: /CIMbook \(TypeScript\) \| Idle/ }).waitFor();
}

async function menu(name: string, item: RegExp): Promise<void> {
  await page.getByRole('menuitem', { name, exact: true }).click();
  await page.locator('.lm-Menu-itemLabel', { hasText: item }).click();
}

function codeCell(index: number): Locator {
  return page.locator('.jp-CodeCell').nth(index);
}

/** Waits until the cell has its number. */
async function finished(cell: Locator): Promise<void> {
  await cell.locator('.jp-InputPrompt', { hasText: /\[\d+\]/ }).waitFor();
}

function cellsOf(path: string): readonly { readonly cell_type: string; readonly source: string | readonly string[] }[] {
  return (JSON.parse(readFileSync(join(repositoryRoot, path), 'utf8')) as { cells: { cell_type: string; source: string }[] }).cells;
}

const source = ({ source: text }: { readonly source: string | readonly string[] }) => [text].flat().join('');

test('a notebook is opened and run from the menu, and all its charts are drawn', async () => {
  const cells = cellsOf(NOTEBOOK);
  const code = cells.filter(({ cell_type }) => cell_type === 'code');
  await open('01.ipynb', cells.length);
  await screenshot(page, 'lab-opened');
  await menu('Edit', /^Clear Outputs of All Cells$/);
  await menu('Run', /^Run All Cells$/);
  await finished(codeCell(code.length - 1));
  assert.equal(await page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').allTextContents(), []);
  const charts = code.flatMap((cell, i) =>
    /^(roofline|allocationBars|chipMap|latencyBars|timeline|energyBars)\(/m.test(source(cell)) ? [i] : [],
  );
  assert.ok(charts.length >= 6, `${charts.length} charts`);
  for (const index of charts) {
    await codeCell(index).scrollIntoViewIfNeeded();
    await codeCell(index).locator('.js-plotly-plot .main-svg').first().waitFor();
    // The static picture has made room for the interactive one.
    assert.is(await codeCell(index).locator('[data-cimbook-figure] > img').count(), 0);
  }
  await screenshot(page, 'lab-chart');
});

test('the slider of the chip map moves from segment to segment', async () => {
  const map = page.locator('.js-plotly-plot', { has: page.locator('.slider-container') }).first();
  await map.scrollIntoViewIfNeeded();
  const title = () => map.locator(TITLE).textContent();
  const before = await title();
  await screenshot(page, 'lab-slider-first');
  const rail = await map.locator('.slider-rail-touch-rect').first().boundingBox();
  assert.ok(rail);
  await page.mouse.move(rail.x + 4, rail.y + rail.height / 2);
  await page.mouse.down();
  await page.mouse.move(rail.x + rail.width / 2, rail.y + rail.height / 2, { steps: 5 });
  await page.mouse.up();
  await map.locator(TITLE, { hasNotText: before ?? '' }).waitFor();
  await screenshot(page, 'lab-slider-middle');
  assert.not.equal(await title(), before);
});

test('a running cell is interrupted from the toolbar, and the variables stay', async () => {
  await open('own.ipynb', OWN_CELLS.length);
  await runCell(codeCell(0));
  await finished(codeCell(0));
  await runCell(codeCell(1));
  await codeCell(1).locator('.jp-OutputArea-output', { hasText: 'begun' }).waitFor();
  await page.locator('[data-jp-item-name="interrupt"]').click();
  await codeCell(1).locator('.jp-OutputArea-output', { hasText: 'Interrupted: The cell was interrupted.' }).waitFor();
  await runCell(codeCell(2));
  await codeCell(2).locator('.jp-OutputArea-output', { hasText: '43' }).waitFor();
  await screenshot(page, 'lab-interrupted');
});

test('a progress bar moves and ends', async () => {
  const cell = codeCell(3);
  await runCell(cell);
  const bar = cell.locator('progress');
  await bar.waitFor();
  await cell.locator('progress[value^="0.5"]').waitFor();
  await screenshot(page, 'lab-progress');
  await cell.locator('.jp-OutputArea-output', { hasText: /Steps done in \d/ }).waitFor();
  assert.is(await cell.locator('.jp-OutputArea-output').count(), 1);
});

test('markup in the name of an operator stays text', async () => {
  await runCell(codeCell(4));
  await codeCell(4).locator('td', { hasText: '<script>window.hostile = 1</script>' }).waitFor();
  assert.is(await page.evaluate('window.hostile'), undefined);
});

test('a type error shows its line and column', async () => {
  await runCell(codeCell(5));
  await codeCell(5)
    .locator('.jp-OutputArea-output', { hasText: /TS2322.*line 1, column 7/s })
    .waitFor();
  await screenshot(page, 'lab-type-error');
});

test('a word is completed, and its documentation shown', async () => {
  const cell = codeCell(2);
  await cell.locator('.cm-content').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.type('Math.fl');
  await page.keyboard.press('Tab');
  await page.locator('.jp-Completer-item', { hasText: 'floor' }).waitFor();
  await page.keyboard.press('Enter');
  await cell.locator('.cm-content', { hasText: 'Math.floor' }).waitFor();
  await page.keyboard.press('Shift+Tab');
  await page.locator('.jp-Tooltip', { hasText: 'Returns the greatest integer less than or equal' }).waitFor();
  await screenshot(page, 'lab-completed');
  await page.keyboard.press('Escape');
});

test('a restarted kernel has forgotten its variables and runs again', async () => {
  await menu('Kernel', /^Restart Kernel…$/);
  await page.locator('.jp-Dialog .jp-mod-accept').click();
  await page.locator('.jp-Dialog').waitFor({ state: 'detached' });
  await idle();
  await runCell(codeCell(5));
  await codeCell(5).locator('.jp-OutputArea-output', { hasText: `Cannot find name 'kept'` }).waitFor({ timeout: PATIENCE_MS });
  await runCell(codeCell(0));
  await finished(codeCell(0));
  await screenshot(page, 'lab-restarted');
});

test('nothing was asked of any other machine, and no script failed', () => {
  assert.equal([...refused], []);
  assert.equal([...errors], []);
});

test.run();
