import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { code, folderOf, notebookText, printed, text } from '../book/notebooks.ts';

const test = suite('cimbook book, check and new');

const scratch = mkdtempSync(join(tmpdir(), 'cimbook-books-'));
test.after(() => rmSync(scratch, { recursive: true }));

function cimbook(...args: readonly string[]): { readonly code: number | null; readonly out: string; readonly err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve('dist/cli/main.js'), ...args], {
    cwd: scratch,
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { code: status, out: stdout, err: stderr };
}

test('check: 0 where the notebook shows what it showed, an update of an output included', () => {
  const update = `const { display, update } = (globalThis as any)[Symbol.for('cimbook.display')];
const id = display({ 'text/plain': 'first' }); update(id, { 'text/plain': 'last' });`;
  const shown = { output_type: 'display_data', metadata: {}, data: { 'text/plain': 'last' } };
  const folder = folderOf({ 'a.ipynb': notebookText(text('# A'), code('console.log(40 + 2)', printed('42\n')), code(update, shown)) });
  const { code: exit, out, err } = cimbook('check', join(folder, 'a.ipynb'), '--json');
  assert.is(exit, 0, out + err);
  const report = JSON.parse(out) as { schemaVersion: number; differences: object[]; isSame: boolean };
  assert.equal([report.schemaVersion, report.isSame, report.differences], [1, true, []]);
});

test('check: 1 where something differs, with cell, line, was and now; the file stays as it is', () => {
  const content = notebookText(text('# A'), code('console.log(40 + 2)', printed('41\n')), code('throw new Error("no")'));
  const folder = folderOf({ 'a.ipynb': content });
  const { code: exit, out } = cimbook('check', join(folder, 'a.ipynb'));
  assert.is(exit, 1);
  assert.match(out, /cell 2, line 1 of the printed text\n {4}was {2}41\n {4}now {2}42/);
  assert.match(out, /cell 3 failed:\n[\s\S]*no/);
  assert.is(readFileSync(join(folder, 'a.ipynb'), 'utf8'), content);
});

test('check: 2 for what can not be checked', () => {
  const folder = folderOf({
    'empty.ipynb': notebookText(code('1')),
    'no.ipynb': '{',
    'python.ipynb': notebookText(code('1', printed('1')))
      .replace('"cimbook"', '"python3"')
      .replace('typescript', 'python'),
  });
  for (const [name, words] of [
    ['empty.ipynb', /holds no outputs to compare with/],
    ['no.ipynb', /is not a notebook/],
    ['python.ipynb', /is written in python/],
    ['absent.ipynb', /no such file/i],
  ] as const) {
    const { code: exit, out, err } = cimbook('check', join(folder, name));
    assert.is(exit, 2, name + out + err);
    assert.match(err, words);
    assert.not.match(err, /\n\s+at /);
  }
});

test('book: executes, writes a site, replaces its own and nothing else', () => {
  const folder = folderOf({ '00-a.ipynb': notebookText(text('# A'), code('console.log("made by " + "running")')) });
  const out = join(scratch, 'site');
  const first = cimbook('book', '--notebooks', folder, '--out', out);
  assert.is(first.code, 0, first.err);
  assert.match(readFileSync(join(out, '00-a.html'), 'utf8'), /made by running/);
  const still = cimbook('book', '--notebooks', folder, '--out', out, '--no-execute');
  assert.is(still.code, 0, still.err);
  assert.not.match(readFileSync(join(out, '00-a.html'), 'utf8'), /made by running/);
  assert.equal(readdirSync(scratch), ['site'], 'nothing half-written stays');

  writeFileSync(join(folder, '01-b.ipynb'), notebookText(text('# B'), code('nothing.here')));
  const failed = cimbook('book', '--notebooks', folder, '--out', out);
  assert.is(failed.code, 2);
  assert.match(failed.err, /01-b\.ipynb: cell 2 failed[\s\S]*No site was written/);
  assert.ok(existsSync(join(out, '00-a.html')), 'the earlier book stays');
  const refused = cimbook('book', '--notebooks', folder, '--no-execute', '--out', folder);
  assert.is(refused.code, 2);
  assert.match(refused.err, /exists and is not a book/);
  const nowhere = cimbook('book', '--notebooks', folder, '--out', '/proc/site');
  assert.is(nowhere.code, 2);
  assert.match(nowhere.err, /\/proc\/site: cannot be written/);
  assert.not.match(nowhere.err, /00-a/, 'said before anything runs');
});

test('new: all that the notebooks read, and never over something', () => {
  const made = cimbook('new', 'mine');
  assert.is(made.code, 0, made.err);
  const folder = join(scratch, 'mine');
  const notebooks = readdirSync(join(folder, 'notebooks')).filter((name) => name.endsWith('.ipynb'));
  assert.ok(notebooks.length >= 4);
  for (const name of notebooks) {
    const { cells } = JSON.parse(readFileSync(join(folder, 'notebooks', name), 'utf8')) as { cells: { source: string | string[] }[] };
    const source = cells.map((cell) => [cell.source].flat().join('')).join('\n');
    for (const [, path] of source.matchAll(/['"`]\.\.\/((?:datasets|hw)\/[\w./-]+\.\w+)['"`]/g)) {
      assert.ok(existsSync(join(folder, path!)), `${name} reads ${path}`);
    }
  }
  const again = cimbook('new', 'mine');
  assert.is(again.code, 2);
  assert.match(again.err, /exists and is not an empty folder/);
});

test.run();
