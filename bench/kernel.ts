// npm run bench:kernel: our kernel beside ipykernel, in one run on one machine, as medians. Nothing is asserted; targets stand
// beside. Both are started as Jupyter starts them and measured by the same client; ours has the library loaded, ipykernel nothing.

import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { textTable } from '../lib/base/text.ts';
import { KernelClient } from '../test/kernel/client.ts';

const STARTS = 5;
const CELLS = 100;
const LINES = 10_000;
const INTERRUPTS = 5;
const INTERRUPT_LIMIT_MS = 10_000;

interface Subject {
  readonly name: string;
  readonly command?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly print: string;
  /** Blocks for ever, at once and after an await. */
  readonly spin: string;
  readonly spinAfterAwait: string;
  readonly interrupt: (kernel: KernelClient) => void;
}

const OURS: Subject = {
  name: 'cimbook',
  print: `for (let i = 0; i < ${LINES}; i++) console.log(i);`,
  spin: `console.log('begun');\nfor (;;) {}`,
  spinAfterAwait: `console.log('begun');\nawait new Promise((r) => setTimeout(r, 10));\nfor (;;) {}`,
  interrupt: (kernel) => void kernel.request('interrupt_request', {}, 'control'),
};

function ipykernel(python: string, env: NodeJS.ProcessEnv): Subject {
  return {
    name: 'ipykernel',
    command: [python, '-m', 'ipykernel_launcher', '-f'],
    env,
    print: `for i in range(${LINES}): print(i)`,
    spin: `print('begun', flush=True)\nwhile True: pass`,
    spinAfterAwait: `import asyncio\nprint('begun', flush=True)\nawait asyncio.sleep(0.01)\nwhile True: pass`,
    interrupt: (kernel) => void kernel.process.kill('SIGINT'),
  };
}

interface Figures {
  readonly firstReply: number;
  readonly trivial: number;
  readonly lines: number;
  readonly interrupt: number;
  /** The slowest of them; infinite if one was missed. */
  readonly afterAwait: number;
  readonly megabytes: number;
  readonly import?: number;
}

async function measure(subject: Subject): Promise<Figures> {
  const firstReply: number[] = [];
  const megabytes: number[] = [];
  const imports: number[] = [];
  const trivial: number[] = [];
  const lines: number[] = [];
  const interrupt: number[] = [];
  const afterAwait: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    const began = performance.now();
    const kernel = await KernelClient.start(subject);
    await kernel.execute('1 + 1');
    firstReply.push(performance.now() - began);
    megabytes.push(residentMegabytes(kernel.process.pid ?? 0));
    if (subject === OURS) imports.push(await time(() => kernel.execute(`import { compile, importOnnx } from 'cimbook';`)));
    if (start === STARTS - 1) {
      for (let i = 0; i < CELLS; i++) trivial.push(await time(() => kernel.execute('1 + 1')));
      for (let i = 0; i < 5; i++) lines.push(await time(() => kernel.execute(subject.print)));
      for (let i = 0; i < INTERRUPTS; i++) interrupt.push(await interrupted(kernel, subject, subject.spin));
      // The last of all: a kernel that misses it is of no more use.
      for (let i = 0; i < INTERRUPTS && !afterAwait.includes(Number.POSITIVE_INFINITY); i++)
        afterAwait.push(await interrupted(kernel, subject, subject.spinAfterAwait));
    }
    kernel.close();
  }
  const cells = { trivial: median(trivial), lines: median(lines), interrupt: median(interrupt), afterAwait: Math.max(...afterAwait) };
  return { firstReply: median(firstReply), ...cells, megabytes: median(megabytes), ...(imports.length > 0 && { import: median(imports) }) };
}

/** Milliseconds from the request to the end of the cell; infinite if it goes on. */
async function interrupted(kernel: KernelClient, subject: Subject, code: string): Promise<number> {
  const begun = kernel.next(({ content }) => String(content.text).startsWith('begun'));
  const output = kernel.collect(kernel.sendExecute(code));
  output.catch(() => {}); // the client gives up long after us
  await begun;
  await new Promise((resolve) => setTimeout(resolve, 300));
  const start = performance.now();
  subject.interrupt(kernel);
  const missed = new Promise<'missed'>((resolve) => setTimeout(() => resolve('missed'), INTERRUPT_LIMIT_MS).unref());
  return (await Promise.race([output, missed])) === 'missed' ? Number.POSITIVE_INFINITY : performance.now() - start;
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function residentMegabytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

// The scripts are plain JavaScript.
const { setup, ROOT, printProblems } = await import(new URL('../scripts/setup.mjs', import.meta.url).href);
const { prepareTools } = await import(new URL('../scripts/tools.mjs', import.meta.url).href);
const state = await setup({ quiet: true });
const tools = await prepareTools(ROOT, state.jupyter);
if (tools.problems !== undefined) {
  printProblems(tools.problems);
  process.exit(1);
}
const ours = await measure(OURS);
const theirs = await measure(ipykernel(tools.python, tools.env));
const row = (what: string, key: keyof Figures, unit: string, target: string): string[] => {
  const [a, b] = [ours[key], theirs[key]];
  const digits = unit === 'ms' && (a ?? 0) < 100 ? 1 : 0;
  const shown = (value: number): string =>
    Number.isFinite(value) ? `${value.toFixed(digits)} ${unit}` : `not within ${INTERRUPT_LIMIT_MS} ms`;
  return [
    what,
    a === undefined ? '' : shown(a),
    b === undefined ? '' : shown(b),
    a === undefined || b === undefined || !Number.isFinite(b) ? '' : `${(a / b).toFixed(2)}x`,
    target,
  ];
};
console.log(
  `Node ${process.version}, ${process.platform} ${process.arch}; medians of ${STARTS} starts, ${CELLS} cells, ${INTERRUPTS} interrupts`,
);
console.log(
  textTable(
    ['', 'cimbook', 'ipykernel', 'ratio', 'target'],
    [
      row('start to first reply', 'firstReply', 'ms', '2,500 ms'),
      row('import of the library', 'import', 'ms', '500 ms'),
      row('warm trivial cell', 'trivial', 'ms', '20 ms'),
      row('10,000 printed lines', 'lines', 'ms', ''),
      row('interrupt of a busy cell', 'interrupt', 'ms', '500 ms'),
      row('the same after an await, slowest', 'afterAwait', 'ms', '500 ms'),
      row('memory after the first cell', 'megabytes', 'MB', ''),
    ],
  ),
);
process.exit(0);
