// A certificate for people: what limits each operator, and what stands against anything faster. Certificate -> text.

import { assertNever } from '../base/problem.ts';
import { counted, formatNumber, textTable } from '../base/text.ts';
import { computeLatency, feedLatency } from '../cost/paper.ts';
import type { Allocation, AllocationProblem } from './allocation.ts';
import type { Certificate, FasterNeeds } from './certificate.ts';

/** A row an operator, named if `names` are given; then why nothing is faster, with the smallest change that would allow it. */
export function printCertificate(
  problem: AllocationProblem,
  allocation: Allocation | undefined,
  { latency, bindings, faster }: Certificate,
  names: readonly string[] = [],
): string {
  if (allocation === undefined)
    return `No allocation: one copy of every operator takes ${arraysText(faster)}. ${shortageText(problem, faster, names)}`;
  const rows = problem.claims.map((claim, i) => {
    const [compute, memory] = [allocation.compute[i] ?? 0, allocation.memory[i] ?? 0];
    const cycles = [computeLatency(claim, compute), feedLatency(claim, memory, problem.hardware)].map(Math.round);
    return [names[i] ?? i, compute / claim.tiles, compute, memory, ...cycles, bindings[i], faster.compute[i], faster.memory[i]];
  });
  const table = textTable(
    ['operator', 'copies', 'compute', 'memory', 'compute cycles', 'feed cycles', 'bound by', 'faster: compute', 'faster: memory'],
    rows,
  );
  return [
    table,
    `${formatNumber(latency)} cycles. Anything faster, ${formatNumber(faster.latency)} cycles at best, takes ${arraysText(faster)}.`,
    shortageText(problem, faster, names),
  ].join('\n');
}

function arraysText({ arrays: { compute, memory, together }, mostShared }: FasterNeeds): string {
  const shared = mostShared > 0 ? ` after sharing ${mostShared}` : '';
  return `at least ${counted(together, 'array')} (${formatNumber(compute)} compute, ${formatNumber(memory)} memory${shared})`;
}

function shortageText({ budget }: AllocationProblem, { arrays, lacks, operator = 0 }: FasterNeeds, names: readonly string[]): string {
  const name = names[operator] ?? `operator ${operator}`;
  switch (lacks) {
    case 'together':
      return `There are ${budget.together}: ${arrays.together - budget.together} more would do.`;
    case 'compute':
      return `${formatNumber(budget.compute)} may compute: ${arrays.compute - budget.compute} more would do.`;
    case 'memory':
      return `${formatNumber(budget.memory)} may be memory: ${arrays.memory - budget.memory} more would do.`;
    case 'copies':
      return `${name} already has a copy for each of its vectors: only more of them, a larger batch, could use another.`;
    case 'bandwidth':
      return `${name} waits for its input, and memory-mode arrays have no bandwidth (D_cim is 0).`;
    default:
      return assertNever(lacks);
  }
}
