// Execute: runs a notebook's cells in a kernel process of its own, as Jupyter would, but without Python.
// In: a notebook and the folder it lies in. Out: the outputs of its cells, in order, up to the first that fails.
// Executing a notebook runs its code with your rights: `cimbook book --no-execute` reads one without.

import { fail } from '../base/problem.ts';
import { printable } from '../base/text.ts';
import { KERNEL_NAME } from '../kernel/kernelspec.ts';
import type { Message } from '../kernel/protocol.ts';
import { KernelProcess } from './kernel-process.ts';
import { joinStreams, type Notebook, type Output, outputOf } from './notebook.ts';

export interface ExecuteOptions {
  /** Where relative paths of the cells start. */
  readonly folder: string;
  /** How long one cell may take, in seconds; 300 unless given. */
  readonly cellSeconds?: number;
  /** Told the share of the cells done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

export interface Execution {
  /** Of the code cells in order; as many as were begun. */
  readonly outputs: readonly (readonly Output[])[];
  /** Why it ended early: the failed cell's number among all cells, from 1, and what it said. */
  readonly failed?: { readonly cell: number; readonly message: string };
  readonly seconds: number;
}

const CELL_SECONDS = 300;

/** Runs all code cells in one fresh kernel. Throws `usage` for a notebook of another kernel. */
export async function executeNotebook(notebook: Notebook, path: string, options: ExecuteOptions): Promise<Execution> {
  if (notebook.kernel !== KERNEL_NAME && !/^(typescript|)$/i.test(notebook.language)) {
    fail({
      kind: 'usage',
      message: `${printable(path)} is written in ${printable(notebook.language)}, which the CIMbook kernel does not run`,
      next: 'Choose the kernel "CIMbook (TypeScript)" in it, or leave it out.',
    });
  }
  const start = performance.now();
  const kernel = await KernelProcess.start(options.folder);
  try {
    const screen = new Screen();
    const finish = (failed?: Execution['failed']): Execution => ({
      outputs: screen.outputs(),
      ...(failed !== undefined && { failed }),
      seconds: (performance.now() - start) / 1000,
    });
    for (const [i, cell] of notebook.cells.entries()) {
      options.onProgress?.(i / notebook.cells.length);
      if (cell.kind !== 'code') continue;
      screen.open();
      if (cell.source.trim() === '') continue;
      const problem = await kernel.execute(cell.source, options.cellSeconds ?? CELL_SECONDS, (message) => screen.show(message));
      const error = screen.error();
      if (problem !== undefined) return finish({ cell: i + 1, message: problem });
      if (error !== undefined) return finish({ cell: i + 1, message: error.traceback || `${error.name}: ${error.message}` });
    }
    return finish();
  } finally {
    kernel.close();
  }
}

/** An output that later messages may still replace. */
interface Slot {
  output: Output;
}

/** What a front end would show: outputs cell by cell, updated and cleared as the messages say. */
class Screen {
  private readonly cells: Slot[][] = [];
  private readonly named = new Map<string, Slot[]>();
  private clearsNext = false;

  open(): void {
    this.cells.push([]);
    this.clearsNext = false;
  }

  show({ header, content }: Message): void {
    const slots = this.cells.at(-1)!;
    const displayId = String((content.transient as { display_id?: unknown } | undefined)?.display_id ?? '');
    if (header.msg_type === 'clear_output') {
      if (content.wait === true) this.clearsNext = true;
      else slots.length = 0;
      return;
    }
    const isUpdate = header.msg_type === 'update_display_data';
    const output = outputOf(isUpdate ? 'display_data' : header.msg_type, content);
    if (output === undefined) return;
    if (isUpdate) {
      for (const slot of this.named.get(displayId) ?? []) slot.output = output;
      return;
    }
    if (this.clearsNext) slots.length = 0;
    this.clearsNext = false;
    const slot = { output };
    slots.push(slot);
    if (displayId !== '') this.named.set(displayId, [...(this.named.get(displayId) ?? []), slot]);
  }

  /** The last cell's error, if it ended in one. */
  error(): Extract<Output, { kind: 'error' }> | undefined {
    return this.cells
      .at(-1)
      ?.map(({ output }) => output)
      .find((output) => output.kind === 'error');
  }

  outputs(): readonly (readonly Output[])[] {
    return this.cells.map((slots) => joinStreams(slots.map(({ output }) => output)));
  }
}
