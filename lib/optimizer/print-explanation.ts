// An explanation for people: a table of operators, and a line for each boundary. Explanation -> text.

import { formatNumber, printable, textTable } from '../base/text.ts';
import type { CutReason, Explanation } from './explain.ts';

export function printExplanation({ operators, boundaries }: Explanation): string {
  const table = textTable(
    [
      'operator',
      'segment',
      'MACs/input',
      'FLOPs/MOP',
      'copies',
      'memory',
      'cycles',
      'limited by',
      'one more copy',
      'one more memory array',
    ],
    operators.map(({ id, segment, inputReuse, flopsPerMop, copies, memoryArrays, latencyCycles, binding, slowest, oneMore }) => [
      printable(id),
      segment,
      inputReuse,
      flopsPerMop === null ? null : Math.round(flopsPerMop),
      copies,
      memoryArrays,
      Math.round(latencyCycles),
      `${binding}${slowest ? ' (slowest)' : ''}`,
      oneMore.copy === null ? 'no vector left' : saving(oneMore.copy),
      saving(oneMore.memory),
    ]),
  );
  const lines = boundaries.map(({ before, writeBack, switch: switching, rewrite, cut }) => {
    const cycles = (value: number): string => formatNumber(Math.round(value));
    return `${before} | ${before + 1}: write back ${cycles(writeBack)}, switch ${cycles(switching)}, rewrite ${cycles(rewrite)} cycles; ${reason(cut)}`;
  });
  return `${table}\n\n${lines.join('\n')}`;
}

function saving(cycles: number): string {
  return cycles < 0.5 ? '0' : `-${formatNumber(Math.round(cycles))}`;
}

function reason(cut: CutReason): string {
  switch (cut.why) {
    case 'arrays':
      return `one copy of both takes ${cut.needed} of ${cut.arrays} arrays`;
    case 'operand':
      return `${printable(cut.operator)} multiplies with what ${printable(cut.operand)} makes, which must be in its arrays first`;
    case 'block':
      return 'a repeated block begins or ends';
    case 'cost':
      return cut.moreCycles > 0
        ? `one segment of both would take ${formatNumber(Math.round(cut.moreCycles))} cycles more`
        : `one segment of both would take ${formatNumber(Math.round(-cut.moreCycles))} cycles less on the paper's cost, data between them not counted`;
  }
}
