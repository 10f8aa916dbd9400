// Occupancy: how busy every resource and every array was, bin by bin of the run. Program + Hardware -> Occupancy. Jobs are added
// up as they happen, so that a long run takes no more memory than a short one.

import type { Cycles } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Program } from '../program/program.ts';
import { simulate } from './simulate.ts';
import type { Occupancy, Span } from './trace.ts';

const BINS = 200;
/** More arrays than this are shown in runs. */
const MOST_ROWS = 512;

/** `bins`: into how many equal parts the run is cut. Throws the verifier's problems. */
export function occupancy(program: Program, hardware: Hardware, { bins = BINS }: { readonly bins?: number } = {}): Occupancy {
  const { makespanCycles } = simulate(program, hardware, { segments: false });
  const perRow = Math.ceil(hardware.arrays / MOST_ROWS);
  const rows = Array.from({ length: Math.ceil(hardware.arrays / perRow) }, (_, i) => ({
    first: i * perRow,
    count: Math.min(perRow, hardware.arrays - i * perRow),
    memoryMode: new Float64Array(bins),
    computing: new Float64Array(bins),
    written: new Float64Array(bins),
    accessed: new Float64Array(bins),
  }));
  const shared = new Map<string, Float64Array>();
  const length = makespanCycles / bins;
  const add = (into: Float64Array, start: Cycles, end: Cycles, weight: number): void => {
    for (let bin = Math.min(bins - 1, Math.floor(start / length)); bin < bins && bin * length < end; bin++) {
      into[bin]! += (weight * (Math.min(end, (bin + 1) * length) - Math.max(start, bin * length))) / length;
    }
  };
  /** When an array in memory mode became so. */
  const since = new Map<number, Cycles>();
  const leave = (array: number, at: Cycles): void => {
    const row = rows[Math.floor(array / perRow)]!;
    const from = since.get(array);
    if (from !== undefined) add(row.memoryMode, from, at, 1 / row.count);
    since.delete(array);
  };
  const onSpan = ({ resource, arrays, label, start, end }: Span): void => {
    if (arrays.length === 0 || resource === 'switch line') {
      let busy = shared.get(resource);
      if (busy === undefined) {
        busy = new Float64Array(bins);
        shared.set(resource, busy);
      }
      add(busy, start, end, 1);
    }
    for (const array of arrays) {
      const row = rows[Math.floor(array / perRow)]!;
      if (resource === 'switch line') {
        if (label === 'TOC') leave(array, start);
        else if (!since.has(array)) since.set(array, end);
      } else {
        const use = resource.startsWith('compute ') ? row.computing : resource.startsWith('write ') ? row.written : row.accessed;
        add(use, start, end, 1 / row.count);
      }
    }
  };
  if (makespanCycles > 0) simulate(program, hardware, { verified: true, segments: false, onSpan });
  for (const array of [...since.keys()]) leave(array, makespanCycles);
  // Both ports of an array may be busy at once.
  const shares = (values: Float64Array): readonly number[] => Array.from(values, (value) => Math.min(1, value));
  return {
    model: program.model,
    hardware: { name: hardware.name, arrays: hardware.arrays },
    makespanCycles,
    clockHz: hardware.clockHz,
    bins,
    resources: [...shared].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, busy]) => ({ id, busy: shares(busy) })),
    rows: rows.map(({ first, count, memoryMode, computing, written, accessed }) => ({
      first,
      count,
      memoryMode: shares(memoryMode),
      computing: shares(computing),
      written: shares(written),
      accessed: shares(accessed),
    })),
  };
}
