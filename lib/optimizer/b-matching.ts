// Maximum b-matching with capacities on the links, exact on any graph: raise x until no alternating walk is left.
// After Tutte: a link u-v that takes at most c becomes the path u - e - f - v in which e and f must take exactly c, so that
// only nodes limit anything. There, two copies of every pair in use are enough to find a walk: a shortest one takes a
// pair at most once in each direction. The copies are an ordinary graph, searched as by Edmonds (1965), blossoms shrunk.

import { internal } from '../base/problem.ts';

/** At most `most` between nodes `a` and `b`. */
export interface Link {
  readonly a: number;
  readonly b: number;
  readonly most: number;
}

/**
 * Why there is no more: every link touches a node of `own`, or is between nodes of `open`, or touches one of the pieces that the
 * other nodes fall into. So the sum is at most own's capacities + links within `open` + for every piece half of (its capacities +
 * its links to `open`), rounded down. For the greatest sum there is one that is tight (Schrijver, Combinatorial
 * Optimization, 2003, Theorem 33.1); it bounds the sum for other capacities, too.
 */
export interface Cover {
  readonly own: readonly number[];
  readonly open: readonly number[];
  readonly pieces: readonly (readonly number[])[];
}

const OWN = -1;
const OPEN = -2;

/** The sum that a cover allows. */
export function boundOf({ own, open, pieces }: Cover, capacity: readonly number[], links: readonly Link[]): number {
  let bound = 0;
  const pieceOf = new Array<number>(capacity.length).fill(OWN);
  for (const v of own) bound += capacity[v]!;
  for (const v of open) pieceOf[v] = OPEN;
  const sums = new Array<number>(pieces.length).fill(0);
  for (let p = 0; p < pieces.length; p++) {
    for (const v of pieces[p]!) {
      pieceOf[v] = p;
      sums[p]! += capacity[v]!;
    }
  }
  for (const { a, b, most } of links) {
    const [one, other] = [pieceOf[a]!, pieceOf[b]!];
    if (one === OPEN && other === OPEN) bound += most;
    else if (one === OPEN && other >= 0) sums[other]! += most;
    else if (other === OPEN && one >= 0) sums[one]! += most;
  }
  for (const sum of sums) bound += Math.floor(sum / 2);
  return bound;
}

/** Raises `x`, which must be allowed, to the greatest sum. Returns the cover that proves it. */
export function maximise(capacity: readonly number[], links: readonly Link[], x: number[]): Cover {
  const cover = raise(capacity, links, x, Number.POSITIVE_INFINITY);
  if (cover === undefined) throw internal('a sum without a bound');
  return cover;
}

/** Raises `x`, which must be allowed, until its sum is at least `enough`; a cover if the greatest sum is less. */
export function raise(capacity: readonly number[], links: readonly Link[], x: number[], enough: number): Cover | undefined {
  const slack = [...capacity];
  let total = 0;
  for (let e = 0; e < links.length; e++) {
    slack[links[e]!.a]! -= x[e]!;
    slack[links[e]!.b]! -= x[e]!;
    total += x[e]!;
  }
  while (total < enough) {
    const search = new Search(slack, links, x);
    const walk = search.find();
    if (walk === undefined) return search.cover(links);
    const times = timesAlong(walk, slack, links, x);
    for (const [e, change] of walk.change) x[e]! += change * times;
    for (const end of walk.ends) slack[end]! -= times;
    total += times;
  }
  return undefined;
}

/** A walk along which the sum grows by one: how each link changes, and the two nodes (or one, twice) with slack it joins. */
interface Walk {
  readonly change: ReadonlyMap<number, number>;
  readonly ends: readonly [number, number];
}

/** How often the walk can be taken before a link or an end is exhausted. */
function timesAlong({ change, ends }: Walk, slack: readonly number[], links: readonly Link[], x: readonly number[]): number {
  let times = ends[0] === ends[1] ? Math.floor(slack[ends[0]]! / 2) : Math.min(slack[ends[0]]!, slack[ends[1]]!);
  for (const [e, by] of change) {
    if (by !== 0) times = Math.min(times, Math.floor((by > 0 ? links[e]!.most - x[e]! : x[e]!) / Math.abs(by)));
  }
  if (times < 1) throw internal('an alternating walk that cannot be taken');
  return times;
}

const NONE = -1;
/** More copies of a pair or of a free place are never needed. */
const MOST_COPIES = 2;

/** Alternating forest over copies. Kinds: the nodes, then for link e the two inner ones, nodes + 2e (beside a) and nodes + 2e + 1. */
class Search {
  private readonly nodes: number;
  /** Kind -> kinds beside it. */
  private readonly beside: number[][] = [];
  /** Kind -> its copies. */
  private readonly copies: number[][] = [];
  /** Copy -> its kind, its partner, the copy it was reached from, the base of its blossom, the tree it is in. */
  private readonly kind: number[] = [];
  private readonly mate: number[] = [];
  private readonly parent: number[] = [];
  private readonly base: number[] = [];
  private readonly root: number[] = [];
  private readonly even: boolean[] = [];
  private readonly queue: number[] = [];

  constructor(slack: readonly number[], links: readonly Link[], x: readonly number[]) {
    this.nodes = slack.length;
    for (let kind = 0; kind < this.nodes + 2 * links.length; kind++) {
      this.beside.push([]);
      this.copies.push([]);
    }
    for (let e = 0; e < links.length; e++) {
      const { a, b, most } = links[e]!;
      const inner = this.nodes + 2 * e;
      this.pairUp(a, inner, x[e]!);
      this.pairUp(inner, inner + 1, most - x[e]!);
      this.pairUp(inner + 1, b, x[e]!);
    }
    for (let v = 0; v < this.nodes; v++) {
      for (let i = 0; i < Math.min(slack[v]!, MOST_COPIES); i++) {
        const copy = this.copy(v);
        this.root[copy] = copy;
        this.reach(copy);
      }
    }
  }

  /** A walk between two free places, or undefined when there is none; then the labels say why. */
  find(): Walk | undefined {
    for (let i = 0; i < this.queue.length; i++) {
      const from = this.queue[i]!;
      for (const kind of this.beside[this.kind[from]!]!) {
        for (const to of this.copies[kind]!) {
          if (this.base[from] === this.base[to] || this.mate[from] === to) continue;
          if (this.even[to]) {
            if (this.root[from] !== this.root[to]) return this.walk(from, to);
            this.shrink(from, to);
          } else if (this.parent[to] === NONE) {
            const next = this.mate[to]!;
            this.parent[to] = from;
            this.root[to] = this.root[next] = this.root[from]!;
            this.reach(next);
          }
        }
      }
    }
    return undefined;
  }

  /** Of a search that found no walk. A node that is reached without a reached link is `open`; one beside a reached link, `own`. */
  cover(links: readonly Link[]): Cover {
    const reached = this.copies.map((copies) => copies.some((copy) => this.even[copy]));
    const [own, open]: [number[], number[]] = [[], []];
    const pieceOf: number[] = [];
    for (let v = 0; v < this.nodes; v++) {
      const besideReached = this.beside[v]!.some((kind) => reached[kind]);
      const isOwn = reached[v] ? false : besideReached || this.copies[v]!.length === 0;
      const isOpen = reached[v] === true && !besideReached;
      if (isOwn) own.push(v);
      if (isOpen) open.push(v);
      pieceOf.push(isOwn || isOpen ? NONE : v);
    }
    for (const { a, b, most } of links) {
      const [one, other] = [pieceOf[a]!, pieceOf[b]!];
      if (most === 0 || one === other || one === NONE || other === NONE) continue;
      for (let v = 0; v < this.nodes; v++) if (pieceOf[v] === other) pieceOf[v] = one;
    }
    const pieces = new Map<number, number[]>();
    for (const [v, piece] of pieceOf.entries()) if (piece !== NONE) pieces.set(piece, [...(pieces.get(piece) ?? []), v]);
    return { own, open, pieces: [...pieces.values()] };
  }

  private pairUp(a: number, b: number, pairs: number): void {
    this.beside[a]!.push(b);
    this.beside[b]!.push(a);
    for (let i = 0; i < Math.min(pairs, MOST_COPIES); i++) {
      const one = this.copy(a);
      const other = this.copy(b);
      this.mate[one] = other;
      this.mate[other] = one;
    }
  }

  private copy(kind: number): number {
    const copy = this.kind.length;
    this.copies[kind]!.push(copy);
    this.kind.push(kind);
    this.mate.push(NONE);
    this.parent.push(NONE);
    this.base.push(copy);
    this.root.push(NONE);
    this.even.push(false);
    return copy;
  }

  private reach(copy: number): void {
    this.even[copy] = true;
    this.queue.push(copy);
  }

  /** An odd cycle: all of it becomes even, with one base. */
  private shrink(from: number, to: number): void {
    const base = this.commonBase(from, to);
    const inside = new Set<number>();
    this.markUp(from, base, to, inside);
    this.markUp(to, base, from, inside);
    for (let copy = 0; copy < this.base.length; copy++) {
      if (!inside.has(this.base[copy]!)) continue;
      this.base[copy] = base;
      if (!this.even[copy]) this.reach(copy);
    }
  }

  private commonBase(a: number, b: number): number {
    const seen = new Set<number>();
    for (let at = this.base[a]!; ; at = this.base[this.parent[this.mate[at]!]!]!) {
      seen.add(at);
      if (this.mate[at] === NONE) break;
    }
    let at = this.base[b]!;
    while (!seen.has(at)) at = this.base[this.parent[this.mate[at]!]!]!;
    return at;
  }

  private markUp(from: number, base: number, child: number, inside: Set<number>): void {
    for (let [at, below] = [from, child]; this.base[at] !== base; ) {
      const partner = this.mate[at]!;
      inside.add(this.base[at]!).add(this.base[partner]!);
      this.parent[at] = below;
      [at, below] = [this.parent[partner]!, partner];
    }
  }

  private walk(from: number, to: number): Walk {
    const change = new Map<number, number>();
    const ends = [this.flip(from, to, change), this.flip(to, from, change)] as const;
    // The pair that joins both sides was counted by each of them.
    this.count(from, to, -1, change);
    return { change, ends };
  }

  /** Counts the changes from `copy`, newly paired with `other`, up to the root of its tree. Returns the root's node. */
  private flip(copy: number, other: number, change: Map<number, number>): number {
    this.count(copy, other, 1, change);
    let at = copy;
    while (this.mate[at] !== NONE) {
      const partner = this.mate[at]!;
      const next = this.parent[partner]!;
      this.count(at, partner, -1, change);
      this.count(partner, next, 1, change);
      at = next;
    }
    return this.kind[at]!;
  }

  /** A pair of the two inner kinds of a link more is one less of the link. */
  private count(a: number, b: number, by: number, change: Map<number, number>): void {
    const [one, other] = [this.kind[a]! - this.nodes, this.kind[b]! - this.nodes];
    if (one < 0 || other < 0) return;
    const link = Math.floor(one / 2);
    change.set(link, (change.get(link) ?? 0) - by);
  }
}
