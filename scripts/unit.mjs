// Runs the uvu tests: every test/**/*.test.ts in a process of its own, and counts test cases from uvu's summary.
// uvu passes silently when a suite isn't run, so a file without a summary, or with no test in it, counts as a failure.

import { join } from 'node:path';
import { run } from './command.mjs';
import { filesBelow } from './fresh.mjs';

/** How long one test file may take, in seconds. */
const FILE_SECONDS = 600;
const AT_ONCE = 2;
/** Parts of `npm test` that need a browser or the registry, so that they run only when they are asked for: see .ci/run. */
export const EXTRA_PARTS = ['package', 'browser'];

/** The test files, as paths from the root with `/`; with patterns, those whose path contains one of them. */
export function listTests(root, patterns = []) {
  return listed(root, patterns, (path) => path.endsWith('.test.ts') && !EXTRA_PARTS.some((part) => path.startsWith(`test/${part}/`)));
}

/** The test files of one of EXTRA_PARTS. */
export function listExtraTests(root, part, patterns = []) {
  return listed(root, patterns, (path) => path.startsWith(`test/${part}/`) && path.endsWith('.test.ts'));
}

/** The Python files with tests that Jupyter's own programs run. */
export function listPrograms(root, patterns = []) {
  return listed(root, patterns, (path) => path.startsWith('test/jupyter/') && path.endsWith('_test.py'));
}

function listed(root, patterns, accept) {
  const all = filesBelow(join(root, 'test'))
    .map((path) => path.slice(root.length + 1).replaceAll('\\', '/'))
    .filter(accept);
  return patterns.length === 0 ? all : all.filter((path) => patterns.some((pattern) => path.includes(pattern)));
}

/** Runs the files, a few at once, calling `report` with each result in their order; resolves to `{ passed, failed }` test cases. */
export async function runTests(root, files, report, { env = {}, atOnce = AT_ONCE } = {}) {
  const sum = { passed: 0, failed: 0 };
  const finished = new Map();
  let reported = 0;
  let next = 0;
  const work = async () => {
    while (next < files.length) {
      const index = next++;
      const file = files[index];
      const result = await run(process.execPath, ['--import', 'tsx', file], {
        cwd: root,
        env: { ...testEnvironment(), ...env },
        limitSeconds: FILE_SECONDS,
      });
      finished.set(index, { file, ...judge(result), ...result });
      for (let done = finished.get(reported); done !== undefined; done = finished.get(++reported)) {
        sum.passed += done.passed;
        sum.failed += done.failed;
        report(done);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return sum;
}

/** What a finished test process means: test cases that passed and failed, and why it failed as a whole, if it did. */
export function judge({ code, output, timedOut }) {
  const plain = output.replace(/\x1b\[[0-9;]*m/g, '');
  const summaries = [...plain.matchAll(/^\s*Total:\s+(\d+)\n\s*Passed:\s+(\d+)\n\s*Skipped:\s+(\d+)$/gm)];
  const [total, passed, skipped] = (summaries.at(-1) ?? []).slice(1).map(Number);
  if (timedOut) return { passed: passed ?? 0, failed: 1, skipped: 0, why: `it ran for more than ${FILE_SECONDS} s and was ended` };
  if (total === undefined)
    return { passed: 0, failed: 1, skipped: 0, why: `no summary from uvu (exit code ${code}): does it end with .run()?` };
  if (total === 0) return { passed: 0, failed: 1, skipped, why: 'it ran no test' };
  const failed = total - passed;
  if (failed === 0 && code !== 0) return { passed, failed: 1, skipped, why: `its tests passed, but it ended with exit code ${code}` };
  return { passed, failed, skipped };
}

function testEnvironment() {
  const env = { ...process.env, NO_COLOR: '1' };
  delete env.FORCE_COLOR;
  return env;
}
