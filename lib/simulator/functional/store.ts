// Where a statement's results go: into regions of memory, or into the tiles of a right operand.

import type { Access } from '../../program/geometry.ts';
import type { Context } from './context.ts';
import { operandWriter } from './operand-tiles.ts';

/** Writes positions from .. to - 1 to where the statement has to; `values` begins at position `origin`. */
export function store(
  writes: readonly Access[],
  from: number,
  to: number,
  values: ArrayLike<number>,
  origin: number,
  context: Context,
): void {
  for (const access of writes) {
    const { region, tensor, features } = access;
    if (features.to <= features.from || to <= from) continue;
    if (region.place.kind !== 'tiles') {
      context.storage.write(region, tensor, features, from, to, values, origin);
      continue;
    }
    const write = context.operandWriters.get(region.id) ?? operandWriter(access, region.place, context);
    context.operandWriters.set(region.id, write);
    write(features, from, to, values, origin);
  }
}
