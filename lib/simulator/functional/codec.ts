// Whole numbers of 2 to 32 bits in bytes, one behind the other, lowest bits first, negative ones in two's complement.

/** Reads `count` numbers, the first at bit `bit` of `bytes`, into `out` from `at` on. */
export function unpack(bytes: Uint8Array, bit: number, count: number, bits: number, signed: boolean, out: Int32Array, at: number): void {
  if (bits === 8 && bit % 8 === 0) {
    const first = bit / 8;
    const shift = signed ? 24 : 0;
    for (let i = 0; i < count; i++) out[at + i] = (bytes[first + i]! << shift) >> shift;
    return;
  }
  for (let i = 0; i < count; i++) out[at + i] = readBits(bytes, bit + i * bits, bits, signed);
}

/** Writes `count` numbers of `values` from `at` on, the first to bit `bit`; bits around them stay. */
export function pack(values: ArrayLike<number>, at: number, count: number, bits: number, bytes: Uint8Array, bit: number): void {
  if (bits === 8 && bit % 8 === 0) {
    for (let i = 0; i < count; i++) bytes[bit / 8 + i] = values[at + i]!;
    return;
  }
  for (let i = 0; i < count; i++) writeBits(bytes, bit + i * bits, bits, values[at + i]!);
}

function readBits(bytes: Uint8Array, bit: number, bits: number, signed: boolean): number {
  let value = 0;
  for (let done = 0; done < bits; ) {
    const offset = (bit + done) % 8;
    const width = Math.min(8 - offset, bits - done);
    value |= ((bytes[(bit + done) >> 3]! >> offset) & ((1 << width) - 1)) << done;
    done += width;
  }
  const unused = 32 - bits;
  return signed ? (value << unused) >> unused : value >>> 0;
}

function writeBits(bytes: Uint8Array, bit: number, bits: number, value: number): void {
  for (let done = 0; done < bits; ) {
    const offset = (bit + done) % 8;
    const width = Math.min(8 - offset, bits - done);
    const mask = ((1 << width) - 1) << offset;
    const at = (bit + done) >> 3;
    bytes[at] = (bytes[at]! & ~mask) | (((value >> done) << offset) & mask);
    done += width;
  }
}
