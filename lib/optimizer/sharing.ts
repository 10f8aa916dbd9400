// Constraint (6) of Zhao et al. 2025: arrays that are output memory of one operator and input memory of another at once.
// Edges + memory arrays per operator -> arrays per edge. An array is shared by two operators at most ((7)), so this is a
// b-matching: operators are nodes that allow Mem_i, edges allow mostShared. Without cycles it is solved by taking leaves first.

import { internal } from '../base/problem.ts';
import { boundOf, type Cover, type Link, raise } from './b-matching.ts';

/** `producer` makes data that `consumer` takes in, both counted from the segment's first operator. */
export interface Edge {
  readonly producer: number;
  readonly consumer: number;
  /** |OUT_i intersect IN_j| in arrays. */
  readonly mostShared: number;
}

/** The edges of one problem, asked for many counts of memory arrays. */
export class Sharing {
  readonly edges: readonly Edge[];
  private readonly operators: number;
  /** Made when first asked for: most problems never are. */
  private order: Order | undefined;
  /** Why the last answer was no: it often is why the next one is, too. */
  private cover: Cover | undefined;

  constructor(edges: readonly Edge[], operators: number) {
    this.edges = edges;
    this.operators = operators;
  }

  /** Arrays per edge, at least `enough` in all, when operators have `memory` arrays; undefined if that many cannot be shared. */
  atLeast(enough: number, memory: readonly number[]): readonly number[] | undefined {
    const { edges } = this;
    // In most questions the edges cannot have that many even if none took from another.
    let most = 0;
    for (let e = 0; e < edges.length; e++) {
      const { producer, consumer, mostShared } = edges[e]!;
      most += Math.min(mostShared, memory[producer]!, memory[consumer]!);
    }
    if (most < enough) return undefined;
    this.order ??= orderOf(edges, this.operators);
    const { leaves, cycles, cyclic } = this.order;
    const left = [...memory];
    const shared = new Array<number>(edges.length).fill(0);
    const needed = enough - takeAll(edges, leaves, left, shared);
    if (needed <= 0) return shared;
    if (cycles.length === 0) return undefined;
    const capacity = [...left];
    const greedy = takeAll(edges, cycles, left, shared);
    if (greedy >= needed) return shared;
    if (this.cover !== undefined && boundOf(this.cover, capacity, cyclic) < needed) return undefined;
    const x = cycles.map((e) => shared[e]!);
    if (greedy + swapAll(cyclic, left, x) < needed) {
      const cover = raise(capacity, cyclic, x, needed);
      if (cover !== undefined) {
        this.cover = cover;
        return undefined;
      }
    }
    for (let k = 0; k < x.length; k++) shared[cycles[k]!] = x[k]!;
    return shared;
  }
}

interface Order {
  /** Edges that can be given all that is left, one after the other; those of cycles cannot. */
  readonly leaves: readonly number[];
  readonly cycles: readonly number[];
  readonly cyclic: readonly Link[];
}

function orderOf(edges: readonly Edge[], operators: number): Order {
  const leaves = leavesFirst(edges, operators);
  if (leaves.length === edges.length) return { leaves, cycles: [], cyclic: [] };
  const taken = new Set(leaves);
  const cycles = [...edges.keys()].filter((e) => !taken.has(e));
  const cyclic = cycles.map((e): Link => {
    const { producer, consumer, mostShared } = edges[e]!;
    return { a: producer, b: consumer, most: mostShared };
  });
  return { leaves, cycles, cyclic };
}

const BISECTIONS = 6;

/**
 * Arrays per edge, `needed` in all, such that the largest part any operator gives away of its memory is small. To Eq. (8) and (10)
 * all choices are equal; on the machine, arrays that are an operator's output memory do not feed it.
 */
export function spreadSharing(edges: readonly Edge[], memory: readonly number[], needed: number): readonly number[] {
  const limited = (part: number): readonly number[] | undefined => {
    const narrow = edges.map((edge) => ({
      ...edge,
      mostShared: Math.min(edge.mostShared, Math.ceil(part * (memory[edge.producer] ?? 0))),
    }));
    return new Sharing(narrow, memory.length).atLeast(needed, memory);
  };
  let [tooLittle, enough] = [0, 1];
  let best = limited(enough);
  if (best === undefined) throw internal(`${needed} arrays that cannot be shared`);
  for (let i = 0; i < BISECTIONS; i++) {
    const part = (tooLittle + enough) / 2;
    const found = limited(part);
    if (found === undefined) tooLittle = part;
    else [enough, best] = [part, found];
  }
  return best;
}

/**
 * Edges of leaves, one after the other: an operator with a single edge left may as well share all it can there, because
 * what its neighbour then lacks for another edge is gained here.
 */
function leavesFirst(edges: readonly Edge[], operators: number): readonly number[] {
  const degree = new Array<number>(operators).fill(0);
  /** Of the edges left at an operator, the sum of their numbers: the number itself once it is the only one. */
  const edgesAt = new Array<number>(operators).fill(0);
  for (let e = 0; e < edges.length; e++) {
    const { producer, consumer } = edges[e]!;
    degree[producer]!++;
    degree[consumer]!++;
    edgesAt[producer]! += e;
    edgesAt[consumer]! += e;
  }
  const leaves: number[] = [];
  const order: number[] = [];
  for (let i = 0; i < operators; i++) if (degree[i] === 1) leaves.push(i);
  for (let leaf = leaves.pop(); leaf !== undefined; leaf = leaves.pop()) {
    if (degree[leaf] !== 1) continue;
    const e = edgesAt[leaf]!;
    const { producer, consumer } = edges[e]!;
    const other = producer === leaf ? consumer : producer;
    order.push(e);
    degree[leaf] = 0;
    degree[other]!--;
    edgesAt[other]! -= e;
    if (degree[other] === 1) leaves.push(other);
  }
  return order;
}

/** Gives each edge in turn all it can take. Returns the sum. */
function takeAll(edges: readonly Edge[], order: readonly number[], left: number[], shared: number[]): number {
  let total = 0;
  for (const e of order) {
    const { producer, consumer, mostShared } = edges[e]!;
    const arrays = Math.min(mostShared, left[producer]!, left[consumer]!);
    shared[e] = arrays;
    left[producer]! -= arrays;
    left[consumer]! -= arrays;
    total += arrays;
  }
  return total;
}

/** Instead of an array along e, one along each of two edges beside it, where operators have arrays left. Returns the gain. */
function swapAll(links: readonly Link[], left: number[], x: number[]): number {
  let gain = 0;
  for (let e = 0; e < links.length; e++) {
    for (let f = 0; f < links.length && x[e]! > 0; f++) {
      if (f === e || x[f] === links[f]!.most) continue;
      const one = otherEnd(links[f]!, links[e]!.a);
      if (one < 0 || left[one] === 0) continue;
      for (let g = 0; g < links.length && x[e]! > 0; g++) {
        if (g === e || g === f) continue;
        const other = otherEnd(links[g]!, links[e]!.b);
        if (other < 0) continue;
        const ends = one === other ? Math.floor(left[one]! / 2) : Math.min(left[one]!, left[other]!);
        const arrays = Math.min(ends, x[e]!, links[f]!.most - x[f]!, links[g]!.most - x[g]!);
        x[e]! -= arrays;
        x[f]! += arrays;
        x[g]! += arrays;
        left[one]! -= arrays;
        left[other]! -= arrays;
        gain += arrays;
      }
    }
  }
  return gain;
}

function otherEnd({ a, b }: Link, end: number): number {
  return a === end ? b : b === end ? a : -1;
}
