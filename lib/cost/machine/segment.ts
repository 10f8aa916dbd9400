// The machine's cost of one segment (docs/machine.md): T_intra is the slowest of compute, private feeds, buffer,
// channel and vector unit, plus what the pipeline takes to fill. Closed formulas over Work; the simulator,
// which this predicts, is written apart from it.

import type { Bytes, Cycles, Picojoules } from '../../base/units.ts';
import { type Sharing, type SortedStreams, type Stream, shareSorted, sortStreams } from '../../dataflow/streams.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import { heldShare, isInPlace, type LivingHomes } from './living.ts';
import type { TensorWork, Work } from './work.ts';

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
export function segmentLoad(work: Work, allotment: Allotment, living: LivingHomes, hardware: Hardware, staged: Bytes): SegmentLoad {
  const { first, last } = allotment;
  const demands = besideHomes(demandsOf(work, allotment, living, hardware), living.during(first, last).bytes);
  return loadOf(work, allotment, demands, hardware, staged);
}

/** The same with the segment's demands at hand; those of a segment like it will do. */
export function loadOf(
  work: Work,
  allotment: Pick<Allotment, 'first' | 'copies' | 'memory'>,
  demands: SegmentDemands,
  hardware: Hardware,
  staged: Bytes,
): SegmentLoad {
  const { room, fixed, energy, streams } = demands;
  const { first, copies, memory } = allotment;
  let computeCycles = 1;
  const compute = copies.map((count, i) => {
    const cycles = productCycles(work.products[first + i]!, count);
    computeCycles = Math.max(computeCycles, cycles);
    return cycles;
  });
  const arraysOf = ({ group }: Stream): number => memory[group] ?? 0;
  const sharing = shareSorted(streams, arraysOf, { ...room, computeCycles, externalTraffic: room.externalTraffic + staged }, hardware);
  const bufferCycles = sharing.bufferBytes / hardware.bufferBytesPerCycle;
  return {
    ownCycles: Math.max(pipelineCycles(demands.pipeline, compute), bufferCycles, fixed.vectorCycles, fixed.homeCycles),
    externalBytes: sharing.externalBytes - staged,
    operandBytes: fixed.operandBytes,
    operandExternalBytes: fixed.operandExternalBytes,
    energy: energy + streamEnergy(streams.streams, { ...sharing, externalBytes: sharing.externalBytes - staged }, hardware),
  };
}

/** What a segment asks for, whatever arrays it is given. Homes take nothing of the buffer's room unless `besideHomes` says so. */
export interface SegmentDemands {
  /** `group`: the member, counted from the first, whose memory arrays may hold a stream. */
  readonly streams: SortedStreams;
  readonly pipeline: Pipeline;
  readonly room: {
    readonly bufferBytes: Bytes;
    readonly bytesPerArray: Bytes;
    readonly bufferTraffic: Bytes;
    readonly externalTraffic: Bytes;
  };
  readonly fixed: {
    readonly vectorCycles: Cycles;
    /** Slowest port of a home in arrays, or longest writing of an operand in place. */
    readonly homeCycles: Cycles;
    readonly operandBytes: Bytes;
    readonly operandExternalBytes: Bytes;
  };
  readonly energy: Picojoules;
}

/** The same where homes take so many bytes of the buffer. */
export function besideHomes(demands: SegmentDemands, homeBytes: Bytes): SegmentDemands {
  const { room } = demands;
  return homeBytes === 0 ? demands : { ...demands, room: { ...room, bufferBytes: room.bufferBytes - homeBytes } };
}

/** Streams of a segment, the order of its tasks, and what crosses channel and buffer whatever is decided about them. */
export function demandsOf(
  work: Work,
  { first, last }: Pick<Allotment, 'first' | 'last'>,
  living: LivingHomes,
  hardware: Hardware,
): SegmentDemands {
  const { homes } = living;
  const from = first === 0 ? 0 : work.firstTask[first]!;
  const to = work.firstTask[last + 1]!;
  const { energy: price } = hardware;
  const streams: Stream[] = [];
  /** Numbers of the streams of a tensor, and the features they are of. */
  const streamsOf = new Map<number, { readonly stream: number; readonly from: number; readonly to: number }[]>();
  let bufferTraffic = 0;
  let externalTraffic = 0;
  let vectorCycles = 0;
  let operandBytes = 0;
  let operandExternalBytes = 0;
  let inPlaceCycles = 0;
  let energy = 0;
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
  for (let t = from; t < to; t++) {
    const task = work.tasks[t]!;
    vectorCycles += task.vectorCycles;
    energy += task.vectorEnergy;
    if (task.product !== undefined) energy += task.product.mac;
    for (const read of task.reads) {
      const tensor = work.tensors[read.tensor]!;
      const width = read.features.to - read.features.from;
      let here = 0;
      const { makers } = tensor;
      for (let i = countBelow(makers, from); i < makers.length && makers[i]! < to; i++)
        here += overlap(work.tasks[makers[i]!]!.output.features, read.features);
      const local = here / width;
      const homed = local < 1 ? atHome(read.tensor, read.feedBytes * (1 - local), false) : 0;
      const part = (share: number, outside: boolean): void => {
        if (share * width < 0.5) return;
        // Readers of the same data share what is held of it.
        const { from: low, to: high } = read.features;
        const known = streamsOf.get(read.tensor);
        const same = known?.find(({ stream, from, to }) => from === low && to === high && streams[stream]!.outside === outside)?.stream;
        const other = same === undefined ? undefined : streams[same];
        const held = Math.max(1, (outside && other === undefined ? read.heldOutside : Math.max(read.heldOutside, read.heldHere)) * share);
        const stream = {
          features: Math.round(width * share),
          feedBytes: read.feedBytes * share + (other?.feedBytes ?? 0),
          dataBytes: read.dataBytes * share,
          windowBytes: Math.max(held, other?.windowBytes ?? 0),
          group: other?.group ?? Math.max(0, task.sub - first),
          arrays: 0,
          outside,
          leaves: !outside && outlives(tensor, from, to) && !homes.get(read.tensor)?.onlyInPlace,
        };
        if (same !== undefined) {
          streams[same] = stream;
          return;
        }
        const added = { stream: streams.length, from: low, to: high };
        if (known === undefined) streamsOf.set(read.tensor, [added]);
        else known.push(added);
        streams.push(stream);
      };
      part(local, false);
      part((1 - local) * (1 - homed), true);
    }
    const { tensor, bytes } = task.output;
    if (outlives(work.tensors[tensor]!, from, to)) externalTraffic += bytes * (1 - atHome(tensor, bytes, true));
    for (const sub of homes.get(tensor)?.inPlace ?? [])
      inPlaceCycles = Math.max(inPlaceCycles, work.products[sub]!.stationary?.inPlace ?? 0);
    const stationary = task.product?.stationary;
    if (stationary !== undefined && !isInPlace(homes, task.product!)) {
      operandBytes += stationary.bytes;
      operandExternalBytes += stationary.bytes * (1 - heldShare(homes.get(stationary.tensor)));
    }
  }
  let homeCycles = inPlaceCycles;
  for (const [tensor, { read, write }] of portBytes) {
    const arrays = homes.get(tensor)?.arrays ?? 1;
    homeCycles = Math.max(
      homeCycles,
      read / (arrays * hardware.memoryReadBytesPerCycle),
      write / (arrays * hardware.memoryWriteBytesPerCycle),
    );
  }
  return {
    streams: sortStreams(streams),
    pipeline: pipelineOf(work, first, from, to),
    room: { bufferBytes: hardware.bufferBytes, bytesPerArray: hardware.memoryBytesPerArray, bufferTraffic, externalTraffic },
    fixed: { vectorCycles, homeCycles, operandBytes, operandExternalBytes },
    energy,
  };
}

/** Whether anybody outside tasks from .. to-1 needs what they make of a tensor, or it comes from outside. */
function outlives(tensor: TensorWork, from: number, to: number): boolean {
  return tensor.leaves || tensor.given || (tensor.readers.at(-1) ?? -1) >= to || (tensor.makers[0] ?? -1) < from;
}

function overlap(a: { readonly from: number; readonly to: number }, b: { readonly from: number; readonly to: number }): number {
  return Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from));
}

/** How many of ascending numbers are below `limit`. */
export function countBelow(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whole vectors a copy: ceil(m / copies) of them one after another. */
export function productCycles(product: { readonly m: number; readonly computeCycles: Cycles }, copies: number): Cycles {
  return (Math.ceil(product.m / copies) * product.computeCycles) / product.m;
}

/** Tasks of a segment in order, and which of them wait for which. */
type Pipeline = readonly {
  /** Member that computes for it, counted from the first; -1 for vector work. */
  readonly member: number;
  readonly vectorCycles: Cycles;
  readonly chunks: number;
  readonly after: readonly { readonly task: number; readonly lead: number }[];
}[];

function pipelineOf(work: Work, first: number, from: number, to: number): Pipeline {
  return work.tasks.slice(from, to).map(({ product, vectorCycles, chunks, reads }, t) => {
    const after: { task: number; lead: number }[] = [];
    for (const { tensor, lead } of reads) {
      const { makers } = work.tensors[tensor]!;
      for (let i = countBelow(makers, from); i < makers.length && makers[i]! < from + t; i++) after.push({ task: makers[i]! - from, lead });
    }
    return { member: product === undefined ? -1 : product.sub - first, vectorCycles, chunks, after };
  });
}

/** Start and end of each task of the pipeline that is looked at. */
let starts = new Float64Array(256);
let ends = new Float64Array(256);

/**
 * Time from first to last chunk when only products and vector work take time: a task starts once its leads are
 * there and ends no earlier than a chunk after its producers. Operators that need a whole input (reductions,
 * softmax over positions) make this a sum where Eq. (9) has a maximum.
 */
function pipelineCycles(tasks: Pipeline, compute: readonly Cycles[]): Cycles {
  if (tasks.length > starts.length) {
    starts = new Float64Array(2 * tasks.length);
    ends = new Float64Array(2 * tasks.length);
  }
  let longest = 0;
  for (let t = 0; t < tasks.length; t++) {
    const { member, vectorCycles, chunks, after } = tasks[t]!;
    const own = member < 0 ? vectorCycles : Math.max(compute[member]!, vectorCycles);
    let start = 0;
    let end = 0;
    for (const { task, lead } of after) {
      const begun = starts[task]!;
      const done = ends[task]!;
      start = Math.max(start, begun + lead * (done - begun));
      end = Math.max(end, done);
    }
    starts[t] = start;
    ends[t] = Math.max(start + own, end + own / chunks);
    longest = Math.max(longest, ends[t]!);
  }
  return longest;
}

function streamEnergy(streams: readonly Stream[], { shares, externalBytes }: Sharing, { energy }: Hardware): Picojoules {
  let total = externalBytes * energy.externalByte;
  for (let i = 0; i < streams.length; i++) {
    const { features, feedBytes, dataBytes } = streams[i]!;
    const { arrays, buffer } = shares[i]!;
    total += (arrays / features) * (feedBytes * energy.memoryReadByte + dataBytes * energy.memoryWriteByte);
    total += (buffer / features) * (feedBytes * energy.bufferReadByte + dataBytes * energy.bufferWriteByte);
  }
  return total;
}
