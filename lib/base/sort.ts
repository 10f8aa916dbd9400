// Sorting by numbers kept elsewhere: what comes in long ascending runs, as a block's tasks do, costs little more than reading it.

/** The items by ascending key; those of equal keys stay as they are. `keys` is indexed by item. Merges the runs it finds, two by two. */
export function sortByKey(items: Int32Array, keys: Float64Array): Int32Array {
  let ends = runEnds(items, keys);
  let from: Int32Array = items;
  let to: Int32Array = new Int32Array(items.length);
  while (ends.length > 1) {
    const merged: number[] = [];
    for (let r = 0; r < ends.length; r += 2) {
      const [start, middle, end] = [r === 0 ? 0 : ends[r - 1]!, ends[r]!, ends[r + 1] ?? ends[r]!];
      merge(from, to, start, middle, end, keys);
      merged.push(end);
    }
    ends = merged;
    [from, to] = [to, from === items ? new Int32Array(items.length) : from];
  }
  return from === items ? items.slice() : from;
}

/** Where each ascending run ends. */
function runEnds(items: Int32Array, keys: Float64Array): readonly number[] {
  const ends: number[] = [];
  for (let i = 1; i < items.length; i++) if (keys[items[i]!]! < keys[items[i - 1]!]!) ends.push(i);
  if (items.length > 0) ends.push(items.length);
  return ends;
}

/** from[start, middle) and from[middle, end) -> to[start, end). */
function merge(from: Int32Array, to: Int32Array, start: number, middle: number, end: number, keys: Float64Array): void {
  let left = start;
  let right = middle;
  for (let i = start; i < end; i++) {
    const takeLeft = right >= end || (left < middle && keys[from[left]!]! <= keys[from[right]!]!);
    to[i] = from[takeLeft ? left++ : right++]!;
  }
}
