// `npm test`: sets up if needed, then lint, types, uvu tests, Jupyter's own programs, all notebooks. The last line is
// `N passed, N failed`. Lint and types count as one each, a test case as one, a notebook as one. Needs no network once set up.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isMain, run } from './command.mjs';
import { listNotebooks, runNotebooks } from './notebooks.mjs';
import { printProblems, ROOT, setup } from './setup.mjs';
import { prepareTools } from './tools.mjs';
import { EXTRA_PARTS, listExtraTests, listPrograms, listTests, runTests } from './unit.mjs';

const PARTS = ['lint', 'types', 'unit', 'jupyter', 'notebooks'];
const NEED_PYTHON = ['jupyter', 'notebooks', 'browser'];
const LINTED = ['lib', 'test', 'scripts', 'bench'].filter((folder) => existsSync(join(ROOT, folder)));
const CHECK_SECONDS = 300;
const PROGRAM_SECONDS = 600;

const USAGE = `Usage: npm test [-- FLAGS] [PATTERN ...]

Sets up if needed, then runs lint, types, the uvu tests, Jupyter's own programs against the kernel, and all notebooks.

  PATTERN       only test files and notebooks whose path contains it (lint and types are left out)
  --only PARTS  only these, separated by commas: ${PARTS.join(', ')}; or, as they are not run otherwise,
                package (installs the packed package elsewhere) and browser (JupyterLab in Chromium)
  --help        this text`;

/** The options in `args`, or `{ problem }`. */
export function parseTestArguments(args) {
  const rest = [...args];
  const patterns = [];
  let parts;
  while (rest.length > 0) {
    const [flag, attached] = rest.shift().split(/=(.*)/s, 2);
    if (flag === '--help' || flag === '-h') return { help: true };
    if (flag === '--only') {
      parts = (attached ?? rest.shift() ?? '').split(',');
      const unknown = parts.filter((part) => ![...PARTS, ...EXTRA_PARTS].includes(part));
      if (unknown.length > 0)
        return { problem: `--only takes ${[...PARTS, ...EXTRA_PARTS].join(', ')}, separated by commas; got "${unknown.join(',')}"` };
    } else if (flag.startsWith('-')) return { problem: `unknown flag: ${flag}` };
    else patterns.push(flag);
  }
  return { parts: parts ?? (patterns.length > 0 ? ['unit', 'jupyter', 'notebooks'] : PARTS), patterns };
}

async function main() {
  const { help, problem, parts, patterns } = parseTestArguments(process.argv.slice(2));
  if (problem !== undefined) {
    console.error(`npm test: ${problem}\n\n${USAGE}`);
    return 2;
  }
  if (help) {
    console.log(USAGE);
    return 0;
  }

  const sum = { passed: 0, failed: 0 };
  const add = ({ passed, failed }) => {
    sum.passed += passed;
    sum.failed += failed;
  };
  const start = performance.now();
  const files = parts.includes('unit') ? listTests(ROOT, patterns) : [];
  const notebooks = parts.includes('notebooks') ? listNotebooks(ROOT, patterns) : [];

  const state = await setup({ quiet: true, python: parts.some((part) => NEED_PYTHON.includes(part)) });
  if (!state.ok) {
    printProblems(state.problems);
    line(false, 'set-up');
    add({ passed: 0, failed: 1 });
    if (!state.installed) return finish(sum, start);
  }
  if (parts.includes('lint'))
    add(await check('lint', ['@biomejs/biome/bin/biome', 'ci', '--error-on-warnings', '--colors=off', ...LINTED]));
  if (parts.includes('types')) add(await check('types', ['typescript/bin/tsc', '-p', 'tsconfig.json', '--pretty', 'false']));
  if (files.length > 0) add(await runTests(ROOT, files, reportFile));
  const programs = parts.includes('jupyter') ? listPrograms(ROOT, patterns) : [];
  if (programs.length > 0) add(await testPrograms(state.jupyter, programs));
  if (parts.includes('notebooks')) add(await testNotebooks(state.jupyter, notebooks));
  const extra = Object.fromEntries(EXTRA_PARTS.map((part) => [part, parts.includes(part) ? listExtraTests(ROOT, part, patterns) : []]));
  if (extra.package.length > 0) add(await runTests(ROOT, extra.package, reportFile));
  if (extra.browser.length > 0) add(await testBrowser(state.jupyter, extra.browser));
  if (patterns.length > 0 && files.length + programs.length + notebooks.length + extra.package.length + extra.browser.length === 0) {
    console.log(`No test file's and no notebook's path contains ${patterns.join(' or ')}.`);
    add({ passed: 0, failed: 1 });
  }
  return finish(sum, start);
}

/** Runs a checker from node_modules; it counts as one. */
async function check(name, [script, ...args]) {
  const { code, output, seconds } = await run(process.execPath, [join(ROOT, 'node_modules', script), ...args], {
    cwd: ROOT,
    limitSeconds: CHECK_SECONDS,
  });
  line(code === 0, name, { seconds });
  if (code !== 0) console.log(output.trimEnd());
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

function reportFile({ file, passed, failed, skipped, seconds, why, output }) {
  const counts = `${passed + failed} test${passed + failed === 1 ? '' : 's'}${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  line(failed === 0, file, { seconds, counts });
  for (const [leftOut] of output.matchAll(/^left out: .*$/gm)) console.log(`          ${leftOut}`);
  if (failed > 0) console.log([output.trimEnd(), ...(why === undefined ? [] : [`${file}: ${why}`])].join('\n'));
}

/** Runs the Python tests against the kernel; without Python they are left out, but in CI. */
async function testPrograms(jupyter, files) {
  const tools = await prepareTools(ROOT, jupyter);
  if (tools.problems !== undefined) return leftOut(files, tools.problems);
  const { code, output } = await run(tools.python, [join(ROOT, 'scripts', 'jupyter_tests.py'), ...files], {
    cwd: ROOT,
    env: tools.env,
    limitSeconds: PROGRAM_SECONDS,
    onOutput: (text) => process.stdout.write(text),
  });
  const [, passed, failed] = (output.match(/^(\d+) passed, (\d+) failed$/m) ?? []).map(Number);
  if (passed !== undefined && (code === 0) === (failed === 0)) return { passed, failed };
  line(false, 'test/jupyter');
  console.log(`It ended early, with exit code ${code}.`);
  return { passed: passed ?? 0, failed: Math.max(1, failed ?? 0) };
}

/** Runs the tests in a browser, one file after another: each starts a Jupyter server and Chromium. */
async function testBrowser(jupyter, files) {
  const tools = await prepareTools(ROOT, jupyter);
  const chromium = process.env.CIMBOOK_CHROMIUM ?? '/usr/bin/chromium';
  const problems = existsSync(chromium)
    ? tools.problems
    : [`There is no Chromium at ${chromium}.`, 'Install it (Debian: sudo apt install chromium), or name another one in CIMBOOK_CHROMIUM.'];
  if (problems === undefined)
    return runTests(ROOT, files, reportFile, {
      env: { ...tools.env, CIMBOOK_CHROMIUM: chromium, CIMBOOK_JUPYTER_PYTHON: tools.python },
      atOnce: 1,
    });
  printProblems(problems);
  for (const path of files) line(false, path);
  return { passed: 0, failed: files.length };
}

function leftOut(files, problems) {
  printProblems(problems);
  if (process.env.CI !== 'true') {
    console.log(`left out: ${files.join(', ')} (see above)`);
    return { passed: 0, failed: 0 };
  }
  for (const path of files) line(false, path);
  return { passed: 0, failed: files.length };
}

async function testNotebooks(jupyter, notebooks) {
  if (notebooks.length === 0) return { passed: 0, failed: 0 };
  if (jupyter?.kind === 'venv' || jupyter?.kind === 'existing') return runNotebooks(ROOT, jupyter, notebooks);
  return leftOut(notebooks, jupyter?.problems ?? []);
}

function line(ok, name, { seconds, counts } = {}) {
  const time = seconds === undefined ? '' : `${seconds.toFixed(1).padStart(6)} s`;
  console.log(`  ${ok ? 'ok    ' : 'FAILED'}  ${name.padEnd(44)}${time}${counts === undefined ? '' : `  ${counts}`}`.trimEnd());
}

function finish({ passed, failed }, start) {
  console.log(`\nTook ${((performance.now() - start) / 1000).toFixed(1)} s.`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

if (isMain(import.meta.url)) process.exitCode = await main();
