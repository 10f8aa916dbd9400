// Splits every stream of a segment over the places it can come from: memory-mode arrays (private), the
// buffer (shared, small) and external memory (shared, large), so that the slowest of them is as fast as it
// can be. Streams + capacities -> features per place. Emitter and machine cost decide by this one rule.

import { type Bytes, type Cycles, sum } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';

/** Features of one tensor on their way to one reader. */
export interface Stream {
  readonly features: number;
  /** Bytes the reader takes (im2col volume for a product), and bytes of the data itself. */
  readonly feedBytes: Bytes;
  readonly dataBytes: Bytes;
  /** Bytes held on the way, for all of `features`. */
  readonly windowBytes: Bytes;
  /** Streams of one group share these memory-mode arrays; -1 and 0 if there are none. */
  readonly group: number;
  readonly arrays: number;
  /** The data comes from external memory; else it is made in this segment. */
  readonly outside: boolean;
  /** The data goes to external memory anyway. */
  readonly leaves: boolean;
}

/** Features taken through the arrays and through the buffer; the others go through external memory. */
export interface Shares {
  readonly arrays: number;
  readonly buffer: number;
}

export interface Room {
  readonly bufferBytes: Bytes;
  readonly bytesPerArray: Bytes;
  /** Bytes that cross buffer and channel whatever is decided. */
  readonly bufferTraffic: Bytes;
  readonly externalTraffic: Bytes;
  /** The segment cannot be faster than this, so there is no use in going below. */
  readonly computeCycles: Cycles;
}

/** How the streams were split, and what then crosses channel and buffer. */
export interface Sharing {
  readonly shares: readonly Shares[];
  readonly externalBytes: Bytes;
  readonly bufferBytes: Bytes;
}

export type StreamRates = Pick<
  Hardware,
  'externalBytesPerCycle' | 'bufferBytesPerCycle' | 'memoryReadBytesPerCycle' | 'memoryWriteBytesPerCycle'
>;

const BISECTIONS = 40;
/** Relative width at which the bisection on the time may stop: finer than any rounding of whole cycles matters. */
const CLOSE = 1e-3;

/** Bytes across the channel that holding a stream on chip saves: its rereads, or both ways of a detour. */
export function savedBytes({ outside, leaves, feedBytes, dataBytes }: Stream): Bytes {
  if (outside) return Math.max(0, feedBytes - dataBytes);
  return feedBytes + (leaves ? 0 : dataBytes);
}

/**
 * Shares for the least time in which arrays, buffer and channel can all serve the segment: bisection on the
 * time, giving arrays first (private), then the buffer to streams that save most traffic per byte held.
 */
export function shareStreams(streams: readonly Stream[], room: Room, rates: StreamRates): Sharing {
  return shareSorted(sortStreams(streams), ({ arrays }) => arrays, room, rates);
}

/** Streams with those worth holding in the order they are served in: what does not depend on arrays, rates and room. */
export interface SortedStreams {
  readonly streams: readonly Stream[];
  /** Numbers of the streams worth holding. */
  readonly order: readonly number[];
  /** Of each of those in turn: features, feedBytes, dataBytes, windowBytes, savedBytes, and the first in turn of its group. */
  readonly figures: Float64Array;
  readonly directBytes: Bytes;
}

/** Figures of a stream. */
const FIGURES = 6;

export function sortStreams(streams: readonly Stream[]): SortedStreams {
  const held = streams.map(({ windowBytes, feedBytes, dataBytes }) => windowBytes / (feedBytes + dataBytes));
  const saved = streams.map(savedBytes);
  const order: number[] = [];
  for (let i = 0; i < streams.length; i++) if (saved[i]! > 0) order.push(i);
  order.sort((a, b) => held[a]! - held[b]! || a - b);
  const figures = new Float64Array(FIGURES * order.length);
  for (let o = 0; o < order.length; o++) {
    const { features, feedBytes, dataBytes, windowBytes, group } = streams[order[o]!]!;
    let first = 0;
    while (streams[order[first]!]!.group !== group) first++;
    figures.set([features, feedBytes, dataBytes, windowBytes, saved[order[o]!]!, first], FIGURES * o);
  }
  return { streams, order, figures, directBytes: sum(streams.map(directBytes)) };
}

/** `shareStreams` of sorted streams; `arraysOf` says how many arrays the group of a stream has. */
export function shareSorted(sorted: SortedStreams, arraysOf: (stream: Stream) => number, room: Room, rates: StreamRates): Sharing {
  const { streams, order } = sorted;
  const arrays = order.map((i) => arraysOf(streams[i]!));
  const timeOf = (externalBytes: Bytes): Cycles => externalBytes / rates.externalBytesPerCycle;
  let enough = room.computeCycles;
  let crossing = timeOf(shareWithin(sorted, arrays, room, rates, enough, undefined));
  if (crossing > enough) {
    let tooShort = enough;
    enough = crossing;
    for (let step = 0; step < BISECTIONS && enough - tooShort > Math.max(1, CLOSE * enough); step++) {
      const time = (tooShort + enough) / 2;
      crossing = timeOf(shareWithin(sorted, arrays, room, rates, time, undefined));
      if (crossing <= time) enough = time;
      else tooShort = time;
    }
  }
  const split = { shares: streams.map(() => NONE), bufferBytes: 0 };
  const externalBytes = shareWithin(sorted, arrays, room, rates, enough, split);
  return { ...split, externalBytes };
}

const NONE: Shares = { arrays: 0, buffer: 0 };

/** What the streams of a group have left of its arrays, where its first stream in turn is. */
let timeLeft = new Float64Array(64);
let spaceLeft = new Float64Array(64);

/** Bytes that cross the channel if the streams are served within a time; fills in `split`. */
function shareWithin(
  { order, figures, directBytes: direct }: SortedStreams,
  arraysOf: readonly number[],
  room: Room,
  rates: StreamRates,
  time: Cycles,
  split: { readonly shares: Shares[]; bufferBytes: Bytes } | undefined,
): Bytes {
  let bufferTime = time * rates.bufferBytesPerCycle - room.bufferTraffic;
  let bufferSpace = room.bufferBytes;
  let external = room.externalTraffic + direct;
  const bufferBefore = bufferTime;
  if (order.length > timeLeft.length) {
    timeLeft = new Float64Array(2 * order.length);
    spaceLeft = new Float64Array(2 * order.length);
  }
  const arrayRate = Math.min(rates.memoryReadBytesPerCycle, rates.memoryWriteBytesPerCycle);
  for (let o = 0; o < order.length; o++) {
    const at = FIGURES * o;
    const features = figures[at]!;
    const feedBytes = figures[at + 1]!;
    const dataBytes = figures[at + 2]!;
    const windowBytes = figures[at + 3]!;
    const arrays = arraysOf[o]!;
    const traffic = feedBytes + dataBytes;
    let inArrays = 0;
    if (arrays > 0) {
      const first = figures[at + 5]!;
      if (first === o) {
        timeLeft[o] = time * (arrayRate * arrays);
        spaceLeft[o] = room.bytesPerArray * arrays;
      }
      const busiest = Math.max(feedBytes, dataBytes);
      inArrays = whole(features, Math.min(timeLeft[first]! / busiest, spaceLeft[first]! / windowBytes));
      timeLeft[first]! -= (inArrays / features) * busiest;
      spaceLeft[first]! -= arrays * Math.ceil(((inArrays / features) * windowBytes) / arrays);
    }
    const inBuffer = Math.min(features - inArrays, whole(features, Math.min(bufferTime / traffic, bufferSpace / windowBytes)));
    bufferTime -= (inBuffer / features) * traffic;
    bufferSpace -= Math.ceil((inBuffer / features) * windowBytes);
    if (split !== undefined) split.shares[order[o]!] = { arrays: inArrays, buffer: inBuffer };
    external -= ((inArrays + inBuffer) / features) * figures[at + 4]!;
  }
  if (split !== undefined) split.bufferBytes = room.bufferTraffic + bufferBefore - bufferTime;
  return external;
}

/** Bytes across the channel if nothing of the stream is held on chip. */
function directBytes({ outside, leaves, feedBytes, dataBytes }: Stream): Bytes {
  return feedBytes + (outside || leaves ? 0 : dataBytes);
}

/** Whole features within a portion of them. */
function whole(features: number, portion: number): number {
  return Math.max(0, Math.min(features, Math.floor(features * portion + 1e-9)));
}
