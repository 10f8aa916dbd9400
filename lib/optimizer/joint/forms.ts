// Segments that ask for the same: what each sub-operator looks like from within a segment, as a number, and a trie over those
// numbers. The pieces of a cut operator and repeated layers are thus allotted once. Work + homes -> forms.

import { type Home, type Homes, heldShare } from '../../cost/machine/living.ts';
import type { TaskWork, Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';

/** A segment's form; `known` is what was found out of it. */
export interface Form<T> {
  known: T | undefined;
  readonly next: Map<number, Form<T>>;
}

/** Forms of one network's segments; what they are made of changes with the homes, the table stays. */
export class SegmentForms<T> {
  private readonly root: Form<T> = { known: undefined, next: new Map() };
  private readonly numbers = new Map<string, number>();
  private readonly work: Work;
  /** By task, the first and the last one that can be in a segment with it. */
  private readonly earliest: Int32Array;
  private readonly latest: Int32Array;

  constructor(work: Work, hardware: Hardware) {
    this.work = work;
    this.earliest = new Int32Array(work.tasks.length);
    this.latest = new Int32Array(work.tasks.length);
    let first = 0;
    let tiles = 0;
    for (let last = 0; last < work.products.length; last++) {
      tiles += work.products[last]!.tiles;
      for (; first < last && tiles > hardware.arrays; first++) tiles -= work.products[first]!.tiles;
      const [from, to] = [firstTaskOf(work, first), work.firstTask[last + 1]!];
      this.earliest.fill(from, firstTaskOf(work, last), to);
      for (let t = from; t < to; t++) this.latest[t] = to - 1;
    }
  }

  /** A walk from a segment's last member to its first: each call gives the form of a segment that is one member longer. */
  walk(codes: Int32Array, last: number): (first: number) => Form<T> {
    let form = this.root;
    let at = last;
    return (first) => {
      for (; at >= first; at--) {
        const code = codes[at]!;
        let next = form.next.get(code);
        if (next === undefined) {
          next = { known: undefined, next: new Map() };
          form.next.set(code, next);
        }
        form = next;
      }
      return form;
    };
  }

  /** A number for each sub-operator; equal numbers in equal order are segments with equal demands, but for what homes take of the buffer. */
  codes(homes: Homes): Int32Array {
    const { work, numbers } = this;
    const codes = new Int32Array(work.products.length);
    const lastAccess = new Map<string, number>();
    for (let sub = 0; sub < codes.length; sub++) {
      const parts: (number | string)[] = [];
      for (let t = firstTaskOf(work, sub); t < work.firstTask[sub + 1]!; t++) this.describe(work.tasks[t]!, t, homes, lastAccess, parts);
      const key = parts.join();
      let number = numbers.get(key);
      if (number === undefined) {
        number = numbers.size;
        numbers.set(key, number);
      }
      codes[sub] = number;
    }
    return codes;
  }

  private describe(task: TaskWork, t: number, homes: Homes, lastAccess: Map<string, number>, parts: (number | string)[]): void {
    const { work } = this;
    const { product, reads, output } = task;
    const earliest = this.earliest[t]!;
    const since = (key: string): number => {
      const before = lastAccess.get(key) ?? -1;
      lastAccess.set(key, t);
      return before < earliest ? -1 : t - before;
    };
    parts.push('t', task.vectorCycles, task.vectorEnergy, task.chunks);
    if (product !== undefined) {
      const { m, tiles, computeCycles, weightBytes, writeCycles, mac, writing, stationary } = product;
      parts.push('p', m, tiles, computeCycles, weightBytes, writeCycles, mac, writing);
      if (stationary !== undefined) parts.push(stationary.bytes, heldShare(homes.get(stationary.tensor)));
    }
    for (const { tensor, features, feedBytes, dataBytes, heldOutside, heldHere, lead } of reads) {
      const { from, to } = features;
      parts.push('r', feedBytes, dataBytes, heldOutside, heldHere, lead, to - from, since(`${tensor},${from},${to}`), since(`${tensor}`));
      this.describeTensor(tensor, t, homes.get(tensor), parts);
      const { makers } = work.tensors[tensor]!;
      for (let i = makers.length - 1; i >= 0 && makers[i]! >= earliest; i--) {
        const made = work.tasks[makers[i]!]!.output.features;
        parts.push(t - makers[i]!, Math.min(made.to, to) - Math.max(made.from, from));
      }
    }
    parts.push('o', output.bytes, since(`${output.tensor}`));
    this.describeTensor(output.tensor, t, homes.get(output.tensor), parts);
  }

  private describeTensor(tensor: number, t: number, home: Home | undefined, parts: (number | string)[]): void {
    const { leaves, given, readers, makers } = this.work.tensors[tensor]!;
    const always = leaves || given;
    const last = readers.at(-1) ?? t;
    const first = makers[0] ?? t;
    const inside = !always && last <= this.latest[t]! && first >= this.earliest[t]!;
    parts.push(inside ? last - t : -1, inside ? t - first : -1);
    if (home !== undefined) parts.push('h', home.inBuffer, home.inArrays, home.arrays);
  }
}

/** What needs no product goes with the first one. */
function firstTaskOf(work: Work, sub: number): number {
  return sub === 0 ? 0 : work.firstTask[sub]!;
}
