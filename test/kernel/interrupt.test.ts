// Interrupts cells that do what a cell can do, and uses the session afterwards. Run after `npm run build`.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CellOutput, KernelClient } from './client.ts';

let kernel: KernelClient;

test.before(async () => {
  kernel = await KernelClient.start();
  // Gives up by itself, so that a failing test does not hang.
  await kernel.execute('const kept = 42;\nconst spin = () => { const end = Date.now() + 15_000; while (Date.now() < end) {} };');
});

test.after(() => {
  kernel?.close();
});

/** Runs a cell that prints `started`, interrupts it, and returns its output. */
async function interrupt(code: string): Promise<CellOutput> {
  const started = kernel.next(({ content }) => String(content.text).startsWith('started'));
  const output = kernel.collect(kernel.sendExecute(`console.log('started');\nawait new Promise((r) => setTimeout(r, 60));\n${code}`));
  await started;
  await new Promise((resolve) => setTimeout(resolve, 150));
  await kernel.request('interrupt_request', {}, 'control');
  return output;
}

const CELLS: readonly (readonly [string, string])[] = [
  ['a loop that blocks after an await', 'spin();'],
  ['a loop that never leaves the promise queue', 'for (;;) await null;'],
  ['a loop in a timer', 'await new Promise((resolve) => setTimeout(() => resolve(spin()), 10));'],
  ['a loop in an immediate', 'await new Promise((resolve) => setImmediate(() => resolve(spin())));'],
  [
    'a loop in the callback of a file system call',
    `import { stat } from 'node:fs';\nawait new Promise((done) => stat('.', () => done(spin())));`,
  ],
  ['a wait for a promise that never settles', 'await new Promise(() => {});'],
  ['the rendering of a value', `({ async [Symbol.for('Jupyter.display')]() { spin(); } })`],
];

for (const [what, code] of CELLS) {
  test(`${what} can be interrupted, and the session survives`, async () => {
    const output = await interrupt(code);
    assert.is(output.error?.ename, 'Interrupted');
    assert.is((await kernel.execute('kept')).result?.['text/plain'], '42');
  });
}

test('a loop that blocks from the start can be interrupted', async () => {
  const started = kernel.next(({ content }) => String(content.text).startsWith('started'));
  const output = kernel.collect(kernel.sendExecute(`console.log('started');\nspin();`));
  await started;
  await kernel.request('interrupt_request', {}, 'control');
  assert.is((await output).error?.ename, 'Interrupted');
  assert.is((await kernel.execute('kept')).result?.['text/plain'], '42');
});

test('what a cell prints and displays before it blocks is seen while it blocks', async () => {
  const shown: unknown[] = [];
  const code = `const notebook = (globalThis as any)[Symbol.for('cimbook.display')];
    console.log('one');\nconsole.error('two');\nnotebook.display({ 'text/plain': 'three' });\nconsole.log('four');\nspin();`;
  const id = kernel.sendExecute(code);
  const output = kernel.collect(id);
  await kernel.next(({ header, parentHeader, content }) => {
    if (parentHeader.msg_id !== id || !/^(stream|display_data)$/.test(header.msg_type)) return false;
    shown.push(content.text ?? content.data);
    return content.text === 'four\n';
  });
  await kernel.request('interrupt_request', {}, 'control');
  assert.equal(shown, ['one\n', 'two\n', { 'text/plain': 'three' }, 'four\n']);
  // Had it been shown only when the loop gave up, the interrupt would have met no cell.
  assert.is((await output).error?.ename, 'Interrupted');
});

test('a loop that sleeps between its steps ends when its cell is interrupted', async () => {
  await kernel.execute('let steps = 0;');
  await interrupt('for (;;) {\n  steps++;\n  await new Promise((resolve) => setTimeout(resolve, 5));\n}');
  const first = await kernel.execute('steps');
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.is((await kernel.execute('steps')).result?.['text/plain'], first.result?.['text/plain']);
});

test('the signal for long work is aborted', async () => {
  await kernel.execute('let reason = "none";');
  await interrupt(`const { signal } = (globalThis as any)[Symbol.for('cimbook.display')];
    signal.addEventListener('abort', () => { reason = 'aborted'; });
    await new Promise(() => {});`);
  assert.is((await kernel.execute('reason')).result?.['text/plain'], `'aborted'`);
});

test('whoever listens to that signal and blocks is stopped as well', async () => {
  const output = await interrupt(`const { signal } = (globalThis as any)[Symbol.for('cimbook.display')];
    signal.addEventListener('abort', () => spin());
    await new Promise(() => {});`);
  assert.is(output.error?.ename, 'Interrupted');
  assert.is((await kernel.execute('kept')).result?.['text/plain'], '42');
});

test('a cell that waits is interrupted by a request on the shell socket too, where VS Code sends it', async () => {
  const started = kernel.next(({ content }) => String(content.text).startsWith('started'));
  const output = kernel.collect(kernel.sendExecute(`console.log('started');\nawait new Promise(() => {});`));
  await started;
  assert.equal(await kernel.request('interrupt_request', {}, 'shell'), { status: 'ok' });
  assert.is((await output).error?.ename, 'Interrupted');
  assert.is((await kernel.execute('kept')).result?.['text/plain'], '42');
});

test('an interrupt while nothing runs changes nothing', async () => {
  assert.equal(await kernel.request('interrupt_request', {}, 'control'), { status: 'ok' });
  assert.is((await kernel.execute('kept + 1')).result?.['text/plain'], '43');
});

test('a cell that blocks does not delay shutdown', async () => {
  const started = kernel.next(({ content }) => String(content.text).startsWith('started'));
  kernel.sendExecute(`console.log('started');\nspin();`);
  await started;
  const start = Date.now();
  await kernel.shutdown();
  assert.ok(Date.now() - start < 10_000);
});

test.run();
