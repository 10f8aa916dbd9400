// Random numbers that depend on a seed and on nothing else: the same on every machine and in every order.

/** Numbers from 0 up to 1, one a call: mulberry32 (Ettinger 2017), 32 bits of state. */
export type Random = () => number;

export function randomOf(...seeds: readonly number[]): Random {
  let state = seeds.reduce((mixed, seed) => scramble(mixed ^ (seed | 0) ^ scramble(Math.floor(seed / 2 ** 32))), 0x9e3779b9);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from 0 up to `below`. */
export function wholeBelow(random: Random, below: number): number {
  return Math.min(below - 1, Math.floor(random() * below));
}

/** 0 .. count-1 in random order (Fisher and Yates). */
export function permutation(count: number, random: Random): readonly number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = wholeBelow(random, i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Final mixing of MurmurHash3, 32 bits. */
function scramble(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
