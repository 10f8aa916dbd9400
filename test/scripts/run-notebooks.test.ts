// Notebooks run headless: failures are told apart and told well, and saved outputs are the same bytes every time.
// Runs real cells through the real kernel, so it needs what set-up makes; without it only CI complains.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inFolder, ROOT, script } from './support.ts';

const { freshKernel, venvIsFresh, venvPython } = await script('fresh.mjs');
const { run } = await script('command.mjs');
const { pythonEnvironment } = await script('python.mjs');
const kernel: string | undefined = venvIsFresh(ROOT) ? freshKernel(ROOT, join(ROOT, '.venv')) : undefined;

const code = (source: string, extra: object = {}) => ({
  cell_type: 'code',
  metadata: {},
  source,
  outputs: [],
  execution_count: null,
  ...extra,
});
const notebook = (...cells: object[]) => JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });

const GOOD = notebook(
  { cell_type: 'markdown', metadata: {}, source: '# Text', id: 'own-id' },
  code("console.log('first'); console.log('second');", {
    execution_count: 77,
    metadata: { execution: { 'iopub.status.busy': '2020-01-01' } },
  }),
  code('const kept: number = 41;'),
  code("({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>gone</b>', 'text/plain': `kept ${kept + 1}` }) })"),
  code("throw new Error('meant')", { metadata: { tags: ['raises-exception'] } }),
);

async function headless(files: Readonly<Record<string, string>>, flags: readonly string[]) {
  return inFolder(files, async (folder) => {
    const paths = Object.keys(files).map((path) => join(folder, path));
    const args = [join(ROOT, 'scripts', 'run_notebooks.py'), '--kernel', kernel!, ...flags, ...paths];
    const env = pythonEnvironment({ JUPYTER_PREFER_ENV_PATH: '1' });
    const result = await run(venvPython(ROOT), args, { env, limitSeconds: 240 });
    return { ...result, after: paths.map((path) => readFileSync(path, 'utf8')) };
  });
}

if (kernel === undefined) {
  test('without the environment that set-up makes, only CI insists on running notebooks here', () => {
    assert.is.not(process.env.CI, 'true', 'set-up made no environment with the kernel');
  });
} else {
  test('each notebook gets a line, a failure says which cell, its source and the error, and files stay as they are', async () => {
    const files = {
      'good.ipynb': GOOD,
      'wrong.ipynb': notebook(code('const x = 1;'), code('throw new RangeError(`too ${x}`);'), code('x + 1')),
      'slow.ipynb': notebook(code('await new Promise((resolve) => setTimeout(resolve, 600_000));')),
      'broken.ipynb': '{',
    };
    const { code: exitCode, stdout, after } = await headless(files, ['--timeout', '10']);
    assert.is(exitCode, 1, stdout);
    assert.match(stdout, /^ {2}ok {6}\S*good\.ipynb +[\d.]+ s$/m);
    assert.match(
      stdout,
      /^ {2}FAILED {2}\S*wrong\.ipynb +[\d.]+ s\n {4}cell 2 of 3 \(id \w+\):\n {6}\| throw new RangeError\(`too \$\{x\}`\);\n/m,
    );
    assert.match(stdout, /RangeError: too 1/);
    assert.match(
      stdout,
      /^ {2}FAILED {2}\S*slow\.ipynb +[\d.]+ s\n {4}cell 1 of 1 .*\n {6}\| await .*\n {4}Timeout: the cell ran for more than 10 s/m,
    );
    assert.match(stdout, /^ {2}FAILED {2}\S*broken\.ipynb +[\d.]+ s\n {4}JSONDecodeError/m);
    assert.equal(after, Object.values(files));
  });

  test('--write saves only lasting kinds of output, and the same bytes when it runs again', async () => {
    const first = await headless({ 'good.ipynb': GOOD }, ['--write']);
    assert.is(first.code, 0, first.output);
    const text = first.after[0]!;
    const second = await headless({ 'good.ipynb': text }, ['--write']);
    assert.is(second.after[0], text);

    const { cells, metadata, nbformat, nbformat_minor } = JSON.parse(text);
    assert.equal([nbformat, nbformat_minor], [4, 5]);
    assert.equal(metadata.kernelspec, { display_name: 'CIMbook (TypeScript)', language: 'typescript', name: 'cimbook' });
    assert.is(metadata.language_info.version, undefined);
    assert.is(cells[0].id, 'own-id');
    assert.ok(cells.every(({ id }: { id: string }) => /^[\w-]{1,64}$/.test(id)));
    assert.equal(
      cells.slice(1).map((cell: { execution_count: number }) => cell.execution_count),
      [1, 2, 3, 4],
    );
    assert.equal(cells[1].metadata, {});
    assert.equal(cells[1].outputs, [{ name: 'stdout', output_type: 'stream', text: ['first\n', 'second\n'] }]);
    assert.equal(cells[3].outputs[0].data, { 'text/plain': ['kept 42'] });
    assert.is(cells[4].outputs[0].ename, 'Error');
    assert.is(cells[4].outputs[0].evalue, 'meant');
  });
}

test.run();
