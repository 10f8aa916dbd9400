// --prompt and --generate on the command line: what they print and write, and what they refuse.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const MODEL = 'datasets/narrow/llama2.onnx';
const HW = ['--hw', 'hw/dynaplasia-paper.json'];
const scratch = mkdtempSync(join(tmpdir(), 'cimbook-generation-'));
test.after(() => rmSync(scratch, { recursive: true }));

function cimbook(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8', timeout: 60_000 });
  return { code: status, out: stdout, err: stderr };
}

function json<T>(...args: readonly string[]): T {
  const { code, out, err } = cimbook(...args, '--json');
  assert.is(code, 0, err);
  return JSON.parse(out) as T;
}

test('compile --generate --json is the generation with its rates', () => {
  const report = json<{
    schemaVersion: number;
    workload: unknown;
    prefill: { cycles: number };
    tokenCycles: number[];
    total: { cycles: number };
    hardware: { clockHz: number };
    interpolation: { tokens: number };
    rates: { totalSeconds: number; tokensPerSecond: number };
  }>('compile', MODEL, ...HW, '--batch', '2', '--prompt', '16', '--generate', '6');
  assert.is(report.schemaVersion, 1);
  assert.equal(report.workload, { batch: 2, prompt: 16, generate: 6 });
  assert.is(report.tokenCycles.length, 6);
  assert.is(report.interpolation.tokens, 6);
  const seconds = report.total.cycles / report.hardware.clockHz;
  assert.ok(Math.abs(report.rates.totalSeconds / seconds - 1) < 1e-12);
  assert.ok(Math.abs(report.rates.tokensPerSecond / (12 / seconds) - 1) < 1e-12);
});

test('--prompt alone is the pass over the prompt, and --bind may say the batch', () => {
  const [asked, bound] = [
    json<{ bindings: unknown; cycles: { simulated: number } }>('compile', MODEL, ...HW, '--prompt', '16', '--bind', 'batch=2'),
    json<{ bindings: unknown; cycles: { simulated: number } }>('compile', MODEL, ...HW, '--bind', 'batch=2,sequence=16,past=0'),
  ];
  assert.equal(asked.bindings, bound.bindings);
  assert.is(asked.cycles.simulated, bound.cycles.simulated);
});

test('compile --generate --out writes programs that simulate to what the report says', () => {
  const out = join(scratch, 'out');
  const report = json<{ decode: { past: number; cycles: number }[] }>(
    'compile',
    MODEL,
    ...HW,
    '--prompt',
    '16',
    '--generate',
    '2',
    '--out',
    out,
  );
  assert.equal(readdirSync(out).sort(), [
    'decode-16.mop',
    'decode-16.plan.json',
    'decode-17.mop',
    'decode-17.plan.json',
    'generation.json',
    'prefill.mop',
    'prefill.plan.json',
  ]);
  const trace = json<{ makespanCycles: number }>('simulate', join(out, 'decode-17.mop'), ...HW);
  assert.is(trace.makespanCycles, report.decode.find(({ past }) => past === 17)?.cycles);
});

test('compare --generate --power-cap says which rows cannot keep it', () => {
  const { rows, failed } = json<{ rows: { label: string }[]; failed: { label: string; reason: string }[] }>(
    'compare',
    MODEL,
    '--hw',
    'hw/dynaplasia.json',
    ...['--prompt', '8', '--generate', '2', '--power-cap', '0.2'],
  );
  assert.ok(rows.some(({ label }) => label === 'joint') && rows.some(({ label }) => label === 'puma'));
  assert.ok(failed.some(({ label, reason }) => label === 'static:1 --prefetch' && reason.includes('the thriftiest draws')));
});

test('compare --generate has the rows of compare, the best static ratio among them', () => {
  const { rows } = json<{ rows: { label: string; total: { cycles: number } }[] }>(
    'compare',
    MODEL,
    '--hw',
    'hw/dynaplasia.json',
    ...['--prompt', '8', '--generate', '8'],
  );
  assert.is(rows[0]?.label, 'static:1');
  const best = rows[2];
  assert.match(best?.label ?? '', /^static:0\.\d+ \(best of 5\)$/);
  const ratio = (best?.label ?? '').split(' ')[0] ?? '';
  const cyclesOf = (optimizer: string): number =>
    json<{ total: { cycles: number } }>(
      'compile',
      MODEL,
      '--hw',
      'hw/dynaplasia.json',
      '--prompt',
      '8',
      '--generate',
      '8',
      '--optimizer',
      optimizer,
    ).total.cycles;
  assert.is(best?.total.cycles, cyclesOf(ratio));
  assert.ok(cyclesOf('static:0.1') >= (best?.total.cycles ?? 0));
  assert.ok(rows.some(({ label }) => label === 'joint'));
});

test('inspect and the printed generation say what the passes are, and how experts are loaded', () => {
  const inspected = cimbook('inspect', MODEL, '--prompt', '16', '--generate', '4').out;
  assert.match(inspected, /first token +1 +16 /);
  assert.match(inspected, /last token +1 +19 /);
  const { out } = cimbook('compile', 'datasets/narrow/mixtral-moe.onnx', ...HW, '--prompt', '64', '--generate', '20');
  assert.match(out, /prefill: 2 layers, 2 of 8 experts a token; 8 in use with an expected 16 vectors each/);
  assert.match(out, /of 20 tokens were simulated, those between interpolated linearly; estimated error/);
});

test('what cannot be is refused before anything is written', () => {
  const out = join(scratch, 'never');
  for (const [args, pattern] of [
    [['--generate', '4'], /--generate without --prompt/],
    [['--prompt', '0'], /--prompt 0 is not a whole number of at least 1/],
    [['--prompt', '8', '--generate', '-1'], /--generate/],
    [['--prompt', '8', '--generate', '99999999'], /generate 99999999/],
    [['--prompt', '8', '--bind', 'past=3'], /'past' is bound to 3/],
    [['--prompt', '8', '--generate', '2', '--no-simulate'], /--no-simulate with --generate/],
    [['--prompt', '8', '--generate', '2', '--batch', '2', '--bind', 'batch=2'], /both given/],
  ] as const) {
    const { code, err } = cimbook('compile', MODEL, ...HW, '--out', out, ...args);
    assert.is(code, 2, `${args.join(' ')}: ${err}`);
    assert.match(err, pattern);
    assert.not(existsSync(out));
  }
});

test.run();
