// Meta-operators -> jobs: for every chunk, how long which resource is busy and what that takes energy for.
// A job has a phase: 0 brings data, 1 works on it, 2 takes it away. Within a chunk they overlap (cut-through).

import type { Range } from '../base/shapes.ts';
import { bytesOf, type Cycles, ceilDiv, cyclesAt } from '../base/units.ts';
import type { Hardware, Price } from '../hardware/hardware.ts';
import { rowsWritten, tileGrid } from '../hardware/tile.ts';
import {
  type Access,
  type Activity,
  arraysOf,
  entry,
  featuresRead,
  type ProgramIndex,
  pieceShape,
  progressAt,
} from '../program/geometry.ts';
import type { MetaOp, MetaOpOf, OperandTiles } from '../program/program.ts';

/** One resource's part in all chunks of a statement. */
export interface Stream {
  readonly resource: string;
  readonly phase: 0 | 1 | 2;
  /** What its energy is counted in. */
  readonly price: Price;
  /** Busy cycles of a chunk. */
  readonly cycles: (chunk: number) => Cycles;
  /** How many of what the price is for: MACs, bytes, elements, arrays. Of the whole statement on this resource. */
  readonly usage: number;
  /** Delay between the end of the job and the data being there. */
  readonly latency: Cycles;
  /** Arrays that are busy with it; none for the channel, the buffer and the vector unit. */
  readonly arrays: readonly number[];
  readonly traffic?: {
    readonly kind: 'externalRead' | 'externalWrite' | 'buffer' | 'memoryArrays' | 'weightsFetched';
    readonly bytes: number;
  };
}

export const CHANNEL = 'external channel';
export const BUFFER = 'buffer';
export const VECTOR = 'vector unit';

/** Groups of arrays that no region of the block tells apart share a port. */
export type PortsOf = (arrays: readonly number[]) => readonly { readonly id: string; readonly arrays: readonly number[] }[];

export function portsOf(statements: readonly MetaOp[], index: ProgramIndex): PortsOf {
  const signature = new Map<number, string>();
  const seen = new Map<readonly number[], number>();
  for (const op of statements) {
    for (const id of op.kind === 'CM.switch' ? [] : [...op.from, ...(op.kind === 'CIM.write' ? [] : op.to)]) {
      const { place } = entry(index.regions, id);
      if (place.kind !== 'arrays' || seen.has(place.arrays)) continue;
      seen.set(place.arrays, seen.size);
      for (const array of place.arrays) signature.set(array, `${signature.get(array) ?? ''}.${seen.size}`);
    }
  }
  const names = new Map<string, { id: string; arrays: number[] }>();
  for (const [array, key] of [...signature].sort(([a], [b]) => a - b)) {
    const port = names.get(key);
    if (port === undefined) names.set(key, { id: `arrays ${array}`, arrays: [array] });
    else port.arrays.push(array);
  }
  return (arrays) => {
    const found = new Set(arrays.map((array) => signature.get(array) ?? ''));
    return [...found].map((key) => names.get(key) ?? { id: 'arrays', arrays });
  };
}

/** Streams of one statement; `name` keeps resources of a statement's own apart. */
export function streamsOf(
  op: MetaOp,
  activity: Activity,
  name: string,
  ports: PortsOf,
  index: ProgramIndex,
  hardware: Hardware,
): readonly Stream[] {
  switch (op.kind) {
    case 'CM.switch': {
      const cycles = op.to === 'TOC' ? hardware.switchCycles.memoryToCompute : hardware.switchCycles.computeToMemory;
      // Eq. (1) of Zhao et al. 2025: the switching line is shared, arrays switch one after another.
      return [own('switch line', 1, 'switchArray', () => cycles * op.arrays.length, op.arrays.length, op.arrays)];
    }
    case 'CIM.write':
      return weightStreams(op, activity, name, ports, index, hardware);
    case 'CIM.mvm':
      return [...productStreams(op, activity, name, index, hardware), ...dataStreams(op, activity, ports, index, hardware)];
    case 'VEC.run': {
      const operator = entry(index.operators, op.operator);
      const { class: kind, elements } = operator.vector ?? { class: 'move' as const, elements: 0 };
      const work = elements / hardware.vectorElementsPerCycle[kind];
      const streams = [vectorStream(activity, work, elements), ...dataStreams(op, activity, ports, index, hardware)];
      return [...streams, ...stepStreams(op.operator, activity, index, hardware)];
    }
    case 'MEM.move':
      return dataStreams(op, activity, ports, index, hardware);
  }
}

function own(
  resource: string,
  phase: 0 | 1 | 2,
  price: Price,
  cycles: (chunk: number) => Cycles,
  usage: number,
  arrays: readonly number[] = [],
): Stream {
  return { resource, phase, price, cycles, usage, latency: 0, arrays };
}

function weightStreams(
  op: MetaOpOf<'CIM.write'>,
  activity: Activity,
  name: string,
  ports: PortsOf,
  index: ProgramIndex,
  hardware: Hardware,
): readonly Stream[] {
  const matrix = entry(index.operators, op.operator).matrix;
  if (matrix === undefined) return [];
  const shape = pieceShape(matrix, op.outputs, op.inner);
  const weights = shape.n * shape.k * shape.groups;
  const fetched = bytesOf(weights, hardware.precision.weightBits) * (hardware.multicastWeights ? 1 : op.copies);
  const stored = bytesOf(weights, hardware.storedBitsPerWeight) * op.copies;
  const writing = rowsWritten(shape, hardware) * hardware.writeCyclesPerRow;
  const fetching = cyclesAt(fetched, hardware.externalBytesPerCycle);
  /** Whole cycles of a slice; all slices together take exactly `cycles`. */
  const slice = (cycles: Cycles) => (chunk: number) =>
    Math.ceil((cycles * (chunk + 1)) / activity.chunks) - Math.ceil((cycles * chunk) / activity.chunks);
  const streams = [own(`write ${name}`, 1, 'weightWriteByte', slice(writing), stored, op.arrays)];
  if (op.from.length > 0) return [...streams, ...dataStreams(op, activity, ports, index, hardware)];
  return [
    ...streams,
    {
      ...own(CHANNEL, 0, 'externalByte', slice(fetching), fetched),
      latency: hardware.externalLatencyCycles,
      traffic: { kind: 'weightsFetched', bytes: fetched },
    },
  ];
}

function productStreams(
  op: MetaOpOf<'CIM.mvm'>,
  activity: Activity,
  name: string,
  index: ProgramIndex,
  hardware: Hardware,
): readonly Stream[] {
  const operator = entry(index.operators, op.operator);
  if (operator.matrix === undefined) return [];
  const shape = pieceShape(operator.matrix, op.outputs, op.inner);
  const turns = (chunk: number): number => ceilDiv(Math.floor((shape.m * progressAt(activity, chunk)) / activity.positions), op.copies);
  const macs = shape.m * shape.n * shape.k * shape.groups;
  const product = own(`compute ${name}`, 1, 'mac', (chunk) => (turns(chunk + 1) - turns(chunk)) * hardware.mvmCycles, macs, op.arrays);
  const complete = op.inner.to === operator.matrix.n;
  return [product, ...(complete ? stepStreams(op.operator, activity, index, hardware) : [])];
}

/** Vector work of the fused steps, on every element of the outputs made. */
function stepStreams(operatorId: string, activity: Activity, index: ProgramIndex, hardware: Hardware): readonly Stream[] {
  const { steps } = entry(index.operators, operatorId);
  if (steps.length === 0) return [];
  const elements = activity.positions * (activity.outputs.to - activity.outputs.from);
  const work = steps.reduce((sum, step) => sum + elements / hardware.vectorElementsPerCycle[step.class], 0);
  return [vectorStream(activity, work, elements * steps.length)];
}

function vectorStream(activity: Activity, work: Cycles, elements: number): Stream {
  return own(
    VECTOR,
    1,
    'vectorElement',
    evenly(activity, work, (share) => Math.ceil(share - 1e-9)),
    elements,
  );
}

/** Reads in phase 0, writes in phase 2, on the place each region lies in. */
function dataStreams(op: MetaOp, activity: Activity, ports: PortsOf, index: ProgramIndex, hardware: Hardware): readonly Stream[] {
  const streams: Stream[] = [];
  for (const access of activity.reads)
    streams.push(...accessStreams(access, readBytes(op, access, activity, index), false, activity, ports, hardware));
  for (const access of activity.writes) streams.push(...accessStreams(access, tensorBytes(access), true, activity, ports, hardware));
  return streams;
}

/**
 * Bytes the statement takes through an access: im2col volume for a product's stream, a piece's part of a right
 * operand, the tensor once otherwise.
 */
function readBytes(op: MetaOp, access: Access, activity: Activity, index: ProgramIndex): number {
  if (op.kind === 'CIM.write') {
    const matrix = entry(index.operators, op.operator).matrix;
    if (matrix === undefined) return 0;
    const piece = pieceShape(matrix, op.outputs, op.inner);
    return (tensorBytes(access) * piece.n * piece.k * piece.groups) / (matrix.n * matrix.k * matrix.groups);
  }
  if (op.kind !== 'CIM.mvm' || access.use !== 'stream') return tensorBytes(access);
  const operator = entry(index.operators, op.operator);
  const input = operator.inputs.find(({ tensor }) => tensor === access.tensor.id);
  if (operator.matrix === undefined || input === undefined) return 0;
  const shape = pieceShape(operator.matrix, op.outputs, op.inner);
  const needed = featuresRead(operator, input, access.tensor, activity.outputs);
  const part = (access.features.to - access.features.from) / (needed.to - needed.from);
  return (shape.m * shape.n * shape.groups * part * access.tensor.bits) / 8;
}

function tensorBytes({
  tensor,
  features,
}: {
  readonly tensor: { readonly positions: number; readonly bits: number };
  readonly features: Range;
}): number {
  return (tensor.positions * (features.to - features.from) * tensor.bits) / 8;
}

function accessStreams(
  access: Access,
  bytes: number,
  writing: boolean,
  activity: Activity,
  ports: PortsOf,
  hardware: Hardware,
): readonly Stream[] {
  if (bytes === 0) return [];
  const at = (rate: number) => evenly(activity, bytes, (share) => cyclesAt(share, rate));
  const phase = writing ? 2 : 0;
  const { place } = access.region;
  switch (place.kind) {
    case 'external': {
      const stream = own(CHANNEL, phase, 'externalByte', at(hardware.externalBytesPerCycle), bytes);
      const latency = writing ? 0 : hardware.externalLatencyCycles;
      return [{ ...stream, latency, traffic: { kind: writing ? 'externalWrite' : 'externalRead', bytes } }];
    }
    case 'buffer': {
      const price = writing ? 'bufferWriteByte' : 'bufferReadByte';
      return [{ ...own(BUFFER, phase, price, at(hardware.bufferBytesPerCycle), bytes), traffic: { kind: 'buffer', bytes } }];
    }
    case 'arrays': {
      const rate = writing ? hardware.memoryWriteBytesPerCycle : hardware.memoryReadBytesPerCycle;
      const price = writing ? 'memoryWriteByte' : 'memoryReadByte';
      return ports(place.arrays).map(({ id, arrays }) => {
        const part = arrays.length / place.arrays.length;
        return {
          ...own(`${id} ${writing ? 'write' : 'read'}`, phase, price, at(place.arrays.length * rate), bytes * part, arrays),
          traffic: { kind: 'memoryArrays', bytes: bytes * part },
        };
      });
    }
    case 'tiles':
      return [tileStream(access, place, activity, hardware)];
  }
}

/**
 * A right operand on its way into the tiles that will compute on it. An array is written row by row, a part of a row in the time of
 * a whole one: positions that are rows fill so many of them; positions that are parts of columns meet all rows of their groups,
 * chunk after chunk.
 */
function tileStream({ tensor, features }: Access, place: OperandTiles, activity: Activity, hardware: Hardware): Stream {
  const { by, n, k, groups, copies, arrays } = place;
  const { groupsPerTile } = tileGrid(place, hardware);
  // Heads lie side by side in a position, or one behind the other.
  const sideBySide = tensor.features / (by === 'columns' ? n : k);
  const length = by === 'columns' ? k : n;
  const rows = (from: number, to: number): number => {
    if (by === 'rows') return Math.min(hardware.tileRows, n * groupsPerTile, (to - from) * Math.min(groupsPerTile, sideBySide));
    const met = sideBySide * (Math.floor((to - 1) / length) - Math.floor(from / length) + 1);
    return Math.min(hardware.tileRows, n * Math.min(groupsPerTile, met));
  };
  const cycles = (chunk: number): Cycles => {
    const [from, to] = [progressAt(activity, chunk), progressAt(activity, chunk + 1)];
    return to > from ? rows(from, to) * hardware.writeCyclesPerRow : 0;
  };
  const weights = (n * k * groups * (features.to - features.from)) / tensor.features;
  return own(`write tiles ${arrays[0]}`, 2, 'weightWriteByte', cycles, bytesOf(weights, hardware.storedBitsPerWeight) * copies, arrays);
}

/** Cycles of a chunk for its share of a volume spread evenly over the output positions, of which chunks make one of two numbers. */
function evenly(activity: Activity, volume: number, cycles: (share: number) => Cycles): (chunk: number) => Cycles {
  const { positions, chunks } = activity;
  const fewer = Math.floor(positions / chunks);
  const of = (made: number): Cycles => cycles((volume * made) / positions);
  const least = of(fewer);
  if (fewer * chunks === positions) return () => least;
  const most = of(fewer + 1);
  return (chunk) => (progressAt(activity, chunk + 1) - progressAt(activity, chunk) === fewer ? least : most);
}

/** Arrays a statement keeps busy, for the trace. */
export function arraysTouched(op: MetaOp, index: ProgramIndex): readonly number[] {
  const { owned, ports } = arraysOf(op, index);
  let size = 0;
  for (const list of [owned, ports]) for (const array of list) size = Math.max(size, array + 1);
  const touched = new Uint8Array(size);
  for (const list of [owned, ports]) for (const array of list) touched[array] = 1;
  const arrays: number[] = [];
  for (let array = 0; array < size; array++) if (touched[array] === 1) arrays.push(array);
  return arrays;
}
