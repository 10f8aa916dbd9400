// Prune: only nodes stay whose output depends on the network's input and reaches one of its outputs.

import type { ImportState } from './import-state.ts';
import { readsOf } from './operators.ts';

export function prune(state: ImportState): string {
  const { values, fates } = state;
  const needed = new Set(state.model.outputs);
  const runs = (name: string): boolean => values.get(name)?.constant === false;
  const kept = state.nodes.toReversed().filter((node) => {
    const outputs = node.outputs.filter((name) => name !== '');
    if (!outputs.some(runs)) fates.set(node.id, 'folded');
    else if (!outputs.some((name) => needed.has(name))) fates.set(node.id, 'unused');
    else {
      for (const name of readsOf(node)) if (runs(name)) needed.add(name);
      return true;
    }
    return false;
  });
  const total = state.nodes.length;
  state.nodes = kept.reverse();
  return `${kept.length} of ${total} nodes run`;
}
