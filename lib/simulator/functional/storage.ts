// Storage: the bytes of external memory, buffer and memory-mode arrays, and the regions of a program in them.
// Region + positions + features <-> whole numbers. Regions that share bytes spoil each other, as on the chip.

import { fail, internal } from '../../base/problem.ts';
import type { Range } from '../../base/shapes.ts';
import { bytesOf, ceilDiv } from '../../base/units.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { ManifestTensor, Region } from '../../program/program.ts';
import { CimArray } from './cim-array.ts';
import { pack, unpack } from './codec.ts';

export class Storage {
  readonly arrays: readonly CimArray[];
  private readonly buffer: Uint8Array;
  private readonly external = new Map<string, Uint8Array>();

  constructor(hardware: Hardware) {
    this.arrays = Array.from({ length: hardware.arrays }, () => new CimArray(hardware));
    this.buffer = new Uint8Array(hardware.bufferBytes);
  }

  /** Numbers of some features at positions from .. to - 1, put into `out`, which has all of the tensor's elements. */
  read(region: Region, tensor: ManifestTensor, features: Range, from: number, to: number, signed: boolean, out: Int32Array): void {
    const { bits } = tensor;
    forEachRun(region, tensor, features, from, to, (slot, element, count) => {
      const first = slot * bits;
      const bytes = this.readBytes(region, bits, first >> 3, ceilDiv(first + count * bits, 8));
      unpack(bytes, first % 8, count, bits, signed, out, element);
    });
  }

  /** The other way round: numbers of `values`, which has all of the tensor's elements from position `origin` on. */
  write(region: Region, tensor: ManifestTensor, features: Range, from: number, to: number, values: ArrayLike<number>, origin = 0): void {
    const { bits } = tensor;
    forEachRun(region, tensor, features, from, to, (slot, element, count) => {
      const first = slot * bits;
      const [begin, end] = [first >> 3, ceilDiv(first + count * bits, 8)];
      const whole = first % 8 === 0 && (count * bits) % 8 === 0;
      const bytes = whole ? new Uint8Array(end - begin) : this.readBytes(region, bits, begin, end).slice();
      pack(values, element - origin * tensor.features, count, bits, bytes, first % 8);
      this.writeBytes(region, bits, begin, bytes);
    });
  }

  private readBytes(region: Region, bits: number, from: number, to: number): Uint8Array {
    const { place } = region;
    if (place.kind === 'external') return this.externalBytes(region, bits).subarray(from, to);
    if (place.kind === 'buffer') return this.buffer.subarray(place.offset + from, place.offset + to);
    const bytes = new Uint8Array(to - from);
    this.forEachStripe(region, bits, from, to, (array, at, begin, count) => bytes.set(array.read(at, at + count), begin));
    return bytes;
  }

  private writeBytes(region: Region, bits: number, from: number, bytes: Uint8Array): void {
    const { place } = region;
    if (place.kind === 'external') this.externalBytes(region, bits).set(bytes, from);
    else if (place.kind === 'buffer') this.buffer.set(bytes, place.offset + from);
    else
      this.forEachStripe(region, bits, from, from + bytes.length, (array, at, begin, count) =>
        array.write(at, bytes.subarray(begin, begin + count)),
      );
  }

  private externalBytes(region: Region, bits: number): Uint8Array {
    let bytes = this.external.get(region.id);
    if (bytes === undefined) {
      bytes = new Uint8Array(regionBytes(region, bits));
      this.external.set(region.id, bytes);
    }
    return bytes;
  }

  /** A striped region's first bytes are in its first array, the next in the second, ... */
  private forEachStripe(
    region: Region,
    bits: number,
    from: number,
    to: number,
    visit: (array: CimArray, at: number, begin: number, count: number) => void,
  ): void {
    const { place } = region;
    if (place.kind !== 'arrays') throw internal(`region '${region.id}' is not in arrays`);
    const stripe = ceilDiv(regionBytes(region, bits), place.arrays.length);
    for (let at = from; at < to; ) {
      const number = Math.floor(at / stripe);
      const count = Math.min(to, (number + 1) * stripe) - at;
      const id = place.arrays[number] ?? -1;
      const array = this.arrays[id];
      if (array === undefined) throw internal(`region '${region.id}' ends behind its arrays`);
      if (!array.isMemory) {
        const reason = `uses array ${id} as memory, which is in compute mode`;
        fail({
          kind: 'program',
          rule: 'mode',
          where: `region ${region.id}`,
          reason,
          next: `Switch it first: CM.switch(TOM, arrays=[${id}]).`,
        });
      }
      visit(array, place.offset + at - number * stripe, at - from, count);
      at += count;
    }
  }
}

function regionBytes({ window, features }: Region, bits: number): number {
  return bytesOf(window * (features.to - features.from), bits);
}

/** Runs of numbers that follow one another in the region and in the tensor: first number in both, and how many. */
function forEachRun(
  { features: held, window }: Region,
  tensor: ManifestTensor,
  features: Range,
  from: number,
  to: number,
  visit: (slot: number, element: number, count: number) => void,
): void {
  const width = held.to - held.from;
  const whole = width === tensor.features && features.from === 0 && features.to === width;
  for (let position = from; position < to; ) {
    // A window slides along the positions as a ring.
    const slot = position % window;
    const positions = whole ? Math.min(to - position, window - slot) : 1;
    const count = whole ? positions * width : features.to - features.from;
    visit(slot * width + features.from - held.from, position * tensor.features + features.from, count);
    position += positions;
  }
}
