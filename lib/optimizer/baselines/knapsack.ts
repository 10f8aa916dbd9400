// CIM-MLC's duplication: spare arrays of a segment -> copies with the least sum of latencies.

import { type Cycles, sum } from '../../base/units.ts';

export interface Item {
  /** Arrays one copy takes. */
  readonly arrays: number;
  /** Latency with one copy; with c of them it is latency / c. */
  readonly latency: Cycles;
  /** Copies it may have, ascending from 1. */
  readonly allowed: readonly number[];
}

/**
 * Copies of each item that minimise the sum of latency / copies within `arrays`: dynamic programming over items and
 * spare arrays, exact. Of equal sums the one with fewer copies of later items.
 */
export function knapsackCopies(items: readonly Item[], arrays: number): readonly number[] {
  const spare = arrays - sum(items.map((item) => item.arrays));
  if (spare < 0) return items.map(() => 1);
  let least = new Float64Array(spare + 1);
  const chosen = items.map((item) => {
    const next = new Float64Array(spare + 1).fill(Number.POSITIVE_INFINITY);
    const copies = new Int32Array(spare + 1);
    for (const count of item.allowed) {
      const taken = (count - 1) * item.arrays;
      for (let room = taken; room <= spare; room++) {
        const total = least[room - taken]! + item.latency / count;
        if (total < next[room]!) {
          next[room] = total;
          copies[room] = count;
        }
      }
    }
    least = next;
    return copies;
  });
  let room = spare;
  const result = items.map(() => 1);
  for (let i = items.length - 1; i >= 0; i--) {
    result[i] = chosen[i]![room]!;
    room -= (result[i]! - 1) * items[i]!.arrays;
  }
  return result;
}
