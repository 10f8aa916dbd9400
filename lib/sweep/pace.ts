// Pace: how far a sweep is, how fast it goes and how long it will still take.

import { counted, formatNumber } from '../base/text.ts';

export interface SweepProgress {
  readonly done: number;
  readonly total: number;
  /** Of those done: computed by this run, known before, and failed. */
  readonly computed: number;
  readonly reused: number;
  readonly failed: number;
  /** Computed points a second, lately. */
  readonly perSecond: number;
  /** NaN until something was computed. */
  readonly secondsLeft: number;
}

/** Seconds over which the rate is taken. */
const WINDOW_SECONDS = 20;

/** A function that is told counts and tells the pace. `now`: in milliseconds. */
export function paceOf(total: number, now: () => number = () => performance.now()) {
  const marks: { readonly at: number; readonly computed: number }[] = [{ at: now(), computed: 0 }];
  return (counts: Pick<SweepProgress, 'done' | 'computed' | 'reused' | 'failed'>): SweepProgress => {
    const at = now();
    marks.push({ at, computed: counts.computed });
    while (marks.length > 2 && at - marks[1]!.at > WINDOW_SECONDS * 1000) marks.shift();
    const seconds = (at - marks[0]!.at) / 1000;
    const perSecond = seconds > 0 ? (counts.computed - marks[0]!.computed) / seconds : 0;
    const secondsLeft = perSecond > 0 ? (total - counts.done) / perSecond : Number.NaN;
    return { ...counts, total, perSecond, secondsLeft };
  };
}

/** '1,234 of 10,000 points, 52.3/s, 2 min 48 s left, 3 failed'. */
export function printProgress({ done, total, reused, failed, perSecond, secondsLeft }: SweepProgress): string {
  return [
    `${formatNumber(done)} of ${counted(total, 'point')}`,
    ...(reused > 0 ? [`${formatNumber(reused)} known`] : []),
    ...(perSecond > 0 ? [`${formatNumber(perSecond, 3)}/s`] : []),
    ...(Number.isFinite(secondsLeft) && done < total ? [`${duration(secondsLeft)} left`] : []),
    ...(failed > 0 ? [`${formatNumber(failed)} failed`] : []),
  ].join(', ');
}

/** '8 s', '2 min 48 s', '3 h 5 min'. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
