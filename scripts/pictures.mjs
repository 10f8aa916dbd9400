// npm run pictures: runs the code of docs/gallery.md in the kernel, as if the page were a notebook, and writes the picture
// that follows each block: docs/pictures/NAME.png. So the code shown is the code that drew it. --dark draws into docs/pictures/dark.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { executeNotebook } from '../dist/book/execute.js';
import { renderPng } from '../dist/report/render.js';

const PAGE = 'docs/gallery.md';
const SCALE = 1.25;
const theme = process.argv.includes('--dark') ? 'dark' : 'light';

/** Blocks of TypeScript in order, each with the picture that stands before the next block, if any. */
const blocks = [...readFileSync(PAGE, 'utf8').matchAll(/```ts\n([\s\S]*?)```(?:\s*!\[[^\]]*\]\(([^)]+)\))?/g)].map(
  ([, source, picture]) => ({ source, picture }),
);
const cells = blocks.map(({ source }, i) => ({ kind: 'code', id: String(i), source, tags: [], outputs: [] }));

const { outputs, failed } = await executeNotebook({ kernel: 'cimbook', language: 'typescript', cells }, PAGE, { folder: process.cwd() });
if (failed !== undefined) {
  console.error(`${PAGE}: block ${failed.cell} failed:\n${failed.message}`);
  process.exit(1);
}
for (const [i, { picture }] of blocks.entries()) {
  if (picture === undefined) continue;
  const shown = outputs[i].map((output) => output.data?.['application/vnd.plotly.v1+json']).find((figure) => figure !== undefined);
  if (shown === undefined) throw new Error(`${PAGE}: block ${i + 1} shows no figure for ${picture}`);
  const path = join(dirname(PAGE), theme === 'dark' ? picture.replace('pictures/', 'pictures/dark/') : picture);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, await renderPng(shown, { scale: SCALE, theme }));
  console.log(path);
}
process.exit(0);
