// An explanation for people: a table of operators, and a line for each boundary. Explanation -> text.

import { formatBytes, formatNumber, printable, textTable } from '../base/text.ts';
import type { Explanation } from './explain.ts';
import type { BoundaryReason, CutReason } from './explain-boundaries.ts';

const MOST_NAMES = 3;

export function printExplanation({ operators, boundaries, figures }: Explanation): string {
  const of = figures === 'machine' ? 'run: ' : '';
  const table = textTable(
    [
      'operator',
      'segment',
      'MACs/input',
      'FLOPs/MOP',
      'copies',
      'memory',
      'cycles',
      figures === 'machine' ? 'segment waits for' : 'limited by',
      `${of}one more copy`,
      `${of}one more memory array`,
    ],
    operators.map(({ id, segment, inputReuse, flopsPerMop, copies, memoryArrays, latencyCycles, binding, slowest, oneMore }) => [
      printable(id),
      segment,
      inputReuse,
      flopsPerMop === null ? null : Math.round(flopsPerMop),
      copies,
      memoryArrays,
      Math.round(latencyCycles),
      `${binding}${slowest && (figures === 'paper' || binding === 'compute') ? ' (slowest)' : ''}`,
      oneMore.copy === null ? 'no vector left' : saving(oneMore.copy),
      saving(oneMore.memory),
    ]),
  );
  return `${table}\n\n${boundaries.map(boundary).join('\n')}`;
}

function boundary({
  before,
  writeBack,
  switch: switching,
  rewrite,
  leaves,
  stays,
  switched,
  written,
  ahead,
  inPlace,
  cut,
}: BoundaryReason): string {
  const cycles = (value: number): string => formatNumber(Math.round(value));
  const pieces = (list: BoundaryReason['written']): string => names(list.map(({ operator, arrays }) => `${operator} (${arrays})`));
  const data = (list: BoundaryReason['leaves']): string => names(list.map(({ tensor, bytes }) => `${tensor} (${formatBytes(bytes)})`));
  const staying = names(
    stays.map(({ tensor, bytes, place }) => `${tensor} (${formatBytes(bytes)}${place === 'operand' ? ' in place' : ''})`),
  );
  const modes = [
    ...(switched.toMemory > 0 ? [`${switched.toMemory} to memory`] : []),
    ...(switched.toCompute > 0 ? [`${switched.toCompute} to compute`] : []),
  ];
  const details = [
    ...(leaves.length > 0 ? [`leaves the chip: ${data(leaves)}`] : []),
    ...(stays.length > 0 ? [`stays: ${staying}`] : []),
    ...(modes.length > 0 ? [`arrays switched: ${modes.join(', ')}`] : []),
    ...(written.length > 0 ? [`written: ${pieces(written)}`] : []),
    ...(ahead.length > 0 ? [`written ahead: ${pieces(ahead)}`] : []),
    ...(inPlace.length > 0 ? [`operand in place: ${pieces(inPlace)}`] : []),
  ];
  const head = `${before} | ${before + 1}: write back ${cycles(writeBack)}, switch ${cycles(switching)}, rewrite ${cycles(rewrite)} cycles; ${reason(cut)}`;
  return [head, ...details.map((line) => `        ${line}`)].join('\n');
}

function names(list: readonly string[]): string {
  const more = list.length - MOST_NAMES;
  return `${list.slice(0, MOST_NAMES).map(printable).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Less is a gain: what the time changes by. */
function saving(cycles: number): string {
  const change = Math.round(-cycles);
  return change === 0 ? '0' : `${change > 0 ? '+' : '-'}${formatNumber(Math.abs(change))}`;
}

function reason(cut: CutReason): string {
  switch (cut.why) {
    case 'arrays':
      return `one copy of both takes ${cut.needed} of ${cut.arrays} arrays`;
    case 'operand':
      return `${printable(cut.operator)} multiplies with what ${printable(cut.operand)} makes, which must be in its arrays first`;
    case 'block':
      return 'a repeated block begins or ends';
    case 'cost': {
      const cycles = formatNumber(Math.round(Math.abs(cut.moreCycles)));
      if (cut.moreCycles > 0) return `one segment of both would take ${cycles} cycles more`;
      return `one segment of both would take ${cycles} cycles less on the ${cut.figures}'s cost${cut.figures === 'paper' ? ', data between them not counted' : ''}`;
    }
  }
}
