// `npm start`: sets up, checks the compiler on VGG-16, then opens JupyterLab on notebooks/.
// `npm start -- --headless` executes every notebook instead and exits with the result.

import { isMain, runInTerminal } from './command.mjs';
import { CELL_SECONDS, listNotebooks, runNotebooks } from './notebooks.mjs';
import { selfCheck } from './self-check.mjs';
import { printProblems, ROOT, setup } from './setup.mjs';

const USAGE = `Usage: npm start [-- FLAGS] [-- JUPYTERLAB_ARGUMENTS]

Sets up this clone if needed, compiles and simulates VGG-16 as a self-check, then opens JupyterLab on notebooks/.

  --headless         execute every notebook through the kernel instead, and exit with the result (0 or 1)
  --only TEXT        with --headless: only notebooks whose path contains TEXT
  --timeout SECONDS  with --headless: how long one cell may take (${CELL_SECONDS})
  --write            with --headless: save the outputs into the notebooks, ready to commit
  --check            stop after the self-check
  --no-browser       print JupyterLab's address, open no browser
  --help             this text

Example, another port:  npm start -- -- --port 9000`;

/** The options in `args`, or `{ problem }`. What follows a `--` is JupyterLab's. */
export function parseStartArguments(args) {
  const split = args.indexOf('--');
  const jupyterLab = split < 0 ? [] : args.slice(split + 1);
  const own = split < 0 ? [...args] : args.slice(0, split);
  const options = {
    headless: false,
    only: [],
    cellSeconds: CELL_SECONDS,
    write: false,
    check: false,
    browser: true,
    help: false,
    jupyterLab,
  };
  while (own.length > 0) {
    const [flag, attached] = own.shift().split(/=(.*)/s, 2);
    const value = () => attached ?? own.shift();
    if (flag === '--headless') options.headless = true;
    else if (flag === '--write') options.write = true;
    else if (flag === '--check') options.check = true;
    else if (flag === '--no-browser') options.browser = false;
    else if (flag === '--help' || flag === '-h') options.help = true;
    else if (flag === '--only') {
      const text = value();
      if (!text) return { problem: "--only needs a part of a notebook's path, for example --only 01-model" };
      options.only.push(text);
    } else if (flag === '--timeout') {
      options.cellSeconds = Number(value());
      if (!Number.isInteger(options.cellSeconds) || options.cellSeconds < 1)
        return { problem: '--timeout needs a whole number of seconds, 1 or more' };
    } else return { problem: `unknown flag: ${flag}` };
  }
  const needHeadless = options.write ? '--write' : options.only.length > 0 ? '--only' : undefined;
  if (needHeadless && !options.headless) return { problem: `${needHeadless} works with --headless only` };
  if (options.headless && jupyterLab.length > 0) return { problem: '--headless opens no JupyterLab: nothing can follow the second --' };
  return options;
}

async function main() {
  const options = parseStartArguments(process.argv.slice(2));
  if (options.problem !== undefined) {
    console.error(`npm start: ${options.problem}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const state = await setup();
  if (!state.ok) {
    printProblems(state.problems);
    return 1;
  }
  const problem = await selfCheck(ROOT);
  if (problem !== undefined) {
    printProblems(problem);
    return 1;
  }
  if (options.check) return 0;
  if (state.jupyter.kind === 'none') {
    printProblems(state.jupyter.problems);
    return 1;
  }
  return options.headless ? headless(state.jupyter, options) : openJupyterLab(state.jupyter, options);
}

async function headless(jupyter, { only, write, cellSeconds }) {
  const notebooks = listNotebooks(ROOT, only);
  if (notebooks.length === 0) {
    console.error(only.length > 0 ? `No notebook's path contains ${only.join(' or ')}.` : 'There are no notebooks in notebooks/.');
    return 1;
  }
  console.log(`Executing ${notebooks.length} notebook${notebooks.length === 1 ? '' : 's'} through the kernel`);
  const { passed, failed } = await runNotebooks(ROOT, jupyter, notebooks, { write, cellSeconds });
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

function openJupyterLab(jupyter, { browser, jupyterLab }) {
  const args = [
    '-m',
    'jupyterlab',
    '--ServerApp.root_dir=notebooks',
    `--MultiKernelManager.default_kernel_name=${jupyter.kernel}`,
    '--KernelSpecManager.ensure_native_kernel=False',
    '--log-level=WARN',
    '--LabApp.log_level=WARN',
  ];
  if (!browser || !hasDisplay()) args.push('--no-browser');
  if (process.getuid?.() === 0) args.push('--allow-root'); // containers; it still listens on this machine only
  console.log(`Opening JupyterLab on notebooks/ with the kernel "CIMbook (TypeScript)". Ctrl-C stops it.`);
  return runInTerminal(jupyter.python, [...args, ...jupyterLab], { cwd: ROOT, env: jupyter.env });
}

/** Whether a browser could show anything: always assumed on macOS and Windows. */
function hasDisplay() {
  return process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

if (isMain(import.meta.url)) process.exitCode = await main();
