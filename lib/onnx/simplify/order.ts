// Order: what depends on no product (masks, tables of angles) is computed where its inputs are, not inside the first layer
// that happens to need it; so all layers look alike.

import type { Draft } from '../draft.ts';

export function early(drafts: readonly Draft[]): Draft[] {
  /** Values that a product has a part in. */
  const dependent = new Set<string>();
  /** Value -> place of the last operator it waits for that stays where it is. */
  const place = new Map<string, number>();
  const keys = drafts.map(({ body, inputs, output }, index): readonly [place: number, moved: number, index: number] => {
    const isProduct = body.kind === 'matMul' || body.kind === 'conv';
    if (isProduct || inputs.some(({ value }) => dependent.has(value))) dependent.add(output);
    const stays = dependent.has(output) || dependent.size === 0;
    const own = stays ? index : Math.max(-1, ...inputs.map(({ value }) => place.get(value) ?? -1));
    place.set(output, own);
    return [own, stays ? 0 : 1, index];
  });
  const order = drafts.map((_, index) => index);
  order.sort((a, b) => compare(keys[a] ?? [0, 0, a], keys[b] ?? [0, 0, b]));
  return order.map((index) => drafts[index] as Draft);
}

function compare(a: readonly [number, number, number], b: readonly [number, number, number]): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
