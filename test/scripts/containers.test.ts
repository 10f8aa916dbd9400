// The files that open this repository in a container: they parse, and what they name is there.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from './support.ts';

const SCRIPTS = ['.devcontainer/set-up.sh', '.binder/postBuild'];
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const npmScripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);

test('the development container runs a script and opens a notebook that exist', () => {
  const container = JSON.parse(read('.devcontainer/devcontainer.json')) as {
    postCreateCommand: string;
    customizations: { codespaces: { openFiles: string[] } };
  };
  assert.is(container.postCreateCommand, `bash ${SCRIPTS[0]}`);
  for (const path of container.customizations.codespaces.openFiles) assert.ok(existsSync(join(ROOT, path)), path);
});

test('the scripts are valid, may be executed, and call commands that exist', () => {
  for (const path of SCRIPTS) {
    accessSync(join(ROOT, path), constants.X_OK);
    assert.is(spawnSync('bash', ['-n', join(ROOT, path)]).status, 0, path);
    for (const [, name = ''] of read(path).matchAll(/npm run (\S+)/g)) assert.ok(npmScripts.includes(name), `${path}: npm run ${name}`);
  }
  const help = spawnSync(process.execPath, [join(ROOT, 'dist', 'cli', 'main.js'), 'kernel', 'install', '--help'], { encoding: 'utf8' });
  assert.is(help.status, 0, help.stderr);
});

test('Binder offers the Node that package.json asks for', () => {
  assert.match(read('.binder/environment.yml'), /^ {2}- nodejs=20$/m);
});

test.run();
