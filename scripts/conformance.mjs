// npm run conformance: ONNX's backend node tests against the import. Makes a Python environment of its own below .cimbook/
// with the onnx that datasets/export/requirements.txt pins, lets it write the tests, and judges them.
//   npm run conformance              prints the figure and writes docs/conformance.md
//   npm run conformance -- --record  also writes the part that npm test checks, test/onnx/node-tests.json
//   npm run conformance -- --runtime compares the shapes of every model of datasets/ with those ONNX Runtime produces
//   npm run conformance -- --others DIR says what the import makes of the models below a folder (datasets/export/others.py)

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runInTerminal } from './command.mjs';
import { readText } from './fresh.mjs';
import { findPython, howToGetPython, pythonEnvironment } from './python.mjs';
import { ROOT } from './setup.mjs';

const FOLDER = join(ROOT, '.cimbook', 'conformance');
const TESTS = join(FOLDER, 'node-tests.jsonl');
const NEEDED = /^(onnx|numpy|ml-dtypes|protobuf)==/;
/** What runs the operators that ONNX has no tests for. */
const RUNTIME = 'onnxruntime==1.32.0';
const WRITERS = ['conformance.py', 'conformance_runtime.py'];

/** Makes the environment and the tests if they are not those of the pinned packages; resolves to what went wrong, if anything did. */
async function prepare() {
  const listed = readFileSync(join(ROOT, 'datasets', 'export', 'requirements.txt'), 'utf8').split(/\r?\n/);
  const pins = [...listed.filter((line) => NEEDED.test(line)), RUNTIME];
  const stamp = join(FOLDER, 'stamp');
  const key = [...pins, ...WRITERS.map((name) => readFileSync(join(ROOT, 'scripts', name), 'utf8'))].join('\n');
  if (existsSync(TESTS) && readText(stamp) === key) return undefined;

  const python = await findPython();
  if (python.command === undefined) return howToGetPython(python.reason).join('\n');
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const log = join(FOLDER, 'log');
  const venv = join(FOLDER, 'venv');
  const inside = join(venv, ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']));
  console.log(`Writing ONNX's node tests with ${pins.join(', ')} ...`);
  const env = pythonEnvironment({ PYTHONDONTWRITEBYTECODE: '1' });
  for (const [command, args] of [
    [python.command[0], [...python.command.slice(1), '-m', 'venv', venv]],
    [inside, ['-m', 'pip', 'install', '--progress-bar', 'off', ...pins]],
  ]) {
    const { code } = await run(command, args, { cwd: ROOT, env, log });
    if (code !== 0) return `${args.slice(0, 3).join(' ')} failed (exit code ${code}); see ${log}`;
  }
  const { code, stdout } = await run(inside, [join('scripts', 'conformance.py')], { cwd: ROOT, env });
  if (code !== 0) return `scripts/conformance.py failed (exit code ${code})`;
  writeFileSync(TESTS, stdout);
  writeFileSync(stamp, key);
  return undefined;
}

const runtime = process.argv.includes('--runtime');
const others = process.argv.indexOf('--others');
const problem = runtime || others > 0 ? undefined : await prepare();
if (others > 0) {
  const report = [join('test', 'onnx', 'others-report.ts'), process.argv[others + 1] ?? '.'];
  process.exitCode = await runInTerminal(process.execPath, ['--import', 'tsx', ...report], { cwd: ROOT, env: process.env });
} else if (runtime) {
  const report = join('test', 'onnx', 'runtime-report.ts');
  process.exitCode = await runInTerminal(process.execPath, ['--import', 'tsx', report], { cwd: ROOT, env: process.env });
} else if (problem !== undefined) {
  console.error(problem);
  process.exitCode = 1;
} else {
  const report = [join('test', 'onnx', 'conformance-report.ts'), TESTS, ...process.argv.slice(2)];
  process.exitCode = await runInTerminal(process.execPath, ['--import', 'tsx', ...report], { cwd: ROOT, env: process.env });
}
