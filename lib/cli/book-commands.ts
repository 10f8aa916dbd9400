// `cimbook book | check | new`: notebooks as a site, checked, and to be worked in.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fail } from '../base/problem.ts';
import { counted, printable } from '../base/text.ts';
import type { Difference } from '../book/compare.ts';
import type { SourceFile } from '../book/source.ts';
import { type Arguments, wholeNumber } from './arguments.ts';
import type { Runnable } from './commands.ts';
import { JSON_FLAG } from './model-flags.ts';
import { progress } from './progress.ts';

const TIMEOUT = { timeout: { value: 'SECONDS', help: 'how long one cell may take', default: '300' } };

const BOOK: Runnable = {
  command: {
    name: 'book',
    operands: [],
    summary: 'Executes all notebooks of a folder and writes them as a static site: search, interactive charts, no network.',
    flags: {
      notebooks: { value: 'DIR', help: 'folder of the notebooks; executing them runs their code', default: 'notebooks' },
      out: { value: 'DIR', help: 'where the site goes; an earlier book there is replaced', default: 'site' },
      docs: { value: 'DIR', help: 'folder whose Markdown files become the reference part' },
      'no-execute': { help: 'run nothing: show the outputs that the files hold' },
      ...TIMEOUT,
    },
    examples: ['cimbook book', 'cimbook book --no-execute --out site'],
  },
  run: async (args) => {
    const { readBook } = await import('../book/source.ts');
    const { checkPlace, writeSite } = await import('../book/write-site.ts');
    const out = args.text('out') ?? 'site';
    checkPlace(out);
    const notebooks = args.text('notebooks') ?? 'notebooks';
    const source = readBook(notebooks, args.text('docs') ?? ownDocs(notebooks));
    const files = args.on('no-execute') ? source.files : await executed(source.files, args);
    const { buildSite } = await import('../book/site.ts');
    const site = buildSite({ ...source, files });
    writeSite(out, site);
    const bytes = [...site.values()].reduce((sum, content) => sum + content.length, 0);
    return `Wrote ${counted(files.length + 1, 'page')} (${(bytes / 1e6).toFixed(1)} MB) to ${printable(out)}; open ${printable(join(out, 'index.html'))}`;
  },
};

/** In a clone of cimbook its docs belong to the book; anywhere else a folder of that name is someone's own. */
function ownDocs(notebooks: string): string | undefined {
  const root = dirname(resolve(notebooks));
  try {
    const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { name?: unknown };
    return name === 'cimbook' && existsSync(join(root, 'docs')) ? join(root, 'docs') : undefined;
  } catch {
    return undefined;
  }
}

async function executed(files: readonly SourceFile[], args: Arguments): Promise<readonly SourceFile[]> {
  const { executeNotebook } = await import('../book/execute.ts');
  const cellSeconds = wholeNumber(args.text('timeout') ?? '300', 'timeout', 1);
  const all: SourceFile[] = [];
  for (const source of files) {
    if (!('notebook' in source)) {
      all.push(source);
      continue;
    }
    const name = printable(relative(process.cwd(), source.file));
    const done = progress(`running ${name}`);
    const { outputs, failed, seconds } = await executeNotebook(source.notebook, name, {
      folder: dirname(source.file),
      cellSeconds,
      onProgress: done.update,
    });
    done.end();
    if (failed !== undefined) {
      fail({
        kind: 'file',
        path: name,
        reason: `cell ${failed.cell} failed after ${seconds.toFixed(1)} s:\n${failed.message}\n`,
        next: 'No site was written. Mend the cell, or use --no-execute to show the outputs that the files hold',
      });
    }
    process.stderr.write(`  ${name}  ${seconds.toFixed(1)} s\n`);
    let code = 0;
    const cells = source.notebook.cells.map((cell) => (cell.kind === 'code' ? { ...cell, outputs: outputs[code++] ?? [] } : cell));
    all.push({ ...source, notebook: { ...source.notebook, cells } });
  }
  return all;
}

const CHECK: Runnable = {
  command: {
    name: 'check',
    operands: ['NOTEBOOK'],
    summary:
      'Executes a notebook again and reports what it shows differently. Exit code 0: the same; 1: something differs or a cell fails; 2: it cannot be checked.\n' +
      '  Numbers, texts and the data of figures must be the same to the last digit. Left out: the look of figures and their static pictures, versions of\n' +
      "  cimbook and Node.js (mentioned), and the numbers shown by cells that read a clock (performance.now, Date, console.time) or carry the tag 'timing'.",
    flags: { ...TIMEOUT, ...JSON_FLAG },
    examples: ['cimbook check notebooks/01-model-to-latency.ipynb'],
  },
  run: async (args) => {
    const { readNotebook } = await import('../book/source.ts');
    const { executeNotebook } = await import('../book/execute.ts');
    const { compareOutputs } = await import('../book/compare.ts');
    const path = args.operands[0] ?? '';
    const notebook = readNotebook(path);
    if (!notebook.cells.some((cell) => cell.kind === 'code' && cell.outputs.length > 0)) {
      fail({
        kind: 'file',
        path,
        reason: 'holds no outputs to compare with',
        next: 'Run all of it in JupyterLab and save it, then check it.',
      });
    }
    const done = progress('running');
    const { outputs, failed, seconds } = await executeNotebook(notebook, path, {
      folder: dirname(resolve(path)),
      cellSeconds: wholeNumber(args.text('timeout') ?? '300', 'timeout', 1),
      onProgress: done.update,
    });
    done.end();
    const { differences, notes } = compareOutputs(notebook, outputs);
    const isSame = differences.length === 0 && failed === undefined;
    const exitCode = isSame ? 0 : 1;
    if (args.on('json')) {
      const report = { schemaVersion: 1, notebook: path, isSame, cells: notebook.cells.length, differences, failed: failed ?? null, notes };
      return { text: JSON.stringify(report), exitCode };
    }
    const name = printable(path);
    const head = isSame
      ? `${name} shows what it showed (${counted(outputs.length, 'cell')} run in ${seconds.toFixed(1)} s)`
      : `${name} differs:`;
    const failure = failed === undefined ? [] : [`  cell ${failed.cell} failed:\n${indented(failed.message)}`];
    return {
      text: [head, ...differences.map(differenceText), ...failure, ...notes.map((note) => `  note: ${printable(note)}`)].join('\n'),
      exitCode,
    };
  },
};

function differenceText({ cell, what, was, now }: Difference): string {
  return `  cell ${cell}, ${printable(what)}\n    was  ${printable(was)}\n    now  ${printable(now)}`;
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${printable(line)}`)
    .join('\n');
}

const NEW: Runnable = {
  command: {
    name: 'new',
    operands: ['DIR'],
    summary: 'Makes a folder with the notebooks, models and chips, to work in; nothing is overwritten.',
    flags: {},
    examples: ['cimbook new my-workbook'],
  },
  run: async (args) => {
    const { makeWorkbook } = await import('../book/workbook.ts');
    const folder = args.operands[0] ?? '';
    const count = makeWorkbook(folder);
    return `Wrote ${counted(count, 'file')} to ${printable(folder)}; ${printable(join(folder, 'README.md'))} says how to go on`;
  },
};

export const BOOK_COMMANDS: readonly Runnable[] = [BOOK, CHECK, NEW];
