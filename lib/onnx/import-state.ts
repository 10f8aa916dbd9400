// ImportState: what the import's passes hand on to each other. Each pass says which parts it reads and fills.

import type { Graph } from '../ir/graph.ts';
import type { Draft, FusedDraft } from './draft.ts';
import type { Model, OnnxNode, Value } from './model.ts';

/** What became of an ONNX node. `view`: dropped, its output is its input. `merged`: part of others. `unused`: no output depends on it. */
export type Fate = 'operator' | 'step' | 'folded' | 'view' | 'merged' | 'unused';

export interface ImportState {
  readonly bytes: Buffer;
  /** File, or what messages call the bytes. */
  readonly path: string;
  /** The graph's name; the one in the file if undefined. */
  readonly name: string | undefined;
  readonly bind: Readonly<Record<string, number>>;
  readonly defaults: Readonly<Record<string, number>>;

  /** Filled by `decode`. */
  model: Model;
  /** Nodes still to be handled, in topological order; filled by `sort`, thinned by `prune`. */
  nodes: readonly OnnxNode[];
  /** Filled by `bind`. */
  bindings: Readonly<Record<string, number>>;
  /** By name: inputs and initialisers from `bind`, the rest from `infer`. */
  values: Map<string, Value>;
  /** Filled by `lower`. */
  drafts: readonly Draft[];
  /** Feature axis by value, from `layout`. */
  axes: ReadonlyMap<string, number>;
  /** Filled by `fuse`: drafts that stay operators, with the steps that joined them. */
  fused: readonly FusedDraft[];
  /** By node id. */
  fates: Map<string, Fate>;
  /** Filled by `link`. */
  graph: Graph | undefined;
}
