// Protobuf's wire format, strictly: bytes of a message -> its fields, none of them decoded or copied.
// onnx-proto decodes attributes, types and values; the frames around them (model, graph, node, tensor) are walked here:
// their weights must stay where they are, and a lenient decoder would take a truncated file for a small model.
// Source: protobuf.dev/programming-guides/encoding.

/** The bytes are not a protobuf message; `offset` counts from the start of the file. */
export class WireError extends Error {
  readonly offset: number;

  constructor(offset: number, reason: string) {
    super(`at byte ${offset} ${reason}`);
    this.name = 'WireError';
    this.offset = offset;
  }
}

/** Part of the file that holds one message. */
export interface Frame {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/**
 * One field: `value` is a varint's value; from..to are the content's bytes for every wire type.
 * The object is reused from one field to the next.
 */
export interface Field extends Frame {
  readonly number: number;
  readonly wire: number;
  readonly value: number;
}

interface Cursor {
  bytes: Buffer;
  number: number;
  wire: number;
  value: number;
  from: number;
  to: number;
}

/** Calls `visit` for each field of the message in `frame`, in order. Throws WireError on anything that is not one. */
export function forEachField(frame: Frame, visit: (field: Field) => void): void {
  const { bytes, to } = frame;
  const field: Cursor = { bytes, number: 0, wire: 0, value: 0, from: 0, to: 0 };
  let at = frame.from;
  while (at < to) {
    const start = at;
    at = readVarint(field, at, to);
    field.number = Math.floor(field.value / 8);
    field.wire = field.value % 8;
    if (field.number < 1) throw new WireError(start, 'there is no valid field');
    switch (field.wire) {
      case VARINT:
        field.from = at;
        at = readVarint(field, at, to);
        break;
      case FIXED64:
        field.from = at;
        at += 8;
        break;
      case BYTES:
        at = readVarint(field, at, to);
        if (field.value < 0) throw new WireError(start, 'a field has a negative length');
        field.from = at;
        at += field.value;
        break;
      case FIXED32:
        field.from = at;
        at += 4;
        break;
      default:
        throw new WireError(start, 'there is no valid field');
    }
    if (at > to) throw new WireError(start, `a field of ${at - start} bytes begins, and only ${to - start} are left`);
    field.to = at;
    visit(field);
  }
}

/** Puts the signed number at `at` into `field.value` and returns the position behind it; exact within +-2^53. */
function readVarint(field: Cursor, at: number, to: number): number {
  const { bytes } = field;
  let value = 0;
  // A negative number takes ten bytes; -1 - inverse is exact where the sum of all 64 bits would not be.
  let inverse = 0;
  let scale = 1;
  const end = Math.min(to, at + 10);
  for (let position = at; position < end; position++) {
    const byte = bytes[position] ?? 0;
    if (byte < 128) {
      field.value = position === at + 9 && byte % 2 === 1 ? -1 - inverse : value + byte * scale;
      return position + 1;
    }
    value += (byte & 127) * scale;
    inverse += (~byte & 127) * scale;
    scale *= 128;
  }
  throw new WireError(at, to - at >= 10 ? 'a number has no end' : 'the data ends inside a number');
}

/** Appends what one entry of a repeated integer field holds, packed or not. */
export function appendIntegers(field: Field, into: number[]): void {
  if (field.wire === VARINT) {
    into.push(field.value);
    return;
  }
  const cursor: Cursor = { bytes: field.bytes, number: 0, wire: 0, value: 0, from: 0, to: 0 };
  for (let at = field.from; at < field.to; ) {
    at = readVarint(cursor, at, field.to);
    into.push(cursor.value);
  }
}

/** The text of a string field. */
export function textOf(field: Field): string {
  return field.bytes.toString('utf8', field.from, field.to);
}

/** The content of a field, for later: the field itself changes. */
export function frameOf({ bytes, from, to }: Frame): Frame {
  return { bytes, from, to };
}

/** The bytes of a frame, not copied. */
export function bytesOf({ bytes, from, to }: Frame): Buffer {
  return bytes.subarray(from, to);
}
