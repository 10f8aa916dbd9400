// Python programs that tests and benchmarks use beside JupyterLab (the protocol's own test suite, papermill, Notebook 7,
// ipykernel): in .cimbook/tools, seen only by those who ask for `environment`, so that notebooks are offered one kernel.

import { rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './command.mjs';
import { hashOf, readStamp, writeStamp } from './fresh.mjs';

const folderOf = (root) => join(root, '.cimbook', 'tools');
const stampOf = (root) => join(folderOf(root), '.cimbook-setup');
const lockOf = (root) => join(root, 'scripts', 'requirements-tools.lock.txt');

export function toolsAreFresh(root) {
  return readStamp(stampOf(root))?.key === key(root);
}

/** Installs the locked packages with the Python of .venv; resolves to its exit code and output. */
export async function installTools(root, jupyter, log) {
  const folder = folderOf(root);
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  const pip = ['-m', 'pip', 'install', '--no-deps', '--progress-bar', 'off', '--target', folder, '-r', lockOf(root)];
  const result = await run(jupyter.python, pip, { cwd: root, env: jupyter.env, log });
  if (result.code === 0) writeStamp(stampOf(root), { key: key(root) });
  return result;
}

/** The environment of `jupyter` (see setup.mjs) with the tools in it. */
export function toolsEnvironment(root, jupyter) {
  const folder = folderOf(root);
  const path = [join(folder, 'bin'), process.env.PATH].join(delimiter);
  return { ...jupyter.env, PYTHONPATH: folder, JUPYTER_PATH: join(folder, 'share', 'jupyter'), PATH: path };
}

function key(root) {
  return hashOf(root, { texts: [join(root, '.venv')], files: [lockOf(root), join(root, '.venv', '.cimbook-setup')] });
}
