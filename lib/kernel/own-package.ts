// Where this package is, and how a notebook anywhere finds it and its dependencies.
// What a notebook's own node_modules has always wins; what it lacks is taken from here: at run time by a second try in
// Node's resolver, for TypeScript by a made-up `node_modules` in the root folder, the last one its resolver looks into.

import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { dirname, join, parse, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder with our package.json: two above dist/kernel and lib/kernel alike. */
export const packageRoot = fileURLToPath(new URL('../../', import.meta.url)).replace(/[\\/]$/, '');
export const ownRequire = createRequire(join(packageRoot, 'package.json'));
const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { name: string; version: string };
export const packageName = manifest.name;
export const packageVersion = manifest.version;

/** Returns the folder of a package as code in `from` would find it. */
export function packageFolder(name: string, from: string): string | undefined {
  if (name === packageName && from === packageRoot) return packageRoot;
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
    if (folder === dirname(folder)) return undefined;
  }
}

/** Whether `import 'cimbook'` in `folder` means this very package, once the fallback is installed. */
export function resolvesToThisPackage(folder: string): boolean {
  try {
    const found = realpathSync(createRequire(join(folder, 'cell.js')).resolve(packageName));
    return found.startsWith(realpathSync(packageRoot) + sep);
  } catch {
    return false;
  }
}

interface ModuleInternals {
  _resolveFilename(request: string, parent: { filename?: string | null } | undefined, ...rest: unknown[]): string;
}

/** Lets `require` outside node_modules find our package and what it depends on, where it finds nothing itself. */
export function installRuntimeFallback(): void {
  const internals = Module as unknown as ModuleInternals;
  const resolve = internals._resolveFilename;
  internals._resolveFilename = function (request, parent, ...rest) {
    try {
      return resolve.call(this, request, parent, ...rest);
    } catch (error) {
      const isBare = /^(@[\w.-]+\/)?[\w-][\w.-]*(\/|$)/.test(request);
      const fromLibrary = parent?.filename?.includes(`${sep}node_modules${sep}`) ?? true;
      const isMissing = (error as { code?: string }).code === 'MODULE_NOT_FOUND';
      if (!isBare || fromLibrary || !isMissing || parent?.filename === join(packageRoot, 'package.json')) throw error;
      try {
        return ownRequire.resolve(request);
      } catch {
        throw error;
      }
    }
  };
}

function forwardSlashes(path: string): string {
  return path.replaceAll('\\', '/');
}

/** The part of TypeScript's file system that its module resolution reads. */
export interface ResolutionFiles {
  fileExists(path: string): boolean;
  directoryExists(path: string): boolean;
  readFile(path: string, encoding?: string): string | undefined;
  realpath?(path: string): string;
}

/** Adds the made-up root `node_modules` to `files`, for packages that `cwd` does not find itself. */
export function installTypeFallback(files: ResolutionFiles, cwd: string): void {
  const fallback = `${parse(cwd).root.replaceAll('\\', '/')}node_modules`;
  const folders = new Map<string, string | undefined>();
  function forward(path: string): string {
    if (!path.startsWith(`${fallback}/`)) return path;
    const match = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(path.slice(fallback.length + 1));
    const name = match?.[1];
    if (name === undefined) return path;
    if (!folders.has(name)) folders.set(name, packageFolder(name, packageRoot));
    const folder = folders.get(name);
    return folder === undefined ? path : folder.replaceAll('\\', '/') + match?.[2];
  }
  const { fileExists, directoryExists, readFile, realpath } = files;
  files.fileExists = (path) => fileExists(path) || (forward(path) !== path && fileExists(forward(path)));
  files.directoryExists = (path) => path === fallback || directoryExists(path) || directoryExists(forward(path));
  files.readFile = (path, encoding) => readFile(fileExists(path) ? path : forward(path), encoding);
  if (realpath !== undefined) {
    // By their real place TypeScript could not name types of our dependencies in a cell's declarations (TS2742).
    const homes = [`${forwardSlashes(packageRoot)}/node_modules`, forwardSlashes(dirname(packageRoot))].filter(
      (home) => home.endsWith('/node_modules') && !`${forwardSlashes(cwd)}/`.startsWith(home.slice(0, -'node_modules'.length)),
    );
    const isOwn = (real: string) => real.startsWith(`${forwardSlashes(packageRoot)}/`) && !real.startsWith(`${homes[0]}/`);
    files.realpath = (path) => {
      const real = realpath(fileExists(path) ? path : forward(path));
      const home = isOwn(real) ? undefined : homes.find((each) => real.startsWith(`${each}/`));
      return home === undefined ? real : fallback + real.slice(home.length);
    };
  }
}
