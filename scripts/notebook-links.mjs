// npm run links: the last cell of every notebook leads to its neighbours, and notebooks/README.md lists them all.
// Both follow from the notebooks' names and titles; with --check nothing is written, and the exit code says whether all is in place.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMain } from './command.mjs';

const CELL_END = '\n ],\n "metadata": {';
const CELL_START = '\n  {\n   "cell_type": "markdown",\n   "id": "links",';
const LIST_START = '<!-- contents -->\n';
const LIST_END = '<!-- end of contents -->';

/** The files of `folder` that should read otherwise, as `{ path, text }`. */
export function staleLinks(folder) {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.ipynb'))
    .sort();
  const books = names.map((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return { name, text, ...headOf(JSON.parse(text)) };
  });
  const wanted = books.map(({ name, text }, i) => ({
    path: join(folder, name),
    was: text,
    text: withLinks(text, books[i - 1], books[i + 1]),
  }));
  const readme = join(folder, 'README.md');
  const was = readFileSync(readme, 'utf8');
  wanted.push({ path: readme, was, text: withContents(was, books) });
  return wanted.filter((file) => file.text !== file.was);
}

/** Title and learning intentions of a notebook's first cell. */
function headOf({ cells }) {
  const source = [cells[0].source].flat().join('');
  const title = source.match(/^# (.+)$/m)?.[1] ?? '';
  const intentions = source.match(/\*\*What you will learn\*\*\s*\n((?:[-*] .*\n?(?: {2,}.*\n?)*)+)/)?.[1] ?? '';
  return { title, intentions: intentions.trim() };
}

/** The file's text with the last cell as it should be; the rest keeps its bytes. */
function withLinks(text, before, after) {
  const links = [
    ...(before === undefined ? [] : [`[\u2190 ${before.title}](${before.name})`]),
    '[Contents](README.md)',
    ...(after === undefined ? [] : [`[${after.title} \u2192](${after.name})`]),
  ].join(' \u00b7 ');
  const end = text.lastIndexOf(CELL_END);
  if (end < 0) throw new Error('not a notebook as `npm start -- --headless --write` saves it');
  const start = text.lastIndexOf(CELL_START, end);
  const body = start < 0 ? text.slice(0, end) : text.slice(0, start).replace(/,$/, '');
  const cell = `${CELL_START}\n   "metadata": {},\n   "source": [\n    ${JSON.stringify(links)}\n   ]\n  }`;
  return `${body},${cell}${text.slice(end)}`;
}

function withContents(text, books) {
  const list = books.map(({ name, title, intentions }) => `### [${title}](${name})\n\n${intentions}\n`).join('\n');
  const [start, end] = [text.indexOf(LIST_START), text.indexOf(LIST_END)];
  if (start < 0 || end < start) throw new Error(`README.md lacks ${LIST_START.trim()} and ${LIST_END}`);
  return `${text.slice(0, start)}${LIST_START}\n${list}\n${text.slice(end)}`;
}

if (isMain(import.meta.url)) {
  const stale = staleLinks('notebooks');
  const isCheck = process.argv.includes('--check');
  for (const { path, text } of stale) {
    if (!isCheck) writeFileSync(path, text);
    console.log(`${isCheck ? 'stale' : 'wrote'}  ${path}`);
  }
  process.exitCode = isCheck && stale.length > 0 ? 1 : 0;
}
