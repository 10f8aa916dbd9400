// Commands on programs, as a user types them: format, verify with the model, simulate's JSON and trace, image.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const commands = suite('commands on programs');

const OUT = mkdtempSync(join(tmpdir(), 'cimbook-programs-'));
commands.after(() => rmSync(OUT, { recursive: true }));
const HW = ['--hw', 'hw/dynaplasia.json'];
const MODEL = 'datasets/digits.onnx';

const ARGS = ['--import', 'tsx', 'lib/cli/main.ts'];
const cimbook = (...args: readonly string[]): string => execFileSync(process.execPath, [...ARGS, ...args], { encoding: 'utf8' });
const refused = (...args: readonly string[]): string => {
  const { status, stderr } = spawnSync(process.execPath, [...ARGS, ...args], { encoding: 'utf8' });
  assert.is(status, 2, stderr);
  return stderr;
};

commands('compile, verify with the model, format', () => {
  cimbook('compile', MODEL, ...HW, '--out', OUT);
  assert.match(cimbook('verify', OUT, ...HW, '--model', MODEL), /right for dynaplasia, and what .*digits\.onnx needs/);
  const text = readFileSync(join(OUT, 'program.mop'), 'utf8');
  assert.is(cimbook('format', OUT).trimEnd(), text.trimEnd());
  const untidy = join(OUT, 'untidy.mop');
  writeFileSync(untidy, text.replaceAll(', ', ' ,\n   ').replace('tensor', '# a remark\n\ntensor'));
  assert.is(cimbook('format', untidy).trimEnd(), text.trimEnd());
});

commands('a program that declares something else than its model needs is refused', () => {
  const other = join(OUT, 'other.mop');
  const text = readFileSync(join(OUT, 'program.mop'), 'utf8');
  assert.match(text, /steps=\[/);
  writeFileSync(other, text.replace(/ steps=\[[^\]]*\]/, ''));
  cimbook('verify', other, ...HW);
  assert.match(refused('verify', other, ...HW, '--model', MODEL), /operator .*: declares steps .*, the model has .*\[manifest\]/);
  assert.match(refused('verify', OUT, ...HW, '--model', 'datasets/resnet18.onnx'), /the program is of 'digits'.*, not of 'resnet18'/);
});

commands('simulate says what bounds the run, what energy went where, and writes a trace', () => {
  const path = join(OUT, 'trace.json');
  const report = JSON.parse(cimbook('simulate', OUT, ...HW, '--trace', path, '--json'));
  const { energyPicojoules: energy, operators, criticalPath, boundCycles, makespanCycles, performance } = report;
  const { total, ...components } = energy as Record<string, number>;
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
  assert.ok(Math.abs(sum(Object.values(components)) - total!) < 1e-6 * total!);
  assert.ok(
    Math.abs(sum(operators.map((row: { energyPicojoules: { total: number } }) => row.energyPicojoules.total)) - total!) < 1e-6 * total!,
  );
  assert.is(criticalPath.at(-1).end, makespanCycles);
  assert.is(sum(Object.values(boundCycles)), makespanCycles);
  assert.ok(report.energyRangePicojoules.least < total! && total! < report.energyRangePicojoules.greatest);
  assert.ok(performance.operationsPerJoule > 0 && performance.operationsPerSecondPerSquareMillimetre > 0);
  const { traceEvents } = JSON.parse(readFileSync(path, 'utf8')) as {
    traceEvents: { ph: string; name: string; args?: { name?: string } }[];
  };
  const tracks = traceEvents.filter(({ name }) => name === 'thread_name').map(({ args }) => args?.name);
  for (const track of ['external channel', 'vector unit', 'array 0', 'array 95'])
    assert.ok(tracks.includes(track), `${track} of ${tracks.length}`);
  assert.ok(traceEvents.some(({ ph }) => ph === 's') && traceEvents.some(({ name }) => name === 'compute mode'));
});

commands('an image is written, and run from', () => {
  assert.match(cimbook('image', OUT, '--model', MODEL, '--out', OUT), /tiles, .* bytes, for .* writes; weights: of the model/);
  assert.match(cimbook('run', OUT, '--model', MODEL, '--image', OUT), /logits +10 +all/);
  writeFileSync(join(OUT, 'weights.bin'), '');
  assert.match(refused('run', OUT, '--model', MODEL, '--image', OUT), /tile 0 has \d+ bytes from 0/);
});

commands.run();
