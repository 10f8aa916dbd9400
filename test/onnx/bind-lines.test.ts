// The lines of datasets/README.md, run as they stand.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCommand } from '../../lib/cli/arguments.ts';
import { COMMANDS } from '../../lib/cli/commands.ts';
import { impossible } from './impossible.ts';
import { datasetsPath } from './models.ts';

const test = suite('cimbook inspect, on every shipped model');

const readme = readFileSync(datasetsPath('README.md'), 'utf8');
const lines = [...readme.matchAll(/`cimbook inspect datasets\/(\S+)\.onnx( --bind \S+)`/g)].map(([, name = '', flags = '']) => ({
  name,
  flags,
}));
const inspect = COMMANDS.find(({ command }) => command.name === 'inspect') ?? impossible('no inspect');

test('every file has a line', () => {
  const files = ['', 'narrow'].flatMap((folder) =>
    readdirSync(datasetsPath(folder))
      .filter((file) => file.endsWith('.onnx'))
      .map((file) => join(folder, file.slice(0, -'.onnx'.length))),
  );
  assert.ok(files.length >= 24);
  assert.equal(
    files.filter((file) => !lines.some(({ name }) => name === file)),
    [],
  );
});

for (const { name, flags } of lines) {
  test(`${name}${flags}`, async () => {
    const argv = [datasetsPath(`${name}.onnx`), ...flags.trim().split(' '), '--json'];
    const { model, operators } = JSON.parse(String(await inspect.run(parseCommand(inspect.command, argv), argv)));
    assert.ok(operators.length > 0 && operators.length === model.operators);
    // The README prints the MACs beside the line.
    assert.ok(
      readme.split('\n').some((row) => row.includes(`${name}.onnx${flags}\``) && row.includes(model.macs.toLocaleString('en-US'))),
      `${model.macs}`,
    );
  });
}

test.run();
