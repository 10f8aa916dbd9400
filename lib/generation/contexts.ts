// Contexts: at which lengths of the cache a generation is simulated, so that what lies between can be interpolated linearly.
// A latency is nearly linear in the context as long as plan and tiles stay the same. An interval is halved, at the tile
// boundary nearest its middle, until both sides of that boundary are where the line says they are.

/** Intervals of this depth are halved whatever their middle says: one point on the line may be chance. */
const LEAST_DEPTH = 2;

export interface ContextRequest {
  /** Lengths of the cache, `last` included. */
  readonly first: number;
  readonly last: number;
  /** Lengths at which some operator needs another number of tiles than one token earlier. */
  readonly boundaries: readonly number[];
  /** Largest relative deviation of a middle from the line that is accepted; 0 asks for every context. */
  readonly tolerance: number;
  readonly measure: (context: number) => Promise<number>;
}

export interface SampledContexts {
  /** In ascending order, `first` and `last` among them. */
  readonly contexts: readonly number[];
  /** Of the middles of the intervals that were accepted, relative; 0 if every context is among `contexts`. */
  readonly largestDeviation: number;
}

/** Measures a few contexts; between neighbours the line through them holds, as far as was tried. */
export async function sampleContexts({ first, last, boundaries, tolerance, measure }: ContextRequest): Promise<SampledContexts> {
  const values = new Map<number, number>();
  const valueAt = async (context: number): Promise<number> => {
    const value = values.get(context) ?? (await measure(context));
    values.set(context, value);
    return value;
  };
  let largestDeviation = 0;
  const halve = async (from: number, to: number, depth: number): Promise<void> => {
    if (to - from < 2) return;
    const middle = middleOf(from, to, boundaries);
    const [a, b] = [await valueAt(from), await valueAt(to)];
    let deviation = 0;
    for (const context of middle) {
      const value = await valueAt(context);
      deviation = Math.max(deviation, Math.abs(value - between(from, a, to, b, context)) / value);
    }
    if (tolerance > 0 && deviation <= tolerance && depth >= LEAST_DEPTH) {
      largestDeviation = Math.max(largestDeviation, deviation);
      return;
    }
    await halve(from, middle[0], depth + 1);
    await halve(middle[1], to, depth + 1);
  };
  await valueAt(first);
  await valueAt(last);
  await halve(first, last, 1);
  return { contexts: [...values.keys()].sort((a, b) => a - b), largestDeviation };
}

/** Both sides of the tile boundary nearest the middle of an interval, or twice the middle if there is none inside. */
function middleOf(from: number, to: number, boundaries: readonly number[]): readonly [number, number] {
  const middle = Math.floor((from + to) / 2);
  const [boundary] = boundaries
    .filter((each) => from < each - 1 && each < to)
    .sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle) || a - b);
  return boundary === undefined ? [middle, middle] : [boundary - 1, boundary];
}

/** The value at `x` of the line through two points. */
export function between(x0: number, y0: number, x1: number, y1: number, x: number): number {
  return x0 === x1 ? y0 : y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}

/** Sum of a quantity over all contexts from the first sample to the last: exact where it is linear between samples. */
export function sumOver(samples: readonly { readonly context: number; readonly value: number }[]): number {
  let sum = samples[0]?.value ?? 0;
  for (const [i, { context, value }] of samples.entries()) {
    const before = samples[i - 1];
    if (before === undefined) continue;
    const steps = context - before.context;
    // Of before.context + 1 .. context.
    sum += steps * before.value + ((value - before.value) * (steps + 1)) / 2;
  }
  return sum;
}
