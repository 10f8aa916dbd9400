// What the browser tests share: Debian's Chromium, a real Jupyter server on a folder of its own, screenshots.
// `npm run test:browser` sets the environment: the Python with Jupyter and the tools of the tests.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { freePorts } from '../../lib/kernel/free-ports.ts';
import { repositoryRoot as ROOT } from '../kernel/client.ts';

const SCREENSHOTS = join(ROOT, '.cimbook', 'screenshots');
const LOGS = join(ROOT, '.cimbook', 'logs');
const SHOWN_LINES = 40;
/** Generous: the machines that run this are shared. */
export const PATIENCE_MS = 60_000;

export function launchChromium(): Promise<Browser> {
  const executablePath = process.env.CIMBOOK_CHROMIUM ?? '/usr/bin/chromium';
  const args = ['--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath, args, chromiumSandbox: false });
}

/** A page that reaches nothing but `allowed` (prefixes of addresses); what it asked for besides is in `refused`, its errors in `errors`. */
export async function openPage(browser: Browser, allowed: readonly string[]) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  page.setDefaultTimeout(PATIENCE_MS);
  const refused: string[] = [];
  const errors: string[] = [];
  await page.route('**', (route) => {
    const url = route.request().url();
    if (/^(data|blob):/.test(url) || allowed.some((prefix) => url.startsWith(prefix))) return route.continue();
    refused.push(url);
    return route.abort();
  });
  // Leaving a changed notebook asks first.
  page.on('dialog', (dialog) => void dialog.accept());
  page.on('pageerror', (error) => errors.push(String(error)));
  return { page, refused, errors };
}

/** Kept as artefacts: a person can see what the tests saw. */
export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

/** Runs a cell with the keyboard, as a reader does: again, if the kernel was not connected yet and nothing happened. */
export async function runCell(cell: Locator): Promise<void> {
  const page = cell.page();
  const prompt = cell.locator('.jp-InputPrompt');
  const before = (await prompt.textContent()) ?? '';
  for (let attempt = 0; attempt < 6; attempt++) {
    await cell.locator('.cm-content').click();
    await page.keyboard.press('Control+Enter');
    const deadline = Date.now() + 5000;
    while (Date.now() < deadline) {
      if ((await prompt.textContent()) !== before) return;
      await page.waitForTimeout(50);
    }
  }
  throw new Error('The cell does not start.');
}

export interface JupyterServer {
  /** Ends with a slash. */
  readonly url: string;
  readonly token: string;
  readonly folder: string;
  stop(): Promise<void>;
}

/** Starts JupyterLab or Notebook 7 on a folder with `notebooks` (copies of ours, or cells) beside datasets and chips. */
export async function startJupyter(
  app: 'jupyterlab' | 'notebook',
  notebooks: Readonly<Record<string, string | readonly string[]>>,
): Promise<JupyterServer> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cimbook-browser-')));
  mkdirSync(join(folder, 'notebooks'));
  for (const name of ['datasets', 'hw']) symlinkSync(join(ROOT, name), join(folder, name), 'junction');
  for (const [name, content] of Object.entries(notebooks)) {
    const path = join(folder, 'notebooks', name);
    if (typeof content === 'string') cpSync(join(ROOT, content), path);
    else writeFileSync(path, JSON.stringify(notebookOf(content)));
  }
  const token = randomUUID();
  const [port] = await freePorts(1);
  const args = [
    `--ServerApp.root_dir=${folder}`,
    `--ServerApp.port=${port}`,
    '--ServerApp.port_retries=0',
    '--ServerApp.open_browser=False',
  ];
  args.push(`--IdentityProvider.token=${token}`, '--KernelSpecManager.ensure_native_kernel=False', '--log-level=INFO', '--allow-root');
  const own = Object.fromEntries(
    ['CONFIG', 'DATA', 'RUNTIME'].map((kind) => [`JUPYTER_${kind}_DIR`, join(folder, `.jupyter-${kind.toLowerCase()}`)]),
  );
  const env = { ...process.env, ...own, JPY_PARENT_PID: undefined };
  const python = process.env.CIMBOOK_JUPYTER_PYTHON ?? join(ROOT, '.venv', 'bin', 'python');
  const log = openLog(app);
  const server = spawn(python, ['-m', app, ...args], { cwd: folder, env, stdio: ['ignore', log, log] });
  closeSync(log);
  const url = `http://127.0.0.1:${port}/`;
  const stop = async (): Promise<void> => {
    await end(server);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await answering(server, `${url}api/status?token=${token}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, token, folder, stop };
}

/** What the server says goes to .cimbook/logs; its end is shown when a test has failed. */
function openLog(app: string): number {
  mkdirSync(LOGS, { recursive: true });
  const path = join(LOGS, `${app}.log`);
  process.once('exit', (code) => {
    if (code !== 0) console.log(`The end of ${path}:\n${readFileSync(path, 'utf8').trimEnd().split('\n').slice(-SHOWN_LINES).join('\n')}`);
  });
  return openSync(path, 'w');
}

function notebookOf(sources: readonly string[]): object {
  const cells = sources.map((source, i) => ({
    cell_type: 'code',
    id: `cell-${i}`,
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  }));
  const kernelspec = { name: 'cimbook', display_name: 'CIMbook (TypeScript)', language: 'typescript' };
  return { nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells };
}

async function answering(server: ChildProcess, address: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline && server.exitCode === null) {
    if (
      await fetch(address).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
    await sleep(200);
  }
  throw new Error(`Jupyter does not answer (exit code ${server.exitCode}).`);
}

/** SIGTERM makes Jupyter end its kernels; should it not, they notice that it is gone. */
async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  await Promise.race([ended, sleep(15_000, undefined, { ref: false })]);
  server.kill('SIGKILL');
}
