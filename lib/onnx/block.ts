// Block: find the ranges of operators that repeat, and give their operators and tensors names that count the instances.

import { internal } from '../base/problem.ts';
import { findBlocks } from '../ir/blocks.ts';
import { numberInstances } from '../ir/numbering.ts';
import type { ImportState } from './import-state.ts';

export function block(state: ImportState): string {
  if (state.graph === undefined) throw internal('the import made no graph');
  const runs = findBlocks(state.graph);
  const graph = numberInstances(state.graph, runs);
  state.graph = graph;
  return runs.length === 0 ? 'nothing repeats' : graph.blocks.map(({ length, count }) => `${count} x ${length} operators`).join(', ');
}
