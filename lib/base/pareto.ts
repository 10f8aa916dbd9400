// Pareto: which of several results no other one beats in every respect, and the volume they dominate.
// Results are vectors of numbers, all of them to be made small.

/** Whether `a` is nowhere worse than `b` and somewhere better. */
export function dominates(a: readonly number[], b: readonly number[]): boolean {
  let better = false;
  for (let i = 0; i < a.length; i++) {
    if (a[i]! > b[i]!) return false;
    if (a[i]! < b[i]!) better = true;
  }
  return better;
}

/** Positions of the vectors that none other dominates, in their order; of equal ones the first. */
export function paretoFront(vectors: readonly (readonly number[])[]): readonly number[] {
  // Whoever dominates comes first in the order of the coordinates, so one pass against the front so far is enough.
  const order = vectors.map((_, i) => i).sort((a, b) => compare(vectors[a]!, vectors[b]!) || a - b);
  const front: number[] = [];
  for (const candidate of order) {
    const vector = vectors[candidate]!;
    if (!front.some((kept) => vectors[kept]!.every((value, i) => value <= vector[i]!))) front.push(candidate);
  }
  return front.sort((a, b) => a - b);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

/**
 * Volume of what the vectors dominate below `reference`: the hypervolume of Zitzler and Thiele (1998), exact, by
 * slicing along the last coordinate. Vectors not below the reference in every coordinate add nothing.
 */
export function hypervolume(vectors: readonly (readonly number[])[], reference: readonly number[]): number {
  const inside = vectors.filter((vector) => vector.every((value, i) => value < reference[i]!));
  const front = paretoFront(inside).map((i) => inside[i]!);
  return volume(front, reference, reference.length);
}

function volume(front: readonly (readonly number[])[], reference: readonly number[], dimensions: number): number {
  if (front.length === 0) return 0;
  const last = dimensions - 1;
  if (last === 0) return reference[0]! - Math.min(...front.map((vector) => vector[0]!));
  const sorted = [...front].sort((a, b) => a[last]! - b[last]!);
  if (last === 1) return area(sorted, reference);
  let total = 0;
  for (const [i, vector] of sorted.entries()) {
    const height = (sorted[i + 1]?.[last] ?? reference[last]!) - vector[last]!;
    if (height > 0) total += height * volume(sorted.slice(0, i + 1), reference, last);
  }
  return total;
}

/** Two dimensions, sorted by the second: steps of a staircase. */
function area(sorted: readonly (readonly number[])[], reference: readonly number[]): number {
  let total = 0;
  let edge = reference[0]!;
  for (const [x = 0, y = 0] of sorted) {
    if (x >= edge) continue;
    total += (edge - x) * (reference[1]! - y);
    edge = x;
  }
  return total;
}
