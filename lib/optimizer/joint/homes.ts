// Which data stays on chip between segments, and where: what saves most traffic per byte held and per boundary
// crossed comes first, into the buffer or into memory-mode arrays. Work + cuts + room -> homes.

import type { Bytes } from '../../base/units.ts';
import type { Home, Homes } from '../../cost/machine/segment.ts';
import type { TensorWork, Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';

/** Half of the buffer is left to the windows of running pipelines, as in the emitter. */
const BUFFER_SHARE = 0.5;
/** A home of less than this part of a tensor is not worth its arrays. */
const LEAST_SHARE = 0.125;

/**
 * Homes for tensors that cross one of the cuts (`segmentOf[sub]`: the segment of each sub-operator), with at most
 * `arrays` arrays in any segment.
 */
export function chooseHomes(work: Work, segmentOf: readonly number[], arrays: readonly number[], hardware: Hardware): Homes {
  const segments = arrays.length;
  const bufferLeft: Bytes[] = Array.from({ length: segments }, () => hardware.bufferBytes * BUFFER_SHARE);
  const arraysLeft = [...arrays];
  const homes = new Map<number, Home>();
  const candidates = work.tensors.flatMap((tensor, i) => {
    const span = spanOf(work, tensor, segmentOf);
    return span === undefined
      ? []
      : [{ tensor: i, bytes: tensor.bytes, ...span, worth: savedBy(work, tensor, segmentOf) / (tensor.bytes * (span.to - span.from + 1)) }];
  });
  candidates.sort((a, b) => b.worth - a.worth || a.tensor - b.tensor);
  for (const { tensor, bytes, from, to } of candidates) {
    const least = (room: readonly number[]): number => Math.min(...room.slice(from, to + 1));
    const take = (room: number[], amount: number): void => {
      for (let segment = from; segment <= to; segment++) room[segment]! -= amount;
    };
    if (bytes <= least(bufferLeft)) {
      take(bufferLeft, bytes);
      homes.set(tensor, { tensor, kind: 'buffer', arrays: 0, share: 1 });
      continue;
    }
    const wanted = Math.ceil(bytes / hardware.memoryBytesPerArray);
    const granted = Math.min(wanted, least(arraysLeft));
    const share = Math.min(1, (granted * hardware.memoryBytesPerArray) / bytes);
    if (granted < 1 || share < LEAST_SHARE) continue;
    take(arraysLeft, granted);
    homes.set(tensor, { tensor, kind: 'arrays', arrays: granted, share });
  }
  return homes;
}

/** Segments in which a tensor that crosses a boundary lives; undefined if it crosses none or comes from outside. */
function spanOf(
  work: Work,
  { given, leaves, makers, readers }: TensorWork,
  segmentOf: readonly number[],
): { from: number; to: number } | undefined {
  const made = makers[0];
  const used = readers.at(-1);
  if (given || leaves || made === undefined || used === undefined) return undefined;
  const from = segmentOf[Math.max(0, work.tasks[made]!.sub)] ?? 0;
  const to = segmentOf[Math.max(0, work.tasks[used]!.sub)] ?? 0;
  return to > from ? { from, to } : undefined;
}

/** Bytes that do not cross the channel when a tensor stays: written once, read by every reader of a later segment. */
function savedBy(work: Work, tensor: TensorWork, segmentOf: readonly number[]): Bytes {
  let saved = tensor.bytes;
  const lastMaker = segmentOf[Math.max(0, work.tasks[tensor.makers.at(-1) ?? 0]!.sub)] ?? 0;
  for (const reader of tensor.readers) {
    const task = work.tasks[reader]!;
    if ((segmentOf[Math.max(0, task.sub)] ?? 0) <= lastMaker) continue;
    const read = task.reads.find((candidate) => work.tensors[candidate.tensor] === tensor);
    saved += read?.dataBytes ?? task.product?.stationary?.bytes ?? 0;
  }
  return saved;
}
