// The joint search: dynamic programming over segments and the arrays each may use, because what a segment leaves
// free decides how much of the next one's weights can be written meanwhile. Work + homes -> allotments.

import { type Bytes, type Picojoules, sum } from '../../base/units.ts';
import type { SegmentForms } from '../../cost/machine/forms.ts';
import type { Homes } from '../../cost/machine/living.ts';
import type { Allotment } from '../../cost/machine/segment.ts';
import { rewriteCycles, runCycles, type StagedAllotment } from '../../cost/machine/total.ts';
import type { Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { Weigh } from '../objective.ts';
import { type Option, SegmentAllotter, type Stage } from './allot.ts';

/** Options of the segments of one form. Segments alike are often neighbours, so that what was asked last is asked again. */
export class KnownOptions {
  /** By arrays and buffer bytes that homes leave to a segment. */
  private readonly own = new Map<string, readonly Option[]>();
  /** Of others' allotments, by what they are called, for so many bytes of homes. */
  private readonly others = new Map<string, Option>();
  private last: { readonly arrays: number; readonly bytes: number; readonly options: readonly Option[] } | undefined;

  within(arrays: number, bytes: number): readonly Option[] | undefined {
    const { last } = this;
    if (last !== undefined && last.arrays === arrays && last.bytes === bytes) return last.options;
    const options = this.own.get(`${arrays},${bytes}`);
    if (options !== undefined) this.last = { arrays, bytes, options };
    return options;
  }

  keepWithin(arrays: number, bytes: number, options: readonly Option[]): readonly Option[] {
    this.own.set(`${arrays},${bytes}`, options);
    this.last = { arrays, bytes, options };
    return options;
  }

  allotted(name: string, bytes: number): Option | undefined {
    return this.others.get(`${name};${bytes}`);
  }

  keepAllotted(name: string, bytes: number, option: Option): Option {
    this.others.set(`${name};${bytes}`, option);
    return option;
  }
}

export interface SearchOptions {
  readonly hardware: Hardware;
  readonly homes: Homes;
  readonly forms: SegmentForms;
  /** Options found so far, by form: of one table. */
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
  readonly weigh: Weigh;
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
  /** Arrays of homes beside it. */
  readonly homes: number;
  /** Best objective until this segment runs, and once it has run with nothing written meanwhile. */
  readonly value: number;
  readonly over: number;
  /** What was staged of it, and the node before. */
  readonly stage: Stage;
  readonly before: Node | undefined;
}

/** Nodes kept for each end: the best ones, if more are not beaten by any. */
const MOST_NODES = 8;

/** The best segments under the machine's cost; undefined if some sub-operator fits nowhere beside the homes. */
export async function searchSegments(work: Work, options: SearchOptions): Promise<readonly StagedAllotment[] | undefined> {
  const { hardware, homes, forms, after, budgets, slacks, computeOnly } = options;
  const subs = work.products.length;
  const endingAt: (readonly Node[])[] = [];
  const beside = forms.beside(homes);
  const { times, opens } = work;
  const arrays = budgets.map((budget) => Math.floor(hardware.arrays * budget));
  const rivalsAt = rivalsBySegment(options.rivals, subs);
  const front = new Front(options);
  for (let last = 0; last < subs; last++) {
    const formFrom = forms.table.walk(beside.codes, last);
    let tiles = 0;
    let earliest = 0;
    front.start(last);
    for (let first = last; first >= earliest; first--) {
      tiles += work.products[first]!.tiles;
      earliest = Math.max(earliest, (after[first] ?? -1) + 1);
      const held = beside.living.during(first, last);
      const available = hardware.arrays - held.arrays;
      if (tiles > available) break;
      const previous = first === 0 ? NONE : endingAt[first - 1]!;
      if (first === 0 || previous.length > 0) {
        const form = formFrom(first);
        let known = options.known[form];
        if (known === undefined) {
          known = new KnownOptions();
          options.known[form] = known;
        }
        const { bytes } = held;
        let own = known.within(available, bytes);
        if (own === undefined) {
          const most = [...new Set(arrays.map((count) => Math.min(count, available)))];
          const allotter = new SegmentAllotter(work, first, last, beside.demandsOf(form, first, last, bytes), hardware);
          own = known.keepWithin(available, bytes, allotter.options(most, slacks, computeOnly));
        }
        front.startSegment(first, held.arrays, times[first] ?? 1, previous, opens[first] ?? false);
        for (const option of own) front.reach(option);
        for (const { name, copies, memory } of rivalsAt.get(first * subs + last) ?? NO_RIVALS) {
          let option = known.allotted(name, bytes);
          if (option === undefined) {
            const allotter = new SegmentAllotter(work, first, last, beside.demandsOf(form, first, last, bytes), hardware);
            option = known.keepAllotted(name, bytes, allotter.optionOf(copies, memory));
          }
          if (option.arrays <= available) front.reach(option);
        }
      }
      if (opens[first]) break;
      const pause = options.pause();
      if (pause === undefined) continue;
      options.onProgress(last / subs);
      await pause;
    }
    endingAt.push(front.kept());
  }
  const [best] = endingAt.at(-1) ?? [];
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

const NONE: readonly Node[] = [];

/** Ways to reach one end, of which only the best are kept. */
class Front {
  private readonly options: SearchOptions;
  private readonly still: Picojoules;
  private last = 0;
  private first = 0;
  private homes = 0;
  private times = 1;
  private previous: readonly Node[] = [];
  private staging = false;
  private ways: Node[] = [];

  constructor(options: SearchOptions) {
    const { leakagePerCycle, refreshPerCycle } = options.hardware.energy;
    this.options = options;
    this.still = leakagePerCycle + refreshPerCycle;
  }

  start(last: number): void {
    this.last = last;
    this.ways = [];
  }

  /** What comes now begins with `first`, behind one of `previous`, which are sorted by what they are `over`. */
  startSegment(first: number, homes: number, times: number, previous: readonly Node[], opens: boolean): void {
    this.first = first;
    this.homes = homes;
    this.times = times;
    this.previous = previous;
    this.staging = this.options.staging && !opens;
  }

  /** The best node to come from, with as many of the option's pieces staged as that leaves arrays for, or none. */
  reach(option: Option): void {
    const { first, last, homes, times, previous, staging } = this;
    const { hardware } = this.options;
    const nothing = stageWithin(option, 0, hardware);
    const unstaged = this.boundary(nothing);
    let before: Node | undefined;
    let value = first === 0 ? unstaged : Number.POSITIVE_INFINITY;
    let stage = nothing;
    const least = staging ? this.boundary(stageWithin(option, hardware.arrays, hardware)) : unstaged;
    for (let p = 0; p < previous.length; p++) {
      const node = previous[p]!;
      if (node.over + least >= value) break;
      const ahead = staging ? stageWithin(option, hardware.arrays - node.homes - node.option.arrays, hardware) : nothing;
      if (ahead.bytes > 0) {
        const staged = node.value + this.running(node.option, ahead.bytes, node.times) + this.boundary(ahead);
        if (staged < value) {
          before = node;
          value = staged;
          stage = ahead;
        }
      }
      const without = node.over + unstaged;
      if (without < value) {
        before = node;
        value = without;
        stage = nothing;
      }
    }
    const over = value + this.running(option, 0, times);
    this.ways.push({ first, last, option, times, homes, value, over, stage, before });
  }

  /** Those that no other beats in objective, arrays and what its run takes, best first. */
  kept(): readonly Node[] {
    const kept: Node[] = [];
    for (const way of this.ways.sort(byOver)) {
      if (isBeaten(way, kept)) continue;
      kept.push(way);
      if (kept.length === MOST_NODES) break;
    }
    return kept;
  }

  private running(option: Option, ahead: Bytes, times: number): number {
    const { hardware, weigh } = this.options;
    const cycles = runCycles(option.load, ahead, hardware);
    return times * weigh(cycles, option.energy + cycles * this.still);
  }

  private boundary({ boundary }: Stage): number {
    return this.times * this.options.weigh(boundary, boundary * this.still);
  }
}

function byOver(a: Node, b: Node): number {
  return a.over - b.over;
}

function isBeaten(way: Node, others: readonly Node[]): boolean {
  for (let i = 0; i < others.length; i++) if (beats(others[i]!, way)) return true;
  return false;
}

function beats(other: Node, way: Node): boolean {
  return (
    other.value <= way.value &&
    other.option.arrays + other.homes <= way.option.arrays + way.homes &&
    other.option.load.ownCycles <= way.option.load.ownCycles &&
    other.option.load.externalBytes <= way.option.load.externalBytes &&
    other.option.energy <= way.option.energy
  );
}

const NO_RIVALS: readonly NamedAllotment[] = [];

interface NamedAllotment extends Allotment {
  /** Equal for equal copies and memory arrays. */
  readonly name: string;
}

/** By `first` times the number of sub-operators plus `last`. */
function rivalsBySegment(rivals: readonly Allotment[], subs: number): ReadonlyMap<number, readonly NamedAllotment[]> {
  const groups = new Map<number, NamedAllotment[]>();
  for (const rival of rivals) {
    const segment = rival.first * subs + rival.last;
    const named = { ...rival, name: `${rival.copies.join()};${rival.memory.join()}` };
    const group = groups.get(segment);
    if (group === undefined) groups.set(segment, [named]);
    else group.push(named);
  }
  return groups;
}

/** Pieces of an option that `free` arrays can take ahead of time, largest fetch first. */
function stageWithin(option: Option, arrays: number, hardware: Hardware): Stage {
  const { stageable, tiles, fetch, write, load, stages } = option;
  const free = Math.min(arrays, option.arrays);
  const known = stages[free];
  if (known !== undefined) return known;
  const members: number[] = [];
  let left = free;
  let bytes = 0;
  for (const i of stageable) {
    if (tiles[i]! > left) continue;
    members.push(i);
    left -= tiles[i]!;
    bytes += fetch[i]!;
  }
  let behind = 0;
  let longest = 0;
  for (let i = 0; i < tiles.length; i++) {
    if (members.includes(i)) continue;
    behind += fetch[i]!;
    longest = Math.max(longest, write[i]!);
  }
  const stage = { members, bytes, boundary: rewriteCycles({ fetch: behind, write: longest }, load, hardware) };
  stages[free] = stage;
  return stage;
}
