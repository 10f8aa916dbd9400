import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseNotebook } from '../../lib/book/notebook.ts';
import { parseProvenance } from '../../lib/book/provenance.ts';

const test = suite('the notebooks of the workbook');

const MOST_BYTES = 1.5e6;
const KINDS = ['application/vnd.plotly.v1+json', 'image/png', 'text/latex', 'text/plain'];

const names = readdirSync('notebooks').filter((name) => name.endsWith('.ipynb'));
const books = names.map((name) => {
  const path = join('notebooks', name);
  const { cells } = parseNotebook(readFileSync(path, 'utf8'), path);
  const outputs = cells.flatMap((cell) => (cell.kind === 'code' ? cell.outputs : []));
  return {
    name,
    path,
    cells,
    text: cells.map(({ source }) => source).join('\n'),
    outputs,
    code: cells.filter(({ kind }) => kind === 'code'),
  };
});

/** The parts that a notebook lacks, all notebooks in one message. */
function each(lacks: (book: (typeof books)[number]) => string | undefined): void {
  const missing = books.flatMap((book) => {
    const what = lacks(book);
    return what === undefined ? [] : [`${book.name}: ${what}`];
  });
  assert.equal(missing, []);
}

test('each begins with its number, its title and what it teaches', () => {
  each(({ name, cells }) => {
    const [first] = cells;
    if (first?.kind !== 'markdown' || !new RegExp(`^# ${name.slice(0, 2)} \\S`).test(first.source))
      return 'does not begin with "# NN Title"';
    return /\*\*What you will learn\*\*\s*\n- /.test(first.source) ? undefined : 'has no learning intentions';
  });
});

test('each has a formula, something by hand, a picture, exercises with a check cell, and solutions apart', () => {
  each(({ name, text, outputs, code }) => {
    if (!/\$\$[\s\S]+\$\$/.test(text)) return 'has no formula';
    if (!/by hand/i.test(text)) return 'has nothing by hand';
    if (!outputs.some((output) => output.kind === 'data' && KINDS[0]! in output.data && 'image/png' in output.data))
      return 'has no picture';
    if (!/^## Exercises/m.test(text)) return 'has no exercises';
    if (!code.some(({ source }) => source.includes('checkAnswer('))) return 'has no check cell (checkAnswer)';
    const unchecked = code.find(({ source }) => /\b(const|let) your/.test(source) && !source.includes('checkAnswer('));
    if (unchecked !== undefined) return `takes an answer without checkAnswer: ${unchecked.source.split('\n')[0]}`;
    const stem = name.replace('.ipynb', '');
    if (!['md', 'ipynb'].some((type) => existsSync(`notebooks/solutions/${stem}.${type}`))) return `has no solutions/${stem}`;
    return text.includes(`solutions/${stem}.`) ? undefined : 'does not lead to its solutions';
  });
});

test('each says at its end what its results came from', () => {
  each(({ outputs }) => {
    const made = outputs.map((output) => (output.kind === 'data' ? parseProvenance(String(output.data['text/plain'] ?? '')) : undefined));
    return made.some((found) => found?.lines.some(({ kind }) => kind === 'model' || kind === 'setting'))
      ? undefined
      : 'has no provenance(...) cell';
  });
});

test('each leads to its neighbours, and the contents list them all', async () => {
  const { staleLinks } = (await import('../../scripts/notebook-links.mjs' as string)) as { staleLinks(folder: string): { path: string }[] };
  assert.equal(
    staleLinks('notebooks').map(({ path }) => path),
    [],
    'run: npm run links',
  );
});

test('each is small, was executed from its first cell to its last, and holds no HTML and no errors', () => {
  each(({ path, code, outputs }) => {
    if (statSync(path).size > MOST_BYTES) return `is ${statSync(path).size} bytes, more than ${MOST_BYTES}`;
    const counts = (JSON.parse(readFileSync(path, 'utf8')) as { cells: { cell_type: string; execution_count?: number }[] }).cells
      .filter((cell) => cell.cell_type === 'code')
      .map((cell) => cell.execution_count);
    if (counts.some((count, i) => count !== i + 1)) return 'was not executed in order; run: npm start -- --headless --write';
    const foreign = outputs.flatMap((output) =>
      output.kind === 'data' ? Object.keys(output.data).filter((kind) => !KINDS.includes(kind)) : [],
    );
    if (foreign.length > 0) return `holds ${foreign[0]}`;
    return outputs.some(({ kind }) => kind === 'error') || code.length === 0 ? 'holds an error' : undefined;
  });
});

test.run();
