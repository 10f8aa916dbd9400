// Built-in methods that every Node this package supports has, but the libraries of TypeScript 5.0 do not declare.
// Out: a declaration file that only exists in memory, a root of every cell's program.

export const NEWER_GLOBALS_FILE = '__newer_globals__.d.ts';

const TYPED_ARRAYS = ['Int8', 'Uint8', 'Uint8Clamped', 'Int16', 'Uint16', 'Int32', 'Uint32', 'Float32', 'Float64'];

export const NEWER_GLOBALS = [
  `interface Array<T> {
  /** Returns a reversed copy. */
  toReversed(): T[];
  /** Returns a sorted copy. */
  toSorted(compare?: (a: T, b: T) => number): T[];
  /** Returns a copy with elements removed and, if necessary, others inserted in their place. */
  toSpliced(start: number, deleteCount?: number, ...items: T[]): T[];
  /** Returns a copy with the element at \`index\` replaced. */
  with(index: number, value: T): T[];
}
interface ReadonlyArray<T> {
  /** Returns a reversed copy. */
  toReversed(): T[];
  /** Returns a sorted copy. */
  toSorted(compare?: (a: T, b: T) => number): T[];
  /** Returns a copy with elements removed and, if necessary, others inserted in their place. */
  toSpliced(start: number, deleteCount?: number, ...items: T[]): T[];
  /** Returns a copy with the element at \`index\` replaced. */
  with(index: number, value: T): T[];
}`,
  ...TYPED_ARRAYS.map(
    (name) => `interface ${name}Array {
  toReversed(): ${name}Array;
  toSorted(compare?: (a: number, b: number) => number): ${name}Array;
  with(index: number, value: number): ${name}Array;
}`,
  ),
].join('\n');
