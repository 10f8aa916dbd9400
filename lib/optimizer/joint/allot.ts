// Arrays for one segment on the machine's cost: copies for compute, memory arrays where they save most of what
// crosses the channel, for the least time in which both fit. Demands + number of arrays -> allotment.

import { type Bytes, type Cycles, type Picojoules, sum } from '../../base/units.ts';
import { loadOf, type SegmentDemands, type SegmentLoad } from '../../cost/machine/segment.ts';
import { fetchedBytes } from '../../cost/machine/total.ts';
import type { ProductWork, Work } from '../../cost/machine/work.ts';
import { savedBytes } from '../../dataflow/streams.ts';
import type { Hardware } from '../../hardware/hardware.ts';

/** Arrays of a segment's members and what they make of it, wherever segments of this form stand. */
export interface Option {
  readonly copies: readonly number[];
  readonly memory: readonly number[];
  readonly load: SegmentLoad;
  /** Arrays that compute or hold streams. */
  readonly arrays: number;
  /** All of it but static power: products, data, weights fetched and written. */
  readonly energy: Picojoules;
  /** Members whose weights can be staged (run-time operands cannot), what takes longest to fetch first. */
  readonly stageable: readonly number[];
  /** Arrays, bytes to fetch and time to write of each member. */
  readonly tiles: readonly number[];
  readonly fetch: readonly Bytes[];
  readonly write: readonly Cycles[];
  /** What was found of writing it ahead, by arrays that are free for that. */
  readonly stages: Map<number, Stage>;
}

/** What is written ahead of an option's weights, and the boundary that is left. */
export interface Stage {
  readonly members: readonly number[];
  readonly bytes: Bytes;
  readonly boundary: Cycles;
}

const BISECTIONS = 14;

/** Prepares a segment once, so that it can be asked for several budgets. */
export class SegmentAllotter {
  private readonly products: readonly ProductWork[];
  private readonly tiles: readonly number[];
  private readonly least: number;
  /** Streams worth holding, by bytes saved across the channel per byte held. */
  private readonly worth: readonly {
    readonly member: number;
    readonly saved: Bytes;
    readonly busiest: Bytes;
    readonly held: Bytes;
    readonly traffic: Bytes;
  }[];
  private readonly direct: Bytes;
  private readonly work: Work;
  private readonly first: number;
  private readonly demands: SegmentDemands;
  private readonly hardware: Hardware;

  constructor(work: Work, first: number, last: number, demands: SegmentDemands, hardware: Hardware) {
    this.work = work;
    this.first = first;
    this.hardware = hardware;
    this.demands = demands;
    this.products = work.products.slice(first, last + 1);
    this.tiles = this.products.map((product) => product.tiles);
    this.least = sum(this.tiles);
    this.worth = demands.streams.streams
      .map((stream) => ({
        member: stream.group,
        saved: savedBytes(stream),
        busiest: Math.max(stream.feedBytes, stream.dataBytes),
        held: stream.windowBytes,
        traffic: stream.feedBytes + stream.dataBytes,
      }))
      .filter(({ saved }) => saved > 0)
      .sort((a, b) => a.held / a.traffic - b.held / b.traffic);
    this.direct = demands.room.externalTraffic + demands.streams.directBytes;
  }

  /**
   * Options worth considering: the fastest use of each of `budgets` arrays, the same slowed down by each of `slacks` to save arrays
   * and traffic, and one copy of everything. None that another of them beats in every respect.
   */
  options(budgets: readonly number[], slacks: readonly number[], computeOnly: boolean): readonly Option[] {
    const found: Option[] = [];
    const seen = new Set<string>();
    const add = (chosen: { copies: readonly number[]; memory: readonly number[] } | undefined): void => {
      if (chosen === undefined) return;
      const key = `${chosen.copies.join()};${chosen.memory.join()}`;
      if (seen.has(key)) return;
      seen.add(key);
      const option = this.optionOf(chosen.copies, chosen.memory);
      if (!found.some((other) => atLeastAsGood(other, option))) found.push(option);
    };
    const most = Math.max(...budgets);
    for (const arrays of budgets) {
      if (arrays < this.least) continue;
      const time = this.leastTime(arrays, computeOnly);
      for (const slack of slacks) add(this.within(time * slack, arrays, computeOnly) ?? this.within(time, arrays, computeOnly));
    }
    if (this.least <= most) add({ copies: this.products.map(() => 1), memory: this.products.map(() => 0) });
    return found;
  }

  /** What copies and memory arrays make of the segment. */
  optionOf(copies: readonly number[], memory: readonly number[]): Option {
    const { hardware, products } = this;
    const load = loadOf(this.work, { first: this.first, copies, memory }, this.demands, hardware, 0);
    const tiles = copies.map((count, i) => count * this.tiles[i]!);
    const fetch = products.map((product, i) => fetchedBytes(product, copies[i]!, hardware));
    const writing = sum(products.map((product, i) => product.writing * copies[i]!));
    return {
      copies,
      memory,
      load,
      arrays: sum(tiles) + sum(memory),
      energy: load.energy + writing + (sum(fetch) + load.operandExternalBytes) * hardware.energy.externalByte,
      stageable: [...fetch.keys()].filter((i) => fetch[i]! > 0).sort((a, b) => fetch[b]! - fetch[a]! || a - b),
      tiles,
      fetch,
      write: products.map(({ writeCycles }) => writeCycles),
      stages: new Map(),
    };
  }

  private leastTime(arrays: number, computeOnly: boolean): Cycles {
    const { hardware } = this;
    const rate = hardware.externalBytesPerCycle;
    let enough = Math.max(hardware.mvmCycles, this.direct / rate, ...this.products.map((product) => product.computeCycles));
    let tooShort = hardware.mvmCycles / 2;
    for (let i = 0; i < BISECTIONS && enough > tooShort * 1.01; i++) {
      const time = Math.sqrt(enough * tooShort);
      const trial = this.within(time, arrays, computeOnly);
      if (trial !== undefined && trial.external <= time * rate) enough = time;
      else tooShort = time;
    }
    return enough;
  }

  /** Copies that compute within `time`, and memory arrays as far as the others go; undefined if there are too few. */
  private within(time: Cycles, arrays: number, computeOnly: boolean): { copies: number[]; memory: number[]; external: Bytes } | undefined {
    const turns = Math.floor((time / this.hardware.mvmCycles) * (1 + 1e-12));
    if (turns < 1) return undefined;
    let left = arrays;
    const copies: number[] = [];
    for (const product of this.products) {
      const count = Math.ceil(product.m / turns);
      copies.push(count);
      left -= count * product.tiles;
      if (left < 0) return undefined;
    }
    const { memory, saved } = this.hold(time, computeOnly ? 0 : left);
    return { copies, memory, external: this.direct - saved };
  }

  /** Memory arrays by member: the buffer goes to what needs least room, arrays to what saves most per array. */
  private hold(time: Cycles, arrays: number): { memory: number[]; saved: Bytes } {
    const { hardware, demands } = this;
    let space = demands.room.bufferBytes;
    let traffic = time * hardware.bufferBytesPerCycle - demands.room.bufferTraffic;
    const rate = Math.min(hardware.memoryReadBytesPerCycle, hardware.memoryWriteBytesPerCycle);
    let saved = 0;
    const wanted: { member: number; arrays: number; saved: Bytes }[] = [];
    for (const stream of this.worth) {
      const part = Math.max(0, Math.min(1, space / stream.held, traffic / stream.traffic));
      space -= part * stream.held;
      traffic -= part * stream.traffic;
      saved += part * stream.saved;
      if (part > 1 - 1e-9 || arrays === 0) continue;
      const need = Math.max(stream.busiest / (time * rate), stream.held / hardware.memoryBytesPerArray);
      wanted.push({ member: stream.member, arrays: need * (1 - part), saved: stream.saved * (1 - part) });
    }
    wanted.sort((a, b) => b.saved / b.arrays - a.saved / a.arrays);
    const share = this.products.map(() => 0);
    let left = arrays;
    for (const { member, arrays: need, saved: gain } of wanted) {
      const before = Math.ceil(share[member]! - 1e-9);
      const after = Math.ceil(share[member]! + need - 1e-9);
      const granted = Math.min(left, after - before);
      const usable = Math.min(need, before + granted - share[member]!);
      if (usable <= 0) continue;
      share[member]! += usable;
      left -= granted;
      saved += (gain * usable) / need;
    }
    return { memory: share.map((part) => Math.ceil(part - 1e-9)), saved };
  }
}

function atLeastAsGood(other: Option, option: Option): boolean {
  return (
    other.arrays <= option.arrays &&
    other.load.ownCycles <= option.load.ownCycles &&
    other.load.externalBytes <= option.load.externalBytes &&
    other.energy <= option.energy
  );
}
