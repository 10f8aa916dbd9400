// tslab's TypeScript with our settings: replaces the module tslab loads by a copy with three functions changed.
// In: the notebook's folder. Out: the real module.
// Changed: module resolution, strictness and libraries; no watching of folders and packages; programs as in
// cell-program.ts; the diagnostics and source maps seen on the way are kept in `capture`.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { builderFactory, capture, keepDiagnostic, withoutMapComment } from './cell-program.ts';
import { NEWER_GLOBALS, NEWER_GLOBALS_FILE } from './newer-globals.ts';
import { installTypeFallback, packageRoot, type ResolutionFiles } from './own-package.ts';
import { type Typescript, tslabFolder, tslabRequire, type tsNamespace, typescriptPath } from './tslab.ts';

/** Loads TypeScript, and makes tslab get the changed copy. `preloadedTypes`: a declaration file that stays parsed from
 * the start on, so that the first import of its package is quick. */
export function installTypescript(cwd: string, preloadedTypes: string | undefined): Typescript {
  const ts = tslabRequire(typescriptPath) as Typescript;
  const extraRoots = preloadedTypes === undefined ? [] : [preloadedTypes.replaceAll('\\', '/')];
  const changed: Typescript = {
    ...ts,
    createWatchCompilerHost: ((roots: string[], options: tsNamespace.CompilerOptions, sys: tsNamespace.System, ...rest: unknown[]) => {
      const reporters = rest.slice(1) as [tsNamespace.DiagnosticReporter, tsNamespace.WatchStatusReporter];
      Object.assign(options, compilerOptions(ts, cwd));
      installTypeFallback(sys as ResolutionFiles, cwd);
      const globals = addGlobals(sys, cwd);
      leaveOutChartSchema(sys);
      reduceWatching(sys, cwd);
      return ts.createWatchCompilerHost([...roots, globals, ...extraRoots], options, sys, builderFactory(ts), ...reporters);
    }) as Typescript['createWatchCompilerHost'],
    getPreEmitDiagnosticsOfFiles: (program, files, token) =>
      ts.getPreEmitDiagnosticsOfFiles(program, files, token).flatMap((diagnostic) => keepDiagnostic(ts, diagnostic)),
    transpileModule: (input, options) => {
      const result = ts.transpileModule(input, { ...options, compilerOptions: { ...options.compilerOptions, sourceMap: true } });
      const outputText = withoutMapComment(result.outputText);
      if (result.sourceMapText !== undefined) capture.transpiled.set(outputText, result.sourceMapText);
      return { ...result, outputText };
    },
  };
  const loaded = tslabRequire.cache[typescriptPath];
  if (loaded === undefined) throw new Error('internal: TypeScript is not in the module cache.');
  loaded.exports = changed;
  return ts;
}

function compilerOptions(ts: Typescript, cwd: string): tsNamespace.CompilerOptions {
  return {
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    strict: true,
    // tslab sets noImplicitUseStrict, which excludes this one.
    alwaysStrict: false,
    lib: ['lib.es2023.d.ts'],
    types: ['node'],
    typeRoots: nodeTypeRoots(cwd),
    sourceMap: true,
  };
}

/** The notebook's own @types if it has Node's, else ours, else those tslab brings. */
function nodeTypeRoots(cwd: string): string[] {
  for (const base of [cwd, packageRoot, tslabFolder]) {
    for (let folder = base; ; folder = dirname(folder)) {
      const root = join(folder, 'node_modules', '@types');
      if (existsSync(join(root, 'node', 'package.json'))) return [root.replaceAll('\\', '/')];
      if (folder === dirname(folder)) break;
    }
  }
  return [];
}

/** Puts the file of newer globals into the notebook's folder, for TypeScript's eyes only; returns its name. */
function addGlobals(sys: tsNamespace.System, cwd: string): string {
  const path = `${forwardSlashes(cwd)}/${NEWER_GLOBALS_FILE}`;
  const { fileExists, readFile } = sys;
  sys.fileExists = (name) => name === path || fileExists(name);
  sys.readFile = (name, encoding) => (name === path ? NEWER_GLOBALS : readFile(name, encoding));
  return path;
}

/** danfojs names two of plotly's types, for charts it draws in browsers only; with them come 1.2 MB of declarations, more than
 * a quarter of all that is parsed at the start. A notebook that imports plotly itself still gets its types. */
function leaveOutChartSchema(sys: tsNamespace.System): void {
  const { readFile } = sys;
  sys.readFile = (name, encoding) => {
    const text = readFile(name, encoding);
    if (!name.endsWith('/danfojs/dist/danfojs-base/shared/types.d.ts')) return text;
    return text?.replace('import { Config, Layout } from "plotly.js-dist-min";', 'type Config = any; type Layout = any;');
  };
}

function forwardSlashes(folder: string): string {
  return folder.replaceAll('\\', '/').replace(/\/$/, '');
}

/** Watches only sources beside the notebook: watching packages costs start-up time. `npm install` changes package.json, which
 * TypeScript answers with a timer of a second kind: tslab takes it for its own, and the next cell fails. */
function reduceWatching(sys: tsNamespace.System, cwd: string): void {
  const nothing = { close() {} };
  const { watchFile } = sys;
  sys.watchDirectory = () => nothing;
  if (watchFile === undefined) return;
  const own = `${forwardSlashes(cwd)}/`;
  sys.watchFile = (path, ...rest) => {
    const isSource = path.startsWith(own) && !path.includes('/node_modules/') && !path.endsWith('/package.json');
    const isCell = path.endsWith('__tslab__.ts') || path.endsWith('__prev__.d.ts');
    return isSource && (isCell || !path.endsWith('.d.ts')) ? watchFile(path, ...rest) : nothing;
  };
}
