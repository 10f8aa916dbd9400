// Columns of a sweep's rows as axes: their titles and units, and which rows have a number there.

import { fail } from '../../base/problem.ts';
import { cellText, formatNumber, formatSi } from '../../base/text.ts';
import { nearest } from '../../base/wording.ts';
import type { JsonObject } from '../plotly.ts';
import type { Row } from '../table.ts';
import { name } from './parts.ts';

const KNOWN: Readonly<Record<string, readonly [title: string, unit: string]>> = {
  latencySeconds: ['Latency', 's'],
  energyJoules: ['Energy', 'J'],
  powerWatts: ['Power', 'W'],
  areaMm2: ['Area', 'mm²'],
  energyDelayJouleSeconds: ['Energy × delay', 'J s'],
  throughputPerSecond: ['Throughput', 'samples/s'],
  cycles: ['Latency', 'cycles'],
  analyticCycles: ['Planned latency', 'cycles'],
  lowerBoundCycles: ['Lower bound', 'cycles'],
  memoryModeShare: ['Arrays in memory mode', 'share'],
};
/** Units of what a sweep may set, but for the numbers of a hardware file, which have the unit they have there. */
const FIELD_UNITS: Readonly<Record<string, string>> = {
  prompt: 'tokens',
  generate: 'tokens',
  sequence: 'tokens',
  weightBits: 'bits',
  activationBits: 'bits',
};
/** Units that take a prefix: 2.8 ms, but not 20 µmm². */
const WITH_PREFIX = new Set(['s', 'J', 'W', 'J s', 'samples/s']);

/** 'Latency (s)', or the name of the field. */
export function columnTitle(column: string): string {
  const [word, unit] = KNOWN[column] ?? [name(column), FIELD_UNITS[column]];
  return unit === undefined ? word : `${word} (${unit})`;
}

/** 'Latency', or the name of the field. */
export function columnWord(column: string): string {
  return KNOWN[column]?.[0] ?? name(column);
}

/** A value as a label: '2.78 ms', '96', 'cmswitch'. */
export function valueText(column: string, value: unknown): string {
  if (typeof value !== 'number') return name(cellText(value as string), 24);
  const unit = KNOWN[column]?.[1];
  if (unit !== undefined && WITH_PREFIX.has(unit)) return formatSi(value, unit);
  return unit === undefined || unit === 'share' ? formatNumber(value, 3) : `${formatNumber(value, 3)} ${unit}`;
}

/** A plotly axis of numbers, marked '5ms' where the unit takes a prefix. */
export function valueAxis(column: string): JsonObject {
  const [word = '', unit = ''] = KNOWN[column] ?? [];
  const isMarked = WITH_PREFIX.has(unit) && unit.length === 1;
  const title = isMarked ? word : columnTitle(column);
  return { title: { text: title }, tickformat: '~s', showgrid: true, ...(isMarked && { ticksuffix: unit }) };
}

/** Throws `usage` where no row has such a column. */
export function checkColumns(rows: readonly Row[], ...columns: readonly string[]): void {
  const known = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  for (const column of columns.filter((each) => rows.length > 0 && !known.includes(each))) {
    const meant = nearest(column, known);
    fail({
      kind: 'usage',
      message: `The rows have no column '${column}'`,
      next: meant === undefined ? `They have ${known.join(', ')}.` : `Did you mean '${meant}'?`,
    });
  }
}

/** Rows with a finite number in each of the columns: those that were computed. */
export function withNumbers(rows: readonly Row[], columns: readonly string[]): readonly Row[] {
  return rows.filter((row) => columns.every((column) => Number.isFinite(row[column])));
}

/** Fields that differ between rows, metrics and marks left out: what a hover text says of a point. */
export function variedFields(rows: readonly Row[]): readonly string[] {
  const aside = new Set([...Object.keys(KNOWN), 'point', 'status', 'feasible', 'error', 'segments']);
  return Object.keys(rows[0] ?? {}).filter((column) => !aside.has(column) && rows.some((row) => row[column] !== rows[0]![column]));
}

/** 'arrays 96<br>externalRate 32'. */
export function hoverText(row: Row, fields: readonly string[]): string {
  return fields.map((field) => `${name(field)} ${valueText(field, row[field])}`).join('<br>');
}
