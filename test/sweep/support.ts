// A small model and chip in a folder of their own, and the command line started from the source.

import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SweepSpec } from '../../lib/sweep/spec.ts';
import { buildModel, node } from '../onnx/build.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A folder with tiny.onnx (two convolutions and a fully connected layer) and chip.json. */
export function sweepFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cimbook-sweep-'));
  const nodes = [
    node('Conv', ['x', 'w1'], ['a'], { pads: [1, 1, 1, 1] }),
    node('Relu', ['a'], ['b']),
    node('Conv', ['b', 'w2'], ['c'], { pads: [1, 1, 1, 1] }),
    node('Flatten', ['c'], ['d']),
    node('Gemm', ['d', 'w3'], ['y']),
  ];
  const weights = { w1: { shape: [64, 8, 3, 3] }, w2: { shape: [64, 64, 3, 3] }, w3: { shape: [64 * 64, 100] } };
  writeFileSync(join(folder, 'tiny.onnx'), buildModel({ inputs: { x: ['batch', 8, 8, 8] }, outputs: ['y'], nodes, weights }));
  copyFileSync(join(ROOT, 'hw/dynaplasia-paper.json'), join(folder, 'chip.json'));
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** 2 x 3 x 4 points, some of them equal to each other's neighbours in all but one number. */
export const SPEC: SweepSpec = {
  title: 'Small',
  fixed: { model: 'tiny.onnx', hardware: 'chip.json' },
  axes: { optimizer: ['static:1', 'cmswitch'], arrays: [32, 64, 96], externalRate: { from: 4, to: 32, count: 4, scale: 'log' } },
};

/** The command line from its source, in `folder`. */
export function start(args: readonly string[], folder: string, env: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(process.execPath, ['--import', import.meta.resolve('tsx'), join(ROOT, 'lib/cli/main.ts'), ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Waits until a process has ended. */
export function ended(child: ChildProcess): Promise<Ended> {
  let [out, err] = ['', ''];
  child.stdout?.on('data', (data) => {
    out += data;
  });
  child.stderr?.on('data', (data) => {
    err += data;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

/** Waits until something is so; gives up after a minute. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let i = 0; i < 3000; i++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited a minute for ${what}`);
}
