// Version: what computed a result, so that a result of other code is never taken for one of this code.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Everything between a model and its metrics; reports and the command line can't change a result. */
export const PIPELINE = [
  'base',
  'hardware',
  'ir',
  'onnx',
  'workload',
  'dataflow',
  'cost',
  'optimizer',
  'program',
  'emit',
  'simulator',
  'generation',
  'sweep',
];

let known: string | undefined;

/** '0.1.0+1f0c…': the package's version and a hash of the code that computes results. */
export function codeVersion(): string {
  known ??= `${packageVersion()}+${codeHash()}`;
  return known;
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}

function codeHash(): string {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const hash = createHash('sha256');
  for (const folder of PIPELINE) {
    for (const path of codeFiles(join(root, folder))) hash.update(readFileSync(path));
  }
  return hash.digest('hex').slice(0, 12);
}

function codeFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /(?<!\.d)\.(?:ts|js)$/.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}
