import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PIPELINE } from '../../lib/sweep/version.ts';
import { ROOT } from './support.ts';

const test = suite('version of the code');

/** Every file that runs when one of `entries` does; types are gone by then. */
function imported(entries: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const imports = readFileSync(path, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*? from '(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm);
    for (const [, always, later] of imports) visit(resolve(dirname(path), always ?? later ?? ''));
  };
  for (const entry of entries) visit(resolve(entry));
  return seen;
}

test('a stored result is of code that is hashed: every file that makes one lies in a folder of the pipeline', () => {
  const files = [...imported(['evaluate.ts', 'run.ts'].map((name) => join(ROOT, 'lib', 'sweep', name)))];
  assert.ok(files.length > 100, `${files.length} files`);
  const folders = new Set(files.map((path) => relative(join(ROOT, 'lib'), path).split(sep)[0]));
  assert.equal([...folders].sort(), [...PIPELINE].sort());
});

test.run();
