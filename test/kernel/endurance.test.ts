// What a session has to survive: clients that vanish, long use, and its own end, after which nothing is left.
// Run after `npm run build`.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { KernelClient } from './client.ts';

const DISPLAY = `(globalThis as any)[Symbol.for('cimbook.display')]`;
let kernel: KernelClient;

test.before(async () => {
  kernel = await KernelClient.start();
});

test.after(() => {
  kernel?.close();
});

/** A zombie is none: who adopted it has not looked yet. */
function isAlive(pid: string): boolean {
  try {
    return !/^.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test('a cell asks its reader, and waits for the answer', async () => {
  const id = kernel.sendExecute(`const name = await ${DISPLAY}.input('Your name? ', { password: true });\nname.toUpperCase()`, {
    allow_stdin: true,
  });
  const output = kernel.collect(id);
  const { content } = await kernel.next(({ header }) => header.msg_type === 'input_request');
  assert.equal(content, { prompt: 'Your name? ', password: true });
  kernel.answer('ada');
  assert.is((await output).result?.['text/plain'], `'ADA'`);
});

test('a question to a front end that takes none is an error, and so is a cell interrupted while it waits', async () => {
  const refused = await kernel.execute(`await ${DISPLAY}.input('?');`);
  assert.match(refused.error?.evalue ?? '', 'does not take input');
  const output = kernel.collect(kernel.sendExecute(`await ${DISPLAY}.input('?');`, { allow_stdin: true }));
  await kernel.next(({ header }) => header.msg_type === 'input_request');
  await kernel.request('interrupt_request', {}, 'control');
  assert.is((await output).error?.ename, 'Interrupted');
});

test('a client that vanishes in the midst of a cell takes nothing with it', async () => {
  const other = await KernelClient.attach(kernel);
  const id = other.sendExecute(
    `for (let i = 0; i < 200; i++) { console.log('x'.repeat(10_000)); await new Promise((r) => setTimeout(r, 2)); }\nlet survived = 'yes';`,
  );
  await kernel.next(({ parentHeader, header }) => parentHeader.msg_id === id && header.msg_type === 'stream');
  other.vanish();
  assert.is((await kernel.execute('survived')).result?.['text/plain'], `'yes'`);
});

test('over 1,000 cells the memory stays flat within 20 %, once the first 400 have warmed it up', async () => {
  await kernel.execute(`import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;`);
  // What is free goes back to the system a while after it is collected, so the least of several readings counts.
  const megabytes = async (): Promise<number> => {
    const readings: number[] = [];
    for (let i = 0; i < 8; i++) {
      const { result, error } = await kernel.execute('collect(); process.memoryUsage().rss / 2 ** 20');
      assert.is(error, undefined, error?.evalue);
      readings.push(Number(result?.['text/plain']));
      await sleep(250);
    }
    return Math.min(...readings);
  };
  const use = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const { error } = await kernel.execute(`const row = Array.from({ length: 100 }, (_, j) => j * ${i});\nrow.at(-1)`);
      assert.is(error, undefined, error?.evalue);
    }
  };
  await use(400);
  const before = await megabytes();
  await use(600);
  const after = await megabytes();
  assert.ok(before > 0 && after < 1.2 * before, `${before.toFixed(0)} MB became ${after.toFixed(0)} MB`);
});

test('shutdown leaves no process behind, whatever cells have started', async () => {
  const { stdout, error } = await kernel.execute(`import { spawn } from 'node:child_process';
    import { Figure } from 'cimbook';
    const child = spawn('sleep', ['1000']);
    const quiet = spawn('sh', ['-c', 'trap "" TERM; sleep 1000 & wait'], { stdio: 'ignore' });
    await new Figure([{ type: 'scatter', x: [1], y: [1] }]).toPNG();
    import { readdirSync, readFileSync } from 'node:fs';
    const mine = readdirSync('/proc').filter((name) => {
      try { return readFileSync('/proc/' + name + '/stat', 'utf8').replace(/^.*\\) /s, '').split(' ')[1] === String(process.pid); } catch { return false; }
    });
    console.log(mine.join(' '));`);
  assert.is(error, undefined, error?.evalue);
  const started = stdout.trim().split(' ');
  assert.ok(started.length >= 3, `the picture renderer and two programs: ${stdout}`);
  assert.is(await kernel.shutdown(), 0);
  for (let i = 0; i < 100 && started.some(isAlive); i++) await sleep(50);
  assert.equal(started.filter(isAlive), []);
});

test('a cell that ends the process does so with its exit code, after all it has printed was seen', async () => {
  const own = await KernelClient.start();
  const exit = new Promise<number | null>((resolve) => own.process.once('exit', resolve));
  const last = own.next(({ content }) => String(content.text).endsWith('the end\n'));
  own.sendExecute(`for (let i = 0; i < 10_000; i++) console.log(i);\nconsole.log('the end');\nprocess.exit(3);`);
  await last;
  assert.is(await exit, 3);
  own.close();
});

test.run();
