// Random numbers that depend on seeds and on nothing else: the same on every machine and in every order.

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

/** Final mixing of MurmurHash3, 32 bits. */
function scramble(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
