// The joint search: dynamic programming over segments and the arrays each may use, because what a segment leaves
// free decides how much of the next one's weights can be written meanwhile. Work + homes -> allotments.

import { internal } from '../../base/problem.ts';
import { type Bytes, type Cycles, type Picojoules, sum } from '../../base/units.ts';
import type { SegmentForms } from '../../cost/machine/forms.ts';
import type { Homes } from '../../cost/machine/living.ts';
import type { Allotment } from '../../cost/machine/segment.ts';
import { rewriteCycles, runCycles, type StagedAllotment } from '../../cost/machine/total.ts';
import { runsOf, type Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import { type Option, SegmentAllotter } from './allot.ts';

/** By arrays and buffer bytes that homes leave to a segment. */
export type KnownOptions = Map<string, readonly Option[]>;

export interface SearchOptions {
  readonly hardware: Hardware;
  readonly homes: Homes;
  readonly forms: SegmentForms;
  /** Options found so far, by form. */
  readonly known: KnownOptions[];
  /** Allotments of rivals, weighed beside the search's own. */
  readonly rivals: readonly Allotment[];
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
  readonly onProgress: (done: number) => void;
  readonly pause: () => Promise<void> | undefined;
}

interface Node {
  readonly first: number;
  readonly last: number;
  readonly option: Option;
  /** How often it runs. */
  readonly times: number;
  readonly homes: number;
  /** Best objective until this segment runs, what was staged of it, and the node before. */
  readonly value: number;
  readonly stage: Stage;
  readonly before: Node | undefined;
}

/** Nodes kept for each end: the best ones, if more are not beaten by any. */
const MOST_NODES = 8;

/** The best segments under the machine's cost; undefined if some sub-operator fits nowhere beside the homes. */
export async function searchSegments(work: Work, options: SearchOptions): Promise<readonly StagedAllotment[] | undefined> {
  const { hardware, homes, forms, after, budgets, slacks, computeOnly } = options;
  const subs = work.products.length;
  const endingAt: Node[][] = [];
  const beside = forms.beside(homes);
  const { times, opens } = runsOf(work);
  const arrays = budgets.map((budget) => Math.floor(hardware.arrays * budget));
  const rivalsAt = groupBy(options.rivals, ({ first, last }) => `${first},${last}`);
  for (let last = 0; last < subs; last++) {
    const nodes: Node[] = [];
    const formFrom = forms.walk(beside.codes, last);
    let tiles = 0;
    let earliest = 0;
    for (let first = last; first >= earliest; first--) {
      tiles += work.products[first]!.tiles;
      earliest = Math.max(earliest, (after[first] ?? -1) + 1);
      const held = beside.living.during(first, last);
      const available = hardware.arrays - held.arrays;
      if (tiles > available) break;
      const previous = first === 0 ? [] : (endingAt[first - 1] ?? []);
      if (first === 0 || previous.length > 0) {
        const form = formFrom(first);
        const allotter = () => new SegmentAllotter(work, first, last, beside.demandsOf(form, first, last, held.bytes), hardware);
        const knownOf = options.known[form] ?? new Map<string, readonly Option[]>();
        options.known[form] = knownOf;
        const key = `${available},${held.bytes}`;
        let known = knownOf.get(key);
        if (known === undefined) {
          known = allotter().options([...new Set(arrays.map((most) => Math.min(most, available)))], slacks, computeOnly);
          knownOf.set(key, known);
        }
        const others = rivalsAt.get(`${first},${last}`)?.map(({ copies, memory }) => allotter().optionOf(copies, memory)) ?? [];
        for (const option of [...known, ...others.filter((other) => other.arrays <= available)]) {
          const begun = { first, last, option, homes: held.arrays, times: times[first] ?? 1 };
          nodes.push(reach(begun, previous, opens[first] ?? false, options));
        }
      }
      if (opens[first]) break;
      const pause = options.pause();
      if (pause === undefined) continue;
      options.onProgress(last / subs);
      await pause;
    }
    endingAt.push(pareto(nodes, options));
  }
  let best: Node | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const node of endingAt.at(-1) ?? []) {
    const value = node.value + running(node, 0, options);
    if (value < least) [best, least] = [node, value];
  }
  if (best === undefined) return undefined;
  const chain: StagedAllotment[] = [];
  for (let node: Node | undefined = best; node !== undefined; node = node.before) {
    const { first, last, option, stage, homes: held } = node;
    const { copies, memory } = option;
    const ahead = new Set(stage.members);
    chain.push({ first, last, copies, memory, staged: copies.map((_, i) => ahead.has(i)), memoryMode: sum(memory) + held });
  }
  return chain.reverse();
}

/** The node of an option: the best node to come from, with as many pieces staged as that leaves arrays for, or none. */
function reach(
  begun: Omit<Node, 'value' | 'stage' | 'before'>,
  previous: readonly Node[],
  unstaged: boolean,
  options: SearchOptions,
): Node {
  const { option, times, first } = begun;
  const { hardware, weigh } = options;
  const nothing = stageWithin(option, 0, hardware);
  const still = staticPower(hardware);
  const price = ({ boundary }: Stage): number => times * weigh(boundary, boundary * still);
  if (first === 0) return { ...begun, value: price(nothing), stage: nothing, before: undefined };
  let best: Node | undefined;
  let least = Number.POSITIVE_INFINITY;
  let chosen = nothing;
  for (const before of previous) {
    const free = options.staging && !unstaged ? hardware.arrays - before.homes - before.option.arrays : 0;
    const stage = stageWithin(option, free, hardware);
    const value = before.value + running(before, stage.bytes, options) + price(stage);
    if (value < least) [best, least, chosen] = [before, value, stage];
    if (stage.bytes === 0) continue;
    const without = before.value + running(before, 0, options) + price(nothing);
    if (without < least) [best, least, chosen] = [before, without, nothing];
  }
  if (best === undefined) throw internal(`no segment ends before sub-operator ${first}`);
  return { ...begun, value: least, stage: chosen, before: best };
}

function groupBy<T>(list: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** What is written ahead of an option's weights, and the boundary that is left. */
interface Stage {
  readonly members: readonly number[];
  readonly bytes: Bytes;
  readonly boundary: Cycles;
}

const STAGES = new WeakMap<Option, Map<number, Stage>>();

/** Pieces of an option that `free` arrays can take ahead of time, largest fetch first. */
function stageWithin(option: Option, free: number, hardware: Hardware): Stage {
  const known = STAGES.get(option) ?? new Map<number, Stage>();
  STAGES.set(option, known);
  const most = Math.min(free, option.arrays);
  let stage = known.get(most);
  if (stage === undefined) {
    const members: number[] = [];
    let left = most;
    let bytes = 0;
    for (const i of option.stageable) {
      if (option.tiles[i]! > left) continue;
      members.push(i);
      left -= option.tiles[i]!;
      bytes += option.fetch[i]!;
    }
    let fetch = 0;
    let write = 0;
    for (const i of option.stageable) {
      if (members.includes(i)) continue;
      fetch += option.fetch[i]!;
      write = Math.max(write, option.write[i]!);
    }
    if (option.stageable.length < option.tiles.length)
      for (const [i, cycles] of option.write.entries()) if (option.fetch[i] === 0) write = Math.max(write, cycles);
    stage = { members, bytes, boundary: rewriteCycles({ fetch, write }, option.load, hardware) };
    known.set(most, stage);
  }
  return stage;
}

function running({ option, times }: Node, staged: Bytes, { hardware, weigh }: SearchOptions): number {
  const cycles = runCycles(option.load, staged, hardware);
  return times * weigh(cycles, option.energy + cycles * staticPower(hardware));
}

function staticPower({ energy }: Hardware): Picojoules {
  return energy.leakagePerCycle + energy.refreshPerCycle;
}

/** Nodes that no other beats in objective, arrays and what its run takes. */
function pareto(nodes: readonly Node[], options: SearchOptions): Node[] {
  const sorted = nodes.map((node) => ({ node, over: node.value + running(node, 0, options) })).sort((a, b) => a.over - b.over);
  const kept: Node[] = [];
  for (const { node } of sorted) {
    const { option, homes } = node;
    const beaten = kept.some(
      (other) =>
        other.value <= node.value &&
        other.option.arrays + other.homes <= option.arrays + homes &&
        other.option.load.ownCycles <= option.load.ownCycles &&
        other.option.load.externalBytes <= option.load.externalBytes &&
        other.option.energy <= option.energy,
    );
    if (!beaten) kept.push(node);
    if (kept.length === MOST_NODES) break;
  }
  return kept;
}
