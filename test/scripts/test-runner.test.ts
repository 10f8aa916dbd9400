// `npm test` counts what uvu counted, and nothing that went wrong passes as nothing.

import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inFolder, ROOT, script } from './support.ts';

const { judge, listTests, runTests } = await script('unit.mjs');
const { parseTestArguments } = await script('test.mjs');

interface Result {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly why?: string;
  readonly output: string;
}

const HEAD = "import { suite, test } from 'uvu';\nimport * as assert from 'uvu/assert';\n";
const FILES = {
  'package.json': '{"type":"module"}',
  'test/a/passing.test.ts': `${HEAD}test('one', () => {}); test('two', (): void => assert.is(1 as number, 1)); test.skip('three'); test.run();`,
  'test/a/failing.test.ts': `${HEAD}test('good', () => {}); test('bad', () => assert.is(1, 2, 'one is not two')); test.run();`,
  'test/a/two-suites.test.ts': `${HEAD}const a = suite('a'); a('x', () => {}); a.run(); const b = suite('b'); b('y', () => { throw new Error('no'); }); b.run();`,
  'test/b/forgotten.test.ts': `${HEAD}test('never run', () => {});`,
  'test/b/empty.test.ts': `${HEAD}test.run();`,
  'test/b/broken.test.ts': `${HEAD}import { nothing } from './no-such-file.ts'; test('x', () => nothing()); test.run();`,
  'test/b/exits.test.ts': `${HEAD}test('x', () => process.exit(0)); test.run();`,
  'test/b/never-ends.test.ts': `${HEAD}test('x', () => new Promise(() => {})); test.run();`,
  'test/b/bad-hook.test.ts': `${HEAD}test.before(() => { throw new Error('no'); }); test('x', () => {}); test('y', () => {}); test.run();`,
  'test/b/fails-later.test.ts': `${HEAD}test('x', () => {}); test.run(); process.on('exit', () => { process.exitCode = 4; });`,
  'test/b/speaks.test.ts': `${HEAD}test('x', () => { console.log('\\n  Total:     9\\n  Passed:    9\\n  Skipped:   0\\n'); }); test.run();`,
  'test/b/helper.ts': 'export {};',
};
const EXPECTED: Readonly<Record<string, readonly [passed: number, failed: number]>> = {
  'test/a/passing.test.ts': [2, 0],
  'test/a/failing.test.ts': [1, 1],
  'test/a/two-suites.test.ts': [1, 1],
  'test/b/forgotten.test.ts': [0, 1],
  'test/b/empty.test.ts': [0, 1],
  'test/b/broken.test.ts': [0, 1],
  'test/b/exits.test.ts': [0, 1],
  'test/b/never-ends.test.ts': [0, 1],
  'test/b/bad-hook.test.ts': [0, 2],
  'test/b/fails-later.test.ts': [1, 1],
  'test/b/speaks.test.ts': [1, 0],
};

test('every way in which a test file can go wrong counts as a failure', () =>
  inFolder(FILES, async (folder) => {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
    const files: string[] = listTests(folder);
    assert.equal(files, Object.keys(EXPECTED).sort());
    const results: Result[] = [];
    const sum = await runTests(folder, files, (result: Result) => results.push(result));
    assert.equal(
      results.map(({ file }) => file),
      files,
      'reported in the order of the files',
    );
    for (const { file, passed, failed } of results) assert.equal([passed, failed], EXPECTED[file], file);
    const counts = Object.values(EXPECTED);
    assert.equal(sum, {
      passed: counts.reduce((total, [passed]) => total + passed, 0),
      failed: counts.reduce((total, [, failed]) => total + failed, 0),
    });
    const of = (name: string) => results.find(({ file }) => file.includes(name))!;
    assert.match(of('failing').output, /one is not two/);
    assert.match(of('forgotten').why!, /does it end with \.run\(\)\?/);
    assert.match(of('fails-later').why!, /exit code 4/);
    assert.is(of('passing').skipped, 1);
  }));

test('a process that was ended for its time counts as a failure, whatever it had printed', () => {
  const output = '\n  Total:     3\n  Passed:    3\n  Skipped:   0\n';
  assert.equal(judge({ code: 0, output, timedOut: false }), { passed: 3, failed: 0, skipped: 0 });
  assert.is(judge({ code: 137, output, timedOut: true }).failed, 1);
});

test('patterns choose files by a part of their path', () =>
  inFolder(FILES, (folder) => {
    assert.equal(listTests(folder, ['passing', 'b/empty']), ['test/a/passing.test.ts', 'test/b/empty.test.ts']);
    assert.equal(listTests(folder, ['nowhere']), []);
  }));

test('flags choose parts; unknown ones are refused', () => {
  assert.equal(parseTestArguments([]), { parts: ['lint', 'types', 'unit', 'jupyter', 'notebooks'], patterns: [] });
  assert.equal(parseTestArguments(['--only', 'lint,unit', 'base']), { parts: ['lint', 'unit'], patterns: ['base'] });
  assert.equal(parseTestArguments(['--only=types']).parts, ['types']);
  assert.equal(parseTestArguments(['base']).parts, ['unit', 'jupyter', 'notebooks']);
  assert.match(parseTestArguments(['--only', 'lints']).problem, /got "lints"/);
  assert.match(parseTestArguments(['--only']).problem, /takes lint, types/);
  assert.match(parseTestArguments(['--fast']).problem, /unknown flag: --fast/);
  assert.ok(parseTestArguments(['--help']).help);
});

test.run();
