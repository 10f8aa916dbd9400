// A reader of the static site that `cimbook book` writes, opened as files: nothing but these files can be reached.
// `npm run test:browser`.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { repositoryRoot } from '../kernel/client.ts';
import { launchChromium, openPage, screenshot } from './support.ts';

let folder: string;
let browser: Browser;
let page: Page;
let refused: readonly string[];
let errors: readonly string[];

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cimbook-site-'));
  const command = [join(repositoryRoot, 'dist', 'cli', 'main.js'), 'book', '--no-execute', '--out', join(folder, 'site')];
  const { status, stderr } = spawnSync(process.execPath, command, { cwd: repositoryRoot, encoding: 'utf8' });
  assert.is(status, 0, stderr);
  browser = await launchChromium();
  ({ page, refused, errors } = await openPage(browser, [pathToFileURL(folder).href]));
  await page.context().setOffline(true);
  await page.goto(pathToFileURL(join(folder, 'site', 'index.html')).href);
});

test.after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
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

test('nothing else was asked for, and no script failed', () => {
  assert.equal([...refused], []);
  assert.equal([...errors], []);
});

test.run();
