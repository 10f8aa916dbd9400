// Splits every stream of a segment over the places it can come from: the reader's own memory-mode arrays
// (private), the buffer (shared, small) and external memory (shared, large), so that the slowest of them is
// as fast as it can be. Streams + capacities -> features per place.

import type { Range } from '../base/shapes.ts';
import type { Bytes, Cycles } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { ManifestTensor, Region } from '../program/program.ts';
import type { Step } from './steps.ts';

/** Features of one tensor on their way to one reader. */
export interface Stream {
  readonly reader: Step;
  readonly tensor: ManifestTensor;
  readonly features: Range;
  /** Bytes the reader takes, and bytes of the data itself. */
  readonly feedBytes: Bytes;
  readonly dataBytes: Bytes;
  /** Positions held on the way, and their bytes for all of `features`. */
  readonly window: number;
  readonly windowBytes: Bytes;
  /** Memory-mode arrays of the reader. */
  readonly arrays: readonly number[];
  /** External region the data comes from; absent if it is made in this segment. */
  readonly home?: Region;
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

const BISECTIONS = 40;

/**
 * Shares for the least time in which arrays, buffer and channel can all serve the segment: bisection on the
 * time, giving arrays first (private), then the buffer to streams that save most traffic per byte held.
 */
export function shareStreams(streams: readonly Stream[], room: Room, hardware: Hardware): readonly Shares[] {
  const order = streams
    .map((stream, i) => ({ i, held: stream.windowBytes / (stream.feedBytes + stream.dataBytes) }))
    .sort((a, b) => a.held - b.held || a.i - b.i)
    .map(({ i }) => i);
  const attempt = (time: Cycles) => shareWithin(streams, order, room, hardware, time);
  let enough = room.computeCycles;
  let result = attempt(enough);
  if (result.externalCycles <= enough) return result.shares;
  let tooShort = enough;
  enough = Math.max(result.externalCycles, enough);
  result = attempt(enough);
  for (let step = 0; step < BISECTIONS && enough - tooShort > 1; step++) {
    const time = (tooShort + enough) / 2;
    const trial = attempt(time);
    if (trial.externalCycles <= time) {
      enough = time;
      result = trial;
    } else {
      tooShort = time;
    }
  }
  return result.shares;
}

function shareWithin(
  streams: readonly Stream[],
  order: readonly number[],
  room: Room,
  hardware: Hardware,
  time: Cycles,
): { shares: readonly Shares[]; externalCycles: Cycles } {
  let bufferTime = time * hardware.bufferBytesPerCycle - room.bufferTraffic;
  let bufferBytes = room.bufferBytes;
  let external = room.externalTraffic;
  /** What streams of the same reader have left of its arrays, as parts of the whole. */
  const arrayTime = new Map<Step, number>();
  const arrayBytes = new Map<Step, number>();
  const shares: Shares[] = streams.map(() => ({ arrays: 0, buffer: 0 }));
  for (const i of order) {
    const stream = streams[i];
    if (stream === undefined) continue;
    const features = stream.features.to - stream.features.from;
    const traffic = stream.feedBytes + stream.dataBytes;
    const arrayRate = Math.min(hardware.memoryReadBytesPerCycle, hardware.memoryWriteBytesPerCycle) * stream.arrays.length;
    const timeLeft = arrayTime.get(stream.reader) ?? time * arrayRate;
    const bytesLeft = arrayBytes.get(stream.reader) ?? room.bytesPerArray * stream.arrays.length;
    const busiest = Math.max(stream.feedBytes, stream.dataBytes);
    const inArrays = stream.arrays.length === 0 ? 0 : whole(features, timeLeft / busiest, bytesLeft / stream.windowBytes);
    if (inArrays > 0) {
      arrayTime.set(stream.reader, timeLeft - (inArrays / features) * busiest);
      arrayBytes.set(
        stream.reader,
        bytesLeft - stream.arrays.length * Math.ceil(((inArrays / features) * stream.windowBytes) / stream.arrays.length),
      );
    }
    const left = features - inArrays;
    const inBuffer = Math.min(left, whole(features, bufferTime / traffic, bufferBytes / stream.windowBytes));
    bufferTime -= (inBuffer / features) * traffic;
    bufferBytes -= Math.ceil((inBuffer / features) * stream.windowBytes);
    shares[i] = { arrays: inArrays, buffer: inBuffer };
    const outside = (left - inBuffer) / features;
    external += outside * (stream.feedBytes + (stream.home === undefined && !stream.leaves ? stream.dataBytes : 0));
    if (stream.home !== undefined) external += (1 - outside) * stream.dataBytes;
  }
  return { shares, externalCycles: external / hardware.externalBytesPerCycle };
}

/** Whole features within every given share of them. */
function whole(features: number, ...portions: readonly number[]): number {
  return Math.max(0, Math.min(features, ...portions.map((portion) => Math.floor(features * portion + 1e-9))));
}
