// What is wrong with numbers the optimizer was given by hand: an allocation problem made in a notebook, a chip that was changed
// after it was read, options. Each message names the value and what it may be.

import { fail, failOn, type Problem } from '../base/problem.ts';
import { shown } from '../base/wording.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { AllocationProblem } from './allocation.ts';
import type { SharingRule } from './edges.ts';

/** Throws `usage` for the first number of an allocation problem that cannot be meant. */
export function checkAllocationProblem({ claims, edges, budget, hardware }: AllocationProblem): void {
  for (let i = 0; i < claims.length; i++) {
    const { tiles, computeCycles, feedBytes, mostCopies } = claims[i]!;
    if (!isWhole(tiles, 1)) refuse(`claims[${i}].tiles`, tiles, 'a whole number of arrays, at least 1');
    if (!isWhole(mostCopies, 1)) refuse(`claims[${i}].mostCopies`, mostCopies, 'a whole number, at least 1');
    if (!(computeCycles > 0 && computeCycles < Number.POSITIVE_INFINITY)) refuse(`claims[${i}].computeCycles`, computeCycles, 'positive');
    if (!(feedBytes >= 0 && feedBytes < Number.POSITIVE_INFINITY)) refuse(`claims[${i}].feedBytes`, feedBytes, 'zero or positive');
  }
  for (let e = 0; e < edges.length; e++) {
    const { producer, consumer, mostShared } = edges[e]!;
    if (!isWhole(producer, 0) || producer >= claims.length) refuse(`edges[${e}].producer`, producer, `one of the ${claims.length} claims`);
    if (!isWhole(consumer, 0) || consumer >= claims.length) refuse(`edges[${e}].consumer`, consumer, `one of the ${claims.length} claims`);
    if (producer === consumer) refuse(`edges[${e}].consumer`, consumer, 'another claim than the producer');
    if (!isWhole(mostShared, 0)) refuse(`edges[${e}].mostShared`, mostShared, 'a whole number of arrays');
  }
  const { compute, memory, together } = budget;
  if (!isWhole(compute, 0)) refuse('budget.compute', compute, 'a whole number of arrays');
  if (!isWhole(memory, 0)) refuse('budget.memory', memory, 'a whole number of arrays');
  if (!isWhole(together, 0)) refuse('budget.together', together, 'a whole number of arrays');
  const { dCim, dMain } = hardware;
  if (!(dCim >= 0 && dCim < Number.POSITIVE_INFINITY)) refuse('hardware.dCim', dCim, 'bytes a cycle, zero or positive');
  if (!(dMain > 0 && dMain < Number.POSITIVE_INFINITY))
    refuse('hardware.dMain', dMain, 'bytes a cycle, positive: without it nothing is fed before memory arrays are');
}

function refuse(path: string, value: unknown, expected: string): never {
  return fail({ kind: 'usage', message: `Allocation problem: ${path} is ${shown(value)}`, next: `It has to be ${expected}.` });
}

/** Throws `usage` for options that cannot be meant. */
export function checkLimits({
  mostArrays,
  sharing,
  runs,
}: {
  readonly mostArrays?: number;
  readonly sharing?: SharingRule;
  readonly runs?: number;
}): void {
  if (runs !== undefined && !isWhole(runs, 1))
    fail({
      kind: 'usage',
      message: `runs is ${shown(runs)}`,
      next: 'It has to be a whole number, at least 1: how often the network runs.',
    });
  if (mostArrays !== undefined && !isWhole(mostArrays, 1))
    fail({ kind: 'usage', message: `mostArrays is ${shown(mostArrays)}`, next: 'It has to be a whole number of arrays, at least 1.' });
  if (sharing !== undefined && sharing !== 'up' && sharing !== 'down' && sharing !== false)
    fail({ kind: 'usage', message: `sharing is ${shown(sharing)}`, next: "It has to be 'up', 'down' or false." });
}

/** Throws `hardware` for every number of a chip that the optimizer would divide by or count with and cannot. */
export function checkChip(chip: Hardware): void {
  const { arrays, tileRows, tileColumns, mvmCycles, memoryBytesPerArray, bufferBytes, writeCyclesPerArray, switchCycles } = chip;
  const { dCim, dMain, externalBytesPerCycle, bufferBytesPerCycle } = chip;
  const problems: Problem[] = [];
  const check = (numbers: Readonly<Record<string, number>>, holds: (value: number) => boolean, expected: string): void => {
    for (const [field, value] of Object.entries(numbers)) {
      if (!holds(value)) problems.push({ kind: 'hardware', path: `hardware '${chip.name}': ${field}`, found: shown(value), expected });
    }
  };
  const { memoryToCompute, computeToMemory } = switchCycles;
  check({ arrays, tileRows, tileColumns, mvmCycles }, (value) => isWhole(value, 1), 'a whole number, at least 1');
  check(
    { memoryBytesPerArray, bufferBytes, writeCyclesPerArray, memoryToCompute, computeToMemory },
    (value) => isWhole(value, 0),
    'a whole number, at least 0',
  );
  check({ dMain, externalBytesPerCycle, bufferBytesPerCycle }, (value) => value > 0 && Number.isFinite(value), 'a positive number');
  check({ dCim }, (value) => value >= 0 && Number.isFinite(value), 'zero or a positive number');
  failOn(problems);
}

function isWhole(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}
