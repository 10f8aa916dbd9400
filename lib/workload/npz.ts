// NumPy's files: the arrays of an .npz archive or of one .npy file, as numbers; and arrays -> an .npz archive.
// The bytes are not trusted. Formats: numpy.lib.format 1.0 to 3.0, and ZIP (PKWARE APPNOTE 6.3.3), stored or deflated.

import { inflateRawSync } from 'node:zlib';
import { fail } from '../base/problem.ts';
import type { ElementArray } from '../ir/elements.ts';

export interface NumpyArray {
  readonly shape: readonly number[];
  /** Row-major, whatever the file's order; 64-bit integers are rounded beyond 2^53. */
  readonly values: ElementArray;
}

const MAGIC = '\x93NUMPY';
/** Bytes of one array; more than any input needs. */
const MOST_BYTES = 2 ** 31;

/** Arrays by name; the one of an .npy file is called ''. Throws `file`. `path` is for messages. */
export function readNumpy(bytes: Uint8Array, path: string): Readonly<Record<string, NumpyArray>> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (buffer.toString('latin1', 0, MAGIC.length) === MAGIC) return { '': readArray(buffer) };
    const arrays: Record<string, NumpyArray> = {};
    for (const { name, content } of entriesOf(buffer)) if (name.endsWith('.npy')) arrays[name.slice(0, -4)] = readArray(content());
    return arrays;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return fail({
      kind: 'file',
      path,
      reason: `is not a NumPy file, or a damaged one (${error.message})`,
      next: 'Write it with numpy.savez.',
    });
  }
}

function readArray(bytes: Buffer): NumpyArray {
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error('an array in it does not begin as one');
  const isLong = (bytes[6] ?? 0) >= 2;
  const length = isLong ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const start = (isLong ? 12 : 10) + length;
  const header = bytes.toString('latin1', isLong ? 12 : 10, start);
  const type = /'descr':\s*'([<>|=]?)([biufc?])(\d*)'/.exec(header);
  const shapeText = /'shape':\s*\(([\d,\sL]*)\)/.exec(header)?.[1];
  if (type === null || shapeText === undefined) throw new Error(`an array's header is ${JSON.stringify(header.slice(0, 80))}`);
  const shape = shapeText.split(',').flatMap((size) => (/\d/.test(size) ? [Number.parseInt(size, 10)] : []));
  const count = shape.reduce((product, size) => product * size, 1);
  const [, order = '', kind = '', width = ''] = type;
  const read = READERS[`${kind}${kind === '?' ? '1' : width}`];
  if (read === undefined) throw new Error(`an array has elements of type ${kind}${width}`);
  if (!(count * read.bytes <= bytes.length - start)) throw new Error(`an array of ${count} elements has ${bytes.length - start} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, count * read.bytes);
  const values = read.make(count);
  for (let i = 0; i < count; i++) values[i] = read.at(view, i * read.bytes, order !== '>');
  return { shape, values: /'fortran_order':\s*True/.test(header) ? rowMajor(values, shape, read.make(count)) : values };
}

interface Reader {
  readonly bytes: number;
  readonly make: (count: number) => ElementArray;
  readonly at: (view: DataView, offset: number, little: boolean) => number;
}

const READERS: Readonly<Record<string, Reader>> = {
  '?1': { bytes: 1, make: (n) => new Uint8Array(n), at: (view, o) => view.getUint8(o) },
  b1: { bytes: 1, make: (n) => new Uint8Array(n), at: (view, o) => view.getUint8(o) },
  u1: { bytes: 1, make: (n) => new Uint8Array(n), at: (view, o) => view.getUint8(o) },
  i1: { bytes: 1, make: (n) => new Int8Array(n), at: (view, o) => view.getInt8(o) },
  u2: { bytes: 2, make: (n) => new Uint16Array(n), at: (view, o, little) => view.getUint16(o, little) },
  i2: { bytes: 2, make: (n) => new Int16Array(n), at: (view, o, little) => view.getInt16(o, little) },
  u4: { bytes: 4, make: (n) => new Uint32Array(n), at: (view, o, little) => view.getUint32(o, little) },
  i4: { bytes: 4, make: (n) => new Int32Array(n), at: (view, o, little) => view.getInt32(o, little) },
  u8: { bytes: 8, make: (n) => new Float64Array(n), at: (view, o, little) => Number(view.getBigUint64(o, little)) },
  i8: { bytes: 8, make: (n) => new Float64Array(n), at: (view, o, little) => Number(view.getBigInt64(o, little)) },
  f2: { bytes: 2, make: (n) => new Float32Array(n), at: (view, o, little) => halfPrecision(view.getUint16(o, little)) },
  f4: { bytes: 4, make: (n) => new Float32Array(n), at: (view, o, little) => view.getFloat32(o, little) },
  f8: { bytes: 8, make: (n) => new Float64Array(n), at: (view, o, little) => view.getFloat64(o, little) },
};

/** IEEE 754 binary16; Node 20 reads none. */
function halfPrecision(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Column-major elements in row-major order. */
function rowMajor(values: ElementArray, shape: readonly number[], result: ElementArray): ElementArray {
  for (let i = 0; i < values.length; i++) {
    let rest = i;
    let index = 0;
    let step = values.length;
    for (const size of shape) {
      step /= size;
      index += (rest % size) * step;
      rest = Math.floor(rest / size);
    }
    result[index] = values[i]!;
  }
  return result;
}

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;

/** The files of a ZIP archive; contents are unpacked when asked for. */
function* entriesOf(zip: Buffer): Generator<{ readonly name: string; readonly content: () => Buffer }> {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  if (end < 0 || zip.readUInt32LE(end) !== END) throw new Error('it is not a ZIP archive');
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    if (zip.readUInt32LE(at) !== CENTRAL) throw new Error('its directory is damaged');
    const [method, packed, size] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20), zip.readUInt32LE(at + 24)];
    const [nameLength, extraLength, commentLength] = [zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32)];
    const local = zip.readUInt32LE(at + 42);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const content = (): Buffer => {
      if (zip.readUInt32LE(local) !== LOCAL || size > MOST_BYTES) throw new Error(`'${name}' in it is damaged or too large`);
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const bytes = zip.subarray(start, start + packed);
      if (method !== STORED && method !== DEFLATED) throw new Error(`'${name}' in it is packed by method ${method}`);
      return method === STORED ? bytes : inflateRawSync(bytes, { maxOutputLength: Math.max(1, size) });
    };
    yield { name, content };
    at += 46 + nameLength + extraLength + commentLength;
  }
}

/** An .npz archive of double-precision arrays, stored unpacked. */
export function writeNpz(
  arrays: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: ArrayLike<number> }>>,
): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, { shape, values }] of Object.entries(arrays)) {
    const content = arrayFile(shape, values);
    const file = Buffer.from(`${name}.npy`);
    const common = Buffer.alloc(26);
    // Version 2.0, stored, 1980-01-01, sizes, length of the name.
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(file.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    files.push(number32(LOCAL), common, file, content);
    directory.push(number32(CENTRAL), Buffer.from([20, 0]), common, tail, file);
    offset += 4 + common.length + file.length + content.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(Object.keys(arrays).length, 8);
  end.writeUInt16LE(Object.keys(arrays).length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, listed, end]);
}

function arrayFile(shape: readonly number[], values: ArrayLike<number>): Buffer {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '<f8', 'fortran_order': False, 'shape': (${sizes}), }`;
  const header = `${text.padEnd(64 * Math.ceil((text.length + 11) / 64) - 11)}\n`;
  const data = Buffer.alloc(8 * values.length);
  for (let i = 0; i < values.length; i++) data.writeDoubleLE(values[i] ?? 0, 8 * i);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([Buffer.from(`${MAGIC}\x01\x00`, 'latin1'), length, Buffer.from(header, 'latin1'), data]);
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Node 20 has no zlib.crc32. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
