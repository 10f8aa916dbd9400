// The package as npm packs it, installed into an empty folder, used there as a stranger would. Needs the package registry, or
// npm's cache; `npm test -- --only package` runs it, and so does CI. Our `overrides` don't reach there.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { KernelClient, repositoryRoot } from '../kernel/client.ts';

let folder: string;
let kernel: KernelClient | undefined;

/** Without what npm says of the command that runs these tests. */
const ENV = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle|command|config)/.test(name)));

function run(cwd: string, command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', env: ENV });
  assert.is(status, 0, `${command} ${args.join(' ')}: ${stderr}\n${stdout}`);
  return stdout;
}

const npm = (cwd: string, ...args: readonly string[]) => run(cwd, 'npm', ...args, '--prefer-offline', '--no-audit', '--no-fund');

test.before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'cimbook-packed-')));
  npm(repositoryRoot, 'pack', '--pack-destination', folder, '--ignore-scripts');
  const [archive = ''] = readdirSync(folder);
  mkdirSync(join(folder, 'work'));
  npm(join(folder, 'work'), 'init', '-y');
  npm(join(folder, 'work'), 'install', join(folder, archive));
});

test.after(() => {
  kernel?.close();
  rmSync(folder, { recursive: true, force: true });
});

const work = () => join(folder, 'work');

test('the command line is there and compiles a model that came along', () => {
  const model = 'node_modules/cimbook/datasets/resnet18.onnx';
  const said = run(work(), 'npx', 'cimbook', 'compile', model, '--hw', 'node_modules/cimbook/hw/dynaplasia-paper.json');
  assert.match(said, /resnet18/);
});

test('the library is imported as a module', () => {
  const code = "import { loadHardware } from 'cimbook'; console.log(loadHardware('node_modules/cimbook/hw/dynaplasia.json').name)";
  assert.is(run(work(), process.execPath, '--input-type=module', '-e', code), 'dynaplasia\n');
});

test('the kernel is registered, listed and removed', () => {
  const prefix = join(folder, 'prefix');
  const spec = join(prefix, 'share', 'jupyter', 'kernels', 'cimbook');
  assert.match(run(work(), 'npx', 'cimbook', 'kernel', 'install', '--prefix', prefix), spec);
  assert.ok(existsSync(join(spec, 'kernel.json')));
  assert.match(run(work(), 'npx', 'cimbook', 'kernel', 'list', '--prefix', prefix), spec);
  run(work(), 'npx', 'cimbook', 'kernel', 'uninstall', '--prefix', prefix);
  assert.not.ok(existsSync(spec));
});

test('its kernel compiles, draws, and knows the docstrings', async () => {
  const entry = join(work(), 'node_modules', 'cimbook', 'dist', 'kernel', 'main.js');
  kernel = await KernelClient.start({ cwd: work(), command: [process.execPath, entry] });
  const made = await kernel.execute(`import { compile, importOnnx, loadHardware, timeline } from 'cimbook';
    const home = 'node_modules/cimbook';
    const graph = importOnnx(home + '/datasets/resnet18.onnx', { bind: { batch: 1 } });
    const { trace } = await compile(graph, loadHardware(home + '/hw/dynaplasia-paper.json'));
    timeline(trace!)`);
  assert.is(made.error, undefined, made.error?.evalue);
  assert.ok(made.result?.['image/png'], 'a picture was drawn');
  const hover = await kernel.request('inspect_request', { code: 'importOnnx', cursor_pos: 10, detail_level: 0 });
  assert.match((hover.data as Record<string, string>)['text/plain'] ?? '', 'importOnnx');
  const frame = await kernel.execute(`import { DataFrame } from 'danfojs';\nnew DataFrame([[1]], { columns: ['a'] })`);
  assert.match(String(frame.result?.['text/html']), '<table');
});

test('a variable lives on in a folder below, though its type is named inside the package only', async () => {
  const below = join(work(), 'book', 'notebooks');
  mkdirSync(below, { recursive: true });
  const entry = join(work(), 'node_modules', 'cimbook', 'dist', 'kernel', 'main.js');
  const own = await KernelClient.start({ cwd: below, command: [process.execPath, entry] });
  try {
    const made = await own.execute(`import { compile, importOnnx, loadHardware } from 'cimbook';
      const home = '../../node_modules/cimbook';
      const { trace } = await compile(importOnnx(home + '/datasets/resnet18.onnx', { bind: { batch: 1 } }), loadHardware(home + '/hw/dynaplasia-paper.json'));
      const cycles = trace!.makespanCycles;`);
    assert.is(made.error, undefined, made.error?.evalue);
    const used = await own.execute('const twice: number = 2 * cycles;\ntwice > 0');
    assert.is(used.result?.['text/plain'], 'true', used.error?.evalue);
    assert.match((await own.execute('cycles.nonsense')).error?.evalue ?? '', /TS2339/);
  } finally {
    own.close();
  }
});

test('a notebook installs a package of its own while its kernel runs, and imports a file beside it', async () => {
  const own = join(folder, 'my-numbers');
  mkdirSync(own);
  writeFileSync(
    join(own, 'package.json'),
    JSON.stringify({ name: 'my-numbers', version: '1.0.0', type: 'module', exports: { types: './a.d.ts', default: './a.js' } }),
  );
  writeFileSync(join(own, 'a.js'), 'export const arrays = 96;\n');
  writeFileSync(join(own, 'a.d.ts'), 'export const arrays: number;\n');
  writeFileSync(join(work(), 'beside.ts'), "import { arrays } from 'my-numbers';\nexport const twice: number = 2 * arrays;\n");
  const installed = await kernel?.execute(`import { execFileSync } from 'node:child_process';
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--offline', ${JSON.stringify(own)}]).length > 0`);
  assert.is(installed?.error, undefined, installed?.error?.evalue);
  const used = await kernel?.execute(`import { arrays } from 'my-numbers';\nimport { twice } from './beside';\n[arrays, twice]`);
  assert.is(used?.result?.['text/plain'], '[ 96, 192 ]', used?.error?.evalue);
});

test.run();
