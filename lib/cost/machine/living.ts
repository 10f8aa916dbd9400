// Homes: where data stays on chip between segments; and which are alive while a segment runs.
// Work + homes -> arrays and buffer bytes they take, for any range of sub-operators.

import type { Bytes } from '../../base/units.ts';
import type { ProductWork, Work } from './work.ts';

/** Where a tensor that outlives its segment is held on chip. */
export interface Home {
  readonly tensor: number;
  /** Parts of its features, at most 1 together, in the buffer and in `arrays` arrays; the others go through external memory. */
  readonly inBuffer: number;
  readonly inArrays: number;
  readonly arrays: number;
  /** Sub-operators that compute on it where it is written: their arrays are memory until they do. */
  readonly inPlace?: readonly number[];
  /** It lies nowhere else: nobody else needs it behind the segment that makes it. */
  readonly onlyInPlace?: boolean;
}

/** Whether a sub-operator's right operand is written into the arrays that compute on it. */
export function isInPlace(homes: Homes, { sub, stationary }: Pick<ProductWork, 'sub' | 'stationary'>): boolean {
  return stationary !== undefined && (homes.get(stationary.tensor)?.inPlace?.includes(sub) ?? false);
}

/** Part of a tensor that stays on chip. */
export function heldShare(home: Home | undefined): number {
  return home === undefined ? 0 : home.onlyInPlace ? 1 : home.inBuffer + home.inArrays;
}

/** Homes by tensor. */
export type Homes = ReadonlyMap<number, Home>;

interface Span {
  readonly to: number;
  readonly arrays: number;
  readonly bytes: Bytes;
}

/** Asked for every segment a search looks at, so that an answer takes as long as there are homes that begin in it. */
export class LivingHomes {
  readonly homes: Homes;
  /** Of homes made before each sub-operator and needed in it or later. */
  private readonly arraysAcross: Float64Array;
  private readonly bytesAcross: Float64Array;
  private readonly beginning: Span[][];

  constructor(work: Work, homes: Homes) {
    this.homes = homes;
    const subs = work.products.length;
    this.arraysAcross = new Float64Array(subs + 1);
    this.bytesAcross = new Float64Array(subs + 1);
    this.beginning = Array.from({ length: subs }, () => []);
    for (const { tensor, inBuffer, arrays } of homes.values()) {
      const { makers, readers, given, leaves, bytes } = work.tensors[tensor]!;
      const subOf = (task: number | undefined): number => Math.max(0, work.tasks[task ?? 0]?.sub ?? 0);
      const from = given ? -1 : subOf(makers[0]);
      const to = leaves ? subs : subOf(readers.at(-1));
      const span = { to, arrays, bytes: bytes * inBuffer };
      this.beginning[from]?.push(span);
      for (let sub = from + 1; sub <= Math.min(to, subs - 1); sub++) {
        this.arraysAcross[sub]! += span.arrays;
        this.bytesAcross[sub]! += span.bytes;
      }
    }
  }

  /** Arrays and buffer bytes of homes alive in first .. last, of those made and used up in between none. */
  during(first: number, last: number): { readonly arrays: number; readonly bytes: Bytes } {
    let arrays = this.arraysAcross[first] ?? 0;
    let bytes = this.bytesAcross[first] ?? 0;
    for (let sub = first; sub <= last; sub++) {
      for (const span of this.beginning[sub] ?? []) {
        if (span.to <= last) continue;
        arrays += span.arrays;
        bytes += span.bytes;
      }
    }
    return { arrays, bytes };
  }
}
