// Tells Jupyter about the kernel: writes, removes and lists `share/jupyter/kernels/cimbook`.
// In: a prefix (a virtual environment) or the user's own folder. Out: the kernelspec's folder. Safe to repeat.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolder } from './make-folder.ts';

export const KERNEL_NAME = 'cimbook';
export const DISPLAY_NAME = 'CIMbook (TypeScript)';

export interface KernelspecTarget {
  /** A virtual environment or any other installation prefix. */
  readonly prefix?: string;
  /** The user's own folder: the default when there is no prefix. */
  readonly user?: boolean;
}

export interface InstalledKernelspec {
  readonly folder: string;
  readonly argv: readonly string[];
  /** Whether it starts this copy of the package. */
  readonly isCurrent: boolean;
}

/** Registers the kernel and returns the folder written. */
export function installKernelspec(target: KernelspecTarget = {}): string {
  const folder = kernelspecFolder(target);
  makeFolder(folder);
  const spec = {
    argv: [process.execPath, entry(), '{connection_file}'],
    display_name: DISPLAY_NAME,
    language: 'typescript',
    // A signal can't stop a cell that blocks after an `await`; see io-worker.ts.
    interrupt_mode: 'message',
    metadata: { debugger: false },
  };
  writeFileSync(join(folder, 'kernel.json'), `${JSON.stringify(spec, null, 2)}\n`);
  writeFileSync(join(folder, 'logo-svg.svg'), LOGO);
  return folder;
}

/** Returns the folder removed, or nothing when there was none. */
export function uninstallKernelspec(target: KernelspecTarget = {}): string | undefined {
  const folder = kernelspecFolder(target);
  if (!existsSync(folder)) return undefined;
  rmSync(folder, { recursive: true });
  return folder;
}

/** Returns the installed kernelspecs in the places where Jupyter looks, and below `prefix` if one is given. */
export function listKernelspecs({ prefix }: { readonly prefix?: string } = {}): InstalledKernelspec[] {
  const found: InstalledKernelspec[] = [];
  const roots = [...(prefix === undefined ? [] : [join(prefix, 'share', 'jupyter')]), ...jupyterDataFolders()];
  for (const root of new Set(roots)) {
    const folder = join(root, 'kernels', KERNEL_NAME);
    try {
      const { argv } = JSON.parse(readFileSync(join(folder, 'kernel.json'), 'utf8')) as { argv: string[] };
      found.push({ folder, argv, isCurrent: argv.includes(entry()) });
    } catch {
      // Not installed here, or not ours to read.
    }
  }
  return found;
}

function entry(): string {
  return fileURLToPath(new URL('./main.js', import.meta.url));
}

function kernelspecFolder({ prefix, user = prefix === undefined }: KernelspecTarget): string {
  if (prefix !== undefined && user) throw new Error('A kernelspec goes either below a prefix or into the user folder, not both.');
  const data = prefix === undefined ? userDataFolder() : join(prefix, 'share', 'jupyter');
  return join(data, 'kernels', KERNEL_NAME);
}

/** Source: jupyter_core.paths.jupyter_data_dir. */
function userDataFolder(): string {
  const { JUPYTER_DATA_DIR, APPDATA, XDG_DATA_HOME } = process.env;
  if (JUPYTER_DATA_DIR) return JUPYTER_DATA_DIR;
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Jupyter');
  if (process.platform === 'win32') return APPDATA ? join(APPDATA, 'jupyter') : join(homedir(), '.jupyter', 'data');
  return join(XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'jupyter');
}

/** Source: jupyter_core.paths.jupyter_path, without the environment of a Python we don't know. */
function jupyterDataFolders(): string[] {
  const { JUPYTER_PATH, VIRTUAL_ENV, CONDA_PREFIX, PROGRAMDATA } = process.env;
  const environments = [VIRTUAL_ENV, CONDA_PREFIX].filter((path) => path !== undefined && path !== '') as string[];
  const system = process.platform === 'win32' ? [join(PROGRAMDATA ?? '', 'jupyter')] : ['/usr/local/share/jupyter', '/usr/share/jupyter'];
  const extra = (JUPYTER_PATH ?? '').split(delimiter).filter((path) => path !== '');
  return [...extra, ...environments.map((path) => join(path, 'share', 'jupyter')), userDataFolder(), ...system];
}

/** An array of cells, some computing, some remembering. */
const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
  <rect width="64" height="64" rx="10" fill="#1b2a41"/>
  <g fill="#56b4e9"><rect x="10" y="10" width="12" height="12"/><rect x="26" y="10" width="12" height="12"/><rect x="10" y="26" width="12" height="12"/><rect x="26" y="42" width="12" height="12"/></g>
  <g fill="#e69f00"><rect x="42" y="10" width="12" height="12"/><rect x="26" y="26" width="12" height="12"/><rect x="42" y="26" width="12" height="12"/><rect x="10" y="42" width="12" height="12"/><rect x="42" y="42" width="12" height="12"/></g>
</svg>
`;
