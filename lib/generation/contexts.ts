// Contexts: at which lengths of the cache a generation is simulated, so that what lies between can be interpolated linearly.
// A latency is nearly linear in the context as long as plan and tiles stay the same. Every interval is tried in its middle (at
// the tile boundary nearest to it, on both sides); the one whose middle is furthest off the line, by its length, is halved
// until all together are within the tolerance: adaptive quadrature of a sum.

export interface ContextRequest {
  /** Lengths of the cache, `last` included. */
  readonly first: number;
  readonly last: number;
  /** Lengths at which some operator needs another number of tiles than one token earlier. */
  readonly boundaries: readonly number[];
  /** Largest estimated error of the sum over all contexts, relative; 0 asks for every context. */
  readonly tolerance: number;
  readonly measure: (context: number) => Promise<number>;
}

export interface SampledContexts {
  /** In ascending order, `first` and `last` among them. */
  readonly contexts: readonly number[];
  /** Estimated relative error of the sum; 0 if every context is among `contexts`. */
  readonly estimatedError: number;
}

interface Interval {
  readonly from: number;
  readonly to: number;
  readonly middle: readonly [number, number];
  /** Estimated error of the sum over the interval, once its middle is known. */
  readonly error: number;
}

/** What is known of an interval's middle halves what is left: a kink or a jump stays in one half, a bend leaves a quarter. */
const LEFT_OF_DEVIATION = 0.5;

/** Measures a few contexts; between neighbours the line through them holds, as far as was tried. */
export async function sampleContexts({ first, last, boundaries, tolerance, measure }: ContextRequest): Promise<SampledContexts> {
  const values = new Map<number, number>();
  const valueAt = async (context: number): Promise<number> => {
    const value = values.get(context) ?? (await measure(context));
    values.set(context, value);
    return value;
  };
  const intervalOf = async (from: number, to: number): Promise<Interval> => {
    const [a, b] = [await valueAt(from), await valueAt(to)];
    if (to - from < 2) return { from, to, middle: [from, to], error: 0 };
    const middle = middleOf(from, to, boundaries);
    const deviations = [];
    for (const context of middle) deviations.push(Math.abs((await valueAt(context)) - between(from, a, to, b, context)));
    return { from, to, middle, error: LEFT_OF_DEVIATION * Math.max(...deviations) * (to - from - 1) };
  };
  const halves = async ({ from, to, middle }: Interval): Promise<readonly Interval[]> => [
    await intervalOf(from, middle[0]),
    ...(middle[1] === middle[0] ? [] : [await intervalOf(...middle)]),
    await intervalOf(middle[1], to),
  ];
  const isWhole = ({ from, to }: Interval): boolean => to - from >= 2;
  const sampled = (): { readonly context: number; readonly value: number }[] =>
    [...values].map(([context, value]) => ({ context, value })).sort((a, b) => a.context - b.context);

  // One middle on the line may be chance, so that two are looked at whatever the first says.
  const whole = await intervalOf(first, last);
  let intervals = isWhole(whole) ? await halves(whole) : [whole];
  const relativeError = (): number => intervals.reduce((sum, { error }) => sum + error, 0) / sumOver(sampled());
  for (;;) {
    const splittable = intervals.filter((interval) => isWhole(interval) && (interval.error > 0 || tolerance === 0));
    if (splittable.length === 0 || (tolerance > 0 && relativeError() <= tolerance)) break;
    const worst = splittable.reduce((a, b) => (b.error > a.error ? b : a));
    intervals = [...intervals.filter((interval) => interval !== worst), ...(await halves(worst))];
  }
  return { contexts: sampled().map(({ context }) => context), estimatedError: relativeError() };
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
