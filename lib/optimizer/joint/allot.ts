// Arrays for one segment on the machine's cost: copies for compute, memory arrays where they save most of what
// crosses the channel, for the least time in which both fit. Demands + number of arrays -> allotment.

import { type Bytes, type Cycles, sum } from '../../base/units.ts';
import { computeCycles, demandsOf, type Homes, loadOf, type SegmentDemands, type SegmentLoad } from '../../cost/machine/segment.ts';
import { fetchedBytes } from '../../cost/machine/total.ts';
import type { ProductWork, Work } from '../../cost/machine/work.ts';
import { savedBytes } from '../../dataflow/streams.ts';
import type { Hardware } from '../../hardware/hardware.ts';

/** A segment with its arrays and what they make of it. */
export interface Option {
  readonly first: number;
  readonly last: number;
  readonly copies: readonly number[];
  readonly memory: readonly number[];
  readonly load: SegmentLoad;
  /** Arrays that compute or hold streams. */
  readonly arrays: number;
  /** Arrays, weights to fetch and time to write of each piece; 0 bytes for run-time operands, which cannot be staged. */
  readonly tiles: readonly number[];
  readonly fetch: readonly Bytes[];
  readonly write: readonly Cycles[];
}

const BISECTIONS = 14;

/** Prepares a segment once, so that it can be asked for several budgets. */
export class SegmentAllotter {
  private readonly demands: SegmentDemands;
  private readonly products: readonly ProductWork[];
  /** Streams worth holding, by bytes saved across the channel per byte held. */
  private readonly worth: readonly {
    readonly group: number;
    readonly saved: Bytes;
    readonly busiest: Bytes;
    readonly held: Bytes;
    readonly traffic: Bytes;
  }[];
  private readonly direct: Bytes;

  private readonly work: Work;
  private readonly first: number;
  private readonly last: number;
  private readonly hardware: Hardware;

  constructor(work: Work, first: number, last: number, homes: Homes, hardware: Hardware) {
    this.work = work;
    this.first = first;
    this.last = last;
    this.hardware = hardware;
    this.demands = demandsOf(work, { first, last }, homes, hardware);
    this.products = work.products.slice(first, last + 1);
    this.worth = this.demands.streams
      .map((stream) => ({
        group: stream.group - first,
        saved: savedBytes(stream),
        busiest: Math.max(stream.feedBytes, stream.dataBytes),
        held: stream.windowBytes,
        traffic: stream.feedBytes + stream.dataBytes,
      }))
      .filter(({ saved }) => saved > 0)
      .sort((a, b) => a.held / a.traffic - b.held / b.traffic);
    this.direct =
      this.demands.room.externalTraffic +
      sum(this.demands.streams.map(({ feedBytes, dataBytes, outside, leaves }) => feedBytes + (outside || leaves ? 0 : dataBytes)));
  }

  /** The fastest use of `arrays` arrays, slowed down to `slack` times its time to save arrays and traffic; undefined if it needs more. */
  option(arrays: number, slack: number, computeOnly = false): Option | undefined {
    const tiles = this.products.map((product) => product.tiles);
    if (sum(tiles) > arrays) return undefined;
    const { hardware } = this;
    const slowest = Math.max(hardware.mvmCycles, ...this.products.map((product) => product.computeCycles));
    const rate = hardware.externalBytesPerCycle;
    let enough = Math.max(slowest, this.direct / rate);
    let tooShort = hardware.mvmCycles / 2;
    for (let i = 0; i < BISECTIONS && enough > tooShort * 1.01; i++) {
      const time = Math.sqrt(enough * tooShort);
      const trial = this.within(time, arrays, computeOnly);
      if (trial !== undefined && trial.external <= time * rate) enough = time;
      else tooShort = time;
    }
    const chosen = this.within(enough * slack, arrays, computeOnly) ?? this.within(enough, arrays, computeOnly);
    if (chosen === undefined) return undefined;
    const { copies, memory } = chosen;
    const load = loadOf(this.work, { first: this.first, last: this.last, copies, memory }, this.demands, hardware, 0);
    const used = copies.map((count, i) => count * (tiles[i] ?? 1));
    return {
      first: this.first,
      last: this.last,
      copies,
      memory,
      load,
      arrays: sum(used) + sum(memory),
      tiles: used,
      fetch: this.products.map((product, i) => fetchedBytes(product, copies[i] ?? 1, hardware)),
      write: this.products.map(({ writeCycles }) => writeCycles),
    };
  }

  /** Copies that compute within `time`, and memory arrays as far as the others go; undefined if there are too few. */
  private within(time: Cycles, arrays: number, computeOnly: boolean): { copies: number[]; memory: number[]; external: Bytes } | undefined {
    const { hardware } = this;
    let left = arrays;
    const copies: number[] = [];
    for (const product of this.products) {
      const turns = Math.floor((time / hardware.mvmCycles) * (1 + 1e-12));
      if (turns < 1) return undefined;
      const count = Math.ceil(product.m / turns);
      copies.push(count);
      left -= count * product.tiles;
      if (left < 0) return undefined;
    }
    const { memory, saved } = this.hold(time, computeOnly ? 0 : left);
    return { copies, memory, external: this.direct - saved };
  }

  /** Memory arrays by operator: the buffer goes to what needs least room, arrays to what saves most per array. */
  private hold(time: Cycles, arrays: number): { memory: number[]; saved: Bytes } {
    const { hardware, demands } = this;
    let space = demands.room.bufferBytes;
    let traffic = time * hardware.bufferBytesPerCycle - demands.room.bufferTraffic;
    const rate = Math.min(hardware.memoryReadBytesPerCycle, hardware.memoryWriteBytesPerCycle);
    let saved = 0;
    const wanted: { group: number; arrays: number; saved: Bytes }[] = [];
    for (const stream of this.worth) {
      const part = Math.max(0, Math.min(1, space / stream.held, traffic / stream.traffic));
      space -= part * stream.held;
      traffic -= part * stream.traffic;
      saved += part * stream.saved;
      if (part > 1 - 1e-9) continue;
      const need = Math.max(stream.busiest / (time * rate), stream.held / hardware.memoryBytesPerArray);
      wanted.push({ group: stream.group, arrays: need * (1 - part), saved: stream.saved * (1 - part) });
    }
    wanted.sort((a, b) => b.saved / b.arrays - a.saved / a.arrays);
    const share = this.products.map(() => 0);
    let left = arrays;
    for (const { group, arrays: need, saved: gain } of wanted) {
      const before = Math.ceil(share[group]! - 1e-9);
      const after = Math.ceil(share[group]! + need - 1e-9);
      const granted = Math.min(left, after - before);
      const usable = Math.min(need, before + granted - share[group]!);
      if (usable <= 0) continue;
      share[group]! += usable;
      left -= granted;
      saved += (gain * usable) / need;
    }
    return { memory: share.map((part) => Math.ceil(part - 1e-9)), saved };
  }
}

/** Slowest product of an option. */
export function slowestOf(work: Work, { first, copies }: Pick<Option, 'first' | 'copies'>): Cycles {
  return Math.max(0, ...copies.map((count, i) => computeCycles(work.products[first + i]!, count)));
}
