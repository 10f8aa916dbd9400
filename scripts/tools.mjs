// Python programs that tests and benchmarks use beside JupyterLab (the protocol's own test suite, papermill, Notebook 7,
// ipykernel): in .cimbook/tools, seen only by those who are given its environment, so that notebooks are offered one kernel.

import { existsSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './command.mjs';
import { hashOf, readStamp, writeStamp } from './fresh.mjs';
import { withLock } from './lock.mjs';
import { step } from './setup.mjs';

/**
 * Installs the locked packages with the Python of .venv if that isn't done yet. `jupyter`: see setup.mjs.
 * Resolves to `{ python, env }`, or to `{ problems }`: lines for the user.
 */
export async function prepareTools(root, jupyter) {
  if (jupyter?.kind !== 'venv') return { problems: jupyter?.problems ?? ['The Python tools of the tests need .venv, which is not there.'] };
  const folder = join(root, '.cimbook', 'tools');
  const lock = join(root, 'scripts', 'requirements-tools.lock.txt');
  const stamp = join(folder, '.cimbook-setup');
  const key = hashOf(root, { texts: [folder], files: [lock, join(root, '.venv', '.cimbook-setup')] });
  const isFresh = () => readStamp(stamp)?.key === key && existsSync(join(folder, 'papermill'));
  const problems = isFresh() ? undefined : await withLock(join(root, '.cimbook', 'setup.lock'), () => (isFresh() ? undefined : install()));
  return problems === undefined ? { python: jupyter.python, env: environment(folder, jupyter) } : { problems };

  async function install() {
    const log = join(root, '.cimbook', 'setup.log');
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    const pip = ['-m', 'pip', 'install', '--no-deps', '--progress-bar', 'off', '--target', folder, '-r', lock];
    const work = () => run(jupyter.python, pip, { cwd: root, env: jupyter.env, log });
    const found = await step('Python tools of the tests in .cimbook/tools', log, work);
    if (found === undefined) writeStamp(stamp, { key });
    return found;
  }
}

function environment(folder, jupyter) {
  const path = [join(folder, 'bin'), process.env.PATH].join(delimiter);
  return { ...jupyter.env, PYTHONPATH: folder, JUPYTER_PATH: join(folder, 'share', 'jupyter'), PATH: path };
}
