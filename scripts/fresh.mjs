// Answers "is this step still done?" for set-up, from hashes of what went in and a look at what came out.
// Every stamp lies inside what it vouches for, so that deleting that also deletes the stamp; it is written last.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** The text of a file, or undefined when there is none. */
export function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Paths of all files below `folder`, sorted, with `/` between the parts. */
export function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** One hash of some texts and of the contents of some files below `root` (a missing one counts as such). */
export function hashOf(root, { texts = [], files = [] }) {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`text ${text}\n`);
  for (const file of files) hash.update(`file ${relative(root, file)} ${readText(file) ?? 'missing'}\n`);
  return hash.digest('hex').slice(0, 32);
}

export function readStamp(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined; // never done, interrupted, or not ours
  }
}

export function writeStamp(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(content)}\n`);
}

// npm packages ----------------------------------------------------------------------------------------------------------

const npmStamp = (root) => join(root, 'node_modules', '.cimbook-setup');

/** Whether node_modules holds what package-lock.json asks for. */
export function packagesAreFresh(root) {
  const key = packagesKey(root);
  return key !== undefined && readStamp(npmStamp(root))?.key === key;
}

export function stampPackages(root) {
  writeStamp(npmStamp(root), { key: packagesKey(root) });
}

/** Removes what would make a half-done `npm ci` look finished. */
export function unstampPackages(root) {
  for (const name of ['.cimbook-setup', '.package-lock.json']) rmSync(join(root, 'node_modules', name), { force: true });
}

/** Whether someone's own `npm install` left exactly the locked versions: npm writes node_modules/.package-lock.json at its end. */
export function packagesMatchLock(root) {
  const locked = readStamp(join(root, 'package-lock.json'))?.packages;
  const installed = readStamp(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (locked === undefined || installed === undefined) return false;
  const matches = ([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    if (found !== undefined) return found.version === entry.version && existsSync(join(root, path));
    return (
      entry.optional === true && (!isForHere(entry.os, process.platform) || !isForHere(entry.cpu, process.arch) || entry.libc !== undefined)
    );
  };
  return Object.entries(locked).every(matches);
}

function packagesKey(root) {
  const lock = readText(join(root, 'package-lock.json'));
  return lock && hashOf(root, { texts: [lock, process.platform, process.arch, process.versions.modules] });
}

function isForHere(list, here) {
  return (
    list === undefined ||
    (list.includes(here) && !list.includes(`!${here}`)) ||
    (list.every((name) => name.startsWith('!')) && !list.includes(`!${here}`))
  );
}

// The build ------------------------------------------------------------------------------------------------------------

const buildStamp = (root) => join(root, '.cimbook', 'build');

/** Whether dist/ is the build of the sources as they are now. */
export function buildIsFresh(root) {
  return readStamp(buildStamp(root))?.key === buildKey(root) && builtFiles(root).every(existsSync);
}

export function stampBuild(root, key) {
  writeStamp(buildStamp(root), { key });
}

export function unstampBuild(root) {
  rmSync(buildStamp(root), { force: true });
}

export function buildKey(root) {
  const named = ['tsconfig.json', 'tsconfig.build.json', 'package.json', 'package-lock.json'].map((name) => join(root, name));
  return hashOf(root, { files: [...named, ...filesBelow(join(root, 'lib'))] });
}

/** Removes files of dist/ whose source was renamed or deleted: nobody should import them by accident. */
export function removeOrphans(root) {
  for (const file of filesBelow(join(root, 'dist'))) {
    const source = join(root, 'lib', file.slice(join(root, 'dist').length + 1)).replace(/(\.d\.ts|\.js)(\.map)?$/, '');
    if (/(\.d\.ts|\.js)(\.map)?$/.test(file) && !['.ts', '.d.ts', '.js'].some((ending) => existsSync(source + ending))) rmSync(file);
  }
}

function builtFiles(root) {
  const sources = filesBelow(join(root, 'lib')).filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
  return sources.map((file) => join(root, 'dist', file.slice(join(root, 'lib').length + 1).replace(/\.ts$/, '.js')));
}

// The virtual environment ------------------------------------------------------------------------------------------------

const venvStamp = (root) => join(root, '.venv', '.cimbook-setup');

export const venvPython = (root) => join(root, '.venv', ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']));

/** Whether .venv was made by us, to its end, for this place, and its Python is still there. */
export function venvIsFresh(root) {
  const stamp = readStamp(venvStamp(root));
  if (stamp?.key !== venvKey(root)) return false;
  try {
    return realpathSync(venvPython(root)) === stamp.python && stamp.needs.every(existsSync);
  } catch {
    return false; // the Python it was made from was removed
  }
}

/** `needs`: paths that must exist for the environment to work. */
export function stampVenv(root, needs) {
  writeStamp(venvStamp(root), { key: venvKey(root), python: realpathSync(venvPython(root)), needs });
}

/** Claims .venv as ours before it is filled: what an interrupt leaves behind may then be removed. */
export function claimVenv(root) {
  writeStamp(venvStamp(root), { key: 'unfinished' });
}

export function venvIsOurs(root) {
  return existsSync(venvStamp(root));
}

function venvKey(root) {
  return hashOf(root, { texts: [realpathSync(root), 'layout 2'], files: [join(root, 'scripts', 'requirements.lock.txt')] });
}

// The kernelspec -------------------------------------------------------------------------------------------------------

const kernelStamp = (root) => join(root, '.cimbook', 'kernelspec');

/** The kernel's name when it is registered at `where` (a venv's prefix, or "user") by this build; undefined when it isn't. */
export function freshKernel(root, where) {
  const stamp = readStamp(kernelStamp(root));
  return stamp?.key === kernelKey(root, where) && existsSync(join(stamp.folder, 'kernel.json')) ? stamp.name : undefined;
}

export function stampKernel(root, where, { name, folder }) {
  writeStamp(kernelStamp(root), { key: kernelKey(root, where), name, folder });
}

function kernelKey(root, where) {
  return hashOf(root, { texts: [process.execPath, realpathSync(root), where], files: [join(root, 'dist', 'kernel', 'kernelspec.js')] });
}
