// Every broken invariant of a trace: what must hold however a program looks. Trace -> Problems.

import type { Problem } from '../base/problem.ts';
import { sum } from '../base/units.ts';
import { BUFFER, CHANNEL, VECTOR } from './jobs.ts';
import { COMPONENTS, type Trace } from './trace.ts';

export function verifyTrace(trace: Trace): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (where: string, reason: string): void => {
    problems.push({ kind: 'trace', where, reason });
  };
  let now = 0;
  for (const segment of trace.segments) {
    if (segment.boundaryStart !== now || segment.start < now || segment.end < segment.start) {
      add(`segment ${segment.id}`, `runs from ${segment.boundaryStart} over ${segment.start} to ${segment.end}, after cycle ${now}`);
    }
    for (const { label, start, end } of segment.statements) {
      if (start < segment.start || end > segment.end || end < start)
        add(`segment ${segment.id}, ${label}`, `runs from ${start} to ${end}, outside its segment`);
    }
    now = segment.end;
  }
  if (now !== trace.makespanCycles) add('makespan', `is ${trace.makespanCycles}, the last segment ends at ${now}`);
  for (const { id, busyCycles } of trace.resources) {
    if ([CHANNEL, BUFFER, VECTOR].includes(id) && busyCycles > trace.makespanCycles)
      add(id, `is busy for ${busyCycles} of ${trace.makespanCycles} cycles`);
  }
  for (const component of trace.operators.length > 0 ? COMPONENTS : []) {
    const [total, rows] = [trace.energyPicojoules[component], sum(trace.operators.map((row) => row.energyPicojoules[component]))];
    if (Math.abs(rows - total) > 1e-9 * Math.max(1, total)) add(component, `took ${total} pJ, and its operators ${rows}`);
  }
  for (const [component, energy] of Object.entries(trace.energyPicojoules)) {
    if (!Number.isFinite(energy) || energy < 0) add(component, `took ${energy} pJ`);
  }
  return problems;
}
