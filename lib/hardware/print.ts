// Print: Hardware -> text for people: the derived constants with their formulas, and what is uncertain.

import { VECTOR_CLASSES } from '../base/shapes.ts';
import type { Hardware } from './hardware.ts';
import { leavesOf, parameterRanges } from './leaves.ts';
import { rounded } from './quantity.ts';

type Row = readonly string[];

const MOST_SHOWN = 80;

/** The chip as two tables; ends without a newline. */
export function printHardware(hardware: Hardware): string {
  const { precision, formulas } = hardware;
  const constants = constantsOf(hardware).map(([field, value, unit]): Row => [field, grouped(value), unit, formulas[field] ?? '']);
  const uncertain = parameterRanges(hardware.file).map(
    ({ path, value, unit, least, greatest, mark, source }): Row => [
      path,
      rounded(value),
      `${rounded(least)} .. ${rounded(greatest)}`,
      unit,
      `[${mark}]`,
      start(source),
    ],
  );
  const guessed = leavesOf(hardware.file).flatMap((leaf): Row[] =>
    leaf.kind === 'choice' && leaf.value.mark === 'U'
      ? [[leaf.path, String(leaf.value.value), 'true or false', '', '[U]', start(leaf.value.source)]]
      : [],
  );
  const notes = hardware.file.notes ?? [];
  return [
    `${hardware.name}: ${hardware.title}`,
    `${precision.weightBits}-bit weights, ${precision.activationBits}-bit activations; hash ${hardware.hash}`,
    ...(hardware.dualMode ? [] : ['- Arrays only compute: they cannot be memory.']),
    ...notes.map((note) => `- ${note}`),
    '',
    ...table(['constant', 'value', 'unit', 'formula'], constants, [1]),
    '',
    ...(uncertain.length + guessed.length === 0
      ? ['Nothing in this file is marked as uncertain.']
      : table(['uncertain', 'value', 'range', 'unit', 'mark', 'source'], [...uncertain, ...guessed], [1, 2])),
    '',
    'Marks: [P] published, [P*] published but read second-hand, [D] derived, [U] unknown: an assumption.',
  ].join('\n');
}

type Constant = readonly [field: string, value: number, unit: string];

function constantsOf(hardware: Hardware): readonly Constant[] {
  const { energy, vectorElementsPerCycle, switchCycles } = hardware;
  const memory = (constants: readonly Constant[]): readonly Constant[] => (hardware.dualMode ? constants : []);
  return [
    ['clockHz', hardware.clockHz, 'Hz'],
    ...(hardware.areaSquareMillimetres === undefined ? [] : ([['areaSquareMillimetres', hardware.areaSquareMillimetres, 'mm2']] as const)),
    ['arrays', hardware.arrays, 'arrays'],
    ['tileRows', hardware.tileRows, 'rows'],
    ['tileColumns', hardware.tileColumns, 'weights'],
    ['storedBitsPerWeight', hardware.storedBitsPerWeight, 'bits'],
    ['mvmCycles', hardware.mvmCycles, 'cycles'],
    ['opCim', hardware.opCim, 'MAC/cycle'],
    ['writeCyclesPerRow', hardware.writeCyclesPerRow, 'cycles'],
    ['writeCyclesPerArray', hardware.writeCyclesPerArray, 'cycles'],
    ...memory([
      ['memoryBytesPerArray', hardware.memoryBytesPerArray, 'B'],
      ['memoryReadBytesPerCycle', hardware.memoryReadBytesPerCycle, 'B/cycle'],
      ['memoryWriteBytesPerCycle', hardware.memoryWriteBytesPerCycle, 'B/cycle'],
      ['dCim', hardware.dCim, 'B/cycle'],
    ]),
    ['bufferBytes', hardware.bufferBytes, 'B'],
    ['bufferBytesPerCycle', hardware.bufferBytesPerCycle, 'B/cycle'],
    ['externalBytesPerCycle', hardware.externalBytesPerCycle, 'B/cycle'],
    ['dMain', hardware.dMain, 'B/cycle'],
    ['externalLatencyCycles', hardware.externalLatencyCycles, 'cycles'],
    ...memory([
      ['switchCycles.memoryToCompute', switchCycles.memoryToCompute, 'cycles'],
      ['switchCycles.computeToMemory', switchCycles.computeToMemory, 'cycles'],
    ]),
    ['vectorElementsPerCycle', hardware.file.vector.rate.value, 'element/cycle'],
    ...VECTOR_CLASSES.filter((name) => hardware.file.vector.rates?.[name] !== undefined).map(
      (name) => [`vectorElementsPerCycle.${name}`, vectorElementsPerCycle[name], 'element/cycle'] as const,
    ),
    ['energy.mac', energy.mac, 'pJ/MAC'],
    ...(energy.adc > 0 ? ([['energy.adc', energy.adc, 'pJ/MAC']] as const) : []),
    ['energy.weightWriteByte', energy.weightWriteByte, 'pJ/B'],
    ...memory([
      ['energy.memoryReadByte', energy.memoryReadByte, 'pJ/B'],
      ['energy.memoryWriteByte', energy.memoryWriteByte, 'pJ/B'],
    ]),
    ['energy.bufferReadByte', energy.bufferReadByte, 'pJ/B'],
    ['energy.bufferWriteByte', energy.bufferWriteByte, 'pJ/B'],
    ['energy.externalByte', energy.externalByte, 'pJ/B'],
    ['energy.vectorElement', energy.vectorElement, 'pJ/element'],
    ...memory([['energy.switchArray', energy.switchArray, 'pJ/switch']]),
    ['energy.leakagePerCycle', energy.leakagePerCycle, 'pJ/cycle'],
    ['energy.refreshPerCycle', energy.refreshPerCycle, 'pJ/cycle'],
  ];
}

/** The first words of a source; the file has the rest. */
function start(source: string): string {
  return source.length <= MOST_SHOWN ? source : `${source.slice(0, MOST_SHOWN).replace(/\s+\S*$/, '')} ...`;
}

/** 12800 as "12,800". */
function grouped(value: number): string {
  const [whole = '', fraction] = rounded(value).split('.');
  return `${whole.replace(/\B(?=(?:\d{3})+$)/g, ',')}${fraction === undefined ? '' : `.${fraction}`}`;
}

/** Columns as wide as their widest cell; `right` lists those aligned to the right. */
function table(head: Row, rows: readonly Row[], right: readonly number[]): readonly string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: Row): string =>
    row
      .map((cell, column) => (right.includes(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)];
}
