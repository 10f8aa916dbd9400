// Rules that hold for the files of the repository as a whole.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from './support.ts';

/** Made by set-up or by tools; never committed. */
const LEFT_OUT = new Set(['.git', 'node_modules', 'dist', '.venv', '.cimbook', 'coverage', '.ipynb_checkpoints', '__pycache__']);
/** Text files beyond this size are data. */
const MOST_BYTES = 5_000_000;

function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !LEFT_OUT.has(entry.name)) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const files = [...filesBelow('')];

test('every test file runs every suite it makes: uvu passes silently otherwise', () => {
  const tests = files.filter((path) => /^test\/.*\.test\.ts$/.test(path));
  assert.ok(tests.length > 0);
  for (const path of tests) {
    const text = read(path);
    assert.match(text, /\.run\(\)/, `${path} runs no suite`);
    const suites = [...text.matchAll(/\b(?:const|let)\s+(\w+)\s*=\s*suite\b/g)].map((match) => match[1]);
    const imported = /import\s*\{[^}]*\btest\b[^}]*\}\s*from\s*'uvu'/.test(text) ? ['test'] : [];
    for (const name of [...suites, ...imported]) assert.match(text, new RegExp(`\\b${name}\\.run\\(\\)`), `${path} never runs ${name}`);
    assert.not.match(text, /^\s*\w+\.only\(/m, `${path} leaves out all tests but one`);
  }
});

test('every TypeScript file in test/ that uses uvu is found by npm test', () => {
  for (const path of files.filter((name) => /^test\/.*\.ts$/.test(name) && !name.endsWith('.test.ts'))) {
    assert.not.match(read(path), /\.run\(\);?\s*$/, `${path} runs tests, so its name must end with .test.ts`);
  }
});

test('no file names the host of a package registry: machines bring their own', () => {
  const hosts = [
    ['registry', 'npmjs', 'org'],
    ['registry', 'yarnpkg', 'com'],
    ['registry', 'npmmirror', 'com'],
    ['pypi', 'org'],
    ['pythonhosted', 'org'],
    ['deb', 'debian', 'org'],
    ['archive', 'ubuntu', 'com'],
  ].map((parts) => parts.join('.'));
  for (const path of files) {
    const text = readFileSync(join(ROOT, path));
    if (text.length > MOST_BYTES || text.includes(0)) continue;
    for (const host of hosts) assert.not.ok(text.includes(host), `${path} names ${host}`);
  }
});

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

test('package-lock.json has no "resolved" addresses', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
  for (const [path, entry] of Object.entries(packages)) assert.is(entry.resolved, undefined, `${path} is resolved to an address`);
});

test('package-lock.json is complete: `npm ci` refuses a lock without the packages of other systems', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
  const isLocked = (from: string, name: string): boolean => {
    if (`${from === '' ? '' : `${from}/`}node_modules/${name}` in packages) return true;
    return from !== '' && isLocked(from.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, ''), name);
  };
  for (const [path, entry] of Object.entries(packages)) {
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
      assert.ok(isLocked(path, name), `${path || 'package.json'} needs ${name}, which is not in package-lock.json`);
    }
  }
});

test('package.json pins exact versions', () => {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read('package.json')) as Record<
    string,
    Record<string, string>
  >;
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })) {
    assert.match(version, /^\d+\.\d+\.\d+(-r\.\d+)?$/, `${name} is ${version}`);
  }
});

test('the Python lock pins everything, what requirements.txt names included', () => {
  const pins = (path: string) =>
    read(path)
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
  for (const name of ['requirements', 'requirements-tools']) {
    const locked = pins(`scripts/${name}.lock.txt`);
    for (const line of locked) assert.match(line, /^[a-z0-9-]+==[0-9][\w.]*( ; [\w <>=!".]+)?$/);
    for (const line of pins(`scripts/${name}.txt`)) assert.ok(locked.includes(line), `${line} is not in the lock`);
  }
});

interface Notebook {
  readonly nbformat: number;
  readonly nbformat_minor: number;
  readonly metadata: { readonly kernelspec?: { readonly name: string } };
  readonly cells: readonly {
    readonly id: string;
    readonly cell_type: string;
    readonly metadata: { readonly tags?: readonly string[] };
    readonly outputs?: readonly Output[];
  }[];
}
interface Output {
  readonly output_type: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

test('committed notebooks are format 4.5, for our kernel, with outputs that GitHub shows and that last', () => {
  const kept = ['application/vnd.plotly.v1+json', 'image/png', 'text/latex', 'text/plain'];
  for (const path of files.filter((name) => /^notebooks\/.*\.ipynb$/.test(name))) {
    const notebook = JSON.parse(read(path)) as Notebook;
    assert.equal([notebook.nbformat, notebook.nbformat_minor], [4, 5], path);
    assert.is(notebook.metadata.kernelspec?.name, 'cimbook', path);
    const ids = notebook.cells.map(({ id }) => id);
    assert.ok(ids.every((id) => typeof id === 'string') && new Set(ids).size === ids.length, `${path}: every cell has an id of its own`);
    notebook.cells.forEach(({ id, metadata, outputs = [] }) => {
      assert.not.ok('execution' in metadata, `${path}, cell ${id}: execution times change by themselves`);
      for (const { output_type, data = {} } of outputs) {
        if (output_type === 'error') assert.ok(metadata.tags?.includes('raises-exception'), `${path}, cell ${id}: committed with an error`);
        for (const kind of Object.keys(data)) assert.ok(kept.includes(kind), `${path}, cell ${id}: ${kind} is not kept`);
      }
    });
  }
});

test.run();
