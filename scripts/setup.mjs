// Makes this clone ready: npm packages, the build, a Python environment with JupyterLab, the kernel registered in it.
// Each step is done only if its inputs changed, so set-up is safe and quick to repeat; what an interrupt leaves behind
// is repaired by the next run. Long output goes to .cimbook/setup.log. Run it with `npm run setup`; `npm start` and
// `npm test` begin with it.

import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isMain, onInterrupt, run } from './command.mjs';
import * as fresh from './fresh.mjs';
import { withLock } from './lock.mjs';
import { findJupyterLab, findPython, howToGetPython, makeVenv, pythonEnvironment } from './python.mjs';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = [20, 19];
const LOG_LINES_SHOWN = 40;

/**
 * Sets up what is missing and resolves to `{ ok, installed, problems, jupyter }`:
 * `ok` is whether the library and the command line are ready, `installed` whether the npm packages are; `problems` are lines for the user;
 * `jupyter` is `{ kind: 'venv' | 'existing', python, kernel, env }`, or `{ kind: 'none', problems }` when notebooks can't run,
 * or undefined with `python: false`. `quiet`: no line when there is nothing to do. Never throws for what a user can put right.
 */
export async function setup({ quiet = false, python = true, root = ROOT } = {}) {
  const start = performance.now();
  const nodeProblem = checkNode();
  if (nodeProblem !== undefined) return failed([nodeProblem]);

  try {
    return await setUpOnce({ quiet, python, root, start });
  } catch (error) {
    if (error.syscall === undefined) throw error; // a defect of ours
    return failed([`${error.message}`, `Set-up must be able to write to ${root}: put that right, then run the same command again.`]);
  }
}

async function setUpOnce({ quiet, python, root, start }) {
  let state = whenFresh(root, python);
  if (state === undefined) {
    mkdirSync(join(root, '.cimbook'), { recursive: true });
    const waiting = (owner) => console.log(`Another set-up is running here${owner ? ` (process ${owner})` : ''}; waiting for it ...`);
    state = await withLock(join(root, '.cimbook', 'setup.lock'), async () => whenFresh(root, python) ?? doSteps(root, python), waiting);
    if (state.ok && !quiet) console.log(`Set up in ${seconds(start)}${state.jupyter?.kind === 'none' ? ', but for the notebooks' : ''}.`);
  } else if (!quiet) {
    console.log(`Set up already (checked in ${seconds(start)}).`);
  }
  return state;
}

/** The state when nothing is to be done; undefined otherwise. */
function whenFresh(root, python) {
  if (!fresh.packagesAreFresh(root) || !fresh.buildIsFresh(root)) return undefined;
  if (!python) return { ok: true, installed: true, problems: [] };
  const kernel = fresh.venvIsFresh(root) ? fresh.freshKernel(root, venvFolder(root)) : undefined;
  return kernel && { ok: true, installed: true, problems: [], jupyter: venvJupyter(root, kernel) };
}

async function doSteps(root, python) {
  const log = join(root, '.cimbook', 'setup.log');
  writeFileSync(log, `Set-up of ${root} with Node ${process.version} on ${process.platform} ${process.arch}\n`);

  if (!fresh.packagesAreFresh(root)) {
    const problem = await installPackages(root, log);
    if (problem !== undefined) return failed(problem);
  }
  const buildProblem = fresh.buildIsFresh(root) ? undefined : await build(root, log);
  const jupyter = python ? await prepareJupyter(root, log, buildProblem === undefined) : undefined;
  return { ok: buildProblem === undefined, installed: true, problems: buildProblem ?? [], jupyter };
}

async function installPackages(root, log) {
  if (fresh.packagesMatchLock(root)) {
    fresh.stampPackages(root); // someone's own `npm ci` or `npm install`
    return undefined;
  }
  fresh.unstampPackages(root);
  const { command, args, shell } = npm(['ci', '--include=dev', '--include=optional', '--prefer-offline', '--no-audit', '--no-fund']);
  const problem = await step('npm packages', log, () => run(command, args, { cwd: root, env: npmEnvironment(), log, shell }));
  if (problem !== undefined) {
    const output = readFileSync(log, 'utf8');
    const said = (code) => output.includes(`npm error code ${code}`);
    const next = said('EUSAGE')
      ? 'package.json and package-lock.json disagree: run `npm install` and commit both, or take back the change of package.json.'
      : said('ENOTEMPTY')
        ? 'Another npm still works in node_modules: wait until it has ended, then run the same command again.'
        : 'npm could not install the packages: is its registry reachable, and the disk not full? Then run the same command again.';
    return [...problem, next];
  }
  fresh.stampPackages(root);
  return undefined;
}

async function build(root, log) {
  fresh.unstampBuild(root);
  const key = fresh.buildKey(root); // before, so that what changes meanwhile is built the next time
  const { command, args, shell } = npm(['run', '--silent', 'build']);
  const problem = await step('build', log, () => run(command, args, { cwd: root, env: npmEnvironment(), log, shell }));
  if (problem !== undefined)
    return [...problem, 'The library does not build: put right the errors above, then run the same command again.'];
  fresh.removeOrphans(root);
  fresh.stampBuild(root, key);
  return undefined;
}

/** The virtual environment with the kernel in it; without one, a JupyterLab 4 that is there already. */
async function prepareJupyter(root, log, isBuilt) {
  const problems = [];
  let jupyter;
  if (fresh.venvIsFresh(root)) {
    jupyter = venvJupyter(root);
  } else {
    const python = await findPython();
    if (python.command === undefined) {
      problems.push(...howToGetPython(python.reason));
    } else {
      const problem = await step(`JupyterLab in .venv (Python ${python.version})`, log, async () => {
        const reason = await makeVenv(root, python.command, log);
        return { code: reason === undefined ? 0 : 1, output: `${reason}\n` };
      });
      if (problem === undefined) jupyter = venvJupyter(root);
      else
        problems.push(
          ...problem,
          'The notebooks need .venv: is the Python package index reachable, and the disk not full? Then run the same command again.',
        );
    }
  }
  if (jupyter === undefined) {
    const existing = await findJupyterLab(root);
    if (existing === undefined) return { kind: 'none', problems };
    console.log(`Using JupyterLab ${existing.version} from the PATH, because .venv could not be made.`);
    jupyter = { kind: 'existing', python: existing.python, env: pythonEnvironment() };
  }
  if (!isBuilt) return { kind: 'none', problems: ['The kernel is part of the library, which does not build.'] };
  return registerKernel(root, log, jupyter);
}

async function registerKernel(root, log, jupyter) {
  const where = jupyter.kind === 'venv' ? venvFolder(root) : 'user';
  const known = fresh.freshKernel(root, where);
  if (known !== undefined) return { ...jupyter, kernel: known };
  let kernel;
  const problem = await step('kernel "CIMbook (TypeScript)"', log, async () => {
    try {
      const { installKernelspec } = await import(pathToFileURL(join(root, 'dist', 'kernel', 'kernelspec.js')).href);
      const folder = await installKernelspec(jupyter.kind === 'venv' ? { prefix: where } : { user: true });
      kernel = folder.split(/[\\/]/).at(-1);
      fresh.stampKernel(root, where, { name: kernel, folder });
      return { code: 0, output: '' };
    } catch (error) {
      appendFileSync(log, `${error.stack}\n`);
      return { code: 1, output: `${error.message}\n` };
    }
  });
  return problem === undefined ? { ...jupyter, kernel } : { kind: 'none', problems: problem };
}

/** Shows one line for one step, with its time; resolves to lines about the problem when it fails. */
export async function step(what, log, work) {
  const start = performance.now();
  process.stdout.write(`  ${what} ... `);
  const forget = onInterrupt(() => process.stdout.write('interrupted; run the same command again to go on\n'));
  appendFileSync(log, `\n== ${what}\n`);
  const { code, output } = await work();
  forget();
  console.log(code === 0 ? seconds(start) : `failed after ${seconds(start)}`);
  if (code === 0) return undefined;
  appendFileSync(log, `== failed: exit code ${code} ${output.length < 200 ? output : ''}\n`);
  const [said] = readFileSync(log, 'utf8').split(`\n== ${what}\n`).at(-1).split('npm error Clean install a project'); // npm's help text follows
  const shown = said.trimEnd().split('\n').slice(-LOG_LINES_SHOWN);
  return [...shown.map((line) => `    ${line}`), `The whole log: ${relative(process.cwd(), log) || log}`];
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const isNewEnough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  return isNewEnough
    ? undefined
    : `This is Node ${process.versions.node}; cimbook needs ${OLDEST_NODE.join('.')} or later. Install it from nodejs.org or your system's packages.`;
}

/** npm as we were started by it, else as found on the PATH. */
function npm(args) {
  const ours = process.env.npm_execpath;
  if (ours?.endsWith('npm-cli.js')) return { command: process.execPath, args: [ours, ...args], shell: false };
  return { command: 'npm', args, shell: process.platform === 'win32' };
}

/** Started by npm, we carry its settings for *this* command in the environment; another npm must not take them for the user's. */
function npmEnvironment() {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle|command)/.test(name)));
  delete env.NODE_ENV; // "production" would leave out the compiler
  return env;
}

const venvFolder = (root) => join(root, '.venv');

function venvJupyter(root, kernel) {
  // PREFER_ENV_PATH: a kernel of the same name that the user installed from another clone must not win.
  return { kind: 'venv', python: fresh.venvPython(root), kernel, env: pythonEnvironment({ JUPYTER_PREFER_ENV_PATH: '1' }) };
}

function failed(problems) {
  return { ok: false, installed: false, problems, jupyter: { kind: 'none', problems: ['The set-up did not get that far.'] } };
}

function seconds(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/** Prints problems the way every script here does. */
export function printProblems(problems) {
  for (const line of problems) console.error(line);
}

if (isMain(import.meta.url)) {
  const unknown = process.argv.slice(2).filter((arg) => arg !== '--no-python');
  if (unknown.length > 0) {
    const isHelp = unknown.every((arg) => arg === '--help' || arg === '-h');
    (isHelp ? console.log : console.error)(
      'Usage: npm run setup [-- --no-python]\n  --no-python   only the library and the command line, no notebooks',
    );
    process.exit(isHelp ? 0 : 2);
  }
  const state = await setup({ python: !process.argv.includes('--no-python') });
  printProblems([...state.problems, ...(state.jupyter?.problems ?? [])]);
  process.exitCode = state.ok && state.jupyter?.kind !== 'none' ? 0 : 1;
}
