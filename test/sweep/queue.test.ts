// The queue against a real server. `.ci/run` installs one and names it; elsewhere these tests say that they were left out.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describe } from '../../lib/base/problem.ts';
import { queueName } from '../../lib/sweep/connection.ts';
import { startWorker } from '../../lib/sweep/queue-worker.ts';
import type { SweepSpec } from '../../lib/sweep/spec.ts';
import { type SweepOptions, sweep } from '../../lib/sweep/sweep.ts';
import { problemsOfAsync } from '../support/problems.ts';
import { REDIS_SERVER, TestRedis } from './redis.ts';
import { ended, removeFolder, SPEC, start, sweepFolder, until } from './support.ts';

const test = suite('queue');
const folder = sweepFolder();
test.after(() => removeFolder(folder));

const MANY: SweepSpec = { ...SPEC, axes: { ...SPEC.axes, batch: { from: 1, to: 12 } } };
const run = (spec: SweepSpec, options: SweepOptions = {}) => sweep(spec, { folder, workers: 1, ...options });
/** A worker as a user starts it, ready to work. */
async function workerProcess(url: string, ...more: readonly string[]) {
  const child = start(['worker', '--queue', url, '--models', folder, '--workers', '1', '--lock', '2', ...more], folder);
  let err = '';
  child.stderr?.on('data', (data) => {
    err += data;
  });
  await until(() => /ready/.test(err) || child.exitCode !== null, 'the worker to be ready');
  assert.is(child.exitCode, null, err);
  return child;
}

let known: readonly unknown[] | undefined;
/** What a sweep of MANY gives without a queue. */
async function expected(): Promise<readonly unknown[]> {
  known ??= (await run(MANY)).rows;
  return known;
}

const withServer = REDIS_SERVER === undefined ? test.skip : test;

test('without a server the queue is refused with a message: unreachable, not a URL, unknown host', async () => {
  for (const [queue, word] of [
    ['redis://127.0.0.1:1', /redis:\/\/127\.0\.0\.1:1: nothing listens there/],
    ['http://localhost', /its scheme is http/],
    ['redis://no-such-host.invalid', /the host is not known|failed|no answer/],
    ['localhost:6379', /does not begin with redis:/],
    ['redis://localhost/x', /number of a database/],
  ] as const) {
    const [problem] = await problemsOfAsync(() => run(SPEC, { queue }));
    assert.match(describe(problem!), word);
  }
});

withServer('workers behind a queue give the rows that threads give, and the queue is empty afterwards', async () => {
  const redis = await TestRedis.start();
  const workers = [
    await startWorker(redis.url, { workers: 1, folders: [folder] }),
    await startWorker(redis.url, { workers: 1, folders: [folder] }),
  ];
  const { rows, computed } = await run(MANY, { queue: redis.url });
  assert.is(computed, 288);
  assert.equal(rows, await expected());
  const queue = new Queue(queueName(), { connection: { port: redis.port } });
  assert.equal(
    Object.values(await queue.getJobCounts()).filter((count) => count > 0),
    [],
  );
  await queue.close();
  for (const worker of workers) await worker.close();
  await redis.close();
});

withServer('the password of the URL opens the server; without it, or with another, the refusal says which', async () => {
  const redis = await TestRedis.start('--requirepass', 'open sesame');
  const url = (user: string) => redis.url.replace('//', `//${user}@`);
  const refusal = async (queue: string) => describe((await problemsOfAsync(() => run(SPEC, { queue })))[0]!);
  assert.match(await refusal(redis.url), /asks for a password/);
  const wrong = await refusal(url(':sesame'));
  assert.match(wrong, /refused the user or password/);
  assert.not.match(wrong, /sesame/);
  assert.match(await refusal(url('nobody:open%20sesame')), /refused the user or password/);
  const worker = await startWorker(url(':open%20sesame'), { workers: 1, folders: [folder] });
  assert.is((await run(SPEC, { queue: url('default:open%20sesame') })).counts.done, 24);
  await worker.close();
  await redis.close();
});

withServer('rediss:// speaks TLS and trusts only who it should', async () => {
  const pem = (name: string) => join(folder, name);
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, '-keyout', pem('key.pem'), '-out', pem('cert.pem')],
    { stdio: 'ignore' },
  );
  const tls = [
    '--tls-cert-file',
    pem('cert.pem'),
    '--tls-key-file',
    pem('key.pem'),
    '--tls-ca-cert-file',
    pem('cert.pem'),
    '--tls-auth-clients',
    'no',
  ];
  const probe = await TestRedis.start();
  const port = probe.port + 1;
  await probe.close();
  const redis = await TestRedis.start('--tls-port', String(port), ...tls);
  const url = `rediss://localhost:${port}`;
  assert.match(describe((await problemsOfAsync(() => run(SPEC, { queue: url })))[0]!), /TLS handshake failed/);
  writeFileSync(join(folder, 'small.json'), JSON.stringify(SPEC));
  const trusting = { NODE_EXTRA_CA_CERTS: pem('cert.pem') };
  const worker = start(['worker', '--queue', url, '--models', folder, '--workers', '1'], folder, trusting);
  const { code, out, err } = await ended(
    start(['sweep', 'small.json', '--queue', url, '--store', 'tls.duckdb', '--json'], folder, trusting),
  );
  assert.is(code, 0, err);
  assert.is((JSON.parse(out) as { counts: { done: number } }).counts.done, 24);
  worker.kill('SIGKILL');
  await redis.close();
});

withServer('kill -9 of a worker in the middle: another one finishes its points', async () => {
  const redis = await TestRedis.start();
  const doomed = await workerProcess(redis.url);
  let isKilled = false;
  const swept = run(MANY, {
    queue: redis.url,
    onProgress: ({ computed }) => {
      if (computed < 40 || isKilled) return;
      isKilled = true;
      doomed.kill('SIGKILL');
    },
  });
  await until(() => isKilled, 'the first worker to have done something');
  const other = await workerProcess(redis.url);
  const { rows, counts } = await swept;
  assert.is(counts.done, 288);
  assert.equal(rows, await expected());
  other.kill('SIGKILL');
  await redis.close();
});

withServer('kill -9 of Redis in the middle, with its data or without: the sweep goes on when it is back', async () => {
  for (const durable of [true, false]) {
    const redis = await TestRedis.start(...(durable ? [] : ['--appendonly', 'no']));
    const worker = await startWorker(redis.url, { workers: 1, folders: [folder], lockSeconds: 2 });
    let done = 0;
    const notices: string[] = [];
    const swept = run(MANY, {
      queue: redis.url,
      onNotice: (text) => notices.push(text),
      onProgress: ({ computed }) => {
        done = computed;
      },
    });
    await until(() => done >= 40, 'some points');
    await redis.kill();
    await until(() => notices.some((text) => /lost/.test(text)), 'the loss to be noticed');
    await redis.restart();
    const { rows, counts } = await swept;
    assert.is(counts.done, 288);
    assert.equal(rows, await expected());
    await worker.close();
    await redis.close();
  }
});

withServer('kill -9 of the driver in the middle: what it stored is kept, what workers finished meanwhile is taken', async () => {
  const redis = await TestRedis.start();
  const worker = await workerProcess(redis.url);
  writeFileSync(join(folder, 'many.json'), JSON.stringify(MANY));
  const driver = start(['sweep', 'many.json', '--queue', redis.url, '--store', 'queue.duckdb'], folder);
  const queue = new Queue(queueName(), { connection: { port: redis.port } });
  await until(async () => (await queue.getJobCounts('waiting', 'active', 'completed')).waiting! > 10, 'jobs in the queue');
  driver.kill('SIGKILL');
  // The worker goes on without a driver.
  await until(async () => (await queue.getJobCounts('completed')).completed! >= 5, 'jobs done meanwhile');
  const finished = (await queue.getJobCounts('completed')).completed!;
  const resumed = await run(MANY, { queue: redis.url, store: join(folder, 'queue.duckdb') });
  assert.is(resumed.reused + resumed.computed, 288);
  assert.equal(resumed.rows, await expected());
  assert.ok(finished >= 5);
  await queue.close();
  worker.kill('SIGKILL');
  await redis.close();
});

withServer('hostile payloads are refused by the worker, which goes on; a model it lacks is recorded, not certain', async () => {
  const redis = await TestRedis.start();
  const notices: string[] = [];
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const worker = await startWorker(redis.url, { workers: 1, folders: [empty], onNotice: (text) => notices.push(text) });
  const queue = new Queue(queueName(), { connection: { port: redis.port } });
  for (const data of [null, 'x', { runs: [{ model: '/etc/passwd' }] }]) await queue.add('points', data);
  await until(() => notices.length >= 3, 'refusals');
  assert.ok(
    notices.every((text) => /refused: Sweep: job/.test(text)),
    notices.join('\n'),
  );
  const lacking = await run({ ...SPEC, axes: { arrays: [64] } }, { queue: redis.url });
  assert.equal(lacking.counts, { done: 0, failed: 1, excluded: 0 });
  assert.match(String(lacking.rows[0]?.error), /no \.onnx file with SHA-256/);
  await queue.close();
  await worker.close();
  await redis.close();
});

if (REDIS_SERVER === undefined)
  console.log('left out: the queue against a real Redis (worker, driver and server killed); .ci/run installs one and runs these tests');

test.run();
