// importOnnx: an ONNX file -> Graph. Weights may be inside, in other files or nowhere: only their shapes are used.
// The file is not trusted; whatever it is, the outcome is a Graph or a CompileError with every problem of the pass that had to stop.

import { basename, extname } from 'node:path';
import { internal } from '../base/problem.ts';
import type { Graph } from '../ir/graph.ts';
import type { ImportState } from './import-state.ts';
import { type LogEntry, runPasses } from './passes.ts';
import { readModel } from './read-model.ts';

export interface ImportOptions {
  /** Sizes of symbolic dimensions, by name. */
  readonly bind?: Readonly<Record<string, number>>;
  /** Sizes for dimensions that `bind` leaves out, used where the model has them: { batch: 1 }. */
  readonly defaults?: Readonly<Record<string, number>>;
}

/** The graph of a model: `source` is a path, or the bytes of a file. Throws `onnx-*` problems. */
export function importOnnx(source: string | Uint8Array, options: ImportOptions = {}): Graph {
  return runImport(source, options).graph ?? noGraph();
}

/** What importing did, pass by pass, beside the graph: what a notebook shows and tests look into. */
export interface Imported extends ImportState {
  readonly log: readonly LogEntry[];
}

/** Like importOnnx, with all that the passes found; stops behind the pass called `last`, if it is given. */
export function runImport(source: string | Uint8Array, { bind = {}, defaults = {} }: ImportOptions = {}, last?: string): Imported {
  const fromFile = typeof source === 'string';
  const path = fromFile ? source : 'MODEL';
  const state: ImportState = {
    bytes: readModel(source, path),
    path,
    name: fromFile ? basename(source, extname(source)) : undefined,
    bind,
    defaults,
    model: { irVersion: 0, opsets: new Map(), graphName: '', inputs: [], outputs: [], initializers: [], nodes: [], functions: new Map() },
    nodes: [],
    bindings: {},
    values: new Map(),
    drafts: [],
    fused: [],
    axes: new Map(),
    fates: new Map(),
    graph: undefined,
  };
  const log = runPasses(state, last);
  return { ...state, log };
}

function noGraph(): never {
  throw internal('the import made no graph');
}
