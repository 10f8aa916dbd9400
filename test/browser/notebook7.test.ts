// A reader in Notebook 7: a chart is drawn, its slider moves, a cell is interrupted. `npm run test:browser`.

import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type JupyterServer, launchChromium, openPage, runCell, screenshot, startJupyter } from './support.ts';

const CELLS = [
  `import { chipMap, importOnnx, loadHardware, schedule } from 'cimbook';
const chip = loadHardware('../hw/dynaplasia-paper.json');
const plan = await schedule(importOnnx('../datasets/vgg16.onnx', { bind: { batch: 1 } }), chip);
chipMap(plan, chip)`,
  `console.log('begun');\nfor (;;) {}`,
];

let server: JupyterServer;
let browser: Browser;
let page: Page;
let refused: readonly string[];

test.before(async () => {
  server = await startJupyter('notebook', { 'map.ipynb': CELLS });
  browser = await launchChromium();
  ({ page, refused } = await openPage(browser, [server.url, server.url.replace('http', 'ws')]));
  await page.goto(`${server.url}notebooks/notebooks/map.ipynb?token=${server.token}`);
  await page
    .locator('.jp-Notebook .jp-Cell')
    .nth(CELLS.length - 1)
    .waitFor({ state: 'attached' });
  await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor({ state: 'attached' });
});

test.after(async () => {
  await browser?.close();
  await server?.stop();
});

test('a chart is drawn, without the network', async () => {
  await runCell(page.locator('.jp-CodeCell').first());
  await page.locator('.js-plotly-plot .slider-container').first().waitFor();
  await screenshot(page, 'notebook7-chart');
  assert.equal([...refused], []);
});

test('a cell that never ends is interrupted by the keyboard', async () => {
  const cell = page.locator('.jp-CodeCell').nth(1);
  await runCell(cell);
  await cell.locator('.jp-OutputArea-output', { hasText: 'begun' }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('i');
  await page.keyboard.press('i');
  await cell.locator('.jp-OutputArea-output', { hasText: 'Interrupted' }).waitFor();
  await screenshot(page, 'notebook7-interrupted');
});

test.run();
