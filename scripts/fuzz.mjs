// npm run fuzz: damages valid ONNX models at random, for as long as it is told to, and watches what the import makes of them.
// Every outcome has to be a graph or a clear error, within a time and a memory. Exit code 1 if one was not.
//   npm run fuzz -- --seconds 60 --seed 1     as many cases as fit
//   npm run fuzz -- --seed 1 --case 4711      one case again

import { fork } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './setup.mjs';

/** Processor time of one case. The largest models of datasets/ take about one. */
const MOST_CPU_SECONDS = 10;
/** When a case counts as one that never ends. */
const MOST_SECONDS = 120;
/** Of the whole process, and of JavaScript's heap within it. */
const MOST_MEGABYTES = 1500;
const MOST_HEAP_MEGABYTES = 1024;
const MOST_SHOWN = 20;

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' }, case: { type: 'string' } },
});
const [seed, seconds] = [Number(values.seed), Number(values.seconds)];
const counts = { graph: 0, refused: 0, failed: 0 };
/** First line of a failure -> where it was first seen, and how often. */
const failures = new Map();
let slowest = { cpuSeconds: 0 };
let most = 0;

function fail(number, about, what) {
  counts.failed++;
  const key = what.split('\n').slice(0, 2).join(' ').replace(/\d+/g, '#');
  const known = failures.get(key);
  if (known !== undefined) known.times++;
  else {
    failures.set(key, { times: 1 });
    if (failures.size <= MOST_SHOWN) console.log(`\ncase ${number} (${about}):\n${what}`);
  }
}

/** Runs cases from `first` on in a process of their own; resolves to the one to go on from, or undefined at the end. */
function runFrom(first, left) {
  return new Promise((resolve) => {
    const args = values.case === undefined ? [seed, first, left] : [seed, values.case];
    const child = fork(join(ROOT, 'test', 'onnx', 'fuzz-worker.ts'), args.map(String), {
      cwd: ROOT,
      execArgv: ['--import', 'tsx', `--max-old-space-size=${MOST_HEAP_MEGABYTES}`],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    let current;
    let isDone = false;
    let limit;
    let reason;
    child.on('message', (message) => {
      clearTimeout(limit);
      if (message.kind === 'done') isDone = true;
      else if (message.kind === 'begin') {
        current = message;
        limit = setTimeout(() => {
          reason = `is not over after ${MOST_SECONDS} s`;
          child.kill('SIGKILL');
        }, MOST_SECONDS * 1000);
      } else {
        const { number, outcome, problem, cpuSeconds, megabytes } = message;
        const about = `${current.base}: ${current.changes.join('; ')}`;
        if (outcome in counts && outcome !== 'failed') counts[outcome]++;
        if (problem !== undefined) fail(number, about, problem);
        if (cpuSeconds > MOST_CPU_SECONDS) fail(number, about, `takes ${cpuSeconds.toFixed(1)} s`);
        if (megabytes > MOST_MEGABYTES) {
          reason = `takes ${megabytes.toFixed(0)} MB`;
          child.kill('SIGKILL');
        }
        if (cpuSeconds > slowest.cpuSeconds) slowest = { cpuSeconds, number, about };
        most = Math.max(most, megabytes);
        if (values.case !== undefined) console.log(`case ${number} (${about}): ${outcome}`);
      }
    });
    child.on('exit', (code, signal) => {
      clearTimeout(limit);
      if (isDone) return resolve(undefined);
      if (current === undefined) {
        fail(first, 'start', `the process ended with ${signal ?? code} before its first case`);
        return resolve(undefined);
      }
      fail(
        current.number,
        `${current.base}: ${current.changes.join('; ')}`,
        reason ?? `the process ended with ${signal ?? code}: out of memory?`,
      );
      resolve(current.number + 1);
    });
  });
}

const end = performance.now() + seconds * 1000;
for (let next = 0; next !== undefined; ) next = await runFrom(next, Math.max(0, (end - performance.now()) / 1000));
console.log(
  `\n${counts.graph} graphs, ${counts.refused} refused, ${counts.failed} failed (${failures.size} kinds), seed ${seed}; ` +
    `most memory ${most.toFixed(0)} MB; longest ${slowest.cpuSeconds.toFixed(1)} s, case ${slowest.number} (${slowest.about})`,
);
process.exitCode = counts.failed === 0 ? 0 : 1;
