// Block: what the network's operators amount to. Finds ranges that repeat and gives their operators and tensors names that
// count the instances; finds the caches of its attentions, whose inputs become states.

import { internal } from '../base/problem.ts';
import { findBlocks } from '../ir/blocks.ts';
import { findCaches } from '../ir/caches.ts';
import { numberInstances } from '../ir/numbering.ts';
import type { ImportState } from './import-state.ts';

export function block(state: ImportState): string {
  if (state.graph === undefined) throw internal('the import made no graph');
  const numbered = numberInstances(state.graph, findBlocks(state.graph));
  const caches = findCaches(numbered);
  const states = new Set(caches.map(({ past }) => past));
  const tensors = numbered.tensors.map((tensor) => (states.has(tensor.id) ? { ...tensor, role: 'state' as const } : tensor));
  const graph = { ...numbered, tensors, caches };
  state.graph = graph;
  const blocks = graph.blocks.map(({ length, count }) => `${count} x ${length} operators`);
  const cached = caches.length === 0 ? [] : [`${caches.length} caches`];
  return [...blocks, ...cached].join(', ') || 'nothing repeats';
}
