// Space: the points of a checked spec, counted and told one by one, so that a million of them need no memory.
// Whatever the sample, point i depends on the spec and on i alone: any worker may compute it, in any order.

import { permutation, randomOf } from '../base/random.ts';
import type { Axis, Setting, Settings, Space } from './spec.ts';

/** A place in the space: one index a finite axis, a share of 0 .. 1 for one that has no count. */
export type Genome = readonly number[];

/** Number of values of an axis; Infinity where any number between two ends is one. */
export function countOf(axis: Axis): number {
  return axis.kind === 'list' ? axis.values.length : axis.count;
}

/** Number of points of the full grid. */
export function gridSize(axes: readonly Axis[]): number {
  return axes.reduce((size, axis) => size * countOf(axis), 1);
}

/** All settings at a place. */
export function settingsAt(space: Pick<Space, 'fixed' | 'axes'>, genome: Genome): Settings {
  const settings: Record<string, Setting> = { ...space.fixed };
  for (const [i, axis] of space.axes.entries()) {
    if (axis.kind === 'list') {
      for (const [k, field] of axis.fields.entries()) settings[field] = axis.values[genome[i] ?? 0]![k]!;
    } else settings[axis.fields[0]] = valueAt(axis, genome[i] ?? 0);
  }
  return settings;
}

function valueAt(axis: Axis & { kind: 'range' }, at: number): number {
  const share = axis.count === Number.POSITIVE_INFINITY ? at : axis.count === 1 ? 0 : at / (axis.count - 1);
  const { from, to } = axis;
  if (share === 1) return to;
  const value = axis.scale === 'log' ? from * (to / from) ** share : from + (to - from) * share;
  // Twelve digits: 0.1 * 3 is 0.3 and the thousandth root of a factor multiplies back to it.
  return axis.whole ? Math.round(value) : Number(value.toPrecision(12));
}

/** The points of a sample that is known beforehand, in order; a search asks for its own. */
export function* genomesOf(space: Space, from = 0): Generator<Genome> {
  const { kind, count, seed } = space.sample;
  const strata = kind === 'latin-hypercube' ? space.axes.map((_, k) => permutation(count, randomOf(seed, k, 1))) : [];
  for (let i = from; i < space.size; i++) {
    if (kind === 'grid') yield gridPlace(space.axes, i);
    else if (kind === 'one-at-a-time') yield starPlace(space.axes, i);
    else
      yield space.axes.map((axis, k) => {
        const random = randomOf(seed, k, 2, i)();
        return placeOf(axis, kind === 'latin-hypercube' ? (strata[k]![i]! + random) / count : random);
      });
  }
}

/** Value of an axis at a share of 0 .. 1 of its range. */
function placeOf(axis: Axis, share: number): number {
  const count = countOf(axis);
  return count === Number.POSITIVE_INFINITY ? share : Math.min(count - 1, Math.floor(share * count));
}

function gridPlace(axes: readonly Axis[], index: number): Genome {
  const genome = new Array<number>(axes.length).fill(0);
  let rest = index;
  for (let k = axes.length - 1; k >= 0; k--) {
    const count = countOf(axes[k]!);
    genome[k] = rest % count;
    rest = Math.floor(rest / count);
  }
  return genome;
}

/** The base point (value 0 of every axis), then every other value of every axis with the others at their base. */
function starPlace(axes: readonly Axis[], index: number): Genome {
  const genome = new Array<number>(axes.length).fill(0);
  let rest = index - 1;
  for (let k = 0; k < axes.length && rest >= 0; k++) {
    const others = countOf(axes[k]!) - 1;
    if (rest < others) genome[k] = rest + 1;
    rest -= others;
  }
  return genome;
}
