// npx tsx bench/import.ts [weights|llama|nodes ...]: time and peak memory of importing large models, each in a process of its
// own. The files are made in a temporary folder (550 MB of disk). Nothing is asserted; the targets stand beside.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatBytes, textTable } from '../lib/base/text.ts';
import { importOnnx } from '../lib/onnx/import-onnx.ts';
import { MOST_NODES } from '../lib/onnx/read-graph.ts';
import { deepModel, layersOf, writeWithWeights } from '../test/onnx/large.ts';

const RUNS = 5;

interface Measured {
  readonly seconds: number;
  /** Peak of the process, and before the model was opened. */
  readonly peak: number;
  readonly before: number;
  readonly operators: number;
}

/** Median over fresh processes; every one reads the file from the system's cache. */
function measured(path: string, bindings: Readonly<Record<string, number>> = {}, runs = RUNS): Measured {
  const samples = Array.from({ length: runs }, () => {
    const args = ['--import', 'tsx', fileURLToPath(import.meta.url), '--child', path, JSON.stringify(bindings)];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Measured;
  }).sort((a, b) => a.seconds - b.seconds);
  return samples[Math.floor(runs / 2)]!;
}

function child(path: string, bindings: Readonly<Record<string, number>>): void {
  const before = process.resourceUsage().maxRSS * 1024;
  const start = performance.now();
  const { operators } = importOnnx(path, { bind: bindings });
  const seconds = (performance.now() - start) / 1000;
  console.log(JSON.stringify({ seconds, peak: process.resourceUsage().maxRSS * 1024, before, operators: operators.length }));
}

const rows: (string | number)[][] = [];
function row(what: string, path: string, { seconds, peak, before, operators }: Measured, target: string): void {
  const { size } = statSync(path);
  rows.push([
    what,
    formatBytes(size),
    operators,
    seconds.toFixed(2),
    formatBytes(peak),
    formatBytes(before),
    (peak / size).toFixed(2),
    target,
  ]);
}

/** Eight layers of 4,000 x 4,000 float32 weights in raw_data. */
function weights(folder: string): void {
  const path = join(folder, 'weights.onnx');
  const { spec, weights: inside } = layersOf(8, 4000);
  writeWithWeights(path, spec, inside);
  row('500 MB of weights inside', path, measured(path), 'under 3 s, peak under 1.4x the file');
  rmSync(path);
}

function llama(): void {
  const path = 'datasets/llama2-7b.onnx';
  row('LLaMA2-7B, prefill', path, measured(path, { batch: 1, sequence: 64, past: 0 }), 'under 1 s and 500 MB');
  row('LLaMA2-7B, decode', path, measured(path, { batch: 1, sequence: 1, past: 64 }), 'under 1 s and 500 MB');
}

/** Residual blocks, unrolled; up to as many nodes as are read. */
function nodes(folder: string): void {
  for (const count of [10_000, 100_000, MOST_NODES - 10]) {
    const path = join(folder, 'nodes.onnx');
    writeFileSync(path, deepModel(count));
    row(`${count} nodes`, path, measured(path, {}, 1), '');
  }
}

const PARTS = { weights, llama, nodes };

function main(asked: readonly string[]): void {
  if (asked[0] === '--child') return child(asked[1] ?? '', JSON.parse(asked[2] ?? '{}'));
  console.log(`Node ${process.version}, ${process.platform} ${process.arch}; medians of ${RUNS} processes, of one for many nodes`);
  const folder = mkdtempSync(join(tmpdir(), 'cimbook-bench-'));
  try {
    for (const [name, run] of Object.entries(PARTS)) if (asked.length === 0 || asked.includes(name)) run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(textTable(['model', 'file', 'operators', 'seconds', 'peak', 'before opening', 'peak / file', 'target'], rows));
}

main(process.argv.slice(2));
