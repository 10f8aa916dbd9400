// Simplify: operators an architect would draw, out of the arithmetic that exporters write. Each rewrite takes the drafts
// and returns others that compute the same; names of what the network hands out stay.

import type { Draft } from '../draft.ts';
import type { ImportState } from '../import-state.ts';
import { withFunctions } from './functions.ts';
import { type Network, networkOf, withoutUnread } from './network.ts';
import { withNormalizations } from './normalizations.ts';
import { early } from './order.ts';
import { withRotations } from './rotations.ts';
import { withShapes } from './shapes.ts';
import { withViews } from './views.ts';

interface Rewrite {
  readonly name: string;
  readonly rewrite: (network: Network) => Draft[];
}

export const REWRITES: readonly Rewrite[] = [
  // 0.5 * x * (1 + erf(x / sqrt 2)) -> gelu
  { name: 'functions', rewrite: withFunctions },
  // x / sqrt(mean(x^2) + epsilon) * scale -> rmsNorm
  { name: 'normalizations', rewrite: withNormalizations },
  // x * cos + concat(-x2, x1) * sin -> rotary
  { name: 'rotations', rewrite: withRotations },
  // [64, 768] -> view -> [1, 64, 768]: the product writes the latter
  { name: 'shapes', rewrite: withShapes },
  // reshape, transpose, reshape -> transpose; products read K as it lies
  { name: 'views', rewrite: withViews },
  // masks and tables before the first layer
  { name: 'order', rewrite: ({ drafts }) => early(drafts) },
];

export function simplify(state: ImportState): string {
  const before = state.drafts.length;
  let network = networkOf(state);
  for (const { rewrite } of REWRITES) {
    const rewritten = rewrite(network);
    if (isSame(rewritten, state.drafts)) continue;
    state.drafts = withoutUnread(rewritten, network.outputs);
    network = networkOf(state);
  }
  const ids = new Set(state.drafts.map(({ id }) => id));
  for (const [node, fate] of state.fates) if (fate === 'operator' && !ids.has(node)) state.fates.set(node, 'merged');
  return `${before} operators made ${state.drafts.length}`;
}

function isSame(a: readonly Draft[], b: readonly Draft[]): boolean {
  return a.length === b.length && a.every((draft, i) => draft === b[i]);
}
