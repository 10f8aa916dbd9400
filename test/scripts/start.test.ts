// `npm start`: its flags, and the summary of its self-check.

import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inFolder, ROOT, script } from './support.ts';

const { parseStartArguments } = await script('start.mjs');
const { summary, table } = await script('self-check.mjs');
const { listNotebooks } = await script('notebooks.mjs');
const { run } = await script('command.mjs');

test('flags are read; what follows a second -- is for JupyterLab', () => {
  const defaults = parseStartArguments([]);
  assert.equal(defaults, {
    headless: false,
    only: [],
    cellSeconds: 300,
    write: false,
    check: false,
    browser: true,
    help: false,
    jupyterLab: [],
  });
  assert.equal(parseStartArguments(['--no-browser', '--', '--port', '9000']), {
    ...defaults,
    browser: false,
    jupyterLab: ['--port', '9000'],
  });
  const headless = parseStartArguments(['--headless', '--only', '01', '--only=02', '--timeout', '60', '--write']);
  assert.equal(headless, { ...defaults, headless: true, only: ['01', '02'], cellSeconds: 60, write: true });
});

test('what makes no sense is refused with a reason', () => {
  for (const [args, reason] of [
    [['--headles'], /unknown flag: --headles/],
    [['notebook.ipynb'], /unknown flag: notebook\.ipynb/],
    [['--headless', '--timeout', 'soon'], /whole number of seconds/],
    [['--headless', '--timeout', '0'], /whole number of seconds/],
    [['--headless', '--only'], /needs a part/],
    [['--write'], /--write works with --headless only/],
    [['--only', '01'], /--only works with --headless only/],
    [['--headless', '--', '--port', '1'], /opens no JupyterLab/],
  ] as const) {
    assert.match(parseStartArguments(args).problem, reason);
  }
});

test('--help and unknown flags answer without setting anything up', async () => {
  for (const name of ['start.mjs', 'test.mjs', 'setup.mjs']) {
    const help = await run(process.execPath, [join(ROOT, 'scripts', name), '--help']);
    assert.is(help.code, 0, name);
    assert.match(help.stdout, /^Usage: npm /, name);
    const unknown = await run(process.execPath, [join(ROOT, 'scripts', name), '--no-such-flag']);
    assert.is(unknown.code, 2, name);
    assert.is(unknown.stdout, '', name);
    assert.match(unknown.output, /Usage: npm /, name);
  }
});

const plan = { cycles: { simulated: 2_500_000 }, memoryModeShare: 0.125 };
const allCompute = { cycles: { simulated: 3_000_000 } };

test('the summary is latency, cycles, speedup over all-compute and memory share', () => {
  const row = summary('chip', plan, allCompute, { clockHz: 250e6 });
  assert.equal(row, {
    chip: 'chip',
    latency: '10.000 ms',
    cycles: '2,500,000',
    'all compute': '3,000,000',
    speedup: '1.20x',
    'arrays in memory mode': '12.5 %',
  });
  assert.is(
    summary('chip', allCompute, allCompute, { clockHz: 1 }).problem,
    'The self-check failed: memoryModeShare of chip is undefined, not a number.',
  );
  assert.is(summary('chip', { ...allCompute, memoryModeShare: 0 }, allCompute, { clockHz: 1 }).speedup, '1.00x');
});

test('the table lines its columns up', () => {
  const lines: string[] = table([
    summary('a', plan, allCompute, { clockHz: 250e6 }),
    summary('long name', plan, allCompute, { clockHz: 1e9 }),
  ]).split('\n');
  assert.is(lines.length, 4);
  assert.is(new Set(lines.map(({ length }) => length)).size, 1);
});

test('notebooks are listed in reading order, solutions last', () => {
  const files = Object.fromEntries(
    ['notebooks/02-b.ipynb', 'notebooks/01-a.ipynb', 'notebooks/solutions/01-a.ipynb', 'notebooks/x.txt'].map((path) => [path, '']),
  );
  return inFolder(files, (folder) => {
    assert.equal(listNotebooks(folder), ['notebooks/01-a.ipynb', 'notebooks/02-b.ipynb', 'notebooks/solutions/01-a.ipynb']);
    assert.equal(listNotebooks(folder, ['02']), ['notebooks/02-b.ipynb']);
  });
});

test.run();
