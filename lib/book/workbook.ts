// Workbook: a folder with the notebooks and what they read, to be worked in. It runs against the installed package.

import { cpSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fail } from '../base/problem.ts';
import { fileReason } from '../base/wording.ts';
import { makeFolder } from '../kernel/make-folder.ts';
import { packageRoot, packageVersion } from '../kernel/own-package.ts';

/** What is copied of the package, folder by folder. */
const COPIED: Readonly<Record<string, RegExp>> = {
  notebooks: /\.(ipynb|md)$/,
  'notebooks/solutions': /\.(ipynb|md)$/,
  datasets: /\.(onnx|npz|md)$/,
  'datasets/narrow': /\.onnx$/,
  'datasets/sweeps': /\.json$/,
  'docs/reproduction': /\.csv$/,
  hw: /\.json$/,
};

const README = `# A CIMbook workbook

Made by \`npx cimbook new\` (cimbook ${packageVersion}). All of it is yours to change.

    npx cimbook kernel install    # once: tells Jupyter and VS Code about the kernel
    jupyter lab notebooks         # or open a notebook in VS Code and choose the kernel "CIMbook (TypeScript)"

Begin with notebooks/00-quick-start.ipynb.

    npx cimbook check notebooks/00-quick-start.ipynb    # does it still show what it showed?
    npx cimbook book --out site                         # all of it as a static site
`;

/** Makes the folder; returns the number of files in it. Throws `usage` where there is something, `file`. */
export function makeWorkbook(folder: string): number {
  const place = resolve(folder);
  if (existsSync(place) && !isEmptyFolder(place)) {
    fail({ kind: 'usage', message: `${folder} exists and is not an empty folder`, next: 'Give a new folder; nothing is overwritten.' });
  }
  const fresh = `${place}.${process.pid}.part`;
  let count = 1;
  try {
    makeFolder(dirname(place));
    for (const [from, pattern] of Object.entries(COPIED)) {
      makeFolder(join(fresh, from));
      for (const name of readdirSync(join(packageRoot, from)).filter((each) => pattern.test(each) && !each.startsWith('.'))) {
        cpSync(join(packageRoot, from, name), join(fresh, from, name));
        count += 1;
      }
    }
    writeFileSync(join(fresh, 'README.md'), README);
    if (existsSync(place)) rmSync(place, { recursive: true });
    renameSync(fresh, place);
  } catch (error) {
    fail({
      kind: 'file',
      path: folder,
      reason: `cannot be written (${fileReason(error)})`,
      next: 'Choose a folder you may write to, with room on the disk.',
    });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return count;
}

function isEmptyFolder(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false;
  }
}
