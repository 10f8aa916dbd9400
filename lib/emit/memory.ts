// Where data that outlives a segment lies: in arrays that stay in memory mode, then in the buffer, then
// outside. Bytes are handed out by first fit over lifetimes counted in segments.

import { tensorBytes } from '../dataflow/steps.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Plan } from '../optimizer/plan.ts';
import type { ManifestTensor, Place, Region, TensorId } from '../program/program.ts';
import type { Life } from './steps.ts';
import type { WindowRoom } from './window-places.ts';

/**
 * Share of the buffer, and of a memory-mode array that also serves an operator, that kept data may take; the rest is for
 * the windows of running pipelines. Assumption: half and half; the paper does not plan addresses.
 */
const KEPT_SHARE = 0.5;

interface Extent {
  readonly offset: number;
  readonly end: number;
  readonly first: number;
  readonly last: number;
}

/** Address space shared by segments: first fit among what lives at the same time. */
export class Space {
  private readonly extents: Extent[] = [];
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Offset for `bytes` from segment first to last, or undefined if they do not fit. */
  take(bytes: number, first: number, last: number): number | undefined {
    const living = this.extents.filter((extent) => extent.first <= last && first <= extent.last);
    const free = (offset: number): boolean => living.every((extent) => extent.end <= offset || offset + bytes <= extent.offset);
    const offset = [0, ...living.map(({ end }) => end)].sort((a, b) => a - b).find(free);
    if (offset === undefined || offset + bytes > this.limit) return undefined;
    this.extents.push({ offset, end: offset + bytes, first, last });
    return offset;
  }

  occupy(offset: number, bytes: number, first: number, last: number): void {
    this.extents.push({ offset, end: offset + bytes, first, last });
  }

  /** End of the highest byte taken in any of these segments. */
  topOver(first: number, last: number): number {
    return this.extents.reduce((top, extent) => (extent.first <= last && first <= extent.last ? Math.max(top, extent.end) : top), 0);
  }

  /** Most bytes that can be had in one piece over a lifetime. */
  room(first: number, last: number): number {
    const living = this.extents.filter((extent) => extent.first <= last && first <= extent.last).sort((a, b) => a.offset - b.offset);
    let most = 0;
    let at = 0;
    for (const { offset, end } of living) {
      most = Math.max(most, offset - at);
      at = Math.max(at, end);
    }
    return Math.max(most, this.limit - at);
  }

  /** End of the highest byte taken in a segment: windows go above. */
  top(segment: number): number {
    return this.extents.filter(({ first, last }) => first <= segment && segment <= last).reduce((top, { end }) => Math.max(top, end), 0);
  }
}

/** Kept data of the whole run: one address space for the buffer, one common to the memory-mode arrays. */
export class KeptMemory {
  readonly buffer: Space;
  private readonly spaces: readonly Space[];
  /** Segments in which each array serves an operator. */
  private readonly serving: readonly ReadonlySet<number>[];
  /** Arrays that serve an operator, by segment. */
  private readonly servingIn = new Map<number, readonly number[]>();
  /** Bytes of each tensor that the plan keeps on chip. */
  private readonly allowed = new Map<TensorId, { arrays: number; buffer: number }>();
  private readonly plan: Plan;
  private readonly hardware: Hardware;

  constructor(plan: Plan, hardware: Hardware) {
    this.plan = plan;
    this.hardware = hardware;
    this.buffer = new Space(Math.floor(hardware.bufferBytes * KEPT_SHARE));
    this.spaces = Array.from({ length: hardware.arrays }, () => new Space(hardware.memoryBytesPerArray));
    const serving = this.spaces.map(() => new Set<number>());
    for (const { id, operators, kept } of plan.segments) {
      const arrays = new Set(operators.flatMap(({ memoryIn, memoryOut }) => [...memoryIn, ...memoryOut]));
      for (const array of arrays) serving[array]?.add(id);
      this.servingIn.set(id, [...arrays]);
      for (const { tensor, place, bytes } of kept) {
        const allowed = this.allowed.get(tensor) ?? { arrays: 0, buffer: 0 };
        if (place.kind !== 'operand') allowed[place.kind] += bytes;
        this.allowed.set(tensor, allowed);
      }
    }
    this.serving = serving;
  }

  /** Regions that hold the whole of a tensor over its life, on chip as far as the plan keeps it and room allows. */
  homeOf(tensor: ManifestTensor, life: Life, newId: () => string): readonly Region[] {
    const regions: Region[] = [];
    let from = 0;
    const add = (features: number, place: Place): void => {
      regions.push({ id: newId(), tensor: tensor.id, features: { from, to: from + features }, window: tensor.positions, place });
      from += features;
    };
    const perFeature = tensorBytes(tensor, { from: 0, to: 1 });
    if (life.first >= 0 && !life.leaves) {
      const allowed = this.allowed.get(tensor.id) ?? { arrays: 0, buffer: 0 };
      const staying = this.arraysStaying(tensor.id, life);
      const room = this.roomIn(staying, life);
      const inArrays = Math.min(
        tensor.features,
        Math.floor(Math.min(allowed.arrays, Math.max(0, room.to - room.from) * staying.length) / perFeature),
      );
      if (inArrays > 0) {
        const bytes = Math.ceil((inArrays * perFeature) / staying.length);
        for (const array of staying) this.spaces[array]?.occupy(room.from, bytes, life.first, life.last);
        add(inArrays, { kind: 'arrays', arrays: staying, offset: room.from });
      }
      const inBuffer = Math.min(
        tensor.features - from,
        Math.floor(Math.min(allowed.buffer, this.buffer.room(life.first, life.last)) / perFeature),
      );
      if (inBuffer > 0) {
        const offset = this.buffer.take(Math.ceil(inBuffer * perFeature), life.first, life.last);
        if (offset !== undefined) add(inBuffer, { kind: 'buffer', offset });
      }
    }
    if (from < tensor.features) add(tensor.features - from, { kind: 'external' });
    return regions;
  }

  /** Arrays the plan keeps a tensor in, as far as they are in memory mode in every segment of its life. */
  private arraysStaying(tensor: string, { first, last }: Life): readonly number[] {
    const segments = this.plan.segments.slice(first, last + 1);
    const meant = new Set(
      segments.flatMap(({ kept }) =>
        kept.flatMap(({ tensor: id, place }) => (id === tensor && place.kind === 'arrays' ? place.arrays : [])),
      ),
    );
    if (meant.size === 0) return [];
    const sets = segments.map((segment) => new Set(segment.memoryMode));
    return [...meant].filter((array) => sets.every((set) => set.has(array)));
  }

  /** Bytes free in every one of these arrays over a life: above all that lives there, below what windows need. */
  private roomIn(arrays: readonly number[], { first, last }: Life): { from: number; to: number } {
    let from = 0;
    let to = arrays.length === 0 ? 0 : this.hardware.memoryBytesPerArray;
    for (const array of arrays) {
      from = Math.max(from, this.spaces[array]?.topOver(first, last) ?? 0);
      const serves = [...(this.serving[array] ?? [])].some((segment) => first <= segment && segment <= last);
      if (serves) to = Math.min(to, Math.floor(this.hardware.memoryBytesPerArray * KEPT_SHARE));
    }
    return { from, to };
  }

  /** Bytes free for windows in a segment: above what is kept. */
  windowRoom(segment: number): WindowRoom {
    return {
      bufferFrom: this.buffer.top(segment),
      bufferTo: this.hardware.bufferBytes,
      arrayFrom: Math.max(0, ...(this.servingIn.get(segment) ?? []).map((array) => this.spaces[array]?.top(segment) ?? 0)),
      arrayTo: this.hardware.memoryBytesPerArray,
    };
  }
}
