// Roles: what every array does in every segment of a plan, the same answer for every chart and table.

import type { ArrayId, OperatorPlan, Plan, SegmentPlan } from '../optimizer/plan.ts';

/** In the order charts stack and list them: compute mode, memory mode, neither. */
export const ROLES = ['compute', 'memoryIn', 'memoryOut', 'shared', 'kept', 'staged', 'idle'] as const;
export type Role = (typeof ROLES)[number];

export const ROLE_NAMES: Readonly<Record<Role, string>> = {
  compute: 'Compute',
  memoryIn: 'Memory in',
  memoryOut: 'Memory out',
  shared: 'Memory out and in',
  kept: 'Memory kept',
  staged: 'Staged',
  idle: 'Idle',
};

export interface ArrayUse {
  readonly role: Role;
  /** Operators using the array, as positions in the segment's list; empty when none does. */
  readonly operators: readonly number[];
}

/** Use of every array of the chip in a segment, by array id. `before`: the segment before it, whose kept data may rest in arrays. */
export function arrayUses(plan: Plan, segment: SegmentPlan, before?: SegmentPlan): readonly ArrayUse[] {
  const uses: { role: Role; operators: number[] }[] = Array.from({ length: plan.hardware.arrays }, () => ({ role: 'idle', operators: [] }));
  const assign = (arrays: readonly ArrayId[], role: Role, operator?: number): void => {
    for (const array of arrays) {
      const use = uses[array];
      if (use === undefined) continue;
      use.role = role;
      if (operator !== undefined && !use.operators.includes(operator)) use.operators.push(operator);
    }
  };
  for (const { place } of before?.kept ?? []) if (place.kind === 'arrays') assign(place.arrays, 'kept');
  assign(waitingArrays(plan, segment), 'kept');
  for (const { arrays } of segment.staged) assign(arrays, 'staged');
  const each = (visit: (operator: OperatorPlan, position: number) => void): void => segment.operators.forEach(visit);
  each((operator, i) => assign(operator.memoryIn, 'memoryIn', i));
  each((operator, i) => assign(operator.memoryOut, 'memoryOut', i));
  each((operator, i) => assign(operator.sharedIn, 'shared', i));
  each((operator, i) => assign(operator.compute, 'compute', i));
  return uses.map((use) => ({ role: use.role, operators: use.operators.toSorted((a, b) => a - b) }));
}

/** Arrays in which a right operand lies that is made in this segment or before, and computed on in a later one. */
function waitingArrays({ segments }: Plan, { id: at }: SegmentPlan): readonly ArrayId[] {
  const made = new Set<string>();
  for (const { id, kept } of segments) if (id <= at) for (const { place } of kept) if (place.kind === 'operand') made.add(place.operator);
  if (made.size === 0) return [];
  const later = segments.filter(({ id }) => id > at).flatMap(({ operators }) => operators);
  return later.filter(({ id }) => made.has(id)).flatMap(({ compute }) => compute);
}

/** Number of arrays in each role; they sum to the chip's. */
export function roleCounts(uses: readonly ArrayUse[]): Readonly<Record<Role, number>> {
  const counts = { compute: 0, memoryIn: 0, memoryOut: 0, shared: 0, kept: 0, staged: 0, idle: 0 };
  for (const { role } of uses) counts[role] += 1;
  return counts;
}

/** How often each segment runs, by its position in the plan: 1 unless it stands for repeated blocks. */
export function timesOf(plan: Plan): readonly number[] {
  const times = plan.segments.map(() => 1);
  for (const { first, count, times: repeats } of plan.repeats) {
    for (let i = first; i < first + count && i < times.length; i++) times[i] = times[i]! * repeats;
  }
  return times;
}
