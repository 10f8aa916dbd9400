// The commands of design-space exploration: sweep runs or resumes one, worker serves a queue.

import { fail } from '../base/problem.ts';
import { counted, formatNumber, formatPercent, printable } from '../base/text.ts';
import { duration, printProgress, type SweepProgress } from '../sweep/pace.ts';
import type { SweepResult } from '../sweep/result.ts';
import { sweep } from '../sweep/sweep.ts';
import { type Arguments, type Flag, wholeNumber } from './arguments.ts';
import type { Runnable } from './commands.ts';
import { JSON_FLAG } from './model-flags.ts';

const WORKERS_FLAG = { workers: { value: 'N', help: 'threads on this machine (default: one a core)' } } satisfies Record<string, Flag>;
const QUEUE_HELP = 'Redis or Valkey server: redis://USER:PASSWORD@HOST:PORT, rediss:// for TLS';
/** Writes of a progress line a second are enough for people. */
const PROGRESS_MILLISECONDS = 200;

const SWEEP: Runnable = {
  command: {
    name: 'sweep',
    operands: ['SPEC'],
    summary: 'Compiles and simulates every point of a design space; goes on where an ended run stopped.',
    flags: {
      store: {
        value: 'FILE',
        help: 'DuckDB file with the results of all sweeps; what it knows is not computed again',
        default: 'sweeps.duckdb',
      },
      out: { value: 'FILE', help: 'also write the points there: a path ending with .csv or .parquet' },
      ...WORKERS_FLAG,
      queue: { value: 'URL', help: `let cimbook worker processes compute. ${QUEUE_HELP}` },
      ...JSON_FLAG,
    },
    examples: [
      'cimbook sweep datasets/sweeps/resnet18-arrays.json --out points.csv',
      'cimbook sweep datasets/sweeps/resnet18-arrays.json --queue redis://localhost:6379',
    ],
  },
  run: async (args) => {
    const shown = progressLine();
    const { queue, out } = { queue: args.text('queue'), out: args.text('out') };
    let result: SweepResult;
    try {
      result = await sweep(args.operands[0] ?? '', {
        store: args.text('store') ?? 'sweeps.duckdb',
        ...workersOf(args),
        ...(queue !== undefined && { queue }),
        ...(out !== undefined && { out }),
        onProgress: shown.update,
        onNotice: shown.notice,
      });
    } finally {
      shown.end();
    }
    if (args.on('json')) return JSON.stringify({ schemaVersion: 1, ...result.summary, front: result.front });
    const { share } = result.hypervolume;
    return [
      result.toTable().toText(),
      '',
      ...failures(result),
      `${formatNumber(result.computed)} computed and ${formatNumber(result.reused)} known in ${duration(result.seconds)}; the front dominates ${formatPercent(share)} of the box between best and worst values`,
      `Stored in ${printable(result.store)}, view sweep_${result.id}${out === undefined ? '' : `; wrote ${printable(out)}`}`,
    ].join('\n');
  },
};

const WORKER: Runnable = {
  command: {
    name: 'worker',
    operands: [],
    summary: 'Computes points of sweeps that others put into a queue, until it is ended.',
    flags: {
      queue: { value: 'URL', help: QUEUE_HELP },
      models: { value: 'DIR', help: 'folder whose .onnx files it may read; models are asked for by their SHA-256', default: '.' },
      ...WORKERS_FLAG,
      lock: { value: 'SECONDS', help: 'without a sign of life for so long, its points go to another worker', default: '30' },
    },
    examples: ['cimbook worker --queue redis://localhost:6379 --models datasets'],
  },
  run: async (args) => {
    const url = args.text('queue');
    if (url === undefined)
      return fail({ kind: 'usage', message: 'no queue is given', next: 'Add --queue URL, for example --queue redis://localhost:6379.' });
    const say = (text: string): void => void process.stderr.write(`${printable(text)}\n`);
    let points = 0;
    const { startWorker } = await import('../sweep/queue-worker.ts');
    const worker = await startWorker(url, {
      folders: [args.text('models') ?? '.'],
      lockSeconds: wholeNumber(args.text('lock') ?? '30', 'lock', 1),
      ...workersOf(args),
      onNotice: say,
      onJob: (count) => {
        points += count;
      },
    });
    say('Worker ready; Ctrl-C ends it.');
    await new Promise((resolve) => process.once('SIGTERM', resolve));
    await worker.close();
    return `${formatNumber(points)} points computed`;
  },
};

export const SWEEP_COMMANDS: readonly Runnable[] = [SWEEP, WORKER];

/** Why points failed: the first one's error stands for the others', which the store has. */
function failures({ rows, counts: { failed } }: SweepResult): readonly string[] {
  const first = rows.find(({ status }) => status === 'failed');
  if (first === undefined) return [];
  const others = failed > 1 ? ` (and ${counted(failed - 1, 'other')}: column 'error')` : '';
  return [`Point ${first.point} failed${others}: ${printable(String(first.error))}`];
}

function workersOf(args: Arguments): { readonly workers?: number } {
  const text = args.text('workers');
  return text === undefined ? {} : { workers: wholeNumber(text, 'workers', 1) };
}

/** Progress on standard error where a person watches; notices always. */
function progressLine() {
  const isWatched = process.stderr.isTTY;
  let last = 0;
  const clear = (): void => {
    if (isWatched && last > 0) process.stderr.write('\r\u001b[K');
  };
  return {
    update: (progress: SweepProgress): void => {
      const now = performance.now();
      if (!isWatched || now - last < PROGRESS_MILLISECONDS) return;
      last = now;
      process.stderr.write(`\r\u001b[K${printProgress(progress)}`);
    },
    notice: (text: string): void => {
      clear();
      process.stderr.write(`${printable(text)}\n`);
    },
    end: clear,
  };
}
