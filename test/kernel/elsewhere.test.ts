// A notebook in a folder that has nothing to do with this repository. Run after `npm run build`.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { KernelClient, plain } from './client.ts';

let folder: string;
let kernel: KernelClient;

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cimbook-elsewhere-'));
  kernel = await KernelClient.start({ cwd: folder });
});

test.after(() => {
  kernel?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('our package and its dependencies are found without any installation', async () => {
  const own = await kernel.execute(`import * as cimbook from 'cimbook';\ntypeof cimbook`);
  assert.is(own.error, undefined, own.error?.evalue);
  assert.is(own.result?.['text/plain'], `'object'`);
  const dependency = await kernel.execute(`import { onnx } from 'onnx-proto';\nonnx.TensorProto.DataType.FLOAT`);
  assert.is(dependency.result?.['text/plain'], '1');
});

test('a variable whose type comes from a dependency of ours lives on', async () => {
  const made = await kernel.execute(`import { table } from 'cimbook';\nconst frame = await table([{ a: 1 }]).toDataFrame();`);
  assert.is(made.error, undefined, made.error?.evalue);
  assert.is((await kernel.execute('frame.shape')).result?.['text/plain'], '[ 1, 1 ]');
  assert.match((await kernel.execute('frame.shape.nonsense')).error?.evalue ?? '', /TS2339/);
});

test('a package installed beside the notebook while the kernel runs is found, after it was missed', async () => {
  assert.match((await kernel.execute(`import { answer } from 'local-answer';`)).error?.evalue ?? '', /TS2307/);
  const path = join(folder, 'node_modules', 'local-answer');
  mkdirSync(path, { recursive: true });
  writeFileSync(
    join(path, 'package.json'),
    JSON.stringify({ name: 'local-answer', type: 'module', exports: { types: './a.d.ts', default: './a.js' } }),
  );
  writeFileSync(join(path, 'a.d.ts'), 'export const answer: number;\n');
  writeFileSync(join(path, 'a.js'), 'export const answer = 42;\n');
  assert.is((await kernel.execute(`import { answer } from 'local-answer';\nanswer`)).result?.['text/plain'], '42');
});

test('a file beside the notebook can be imported and changed, and its errors are shown at its own lines', async () => {
  const helper = join(folder, 'helper.ts');
  writeFileSync(helper, 'export function half(x: number): number {\n  return x / 2;\n}\n');
  assert.is((await kernel.execute(`import { half } from './helper';\nhalf(8)`)).result?.['text/plain'], '4');
  writeFileSync(join(folder, 'broken.ts'), `export const one = 1;\nexport function boom(): never {\n  throw new Error('boom');\n}\n`);
  const { error } = await kernel.execute(`import { boom } from './broken';\nboom();`);
  assert.match(plain(error?.traceback), /at .*boom \(broken\.ts:3:9\)/);
});

test('an installed package wins over the one that came with the kernel', async () => {
  const path = join(folder, 'node_modules', 'onnx-proto');
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name: 'onnx-proto', main: 'index.js', types: 'index.d.ts' }));
  writeFileSync(join(path, 'index.d.ts'), 'export const mine: true;\n');
  writeFileSync(join(path, 'index.js'), 'exports.mine = true;\n');
  const other = await KernelClient.start({ cwd: folder });
  try {
    assert.is((await other.execute(`import { mine } from 'onnx-proto';\nmine`)).result?.['text/plain'], 'true');
  } finally {
    other.close();
  }
});

test.run();
