// Ctrl-C ends a command at once, whatever stage of it runs.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

/** Far less than what is left of the command would take, and more than a loaded machine needs to end it. */
const SOON_MS = 2000;
const ARGS = [
  'compile',
  'datasets/llama2-7b.onnx',
  '--hw',
  'hw/dynaplasia-paper.json',
  '--optimizer',
  'joint',
  '--bind',
  'batch=1,sequence=64,past=0',
];

for (const after of [500, 1500, 3000]) {
  test(`a long compile ends soon after SIGINT, sent ${after} ms after its start`, async () => {
    const child = spawn(process.execPath, ['dist/cli/main.js', ...ARGS], { stdio: ['ignore', 'ignore', 'pipe'] });
    const errors: Buffer[] = [];
    child.stderr.on('data', (data: Buffer) => errors.push(data));
    const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
    await setTimeout(after);
    assert.is(child.exitCode, null, Buffer.concat(errors).toString());
    const told = performance.now();
    child.kill('SIGINT');
    const [status, signal] = await ended;
    const ms = performance.now() - told;
    assert.ok(ms < SOON_MS, `${ms} ms`);
    assert.equal([status, signal], [null, 'SIGINT']);
    assert.is(Buffer.concat(errors).toString(), '');
  });
}

test.run();
