// tslab's converter (cell -> JavaScript) with what it lacks: positions that lead back to the cell, every top-level
// `await`, `export`, recovery from a crash of the compiler, and a second look for packages that were missing.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, resetCapture } from './cell-program.ts';
import { keepAssigned } from './kept-declarations.ts';
import { CELL_SCRIPT, registerScript } from './source-positions.ts';
import { type CellDiagnostic, type Converter, type ConverterModule, type Typescript, tslabRequire } from './tslab.ts';

/** What tslab puts in front of a cell's code when it runs it. */
const SYNC_PREFIX = '(function(exports, require) { ';
const ASYNC_PREFIX = '(async function(exports, require) { ';
/** tslab's `export {};` before the text of a cell. */
const LINES_BEFORE_CELL = 1;

export interface Cell {
  /** Counts every execution, silent ones too. */
  readonly id: number;
  /** As it is called in messages: `cell 3`. */
  readonly label: string;
  readonly code: string;
}

export interface CellConverter extends Converter {
  /** The cell that the next conversion is for. */
  cell: Cell;
  /** Type errors of the last conversion; empty when it succeeded. */
  diagnostics: readonly CellDiagnostic[];
  /** The variable that the last conversion put the cell's last value into. */
  lastVariable: string | undefined;
  /** Tells that the converted cell ran to its end, or that all cells are forgotten: tslab knows its variables. */
  settle(): void;
}

/** `variables` returns the values of all variables of earlier cells. */
export function createCellConverter(ts: Typescript, cwd: string, variables: () => Readonly<Record<string, unknown>>): CellConverter {
  const { createConverter } = tslabRequire('./dist/converter.js') as ConverterModule;
  let inner = createConverter({ isJS: false, isBrowser: false });
  let isStale = false;
  /** Declarations of the cell that was converted last, until it has run to its end. */
  let unsettled: string | undefined;
  /** Declarations to use instead of tslab's, since a cell failed. */
  let kept: string | undefined;

  function declarations(previous: string): string {
    if (unsettled !== undefined) kept = keepAssigned(ts, unsettled, variables());
    unsettled = undefined;
    return kept ?? previous;
  }

  function renew(): void {
    isStale = false;
    inner.close();
    inner = createConverter({ isJS: false, isBrowser: false });
  }

  /** Runs the compiler, which is made anew should it crash: a crash leaves it unusable. */
  function compile<T>(work: () => T): T {
    try {
      if (isStale) renew();
      return work();
    } catch (error) {
      isStale = true;
      throw error;
    }
  }

  const converter: CellConverter = {
    cell: { id: 0, label: 'cell', code: '' },
    diagnostics: [],
    lastVariable: undefined,
    convert(previous, source) {
      converter.diagnostics = [];
      resetCapture();
      const result = compile(() => inner.convert(declarations(previous), withoutExports(ts, source)));
      if (capture.hasMissingModule) isStale = true;
      converter.diagnostics = result.diagnostics;
      converter.lastVariable = result.lastExpressionVar;
      if (result.output === undefined) return result;
      unsettled = result.declOutput ?? '';
      const hasToplevelAwait = result.hasToplevelAwait === true || capture.hasTopLevelAwait;
      const script = `${CELL_SCRIPT}${converter.cell.id}`;
      registerScript(script, {
        label: converter.cell.label,
        source,
        maps: [capture.transpiled.get(result.output), capture.emitted.get('outDir/__tslab__.js')].filter((map) => map !== undefined),
        prefixLength: (hasToplevelAwait ? ASYNC_PREFIX : SYNC_PREFIX).length,
        mappedLines: result.output.trimEnd().split('\n').length,
        originalOffset: LINES_BEFORE_CELL,
      });
      for (const { path, data } of result.sideOutputs ?? []) registerSideFile(cwd, path, data);
      return { ...result, hasToplevelAwait, output: `${result.output}\n//# sourceURL=${script}` };
    },
    settle() {
      unsettled = undefined;
      kept = undefined;
    },
    addModule(name, content, meta) {
      converter.diagnostics = compile(() => inner.addModule(name, content, meta));
      return [...converter.diagnostics];
    },
    inspect: (previous, source, position) => compile(() => inner.inspect(declarations(previous), source, position)),
    complete: (previous, source, position) => compile(() => inner.complete(declarations(previous), source, position)),
    close: () => inner.close(),
  };
  return converter;
}

/** Blanks `export` in front of declarations: a cell shares all it declares, and tslab exports it once more. */
function withoutExports(ts: Typescript, source: string): string {
  if (!/\bexport\b/.test(source)) return source;
  let text = source;
  for (const statement of ts.createSourceFile('cell.ts', source, ts.ScriptTarget.ES2022).statements) {
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    const [first, second] = modifiers;
    if (first?.kind !== ts.SyntaxKind.ExportKeyword || second?.kind === ts.SyntaxKind.DefaultKeyword) continue;
    text = text.slice(0, first.end - 'export'.length) + ' '.repeat('export'.length) + text.slice(first.end);
  }
  return text;
}

/** Positions in a file beside the notebook that a cell imports. */
function registerSideFile(cwd: string, path: string, output: string): void {
  const name = path.slice(cwd.length + 1);
  const maps = [capture.transpiled.get(output), capture.emitted.get(`outDir/${name}`)];
  const label = name.replace(/\.js$/, '.ts');
  if (maps[0] === undefined || maps[1] === undefined) return;
  try {
    const source = readFileSync(join(cwd, label), 'utf8');
    registerScript(path, {
      label,
      source,
      maps: maps as string[],
      prefixLength: 0,
      mappedLines: Number.POSITIVE_INFINITY,
      originalOffset: 0,
    });
  } catch {
    // A module made in a cell has no file: its frames stay as they are.
  }
}
