// A trace for people: where the time and the energy went. Trace -> text.

import { formatBytes, formatCycles, formatNumber, formatPercent, formatSi, printable, textTable } from '../base/text.ts';
import type { Trace } from './trace.ts';

export function printTrace(trace: Trace): string {
  const boundary = trace.segments.reduce((sum, segment) => sum + segment.start - segment.boundaryStart, 0);
  const energy = Object.values(trace.energyPicojoules).reduce((sum, value) => sum + value, 0);
  const busy = textTable(
    ['resource', 'busy cycles', 'of the run'],
    trace.resources.map(({ id, busyCycles }) => [
      id,
      busyCycles,
      trace.makespanCycles === 0 ? '' : formatPercent(busyCycles / trace.makespanCycles),
    ]),
  );
  const spent = textTable(
    ['energy of', 'picojoules', 'share'],
    Object.entries(trace.energyPicojoules).map(([component, value]) => [
      component,
      Math.round(value),
      formatPercent(energy === 0 ? 0 : value / energy),
    ]),
  );
  return [
    `${printable(trace.model.name)} on ${printable(trace.hardware.name)}: ${formatCycles(trace.makespanCycles, trace.clockHz)}`,
    `${trace.segments.length} segments; ${formatPercent(trace.makespanCycles === 0 ? 0 : boundary / trace.makespanCycles)} of the time between them (switching and writing weights)`,
    `arrays in memory mode: ${formatPercent(trace.memoryModeShare)}; external traffic: ${formatBytes(trace.bytes.weightsFetched)} weights, ` +
      `${formatBytes(trace.bytes.externalRead)} read, ${formatBytes(trace.bytes.externalWrite)} written; ${formatNumber(trace.events)} events`,
    '(busy cycles of arrays are summed over statements, which run side by side)',
    '',
    busy,
    '',
    spent,
    `total ${formatSi(energy * 1e-12, 'J')}`,
  ].join('\n');
}
