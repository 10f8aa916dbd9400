// Verdicts: a published claim beside what we find -> reproduced, same trend or not reproduced, by rules that are stated here and
// printed in the ledger. Nobody decides a row by hand.

export const VERDICTS = ['reproduced', 'same trend', 'not reproduced'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What a number measures: it decides how near is near. */
export type Unit = 'speedup' | 'share' | 'factor';

/**
 * value: one number. range: the least and greatest of several, and their mean if it is printed. series: numbers along an axis, in order.
 * spread: from under `under` to over `over`. holds: a statement.
 */
export type Published =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'range'; readonly least: number; readonly greatest: number; readonly mean?: number }
  | { readonly kind: 'series'; readonly values: readonly number[] }
  | { readonly kind: 'spread'; readonly under: number; readonly over: number }
  | { readonly kind: 'holds' };

/** Numbers in order, or whether a statement holds (`partly`: some of it). */
export type Found = readonly number[] | 'holds' | 'partly' | 'does not hold';

/** Differences within this part of the published gain (speedups), factor, or share (or what it leaves of 1, if that is less) count as none ... */
const NEAR = 0.25;
/** ... and so do absolute ones of a speedup or a share within this. */
const LEAST = 0.02;
/** A speedup above this is a gain. */
const GAIN = 1.01;

export const RULES = `- *near*: a speedup is near a published one if their gains (speedup - 1) differ by at most ${NEAR * 100} % of the published gain, or by ${LEAST}; a
  share if it differs by at most ${NEAR * 100} % of the published share, or of what that leaves of 100 % where this is less, or by ${LEAST * 100} percentage points; any other number if it
  differs by at most ${NEAR * 100} %.
- **reproduced**: every published number has one of ours near it (of a range both ends, and the mean where it is printed; of a series the first and the last,
  and it moves the same way); "from under A to over B" if our least is under A and our greatest over B; a statement if it holds.
- **same trend**: the numbers differ, the message stands. A speedup: ours is above ${GAIN} where the published one is (of a range the mean, and nothing in it is below 0.99).
  A series moves the same way, and if it is one of speedups begins above ${GAIN}. A share or factor: within a factor of 2 (of a share, what it leaves of 100 % too). A spread: our greatest is at least twice our
  least. A statement: a part of it holds.
- **not reproduced**: else.`;

export function isNear(found: number, published: number, unit: Unit): boolean {
  const distance = Math.abs(found - published);
  if (unit === 'speedup') return distance <= Math.max(LEAST, NEAR * Math.abs(published - 1)) + 1e-9;
  if (unit === 'share') return distance <= Math.max(LEAST, NEAR * Math.min(published, 1 - published)) + 1e-9;
  return distance <= NEAR * Math.abs(published) + 1e-9;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(mean(values.map(Math.log)));
}

export function verdictOf(published: Published, found: Found, unit: Unit): Verdict {
  if (published.kind === 'holds') return found === 'holds' ? 'reproduced' : found === 'partly' ? 'same trend' : 'not reproduced';
  if (typeof found === 'string' || found.length === 0 || found.some((value) => !Number.isFinite(value))) return 'not reproduced';
  const [least, greatest] = [Math.min(...found), Math.max(...found)];
  const near = (value: number, wanted: number): boolean => isNear(value, wanted, unit);
  const isWithin2 = (value: number, wanted: number): boolean => value <= 2 * wanted && wanted <= 2 * value;
  const within2 = (value: number, wanted: number): boolean =>
    isWithin2(value, wanted) && (unit !== 'share' || isWithin2(1 - value, 1 - wanted));
  switch (published.kind) {
    case 'value': {
      const value = mean(found);
      if (near(value, published.value)) return 'reproduced';
      const isTrend = unit === 'speedup' ? published.value > 1 === value > GAIN : within2(value, published.value);
      return isTrend ? 'same trend' : 'not reproduced';
    }
    case 'range': {
      const isMeanNear = published.mean === undefined || near(mean(found), published.mean);
      if (near(least, published.least) && near(greatest, published.greatest) && isMeanNear) return 'reproduced';
      const isTrend =
        unit === 'speedup'
          ? published.greatest > GAIN && mean(found) > GAIN && least >= 0.99
          : within2(mean(found), published.mean ?? (published.least + published.greatest) / 2);
      return isTrend ? 'same trend' : 'not reproduced';
    }
    case 'series': {
      const [first, last] = [found[0]!, found.at(-1)!];
      const [from, to] = [published.values[0]!, published.values.at(-1)!];
      const sameWay = Math.sign(last - first) === Math.sign(to - from);
      if (sameWay && near(first, from) && near(last, to)) return 'reproduced';
      return sameWay && (unit !== 'speedup' || first > GAIN) ? 'same trend' : 'not reproduced';
    }
    case 'spread':
      if (least < published.under && greatest > published.over) return 'reproduced';
      return greatest >= 2 * least ? 'same trend' : 'not reproduced';
  }
}
