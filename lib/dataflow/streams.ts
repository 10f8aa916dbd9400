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
  const order = streams
    .map((stream, i) => ({ i, held: stream.windowBytes / (stream.feedBytes + stream.dataBytes), saved: savedBytes(stream) }))
    .filter(({ saved }) => saved > 0)
    .sort((a, b) => a.held - b.held || a.i - b.i)
    .map(({ i }) => i);
  const attempt = (time: Cycles) => shareWithin(streams, order, room, rates, time);
  const timeOf = ({ externalBytes }: Sharing) => externalBytes / rates.externalBytesPerCycle;
  let enough = room.computeCycles;
  let result = attempt(enough);
  if (timeOf(result) <= enough) return result;
  let tooShort = enough;
  enough = Math.max(timeOf(result), enough);
  result = attempt(enough);
  for (let step = 0; step < BISECTIONS && enough - tooShort > Math.max(1, CLOSE * enough); step++) {
    const time = (tooShort + enough) / 2;
    const trial = attempt(time);
    if (timeOf(trial) <= time) {
      enough = time;
      result = trial;
    } else {
      tooShort = time;
    }
  }
  return result;
}

function shareWithin(streams: readonly Stream[], order: readonly number[], room: Room, rates: StreamRates, time: Cycles): Sharing {
  let bufferTime = time * rates.bufferBytesPerCycle - room.bufferTraffic;
  let bufferSpace = room.bufferBytes;
  let external = room.externalTraffic + sum(streams.map(directBytes));
  const bufferBefore = bufferTime;
  /** What streams of a group have left of its arrays. */
  const timeLeft = new Map<number, number>();
  const spaceLeft = new Map<number, number>();
  const shares: Shares[] = streams.map(() => ({ arrays: 0, buffer: 0 }));
  for (const i of order) {
    const stream = streams[i]!;
    const { features, feedBytes, dataBytes, windowBytes, arrays, group } = stream;
    const traffic = feedBytes + dataBytes;
    let inArrays = 0;
    if (arrays > 0) {
      const arrayRate = Math.min(rates.memoryReadBytesPerCycle, rates.memoryWriteBytesPerCycle) * arrays;
      const time0 = timeLeft.get(group) ?? time * arrayRate;
      const space0 = spaceLeft.get(group) ?? room.bytesPerArray * arrays;
      const busiest = Math.max(feedBytes, dataBytes);
      inArrays = whole(features, Math.min(time0 / busiest, space0 / windowBytes));
      timeLeft.set(group, time0 - (inArrays / features) * busiest);
      spaceLeft.set(group, space0 - arrays * Math.ceil(((inArrays / features) * windowBytes) / arrays));
    }
    const left = features - inArrays;
    const inBuffer = Math.min(left, whole(features, Math.min(bufferTime / traffic, bufferSpace / windowBytes)));
    bufferTime -= (inBuffer / features) * traffic;
    bufferSpace -= Math.ceil((inBuffer / features) * windowBytes);
    shares[i] = { arrays: inArrays, buffer: inBuffer };
    external -= ((inArrays + inBuffer) / features) * savedBytes(stream);
  }
  return { shares, externalBytes: external, bufferBytes: room.bufferTraffic + bufferBefore - bufferTime };
}

/** Bytes across the channel if nothing of the stream is held on chip. */
function directBytes({ outside, leaves, feedBytes, dataBytes }: Stream): Bytes {
  return feedBytes + (outside || leaves ? 0 : dataBytes);
}

/** Whole features within a portion of them. */
function whole(features: number, portion: number): number {
  return Math.max(0, Math.min(features, Math.floor(features * portion + 1e-9)));
}
