// The joint search: dynamic programming over segments and the arrays each may use, because what a segment leaves
// free decides how much of the next one's weights can be written meanwhile. Work + homes -> allotments.

import { internal } from '../../base/problem.ts';
import { type Bytes, type Cycles, type Picojoules, sum } from '../../base/units.ts';
import type { Homes } from '../../cost/machine/segment.ts';
import { rewriteCycles, runCycles, type StagedAllotment } from '../../cost/machine/total.ts';
import { runsOf, type Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import { type Option, SegmentAllotter } from './allot.ts';

export interface SearchOptions {
  readonly hardware: Hardware;
  readonly homes: Homes;
  /** Shares of the chip's arrays a segment may use, and how much slower than its best it may run. */
  readonly budgets: readonly number[];
  readonly slacks: readonly number[];
  /** Whether weights may be written ahead. */
  readonly staging: boolean;
  /** No array may be memory: what all-compute arrays reach with the same search. */
  readonly computeOnly: boolean;
  readonly weigh: (cycles: Cycles, energy: Picojoules) => number;
  /** Last sub-operator that each sub-operator's run-time operand depends on. */
  readonly after: readonly number[];
  readonly onProgress?: (done: number) => void;
  readonly pause: () => Promise<void>;
}

interface Node {
  readonly option: Option;
  /** How often it runs. */
  readonly times: number;
  /** Arrays of the chip that homes leave to this segment. */
  readonly available: number;
  readonly homes: number;
  /** Best objective until this segment runs, what was staged of it, and the node before. */
  readonly value: number;
  readonly staged: readonly boolean[];
  readonly before?: Node;
}

/** The best segments under the machine's cost; undefined if some sub-operator fits nowhere beside the homes. */
export async function searchSegments(work: Work, options: SearchOptions): Promise<readonly StagedAllotment[] | undefined> {
  const { hardware, homes, after } = options;
  const subs = work.products.length;
  const endingAt: Node[][] = [];
  const reserved = reservedArrays(work, homes);
  const { times, opens } = runsOf(work);
  for (let last = 0; last < subs; last++) {
    const nodes: Node[] = [];
    let tiles = 0;
    let earliest = 0;
    for (let first = last; first >= earliest; first--) {
      tiles += work.products[first]!.tiles;
      earliest = Math.max(earliest, (after[first] ?? -1) + 1);
      const held = reserved(first, last);
      const available = hardware.arrays - held;
      if (tiles > available) break;
      const previous = first === 0 ? [] : (endingAt[first - 1] ?? []);
      if (first > 0 && previous.length === 0) continue;
      for (const option of optionsOf(new SegmentAllotter(work, first, last, homes, hardware), available, options)) {
        nodes.push(reach({ option, available, homes: held, times: times[first] ?? 1 }, previous, opens[first] ?? false, options));
      }
      if (opens[first]) break;
    }
    endingAt.push(pareto(nodes));
    options.onProgress?.((last + 1) / subs);
    await options.pause();
  }
  const ends = endingAt.at(-1) ?? [];
  let best: Node | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const node of ends) {
    const value = node.value + running(node, 0, options);
    if (value < least) [best, least] = [node, value];
  }
  if (best === undefined) return undefined;
  const chain: StagedAllotment[] = [];
  for (let node: Node | undefined = best; node !== undefined; node = node.before) {
    const { first, last, copies, memory } = node.option;
    chain.unshift({ first, last, copies, memory, staged: node.staged, memoryMode: sum(memory) + node.homes });
  }
  return chain;
}

function optionsOf(allotter: SegmentAllotter, available: number, { budgets, slacks, hardware, computeOnly }: SearchOptions): Option[] {
  const options: Option[] = [];
  for (const budget of budgets) {
    for (const slack of slacks) {
      const option = allotter.option(Math.min(available, Math.floor(hardware.arrays * budget)), slack, computeOnly);
      if (option === undefined) continue;
      const worse = (other: Option): boolean =>
        other.arrays <= option.arrays &&
        other.load.ownCycles <= option.load.ownCycles &&
        other.load.externalBytes <= option.load.externalBytes &&
        other.load.energy <= option.load.energy;
      if (!options.some(worse)) options.push(option);
    }
  }
  return options;
}

/** The node of an option: the best node to come from, with as many pieces staged as that leaves arrays for, or none. */
function reach(begun: Omit<Node, 'value' | 'staged'>, previous: readonly Node[], unstaged: boolean, options: SearchOptions): Node {
  const { option, available, times } = begun;
  const { hardware } = options;
  if (option.first === 0) {
    const none = option.tiles.map(() => false);
    return { ...begun, value: times * boundary(option, none, options), staged: none };
  }
  let best: { before: Node; value: number; free: number } | undefined;
  for (const before of previous) {
    const free = options.staging && !unstaged ? Math.min(available, hardware.arrays - before.homes) - before.option.arrays : 0;
    const stage = stagedWithin(option, free);
    const value = before.value + running(before, stage.bytes, options) + times * stage.boundary(options);
    if (best === undefined || value < best.value) best = { before, value, free };
  }
  if (best === undefined) throw internal(`no segment ends before sub-operator ${option.first}`);
  return { ...begun, value: best.value, staged: stagedWithin(option, best.free).flags, before: best.before };
}

/** Pieces of an option that `free` arrays can take ahead of time, largest fetch first. */
function stagedWithin(option: Option, free: number): { flags: boolean[]; bytes: Bytes; boundary: (options: SearchOptions) => number } {
  const flags = option.tiles.map(() => false);
  let left = free;
  let bytes = 0;
  for (const i of order(option)) {
    if (option.fetch[i] === 0 || option.tiles[i]! > left) continue;
    flags[i] = true;
    left -= option.tiles[i]!;
    bytes += option.fetch[i]!;
  }
  return { flags, bytes, boundary: (options) => boundary(option, flags, options) };
}

const ORDERS = new WeakMap<Option, readonly number[]>();
function order(option: Option): readonly number[] {
  let found = ORDERS.get(option);
  if (found === undefined) {
    found = option.fetch.map((_, i) => i).sort((a, b) => option.fetch[b]! - option.fetch[a]! || a - b);
    ORDERS.set(option, found);
  }
  return found;
}

function running({ option, times }: Node, staged: Bytes, { hardware, weigh }: SearchOptions): number {
  const cycles = runCycles(option.load, staged, hardware);
  return times * weigh(cycles, option.load.energy + cycles * staticPower(hardware));
}

function boundary(option: Option, staged: readonly boolean[], { hardware, weigh }: SearchOptions): number {
  let fetch = 0;
  let write = 0;
  for (const [i, done] of staged.entries()) {
    if (done) continue;
    fetch += option.fetch[i]!;
    write = Math.max(write, option.write[i]!);
  }
  const cycles = rewriteCycles({ fetch, write }, option.load, hardware);
  return weigh(cycles, cycles * staticPower(hardware));
}

function staticPower({ energy }: Hardware): Picojoules {
  return energy.leakagePerCycle + energy.refreshPerCycle;
}

/** Nodes that no other beats in objective, arrays and what its run takes. */
function pareto(nodes: readonly Node[]): Node[] {
  const sorted = [...nodes].sort((a, b) => a.value - b.value);
  const kept: Node[] = [];
  for (const node of sorted) {
    const beaten = kept.some(
      ({ option, homes }) =>
        option.arrays + homes <= node.option.arrays + node.homes &&
        option.load.ownCycles <= node.option.load.ownCycles &&
        option.load.externalBytes <= node.option.load.externalBytes &&
        option.load.energy <= node.option.load.energy,
    );
    if (!beaten) kept.push(node);
  }
  return kept;
}

/** Arrays that homes hold while sub-operators first .. last run. */
function reservedArrays(work: Work, homes: Homes): (first: number, last: number) => number {
  const spans = [...homes.values()]
    .filter(({ arrays }) => arrays > 0)
    .map(({ tensor, arrays }) => {
      const { makers, readers } = work.tensors[tensor]!;
      return { arrays, from: work.tasks[makers[0] ?? 0]!.sub, to: work.tasks[readers.at(-1) ?? 0]!.sub };
    });
  return (first, last) => {
    let held = 0;
    for (const { arrays, from, to } of spans) {
      const inside = from >= first && to <= last;
      if (from <= last && to >= first && !inside) held += arrays;
    }
    return held;
  };
}
