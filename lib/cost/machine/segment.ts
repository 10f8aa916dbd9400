// The machine's cost of one segment (docs/machine.md): T_intra is the slowest of compute, private feeds, buffer,
// channel and vector unit, plus what the pipeline takes to fill. Closed formulas over Work; the simulator,
// which this predicts, is written apart from it.

import type { Bytes, Cycles, Picojoules } from '../../base/units.ts';
import { type Sharing, type Stream, shareStreams } from '../../dataflow/streams.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { TaskWork, TensorWork, Work } from './work.ts';

/** Where a tensor that outlives its segment is held on chip. */
export interface Home {
  readonly tensor: number;
  /** Parts of its features, at most 1 together, in the buffer and in `arrays` arrays; the others go through external memory. */
  readonly inBuffer: number;
  readonly inArrays: number;
  readonly arrays: number;
}

/** Part of a tensor that stays on chip. */
export function heldShare(home: Home | undefined): number {
  return home === undefined ? 0 : home.inBuffer + home.inArrays;
}

/** Homes by tensor. */
export type Homes = ReadonlyMap<number, Home>;

/** What a segment moves and how long its parts take; everything that depends on its neighbours is left out. */
export interface SegmentLoad {
  /** Everything but the channel: compute, feeds, buffer, vector unit, in the order their data allows. */
  readonly ownCycles: Cycles;
  /** Activations across the channel while it runs. */
  readonly externalBytes: Bytes;
  /** Bytes of run-time operands read at the boundary before it, those from external memory apart. */
  readonly operandBytes: Bytes;
  readonly operandExternalBytes: Bytes;
  readonly energy: Picojoules;
}

/** Where members first .. last of the sequence and their arrays are: counts in the order of the sub-operators. */
export interface Allotment {
  readonly first: number;
  readonly last: number;
  readonly copies: readonly number[];
  readonly memory: readonly number[];
}

/** Load of an allotment. `staged`: bytes of the next segment's weights that share the channel meanwhile. */
export function segmentLoad(work: Work, allotment: Allotment, homes: Homes, hardware: Hardware, staged: Bytes): SegmentLoad {
  return loadOf(work, allotment, demandsOf(work, allotment, homes, hardware), hardware, staged);
}

/** The same with the segment's demands at hand. */
export function loadOf(work: Work, allotment: Allotment, demands: SegmentDemands, hardware: Hardware, staged: Bytes): SegmentLoad {
  const { room, fixed, energy } = demands;
  const streams = demands.streams.map((stream) => ({ ...stream, arrays: allotment.memory[stream.group - allotment.first] ?? 0 }));
  const computeCycles = slowestProduct(work, allotment);
  const sharing = shareStreams(streams, { ...room, computeCycles, externalTraffic: room.externalTraffic + staged }, hardware);
  const pipeline = pipelineCycles(work, allotment);
  const bufferCycles = sharing.bufferBytes / hardware.bufferBytesPerCycle;
  return {
    ownCycles: Math.max(pipeline, bufferCycles, fixed.vectorCycles, fixed.homeCycles),
    externalBytes: sharing.externalBytes - staged,
    operandBytes: fixed.operandBytes,
    operandExternalBytes: fixed.operandExternalBytes,
    energy: energy + streamEnergy(streams, { ...sharing, externalBytes: sharing.externalBytes - staged }, hardware),
  };
}

export interface SegmentDemands {
  readonly streams: readonly Stream[];
  readonly room: {
    readonly bufferBytes: Bytes;
    readonly bytesPerArray: Bytes;
    readonly bufferTraffic: Bytes;
    readonly externalTraffic: Bytes;
  };
  readonly fixed: {
    readonly vectorCycles: Cycles;
    /** Slowest port of a home in arrays. */
    readonly homeCycles: Cycles;
    readonly operandBytes: Bytes;
    readonly operandExternalBytes: Bytes;
    /** Bytes of kept data in the buffer. */
    readonly keptBytes: Bytes;
  };
  readonly energy: Picojoules;
}

/** Streams of a segment (group: the sub-operator whose arrays may hold them) and what crosses channel and buffer whatever is decided about them. */
export function demandsOf(
  work: Work,
  { first, last }: Pick<Allotment, 'first' | 'last'>,
  homes: Homes,
  hardware: Hardware,
): SegmentDemands {
  const from = first === 0 ? 0 : work.firstTask[first]!;
  const to = work.firstTask[last + 1]!;
  const { energy: price } = hardware;
  const streams = new Map<string, Stream>();
  let bufferTraffic = 0;
  let externalTraffic = 0;
  let vectorCycles = 0;
  let operandBytes = 0;
  let operandExternalBytes = 0;
  let energy = 0;
  let kept = 0;
  const portBytes = new Map<number, { read: Bytes; write: Bytes }>();
  const atHome = (tensor: number, bytes: Bytes, writing: boolean): number => {
    const home = homes.get(tensor);
    if (home === undefined || !outlives(work.tensors[tensor]!, from, to)) return 0;
    bufferTraffic += bytes * home.inBuffer;
    energy += bytes * home.inBuffer * (writing ? price.bufferWriteByte : price.bufferReadByte);
    if (home.inArrays > 0) {
      const port = portBytes.get(tensor) ?? { read: 0, write: 0 };
      port[writing ? 'write' : 'read'] += bytes * home.inArrays;
      portBytes.set(tensor, port);
      energy += bytes * home.inArrays * (writing ? price.memoryWriteByte : price.memoryReadByte);
    }
    return heldShare(home);
  };
  for (const home of homes.values()) {
    if (home.inBuffer > 0 && livesIn(work.tensors[home.tensor]!, from, to) && outlives(work.tensors[home.tensor]!, from, to))
      kept += work.tensors[home.tensor]!.bytes * home.inBuffer;
  }

  for (let t = from; t < to; t++) {
    const task = work.tasks[t]!;
    vectorCycles += task.vectorCycles;
    energy += task.vectorEnergy;
    if (task.product !== undefined) energy += task.product.mac;
    for (const read of task.reads) {
      const tensor = work.tensors[read.tensor]!;
      const width = read.features.to - read.features.from;
      let here = 0;
      for (const maker of tensor.makers)
        if (maker >= from && maker < to) here += overlap(work.tasks[maker]!.output.features, read.features);
      const local = here / width;
      const homed = local < 1 ? atHome(read.tensor, read.feedBytes * (1 - local), false) : 0;
      const part = (share: number, outside: boolean): void => {
        if (share * width < 0.5) return;
        // Readers of the same data share what is held of it.
        const key = `${read.tensor},${outside},${read.features.from},${read.features.to}`;
        const other = streams.get(key);
        const held = Math.max(1, (outside && other === undefined ? read.heldOutside : Math.max(read.heldOutside, read.heldHere)) * share);
        streams.set(key, {
          features: Math.round(width * share),
          feedBytes: read.feedBytes * share + (other?.feedBytes ?? 0),
          dataBytes: read.dataBytes * share,
          windowBytes: Math.max(held, other?.windowBytes ?? 0),
          group: other?.group ?? Math.max(first, task.sub),
          arrays: 0,
          outside,
          leaves: !outside && outlives(tensor, from, to),
        });
      };
      part(local, false);
      part((1 - local) * (1 - homed), true);
    }
    const { tensor, bytes } = task.output;
    if (outlives(work.tensors[tensor]!, from, to)) externalTraffic += bytes * (1 - atHome(tensor, bytes, true));
    const stationary = task.product?.stationary;
    if (stationary !== undefined) {
      operandBytes += stationary.bytes;
      operandExternalBytes += stationary.bytes * (1 - heldShare(homes.get(stationary.tensor)));
    }
  }
  let homeCycles = 0;
  for (const [tensor, { read, write }] of portBytes) {
    const arrays = homes.get(tensor)?.arrays ?? 1;
    homeCycles = Math.max(
      homeCycles,
      read / (arrays * hardware.memoryReadBytesPerCycle),
      write / (arrays * hardware.memoryWriteBytesPerCycle),
    );
  }
  return {
    streams: [...streams.values()],
    room: { bufferBytes: hardware.bufferBytes - kept, bytesPerArray: hardware.memoryBytesPerArray, bufferTraffic, externalTraffic },
    fixed: { vectorCycles, homeCycles, operandBytes, operandExternalBytes, keptBytes: kept },
    energy,
  };
}

/** Whether anybody outside tasks from .. to-1 needs what they make of a tensor, or it comes from outside. */
function outlives(tensor: TensorWork, from: number, to: number): boolean {
  return tensor.leaves || tensor.given || (tensor.readers.at(-1) ?? -1) >= to || (tensor.makers[0] ?? -1) < from;
}

/** Whether a tensor is alive while tasks from .. to-1 run. */
function livesIn(tensor: TensorWork, from: number, to: number): boolean {
  const made = tensor.given ? -1 : (tensor.makers[0] ?? 0);
  return made < to && (tensor.readers.at(-1) ?? -1) >= from;
}

function overlap(a: { readonly from: number; readonly to: number }, b: { readonly from: number; readonly to: number }): number {
  return Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from));
}

function slowestProduct(work: Work, { first, last, copies }: Allotment): Cycles {
  let most = 1;
  for (let sub = first; sub <= last; sub++) most = Math.max(most, computeCycles(work.products[sub]!, copies[sub - first] ?? 1));
  return most;
}

/** Whole vectors a copy: ceil(m / copies) of them one after another. */
export function computeCycles(product: { readonly m: number; readonly computeCycles: Cycles }, copies: number): Cycles {
  return (Math.ceil(product.m / copies) * product.computeCycles) / product.m;
}

/**
 * Time from first to last chunk when only products and vector work take time: a task starts once its leads are
 * there and ends no earlier than a chunk after its producers. Operators that need a whole input (reductions,
 * softmax over positions) make this a sum where Eq. (9) has a maximum.
 */
function pipelineCycles(work: Work, { first, last, copies }: Allotment): Cycles {
  const from = first === 0 ? 0 : work.firstTask[first]!;
  const to = work.firstTask[last + 1]!;
  const starts = new Float64Array(to - from);
  const ends = new Float64Array(to - from);
  let longest = 0;
  for (let t = from; t < to; t++) {
    const task = work.tasks[t]!;
    const own = durationOf(task, first, copies);
    let start = 0;
    let end = 0;
    for (const read of task.reads) {
      for (const maker of work.tensors[read.tensor]!.makers) {
        if (maker < from || maker >= t) continue;
        const begun = starts[maker - from]!;
        const done = ends[maker - from]!;
        start = Math.max(start, begun + read.lead * (done - begun));
        end = Math.max(end, done);
      }
    }
    starts[t - from] = start;
    ends[t - from] = Math.max(start + own, end + own / task.chunks);
    longest = Math.max(longest, ends[t - from]!);
  }
  return longest;
}

function durationOf(task: TaskWork, first: number, copies: readonly number[]): Cycles {
  const { product } = task;
  const compute = product === undefined ? 0 : computeCycles(product, copies[product.sub - first] ?? 1);
  return Math.max(compute, task.vectorCycles);
}

function streamEnergy(streams: readonly Stream[], { shares, externalBytes }: Sharing, { energy }: Hardware): Picojoules {
  let total = externalBytes * energy.externalByte;
  for (const [i, { features, feedBytes, dataBytes }] of streams.entries()) {
    const { arrays, buffer } = shares[i]!;
    total += (arrays / features) * (feedBytes * energy.memoryReadByte + dataBytes * energy.memoryWriteByte);
    total += (buffer / features) * (feedBytes * energy.bufferReadByte + dataBytes * energy.bufferWriteByte);
  }
  return total;
}
