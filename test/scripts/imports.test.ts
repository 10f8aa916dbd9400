// Imports in lib/ go one way (style.md, Layout). Biome enforces it; here we see that it does, for every pair of folders.

import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inFolder, ROOT } from './support.ts';

const MACHINERY = ['base', 'hardware', 'ir', 'onnx', 'dataflow', 'cost', 'optimizer', 'program', 'emit', 'simulator'];

/** Which folder may import which: the table of style.md, written down a second time on purpose. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  hardware: ['base'],
  ir: ['base'],
  onnx: ['base', 'ir'],
  program: ['base', 'hardware'],
  dataflow: ['base', 'hardware', 'ir', 'program'],
  cost: ['base', 'hardware', 'ir', 'dataflow'],
  optimizer: ['base', 'hardware', 'ir', 'dataflow', 'cost'],
  emit: ['base', 'hardware', 'ir', 'dataflow', 'optimizer', 'program'],
  simulator: ['base', 'hardware', 'program'],
  workload: ['base', 'hardware', 'ir'],
  report: ['base'],
  generation: [...MACHINERY, 'workload'],
  sweep: [...MACHINERY, 'workload', 'report', 'generation'],
  kernel: [...MACHINERY, 'workload', 'report', 'generation', 'sweep'],
  book: ['base', 'report', 'kernel'],
  cli: [...MACHINERY, 'workload', 'report', 'generation', 'sweep', 'kernel', 'book'],
};
const FOLDERS = Object.keys(MAY_IMPORT);
const RULE = 'lint/style/noRestrictedImports';

/** Restricted imports that Biome reports for these files under our own biome.json, as `file:line`. */
async function restricted(files: Readonly<Record<string, string>>, rule = RULE): Promise<string[]> {
  return inFolder(files, (folder) => {
    copyFileSync(join(ROOT, 'biome.json'), join(folder, 'biome.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
    const biome = join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
    const args = [biome, 'lint', '--reporter=json', '--max-diagnostics=none', 'lib'];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    assert.match(stdout, /^\{/, `Biome printed no report: ${stderr}`);
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: { category: string; location: { path: string; start: { line: number } } }[];
    };
    return diagnostics.filter(({ category }) => category === rule).map(({ location }) => `${location.path}:${location.start.line}`);
  });
}

/** One file per folder and depth, importing from every other folder, a line each; and the `file:line`s that must be reported. */
function everyPair(): { files: Record<string, string>; expected: string[] } {
  const files: Record<string, string> = {};
  const expected: string[] = [];
  for (const from of FOLDERS) {
    files[`lib/${from}/target.ts`] = 'export const x = 1;\n';
    for (const [path, up] of [
      [`lib/${from}/importer.ts`, '../'],
      [`lib/${from}/deeper/importer.ts`, '../../'],
    ] as const) {
      const targets = FOLDERS.filter((to) => to !== from);
      files[path] = targets.map((to) => `export { x as ${to} } from '${up}${to}/target.ts';\n`).join('');
      targets.forEach((to, index) => {
        if (!MAY_IMPORT[from]?.includes(to)) expected.push(`${path}:${index + 1}`);
      });
    }
  }
  return { files, expected };
}

test('a folder of lib/ imports only from those below it: every pair, at both depths', async () => {
  const { files, expected } = everyPair();
  assert.ok(expected.length > 100);
  assert.equal((await restricted(files)).sort(), expected.sort());
});

test('the simulator cannot reach the cost model by any way of importing', async () => {
  const lines = [
    "import { cost } from '../cost/paper.ts';",
    "import type { Cost } from '../cost/paper.ts';",
    "export * from '../cost/paper.ts';",
    "export { cost as again } from '../../lib/cost/paper.ts';",
    "export { cost as aside } from './../cost/paper.ts';",
    "export { cost as around } from '../base/../cost/paper.ts';",
    "export const late = import('../cost/paper.ts');",
    "export { compile } from '../index.ts';",
    "export { simulate } from '../compile.ts';",
    "export { self } from 'cimbook';",
    "import { units } from '../base/units.ts';",
    "import { readFileSync } from 'node:fs';",
    "import { own } from './queue.ts';",
  ];
  const found = await restricted({ 'lib/simulator/x.ts': `${lines.join('\n')}\n` });
  assert.equal(
    found,
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((line) => `lib/simulator/x.ts:${line}`),
  );
});

test('reports may import the types of the nouns and nothing else of their folders', async () => {
  const lines = [
    "import type { Graph } from '../ir/graph.ts';",
    "import type { Plan } from '../optimizer/plan.ts';",
    "import type { Program } from '../program/program.ts';",
    "import type { Trace } from '../simulator/trace.ts';",
    "import type { Hardware } from '../hardware/hardware.ts';",
    "import { schedule } from '../optimizer/schedule.ts';",
    "import { simulate } from '../simulator/simulate.ts';",
  ];
  assert.equal(await restricted({ 'lib/report/x.ts': `${lines.join('\n')}\n` }), ['lib/report/x.ts:6', 'lib/report/x.ts:7']);
});

test('base imports nothing, not even Node', async () => {
  const lines = ["import { fs } from 'node:fs';", "import { danfojs } from 'danfojs';", "import { own } from './units.ts';"];
  assert.equal(await restricted({ 'lib/base/x.ts': `${lines.join('\n')}\n` }), ['lib/base/x.ts:1', 'lib/base/x.ts:2']);
});

test('the public surface imports everything but the kernel and the command line', async () => {
  const text = FOLDERS.map((folder) => `export * from './${folder}/x.ts';\n`).join('');
  const expected = ['kernel', 'cli'].map((folder) => FOLDERS.indexOf(folder) + 1);
  const found = await restricted({ 'lib/index.ts': text, 'lib/compile.ts': text });
  assert.equal(
    found.sort(),
    ['lib/compile.ts', 'lib/index.ts'].flatMap((file) => expected.map((line) => `${file}:${line}`)),
  );
});

test('import cycles are reported, those of types too', async () => {
  const files = {
    'lib/ir/a.ts': "export { b } from './b.ts';\nexport type A = 1;\n",
    'lib/ir/b.ts': "import type { A } from './a.ts';\nexport const b: A = 1;\n",
  };
  const found = await restricted(files, 'lint/suspicious/noImportCycles');
  assert.equal(found.sort(), ['lib/ir/a.ts:1', 'lib/ir/b.ts:1']);
});

test('lib/ has no folder that the rules forgot, and no type imported past them', () => {
  const lib = join(ROOT, 'lib');
  const folders = readdirSync(lib, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.equal(
    folders.map(({ name }) => name).filter((name) => !FOLDERS.includes(name)),
    [],
  );
  for (const path of readdirSync(lib, { recursive: true, encoding: 'utf8' })) {
    assert.ok(path.split(/[\\/]/).length <= 3, `lib/${path} is more than two folders deep`);
    // `import('../cost/x.ts').T` in a type is the one way that Biome doesn't see.
    if (path.endsWith('.ts'))
      assert.not.match(readFileSync(join(lib, path), 'utf8'), /(?<!await )\bimport\('\.\.[^']*'\)\s*\.\s*[A-Z]/, `lib/${path}`);
  }
});

test.run();
