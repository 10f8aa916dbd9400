// Where the windows of one segment lie: above the kept data, one behind the other, in the buffer and in each array.

import type { Place } from '../program/program.ts';

/** Bytes free for the windows of a segment, in the buffer and in each array. */
export interface WindowRoom {
  readonly bufferFrom: number;
  readonly bufferTo: number;
  readonly arrayFrom: number;
  readonly arrayTo: number;
}

/** Hands out the space above the kept data to one segment's windows. */
export class WindowPlaces {
  private bufferAt: number;
  private readonly bufferTo: number;
  private readonly arrayFrom: number;
  private readonly arrayTo: number;
  private readonly arrayAt = new Map<number, number>();

  constructor(room: WindowRoom) {
    this.bufferAt = room.bufferFrom;
    this.bufferTo = room.bufferTo;
    this.arrayFrom = room.arrayFrom;
    this.arrayTo = room.arrayTo;
  }

  inBuffer(bytes: number): Place | undefined {
    if (this.bufferAt + bytes > this.bufferTo) return undefined;
    const offset = this.bufferAt;
    this.bufferAt += bytes;
    return { kind: 'buffer', offset };
  }

  inArrays(arrays: readonly number[], bytesEach: number): Place | undefined {
    const offset = Math.max(this.arrayFrom, ...arrays.map((array) => this.arrayAt.get(array) ?? 0));
    if (offset + bytesEach > this.arrayTo) return undefined;
    for (const array of arrays) this.arrayAt.set(array, offset + bytesEach);
    return { kind: 'arrays', arrays, offset };
  }
}
