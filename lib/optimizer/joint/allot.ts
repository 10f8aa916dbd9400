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
  readonly stages: (Stage | undefined)[];
}

/** What is written ahead of an option's weights, and the boundary that is left. */
export interface Stage {
  readonly members: readonly number[];
  readonly bytes: Bytes;
  readonly boundary: Cycles;
}

const BISECTIONS = 14;

/** A stream worth holding. */
interface Worth {
  readonly member: number;
  /** Bytes saved across the channel, held, over the busier of its ports and over both. */
  readonly saved: Bytes;
  readonly held: Bytes;
  readonly busiest: Bytes;
  readonly traffic: Bytes;
}

/** Prepares a segment once, so that it can be asked for several budgets. */
export class SegmentAllotter {
  private readonly products: readonly ProductWork[];
  private readonly tiles: readonly number[];
  private readonly write: readonly Cycles[];
  private readonly least: number;
  /** By bytes held per byte moved. */
  private readonly worth: readonly Worth[];
  /** What streams want of the arrays, while arrays are handed out: how many, what that saves, whose they are. */
  private readonly wanted: Float64Array;
  private readonly gains: Float64Array;
  private readonly members: Int32Array;
  private readonly shares: Float64Array;
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
    this.write = this.products.map(({ writeCycles }) => writeCycles);
    this.least = sum(this.tiles);
    const worth: Worth[] = [];
    for (const stream of demands.streams.streams) {
      const { group, feedBytes, dataBytes, windowBytes } = stream;
      const saved = savedBytes(stream);
      if (saved <= 0) continue;
      worth.push({ member: group, saved, held: windowBytes, busiest: Math.max(feedBytes, dataBytes), traffic: feedBytes + dataBytes });
    }
    this.worth = worth.sort((a, b) => a.held / a.traffic - b.held / b.traffic);
    this.wanted = new Float64Array(worth.length);
    this.gains = new Float64Array(worth.length);
    this.members = new Int32Array(worth.length);
    this.shares = new Float64Array(this.products.length);
    this.direct = demands.room.externalTraffic + demands.streams.directBytes;
  }

  /**
   * Options worth considering: the fastest use of each of `budgets` arrays, the same slowed down by each of `slacks` to save arrays
   * and traffic, and one copy of everything. None that another of them beats in every respect.
   */
  options(budgets: readonly number[], slacks: readonly number[], computeOnly: boolean): readonly Option[] {
    const found: Option[] = [];
    const seen: Chosen[] = [];
    const add = (chosen: Chosen | undefined): void => {
      if (chosen === undefined || seen.some((other) => isSame(other, chosen))) return;
      seen.push(chosen);
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
    const { hardware, products, write } = this;
    const load = loadOf(this.work, { first: this.first, copies, memory }, this.demands, hardware, 0);
    const tiles: number[] = [];
    const fetch: Bytes[] = [];
    const stageable: number[] = [];
    let arrays = 0;
    let writing = 0;
    for (let i = 0; i < products.length; i++) {
      const product = products[i]!;
      const count = copies[i]!;
      tiles.push(count * product.tiles);
      fetch.push(fetchedBytes(product, count, hardware));
      if (fetch[i]! > 0) stageable.push(i);
      arrays += tiles[i]! + memory[i]!;
      writing += product.writing * count;
    }
    const energy = load.energy + writing + (sum(fetch) + load.operandExternalBytes) * hardware.energy.externalByte;
    stageable.sort((a, b) => fetch[b]! - fetch[a]! || a - b);
    return { copies, memory, load, arrays, energy, stageable, tiles, fetch, write, stages: [] };
  }

  private leastTime(arrays: number, computeOnly: boolean): Cycles {
    const { hardware } = this;
    const rate = hardware.externalBytesPerCycle;
    let enough = Math.max(hardware.mvmCycles, this.direct / rate, ...this.products.map((product) => product.computeCycles));
    let tooShort = hardware.mvmCycles / 2;
    for (let i = 0; i < BISECTIONS && enough > tooShort * 1.01; i++) {
      const time = Math.sqrt(enough * tooShort);
      const left = this.leftBeside(time, arrays);
      if (left >= 0 && this.direct - this.hold(time, computeOnly ? 0 : left) <= time * rate) enough = time;
      else tooShort = time;
    }
    return enough;
  }

  /** Copies that compute within `time`, and memory arrays as far as the others go; undefined if there are too few. */
  private within(time: Cycles, arrays: number, computeOnly: boolean): Chosen | undefined {
    const left = this.leftBeside(time, arrays);
    if (left < 0) return undefined;
    const turns = this.turnsIn(time);
    const copies = this.products.map(({ m }) => Math.ceil(m / turns));
    this.hold(time, computeOnly ? 0 : left);
    return { copies, memory: Array.from(this.shares, (part) => Math.ceil(part - 1e-9)) };
  }

  /** Vectors that one copy computes within `time`. */
  private turnsIn(time: Cycles): number {
    return Math.floor((time / this.hardware.mvmCycles) * (1 + 1e-12));
  }

  /** Arrays left beside as many copies as compute within `time`; less than 0 if they are too many. */
  private leftBeside(time: Cycles, arrays: number): number {
    const turns = this.turnsIn(time);
    if (turns < 1) return -1;
    let left = arrays;
    for (let i = 0; i < this.products.length && left >= 0; i++) left -= Math.ceil(this.products[i]!.m / turns) * this.tiles[i]!;
    return left;
  }

  /**
   * Bytes saved across the channel when the buffer goes to what needs least room and `arrays` to what saves most per array; `shares`
   * says how much of them each member has then.
   */
  private hold(time: Cycles, arrays: number): Bytes {
    const { hardware, demands, worth, wanted, gains, members, shares } = this;
    let space = demands.room.bufferBytes;
    let traffic = time * hardware.bufferBytesPerCycle - demands.room.bufferTraffic;
    const rate = Math.min(hardware.memoryReadBytesPerCycle, hardware.memoryWriteBytesPerCycle);
    let saved = 0;
    let count = 0;
    shares.fill(0);
    for (let w = 0; w < worth.length; w++) {
      const stream = worth[w]!;
      const part = Math.max(0, Math.min(1, space / stream.held, traffic / stream.traffic));
      space -= part * stream.held;
      traffic -= part * stream.traffic;
      saved += part * stream.saved;
      if (part > 1 - 1e-9 || arrays === 0) continue;
      const need = Math.max(stream.busiest / (time * rate), stream.held / hardware.memoryBytesPerArray) * (1 - part);
      const gain = stream.saved * (1 - part);
      let at = count++;
      for (; at > 0 && gains[at - 1]! / wanted[at - 1]! < gain / need; at--) {
        wanted[at] = wanted[at - 1]!;
        gains[at] = gains[at - 1]!;
        members[at] = members[at - 1]!;
      }
      wanted[at] = need;
      gains[at] = gain;
      members[at] = stream.member;
    }
    let left = arrays;
    for (let at = 0; at < count; at++) {
      const member = members[at]!;
      const need = wanted[at]!;
      const share = shares[member]!;
      const before = Math.ceil(share - 1e-9);
      const granted = Math.min(left, Math.ceil(share + need - 1e-9) - before);
      const usable = Math.min(need, before + granted - share);
      if (usable <= 0) continue;
      shares[member] = share + usable;
      left -= granted;
      saved += (gains[at]! * usable) / need;
    }
    return saved;
  }
}

interface Chosen {
  readonly copies: readonly number[];
  readonly memory: readonly number[];
}

function isSame(a: Chosen, b: Chosen): boolean {
  return a.copies.every((count, i) => count === b.copies[i]) && a.memory.every((count, i) => count === b.memory[i]);
}

function atLeastAsGood(other: Option, option: Option): boolean {
  return (
    other.arrays <= option.arrays &&
    other.load.ownCycles <= option.load.ownCycles &&
    other.load.externalBytes <= option.load.externalBytes &&
    other.energy <= option.energy
  );
}
