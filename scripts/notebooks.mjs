// Executes the notebooks through the kernel, with scripts/run_notebooks.py inside the Python that has JupyterLab.

import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './command.mjs';
import { readText } from './fresh.mjs';

/** How long one cell may take, in seconds, unless told otherwise. */
export const CELL_SECONDS = 300;

/** The notebooks of the workbook in reading order (solutions, in their own folder, come last), as paths from the root. */
export function listNotebooks(root, patterns = []) {
  const below = (folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { withFileTypes: true })
          .filter((entry) => entry.isFile() && entry.name.endsWith('.ipynb'))
          .map((entry) => `${folder}/${entry.name}`)
          .sort()
      : [];
  const all = [...below('notebooks'), ...below('notebooks/solutions')];
  return patterns.length === 0 ? all : all.filter((path) => patterns.some((pattern) => path.includes(pattern)));
}

/** Runs notebooks one after the other, printing a line for each; resolves to `{ passed, failed }`, counted in notebooks. */
export async function runNotebooks(root, jupyter, notebooks, { write = false, cellSeconds = CELL_SECONDS } = {}) {
  if (notebooks.length === 0) return { passed: 0, failed: 0 };
  const folder = mkdtempSync(join(tmpdir(), 'cimbook-notebooks-'));
  try {
    const results = join(folder, 'results');
    const options = ['--kernel', jupyter.kernel, '--timeout', String(cellSeconds), '--results', results, ...(write ? ['--write'] : [])];
    const { code, output } = await run(jupyter.python, [join(root, 'scripts', 'run_notebooks.py'), ...options, ...notebooks], {
      cwd: root,
      env: jupyter.env,
      onOutput: (text) => process.stdout.write(text),
    });
    const lines = (readText(results) ?? '').split('\n').filter((line) => line !== '');
    const passed = lines.filter((line) => JSON.parse(line).ok).length;
    const failed = notebooks.length - passed;
    if (code !== 0 && lines.length < notebooks.length)
      console.log(`The notebook runner ended early (exit code ${code}).${output === '' ? '' : ' Its output is above.'}`);
    return { passed, failed };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
