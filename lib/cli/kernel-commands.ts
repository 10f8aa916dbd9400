// `cimbook kernel install | uninstall | list`: the Jupyter kernel's registration.

import { fail } from '../base/problem.ts';
import { printable } from '../base/text.ts';
import { fileReason } from '../base/wording.ts';
import { DISPLAY_NAME, installKernelspec, listKernelspecs, uninstallKernelspec } from '../kernel/kernelspec.ts';
import type { Arguments, Flag } from './arguments.ts';
import type { Runnable } from './commands.ts';

const PREFIX = {
  prefix: { value: 'DIR', help: "a virtual environment or other prefix instead of the user's own Jupyter" },
} satisfies Record<string, Flag>;

function target(args: Arguments): { readonly prefix?: string } {
  const prefix = args.text('prefix');
  return prefix === undefined ? {} : { prefix };
}

/** A change of Jupyter's folders. Throws `file` if they may not be changed. */
function changing<T>(args: Arguments, change: (where: { readonly prefix?: string }) => T): T {
  try {
    return change(target(args));
  } catch (error) {
    const path = args.text('prefix') ?? "Jupyter's data folder";
    return fail({ kind: 'file', path, reason: fileReason(error), next: 'Give --prefix DIR with a directory you may write to.' });
  }
}

export const KERNEL_COMMANDS: readonly Runnable[] = [
  {
    command: {
      name: 'kernel install',
      operands: [],
      flags: PREFIX,
      summary: `Registers the kernel "${DISPLAY_NAME}" for Jupyter and VS Code.`,
      examples: ['cimbook kernel install', 'cimbook kernel install --prefix .venv'],
    },
    run: (args) => `Installed ${printable(changing(args, installKernelspec))}`,
  },
  {
    command: {
      name: 'kernel uninstall',
      operands: [],
      flags: PREFIX,
      summary: 'Removes the registration.',
      examples: ['cimbook kernel uninstall'],
    },
    run: (args) => {
      const folder = changing(args, uninstallKernelspec);
      return folder === undefined ? 'Nothing was installed there' : `Removed ${printable(folder)}`;
    },
  },
  {
    command: {
      name: 'kernel list',
      operands: [],
      flags: PREFIX,
      summary: 'Where the kernel is registered, and with which copy of cimbook.',
      examples: ['cimbook kernel list'],
    },
    run: (args) => {
      const found = listKernelspecs(target(args)).map(
        ({ folder, isCurrent }) => `${printable(folder)}${isCurrent ? '' : ' (another copy of cimbook)'}`,
      );
      return found.length === 0 ? 'Not installed; run cimbook kernel install' : found.join('\n');
    },
  },
];
