// A trace for people: where the time and the energy went. Trace -> text.

import { counted, formatBytes, formatCycles, formatNumber, formatPercent, formatSi, printable, textTable } from '../base/text.ts';
import { sum } from '../base/units.ts';
import { performanceOf } from './performance.ts';
import { COMPONENTS, type Trace } from './trace.ts';

/** Rows of the table of operators, those that took the most. */
const MOST_OPERATORS = 12;
const JOULES_PER_PICOJOULE = 1e-12;

export function printTrace(trace: Trace): string {
  return [
    `${printable(trace.model.name)} on ${printable(trace.hardware.name)}: ${formatCycles(trace.makespanCycles, trace.clockHz)}`,
    `${counted(trace.segments.length, 'segment')}; ${formatPercent(trace.makespanCycles === 0 ? 0 : trace.boundaryCycles / trace.makespanCycles)} of the time between them (switching and writing weights)`,
    `arrays in memory mode: ${formatPercent(trace.memoryModeShare)}; external traffic: ${formatBytes(trace.bytes.weightsFetched)} weights, ` +
      `${formatBytes(trace.bytes.externalRead)} read, ${formatBytes(trace.bytes.externalWrite)} written; ${formatNumber(trace.events)} events`,
    '(busy cycles of arrays are summed over statements, which run side by side)',
    '',
    resources(trace),
    '',
    components(trace),
    total(trace),
    ...operators(trace),
  ].join('\n');
}

/** With the critical path, also how much of the run each resource bounds. */
function resources({ resources: busy, criticalPath, makespanCycles }: Trace): string {
  const share = (cycles: number): string => (makespanCycles === 0 ? '' : formatPercent(cycles / makespanCycles));
  const bounded = boundedBy({ criticalPath: criticalPath ?? [] });
  const ids = [...new Set([...busy.map(({ id }) => id), ...bounded.keys()])];
  const rows = ids.map((id) => {
    const cycles = busy.find((resource) => resource.id === id)?.busyCycles;
    const bound = bounded.get(id);
    return [id, cycles ?? null, cycles === undefined ? '' : share(cycles), bound === undefined ? '' : share(bound)];
  });
  if (criticalPath === undefined)
    return textTable(
      ['resource', 'busy cycles', 'of the run'],
      rows.map((row) => row.slice(0, 3)),
    );
  return textTable(['resource', 'busy cycles', 'of the run', 'bounds'], rows);
}

/** Cycles of the critical path by resource, the most first. */
export function boundedBy({ criticalPath = [] }: Pick<Trace, 'criticalPath'>): ReadonlyMap<string, number> {
  const cycles = new Map<string, number>();
  for (const { resource, start, end } of criticalPath) cycles.set(resource, (cycles.get(resource) ?? 0) + end - start);
  return new Map([...cycles].sort(([, a], [, b]) => b - a));
}

function components({ energyPicojoules }: Trace): string {
  const energy = sum(Object.values(energyPicojoules));
  // Converters that are not known apart are part of the products.
  const shown = COMPONENTS.filter((component) => component !== 'adc' || energyPicojoules.adc > 0);
  return textTable(
    ['energy of', 'picojoules', 'share'],
    shown.map((component) => [
      component,
      Math.round(energyPicojoules[component]),
      formatPercent(energy === 0 ? 0 : energyPicojoules[component] / energy),
    ]),
  );
}

function total(trace: Trace): string {
  const { joules, watts, operationsPerSecond, operationsPerJoule, operationsPerJouleRange, ...rest } = performanceOf(trace);
  const { least, greatest } = trace.energyRangePicojoules;
  const [lowest, highest] = operationsPerJouleRange;
  const area = rest.operationsPerSecondPerSquareMillimetre;
  const tera = (value: number): string => formatSi(value, 'OP/s');
  return [
    `total ${formatSi(joules, 'J')}; ${formatSi(least * JOULES_PER_PICOJOULE, 'J')} to ${formatSi(greatest * JOULES_PER_PICOJOULE, 'J')} with every energy at the ends of its range`,
    `${tera(operationsPerSecond)}, ${formatSi(watts, 'W')}, ${perWatt(operationsPerJoule)} (${perWatt(lowest)} to ${perWatt(highest)})${area === undefined ? '' : `, ${tera(area)}/mm2 on ${trace.areaSquareMillimetres} mm2`}`,
  ].join('\n');
}

function perWatt(operationsPerJoule: number): string {
  return `${(operationsPerJoule / 1e12).toPrecision(3)} TOPS/W`;
}

function operators({ operators: all }: Trace): readonly string[] {
  if (all.length === 0) return [];
  const energyOf = (row: Trace['operators'][number]): number => sum(Object.values(row.energyPicojoules));
  const energy = sum(all.map(energyOf));
  const most = all.toSorted((a, b) => energyOf(b) - energyOf(a)).slice(0, MOST_OPERATORS);
  const rows = most.map((row) => {
    const [largest] = COMPONENTS.toSorted((a, b) => row.energyPicojoules[b] - row.energyPicojoules[a]);
    return [
      printable(row.id),
      row.macs || null,
      Math.round(energyOf(row)),
      formatPercent(energy === 0 ? 0 : energyOf(row) / energy),
      largest ?? '',
    ];
  });
  const left = all.length - most.length;
  return [
    '',
    textTable(['energy by operator', 'MACs', 'picojoules', 'share', 'most of it'], rows),
    ...(left > 0 ? [`and ${formatNumber(left)} more`] : []),
  ];
}
