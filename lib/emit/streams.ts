// Streams of a segment: data on its way from where it lies or is made to the steps that read it, and the pace at which it is moved.
// Reads of steps -> streams, those of the same data together.

import { internal } from '../base/problem.ts';
import type { Range } from '../base/shapes.ts';
import { chunksOf, type Read } from '../dataflow/steps.ts';
import type { Stream as Flowing } from '../dataflow/streams.ts';
import type { ManifestTensor, Region } from '../program/program.ts';
import type { Step } from './steps.ts';

/** Features of one tensor on their way to the steps of the segment that read them. */
export interface Stream extends Flowing {
  readonly readers: readonly Step[];
  readonly tensor: ManifestTensor;
  readonly range: Range;
  /** Positions held on the way. */
  readonly window: number;
  /** Memory-mode arrays that may hold them. */
  readonly memory: readonly number[];
  /** External region the data comes from; absent if it is made in this segment. */
  readonly home?: Region;
}

/** Streams of the same data to several readers as one: brought once, held until the last has it. */
export function together(streams: readonly Stream[]): readonly Stream[] {
  const merged = new Map<string, Stream>();
  for (const stream of streams) {
    const key = `${stream.tensor.id} ${stream.range.from} ${stream.range.to} ${stream.home?.id ?? ''}`;
    const other = merged.get(key);
    merged.set(
      key,
      other === undefined
        ? stream
        : {
            ...other,
            readers: [...other.readers, ...stream.readers],
            feedBytes: other.feedBytes + stream.feedBytes,
            window: Math.max(other.window, stream.window),
            windowBytes: Math.max(other.windowBytes, stream.windowBytes),
          },
    );
  }
  return [...merged.values()];
}

/** A move from outside goes row by row, as its reader needs it. */
export function movePace(tensor: ManifestTensor, read: Pick<Read, 'window'>): { positions: number; chunks: number } {
  const { samples, rowsIn, widthIn } = read.window;
  const rows = { ...read.window, samples, rowsOut: rowsIn, widthOut: widthIn };
  return { positions: tensor.positions, chunks: chunksOf(rows, tensor.positions) };
}

export function movePaceOf({ readers, tensor }: Stream): { positions: number; chunks: number } {
  const read = readers[0]?.reads.find((candidate) => candidate.tensor.id === tensor.id);
  if (read === undefined) throw internal(`nobody reads '${tensor.id}'`);
  return movePace(tensor, read);
}
