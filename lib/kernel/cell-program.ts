// The TypeScript program of a cell, built without the state that finds the files a change affects: a cell is one file,
// checked whole, and that state took half of its time.
// In: what TypeScript's watcher hands to its program maker. Out: the builder tslab works with, and in `capture` the
// source maps and diagnostics that passed.

import { expandEarlierShorthands } from './shorthand.ts';
import type { Typescript, tsNamespace } from './tslab.ts';

/** TypeScript functions that exist but are not in its declarations. */
interface Internals {
  bindSourceFile(file: tsNamespace.SourceFile, options: tsNamespace.CompilerOptions): void;
}
interface FileInternals {
  locals?: unknown;
  resolvedModules?: { forEach(visit: (found: { resolvedModule?: { resolvedFileName: string } }) => void): void };
}

/** What the last conversion of a cell left behind. */
export interface Capture {
  /** Source map of each emitted file, by its name. */
  readonly emitted: Map<string, string>;
  /** Source map of the second step, by its output. */
  readonly transpiled: Map<string, string>;
  hasTopLevelAwait: boolean;
  /** A package or file was not found: it may be there next time. */
  hasMissingModule: boolean;
}

export const capture: Capture = { emitted: new Map(), transpiled: new Map(), hasTopLevelAwait: false, hasMissingModule: false };

/** tslab's name for the file with the cell's text. */
const CELL_FILE = '__tslab__.ts';

/** "Could not find a declaration file for module": such a module is `any` in a notebook, as it was before `strict`. */
const UNTYPED_MODULE = 7016;
const MISSING_MODULE_CODES = [2307, 2792];

/** Forgets what earlier conversions left. */
export function resetCapture(): void {
  capture.emitted.clear();
  capture.transpiled.clear();
  capture.hasTopLevelAwait = false;
  capture.hasMissingModule = false;
}

/** Returns a maker of programs without the state that finds affected files: a cell is one file, checked whole. */
export function builderFactory(ts: Typescript): tsNamespace.CreateProgram<tsNamespace.EmitAndSemanticDiagnosticsBuilderProgram> {
  return (...args) => {
    const builder = ts.createAbstractBuilder(...args) as tsNamespace.EmitAndSemanticDiagnosticsBuilderProgram;
    const { getSourceFile, emit } = builder;
    builder.getSourceFile = (name) => {
      const file = getSourceFile(name);
      // tslab reads the declared names of a cell before any checker has bound it.
      if (file !== undefined && (file as FileInternals).locals === undefined) {
        (ts as unknown as Internals).bindSourceFile(file, builder.getCompilerOptions());
      }
      return file;
    };
    builder.getAllDependencies = (file) => sourceDependencies(builder.getProgram(), file);
    builder.emit = (file, write, token, onlyDts, transformers) => {
      if (file?.fileName.endsWith(CELL_FILE)) capture.hasTopLevelAwait = usesTopLevelAwait(ts, file);
      return emit(
        file,
        (name, text, ...rest) => {
          if (name.endsWith('.js.map')) capture.emitted.set(name.slice(0, -'.map'.length), text);
          else write?.(name, name.endsWith('.js') ? withoutMapComment(text) : text, ...rest);
        },
        token,
        onlyDts,
        { ...transformers, before: [expandEarlierShorthands(ts, builder.getProgram().getTypeChecker())] },
      );
    };
    return builder;
  };
}

/** Returns `file` and the notebook's own sources it imports, directly or not. */
function sourceDependencies(program: tsNamespace.Program, file: tsNamespace.SourceFile): string[] {
  const found = new Set([file.fileName]);
  for (const name of found) {
    (program.getSourceFile(name) as FileInternals | undefined)?.resolvedModules?.forEach(({ resolvedModule }) => {
      const path = resolvedModule?.resolvedFileName;
      if (path !== undefined && !path.endsWith('.d.ts') && !path.includes('/node_modules/')) found.add(path);
    });
  }
  return [...found];
}

/** Returns the diagnostic as tslab shall see it, or nothing when a notebook allows what it forbids. */
export function keepDiagnostic(ts: Typescript, diagnostic: tsNamespace.Diagnostic): tsNamespace.Diagnostic[] {
  if (diagnostic.code === UNTYPED_MODULE) return [];
  if (MISSING_MODULE_CODES.includes(diagnostic.code)) capture.hasMissingModule = true;
  // tslab would print each link of the chain as an error of its own.
  return [{ ...diagnostic, messageText: ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n') }];
}

/** Whether the function around the cell has to be asynchronous; tslab overlooks `for await` and `await (...)`. */
function usesTopLevelAwait(ts: Typescript, file: tsNamespace.SourceFile): boolean {
  function visit(node: tsNamespace.Node): boolean {
    if (ts.isFunctionLike(node) || ts.isClassLike(node) || ts.isModuleDeclaration(node)) return false;
    if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier !== undefined)) return true;
    return ts.forEachChild(node, visit) ?? false;
  }
  return visit(file);
}

export function withoutMapComment(text: string): string {
  return text.replace(/\n?\/\/# sourceMappingURL=\S*\s*$/, '\n');
}
