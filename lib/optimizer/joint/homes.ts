// Which data stays on chip between segments, and where: what saves most traffic per byte held and per boundary
// crossed comes first, into the buffer or into memory-mode arrays. Work + cuts + room -> homes.

import type { Bytes, Cycles } from '../../base/units.ts';
import type { Home, Homes } from '../../cost/machine/living.ts';
import type { TensorWork, Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';

/** Half of the buffer is left to the windows of running pipelines, as in the emitter. */
const BUFFER_SHARE = 0.5;
/** A home of less than this part of a tensor is not worth its arrays. */
const LEAST_SHARE = 0.125;

/** Part of a segment's time that reading homes may take of the buffer, or of a home's ports. */
const PORT_SHARE = 0.75;

export interface Cut {
  /** Segment of each sub-operator. */
  readonly segmentOf: readonly number[];
  /** Time each segment runs, so that no home becomes its bottleneck. */
  readonly cycles: readonly Cycles[];
  /** Arrays that homes may take in each. */
  readonly arrays: readonly number[];
}

/** Homes for tensors that cross a cut, what saves most per byte and segment first. */
export function chooseHomes(work: Work, { segmentOf, cycles, arrays }: Cut, hardware: Hardware): Homes {
  const bufferLeft: Bytes[] = cycles.map(() => hardware.bufferBytes * BUFFER_SHARE);
  const trafficLeft: Bytes[] = cycles.map((time) => time * hardware.bufferBytesPerCycle * PORT_SHARE);
  const arraysLeft = [...arrays];
  const homes = new Map<number, Home>();
  const { opens } = work;
  /** Counts the ends of repeated blocks before each sub-operator: data does not stay on chip across one. */
  let ends = 0;
  const part = opens.map((open) => (open ? ++ends : ends));
  const crosses = ({ makers, readers }: TensorWork): boolean => partOf(makers[0]) !== partOf(readers.at(-1));
  const partOf = (task: number | undefined): number | undefined => part[Math.max(0, work.tasks[task ?? 0]?.sub ?? 0)];
  const candidates = work.tensors.flatMap((tensor, i) => {
    if (crosses(tensor)) return [];
    const uses = usesOf(work, tensor, segmentOf);
    if (uses === undefined) return [];
    return [{ tensor: i, bytes: tensor.bytes, ...uses, worth: uses.saved / (tensor.bytes * (uses.to - uses.from + 1)) }];
  });
  candidates.sort((a, b) => b.worth - a.worth || a.tensor - b.tensor);
  for (const { tensor, bytes, from, to, reads } of candidates) {
    const least = (room: readonly number[]): number => Math.min(...room.slice(from, to + 1));
    if (bytes <= least(bufferLeft) && [...reads].every(([segment, read]) => read <= (trafficLeft[segment] ?? 0))) {
      for (let segment = from; segment <= to; segment++) bufferLeft[segment]! -= bytes;
      for (const [segment, read] of reads) trafficLeft[segment]! -= read;
      homes.set(tensor, { tensor, inBuffer: 1, inArrays: 0, arrays: 0 });
      continue;
    }
    const ports = [...reads].map(([segment, read]) => read / ((cycles[segment] ?? 1) * hardware.memoryReadBytesPerCycle * PORT_SHARE));
    const wanted = Math.ceil(Math.max(bytes / hardware.memoryBytesPerArray, ...ports));
    const granted = Math.min(wanted, least(arraysLeft));
    const share = Math.min(1, granted / wanted);
    if (granted < 1 || share < LEAST_SHARE) continue;
    for (let segment = from; segment <= to; segment++) arraysLeft[segment]! -= granted;
    homes.set(tensor, { tensor, inBuffer: 0, inArrays: share, arrays: granted });
  }
  return homes;
}

interface Uses {
  /** Segments it lives in. */
  readonly from: number;
  readonly to: number;
  /** Bytes that do not cross the channel when it stays: written once, read by every reader of a later segment. */
  readonly saved: Bytes;
  /** Bytes read in each later segment. */
  readonly reads: ReadonlyMap<number, Bytes>;
}

/** Undefined for a tensor that crosses no boundary, or comes from or goes outside anyway. */
function usesOf(work: Work, tensor: TensorWork, segmentOf: readonly number[]): Uses | undefined {
  const { given, leaves, makers, readers } = tensor;
  const segment = (task: number | undefined): number => segmentOf[Math.max(0, work.tasks[task ?? 0]?.sub ?? 0)] ?? 0;
  if (given || leaves || makers.length === 0 || readers.length === 0) return undefined;
  const from = segment(makers[0]);
  const to = segment(readers.at(-1));
  if (to <= from) return undefined;
  const lastMade = segment(makers.at(-1));
  const reads = new Map<number, Bytes>();
  let saved = tensor.bytes;
  for (const reader of readers) {
    if (segment(reader) <= lastMade) continue;
    const task = work.tasks[reader];
    const read = task?.reads.find((candidate) => work.tensors[candidate.tensor] === tensor);
    saved += read?.dataBytes ?? task?.product?.stationary?.bytes ?? 0;
    if (read !== undefined) reads.set(segment(reader), (reads.get(segment(reader)) ?? 0) + read.feedBytes);
  }
  return { from, to, saved, reads };
}
