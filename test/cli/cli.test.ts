import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const MODEL = 'datasets/resnet18.onnx';
const CHIP = 'hw/dynaplasia-paper.json';
const scratch = mkdtempSync(join(tmpdir(), 'cimbook-cli-'));

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function cimbook(...args: readonly string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8', timeout: 60_000 });
  return { code: status, out: stdout, err: stderr };
}

function json(...args: readonly string[]): Record<string, never> {
  const { code, out, err } = cimbook(...args, '--json');
  assert.is(code, 0, err);
  assert.is(out.trim().split('\n').length, 1, 'one line');
  return JSON.parse(out) as Record<string, never>;
}

/** Exit code 2, one message with all of `words`, no stack trace, nothing on standard output. */
function refuses(args: readonly string[], ...words: readonly string[]): void {
  const { code, out, err } = cimbook(...args);
  assert.is(code, 2, `${args.join(' ')}: ${out}${err}`);
  assert.is(out, '');
  for (const word of words) assert.ok(err.includes(word), `${args.join(' ')}: ${err}`);
  assert.not.match(err, /\n\s+at |internal:/);
}

test("inspect --json has the contract's fields and the published MAC count", () => {
  const { schemaVersion, model, operators } = json('inspect', MODEL) as unknown as {
    schemaVersion: number;
    model: { macs: number; weightBytes: number; operators: number };
    operators: Record<string, unknown>[];
  };
  assert.is(schemaVersion, 1);
  assert.is(model.macs, 1_814_073_344);
  assert.is(model.operators, operators.length);
  for (const key of [
    'id',
    'kind',
    'm',
    'n',
    'k',
    'groups',
    'dynamic',
    'macs',
    'weightBytes',
    'inputBytes',
    'outputBytes',
    'inputReuse',
    'flopsPerMop',
  ]) {
    assert.ok(key in (operators[0] ?? {}), key);
  }
});

test('hardware --json has each derived constant also under formulas', () => {
  const report = json('hardware', CHIP) as unknown as Record<string, unknown> & { formulas: Record<string, string> };
  const keys = [
    'arrays',
    'tileRows',
    'tileColumns',
    'memoryBytesPerArray',
    'mvmCycles',
    'opCim',
    'dCim',
    'dMain',
    'bufferBytes',
    'bufferBytesPerCycle',
    'externalBytesPerCycle',
    'writeCyclesPerArray',
    'switchCycles',
    'clockHz',
  ];
  for (const key of keys) {
    assert.ok(key in report, key);
    assert.ok(key in report.formulas, `formula of ${key}`);
  }
  assert.is(report.dMain, 36);
});

test('compile --out writes what simulate and verify take, and they agree', () => {
  const out = join(scratch, 'resnet');
  const report = json('compile', MODEL, '--hw', CHIP, '--out', out) as unknown as {
    cycles: { simulated: number; analytic: number; lowerBound: number };
    hardware: { arrays: number };
    segments: { computeArrays: number; memoryArrays: number; stagedArrays: number }[];
  };
  assert.equal(readdirSync(out).sort(), ['plan.json', 'program.mop', 'report.json']);
  assert.equal(JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')), report);
  const trace = json('simulate', out, '--hw', CHIP) as unknown as { makespanCycles: number };
  assert.is(trace.makespanCycles, report.cycles.simulated);
  assert.is(cimbook('verify', join(out, 'program.mop'), '--hw', CHIP).code, 0);
  assert.ok(report.cycles.lowerBound <= report.cycles.simulated);
  for (const segment of report.segments) {
    assert.ok(segment.computeArrays + segment.memoryArrays + segment.stagedArrays <= report.hardware.arrays);
  }
});

test('--no-simulate leaves simulated results null', () => {
  const report = json('compile', MODEL, '--hw', CHIP, '--no-simulate') as unknown as {
    cycles: { simulated: null };
    energyPicojoules: null;
  };
  assert.is(report.cycles.simulated, null);
  assert.is(report.energyPicojoules, null);
});

test('--batch and --bind batch mean the same, and the hash tells batches apart', () => {
  const [one, flag, bound] = [
    json('inspect', MODEL),
    json('inspect', MODEL, '--batch', '4'),
    json('inspect', MODEL, '--bind', 'batch=4'),
  ] as unknown as { model: { macs: number; hash: string } }[];
  assert.is(flag?.model.macs, 4 * (one?.model.macs ?? 0));
  assert.equal(flag, bound);
  assert.is.not(flag?.model.hash, one?.model.hash);
});

test('compare under a power cap says which rows cannot keep it, and refuses one that none can', () => {
  const asked = ['compare', 'datasets/narrow/gpt2.onnx', '--bind', 'batch=1,sequence=1,past=16', '--hw', 'hw/dynaplasia.json'];
  const { code, out, err } = cimbook(...asked, '--power-cap', '0.1');
  assert.is(code, 0, err);
  assert.match(
    out,
    /Rows that cannot keep the power cap:\n {2}static:1: no plan found draws at most 0\.1 W .* the thriftiest draws 0\.\d+ W/,
  );
  assert.match(out, /puma, occ, cim-mlc, cim-mlc --prefetch: by their own objective, which minds no power cap/);
  assert.not.match(out, /joint's gain/);
  refuses([...asked, '--power-cap', '1e-6'], 'no plan found draws at most 0.000001 W', 'Use --power-cap');
});

test('compare shows every optimizer with the all-compute baseline first', () => {
  const { rows, split } = json('compare', MODEL, '--hw', CHIP) as unknown as {
    rows: { label: string; cycles: { simulated: number; lowerBound: number }; gain: number; reason?: string; segments?: unknown }[];
    split: { prefetch: number; search: number; switching: number };
  };
  assert.equal(
    rows.map((row) => row.label.replace(/static:0\.\d+/, 'static:R')),
    [
      'static:1',
      'static:1 --prefetch',
      'static:R (best of 5)',
      'puma',
      'occ',
      'cim-mlc',
      'cim-mlc --prefetch',
      'cmswitch',
      'cmswitch --prefetch',
      'joint --compute-only',
      'joint',
    ],
  );
  for (const [i, { label, cycles, gain, reason, ...row }] of rows.entries()) {
    assert.ok(cycles.simulated >= cycles.lowerBound, label);
    assert.not('segments' in row);
    assert.is(reason !== undefined, i > 0 && gain < 1.01, label);
    if (reason !== undefined) assert.match(reason, /bound by .* of the run/);
  }
  const parts = split.prefetch * split.search * split.switching;
  assert.ok(Math.abs(parts / rows.at(-1)!.gain - 1) < 1e-9);
});

test('simulate --trace writes JSON that a trace viewer can read', () => {
  const file = join(scratch, 'trace.json');
  assert.is(cimbook('simulate', join(scratch, 'resnet'), '--hw', CHIP, '--trace', file).code, 0);
  const { traceEvents } = JSON.parse(readFileSync(file, 'utf8')) as { traceEvents: { ph: string; ts?: number; dur?: number }[] };
  const complete = traceEvents.filter(({ ph }) => ph === 'X');
  assert.ok(complete.length > 100);
  for (const { ts = -1, dur = -1 } of complete) assert.ok(ts >= 0 && dur >= 0);
});

test('help lists every command, and each command its flags', () => {
  const { code, out } = cimbook('--help');
  assert.is(code, 0);
  for (const name of ['inspect', 'hardware', 'compile', 'simulate', 'verify', 'compare', 'kernel install']) {
    assert.match(out, name);
    assert.match(cimbook(...name.split(' '), '--help').out, /--help/);
  }
  assert.is(cimbook('--version').out.trim(), (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version);
});

test('each bad input is one clear message and exit code 2', () => {
  const bytes = readFileSync(MODEL);
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(scratch, name), content);
    return join(scratch, name);
  };
  const good = readFileSync(CHIP, 'utf8');
  refuses(['inspect', 'nowhere.onnx'], 'nowhere.onnx', 'no such file');
  refuses(['inspect', file('text.onnx', 'a shopping list')], 'text.onnx');
  refuses(['inspect', file('empty.onnx', '')], 'empty.onnx');
  refuses(['inspect', file('cut.onnx', bytes.subarray(0, bytes.length >> 1))], 'cut.onnx');
  refuses(['inspect', MODEL, '--bind', 'sequence=4'], 'sequence', 'batch');
  refuses(['inspect', MODEL, '--bind', 'batch=0'], 'batch');
  refuses(['inspect', MODEL, '--batch', '1.5'], '--batch 1.5');
  refuses(['inspect', MODEL, '--batch', '2', '--bind', 'batch=3'], '--batch');
  refuses(['inspect'], 'MODEL');
  refuses(['compile', MODEL], '--hw');
  refuses(['compile', MODEL, '--hw', 'hw/none.json'], 'hw/none.json');
  refuses(['compile', MODEL, '--hw', CHIP, '--solvr', 'exact'], '--solvr', '--solver');
  refuses(['compar', MODEL, '--hw', CHIP], 'compare');
  refuses(['compare', MODEL, '--hw', CHIP, '--runs', '0'], '--runs 0');
  refuses(['compile', MODEL, '--hw', CHIP, '--power-cap', '-1'], '--power-cap is missing', '--power-cap=-1');
  refuses(['compile', MODEL, '--hw', CHIP, '--power-cap=-1'], '--power-cap -1 is not a positive number');
  refuses(['compare', 'datasets/gpt2.onnx', '--hw', CHIP, '--prompt', '4', '--generate', '2', '--runs', '2'], '--runs with --generate');
  refuses(['compile', MODEL, '--hw', CHIP, '--optimizer', 'magic'], 'magic', 'cmswitch');
  refuses(['compile', MODEL, '--hw', CHIP, '--optimizer', 'static:1.5'], '1.5');
  refuses(['compile', MODEL, '--hw', CHIP, '--form', 'published'], 'as-published or same-cost');
  refuses(['compile', MODEL, '--hw', CHIP, '--optimizer', 'static:0'], 'none of the 96 arrays');
  refuses(['compile', MODEL, '--hw', CHIP, '--solver', 'gurobi'], 'gurobi', 'exact');
  refuses(['compile', MODEL, '--hw', CHIP, '--cost', 'gpu'], "unknown cost 'gpu'", 'machine');
  refuses(['compile', MODEL, '--hw', CHIP, '--objective', 'energy', '--cost', 'paper'], 'counts cycles only', '--cost machine');
  refuses(['compile', MODEL, '--hw', CHIP, '--optimizer', 'puma', '--objective', 'edp'], 'its own objective', '--form same-cost');
  refuses(['compile', MODEL, '--hw', CHIP, '--power-cap', '0'], '--power-cap 0 is not a positive number');
  refuses(['compile', MODEL, '--hw', CHIP, '--power-cap', '1e-6'], 'no plan found draws at most', 'Use --power-cap');
  const noBandwidth = good.replace(/("external":\s*\{\s*"rate":\s*\{\s*"value":\s*)[\d.]+/, '$10');
  refuses(['compile', MODEL, '--hw', file('slow.json', noBandwidth)], '$.external.rate', 'found 0');
  refuses(['compile', MODEL, '--hw', CHIP, '--weight-bits', '7'], '7-bit', 'weight');
  refuses(['compile', MODEL, '--hw', file('broken.json', good.slice(0, 400))], 'broken.json');
  refuses(['hardware', file('wrong.json', good.replace('"value": 96', '"value": -96'))], '$.arrays.count');
  refuses(['verify', file('bad.mop', 'cimbook-program 1\nmodel {'), '--hw', CHIP], 'Line 2');
  refuses(['fly'], 'fly');
  refuses(['kernel'], 'kernel install');
  if (existsSync('/dev/zero')) refuses(['verify', '/dev/zero', '--hw', CHIP], 'not a regular file');
});

test('a directory that cannot be written leaves nothing behind', () => {
  const blocked = join(scratch, 'file');
  writeFileSync(blocked, 'not a directory');
  refuses(['compile', MODEL, '--hw', CHIP, '--out', join(blocked, 'out')], 'cannot be written');
  assert.not(existsSync(join(blocked, 'out')));
  refuses(['kernel', 'install', '--prefix', blocked], '--prefix');
  if (!existsSync('/proc')) return;
  refuses(['compile', MODEL, '--hw', CHIP, '--out', '/proc/none/out'], 'cannot be written');
  refuses(['kernel', 'install', '--prefix', '/proc/none'], '/proc/none', '--prefix');
});

test.run();
