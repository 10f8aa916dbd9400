// Every figure in README and in the committed notebook is what the command line computes today.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

interface Report {
  readonly hardware: { readonly name: string };
  readonly cycles: { readonly simulated: number; readonly analytic: number };
  readonly memoryModeShare: number;
}

function compiled(chip: string, optimizer: string): Report {
  const args = ['dist/cli/main.js', 'compile', 'datasets/vgg16.onnx', '--hw', `hw/${chip}.json`, '--optimizer', optimizer, '--json'];
  return JSON.parse(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout) as Report;
}

const REPORTS = ['dynaplasia-paper', 'dynaplasia'].map((chip) => ({
  plan: compiled(chip, 'cmswitch'),
  frozen: compiled(chip, 'static:1'),
}));

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

test("README's table is what compile prints", () => {
  const readme = readFileSync('README.md', 'utf8');
  for (const { plan, frozen } of REPORTS) {
    const row = readme.split('\n').find((line) => line.startsWith(`| \`${plan.hardware.name}\``));
    assert.ok(row, plan.hardware.name);
    const { simulated } = plan.cycles;
    const figures = [
      grouped(simulated),
      grouped(frozen.cycles.simulated),
      `${(frozen.cycles.simulated / simulated).toFixed(2)}x`,
      `${(plan.memoryModeShare * 100).toFixed(1)} %`,
    ];
    for (const figure of figures) assert.ok(row.includes(figure), `${figure} in ${row}`);
  }
});

test("README's shares of time between segments are what compile prints", () => {
  const readme = readFileSync('README.md', 'utf8');
  for (const chip of ['dynaplasia-paper', 'dynaplasia']) {
    const args = ['dist/cli/main.js', 'compile', 'datasets/vgg16.onnx', '--hw', `hw/${chip}.json`];
    const share = /; ([\d.]+ %) of the time between them/.exec(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout)?.[1];
    assert.ok(share !== undefined && readme.includes(share), `${share} on ${chip}`);
  }
});

test('the notebook and the command line agree', () => {
  const notebook = readFileSync('notebooks/01-model-to-latency.ipynb', 'utf8');
  const plan = REPORTS[0]?.plan;
  assert.ok(plan);
  assert.ok(notebook.includes(`${grouped(plan.cycles.simulated)} cycles`), 'simulated');
  assert.ok(notebook.includes(`${grouped(Math.round(plan.cycles.analytic))} cycles`), 'analytic');
  for (const report of REPORTS) assert.ok(notebook.includes(grouped(report.plan.cycles.simulated)), report.plan.hardware.name);
});

test('no stored output of a notebook is an error, and every cell was run in order', () => {
  const { cells } = JSON.parse(readFileSync('notebooks/01-model-to-latency.ipynb', 'utf8')) as {
    cells: { cell_type: string; execution_count?: number | null; outputs?: { output_type: string; data?: Record<string, unknown> }[] }[];
  };
  const code = cells.filter((cell) => cell.cell_type === 'code');
  assert.equal(
    code.map((cell) => cell.execution_count),
    code.map((_, i) => i + 1),
  );
  for (const output of code.flatMap((cell) => cell.outputs ?? [])) {
    assert.is.not(output.output_type, 'error');
    assert.not('text/html' in (output.data ?? {}));
  }
});

test.run();
