// The parameters that the paper does not print, each with its plausible range: the range that the chip's file gives and defends.

import type { HardwareFile } from '../../lib/hardware/hardware.ts';
import { parameterRanges } from '../../lib/hardware/leaves.ts';
import { readHardwareFile } from '../../lib/hardware/read.ts';
import type { Overrides } from '../../lib/hardware/with-overrides.ts';

/** The chip with some of its numbers replaced; no replacement is the file as it is. */
export interface Setting {
  readonly chip: string;
  readonly set: Overrides;
  readonly mostArrays?: number;
}

export interface ParameterValue {
  readonly label: string;
  readonly set: Overrides;
  readonly mostArrays?: number;
  readonly isNominal: boolean;
}

export interface Parameter {
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  /** From one end of the range to the other. */
  readonly values: readonly ParameterValue[];
}

export const CHIP = 'dynaplasia-paper';
export const PRIME = 'prime';
export const CHIPS = [CHIP, PRIME];
export const NOMINAL: Setting = { chip: CHIP, set: {} };

/** Each with paths of the file and the values tried there; `scale` times one is what the unit counts. */
const PARAMETERS = [
  { id: 'external', name: 'external bandwidth', unit: 'B/cycle', paths: ['external.rate'], tried: [4, 16, 32, 64], scale: 1 },
  { id: 'internal', name: 'internal bandwidth', unit: 'B/cycle', paths: ['buffer.bankRate'], tried: [0.5, 2, 4], scale: 8 },
  { id: 'd-cim', name: 'D_cim', unit: 'B/cycle', paths: ['memory.read', 'memory.write'], tried: [4, 16, 40], scale: 1 },
  { id: 'write', name: 'write latency', unit: 'cycles an array', paths: ['compute.weights.8.writeRow'], tried: [1, 3, 10], scale: 320 },
] as const;

/** The readings of "OP_cim is proportional to the array's size": cells a weight, and input bits at a time. */
const READINGS = [
  { perRow: 40, mvm: 8, label: '1,600' },
  { perRow: 40, mvm: 1, label: '12,800 (all input bits at once)' },
  { perRow: 320, mvm: 8, label: '12,800 (a cell is a weight)' },
  { perRow: 320, mvm: 1, label: '102,400 (both)' },
];

/** Most arrays of one piece of an operator: how finely what does not fit is cut. */
const GRANULARITIES = [96, 24, 6];

/** The six parameters with their values on the paper's chip. Throws if the file's ranges are others than those tried. */
export function parameters(): readonly Parameter[] {
  const file = readHardwareFile(`hw/${CHIP}.json`);
  const swept = PARAMETERS.map(({ id, name, unit, paths, tried, scale }): Parameter => {
    for (const path of paths) checkRange(file, path, tried);
    const nominal = valueAt(file, paths[0]);
    return {
      id,
      name,
      unit,
      values: tried.map((value) => ({
        label: String(scale * value),
        set: value === nominal ? {} : Object.fromEntries(paths.map((path) => [path, value])),
        isNominal: value === nominal,
      })),
    };
  });
  const [perRow, mvm] = ['compute.weights.8.perRow', 'compute.activations.8.mvm'];
  checkRange(file, perRow, [40, 320]);
  checkRange(file, mvm, [1, 8]);
  const readings: Parameter = {
    id: 'op-cim',
    name: 'OP_cim',
    unit: 'MAC/cycle an array',
    values: READINGS.map((reading, i) => ({
      label: reading.label,
      set: { ...(reading.perRow !== 40 && { [perRow]: reading.perRow }), ...(reading.mvm !== 8 && { [mvm]: reading.mvm }) },
      isNominal: i === 0,
    })),
  };
  const split: Parameter = {
    id: 'split',
    name: 'split granularity',
    unit: 'most arrays of a piece',
    values: GRANULARITIES.map((most, i) => ({
      label: String(most),
      set: {},
      ...(i > 0 && { mostArrays: most }),
      isNominal: i === 0,
    })),
  };
  return [...swept, readings, split];
}

/** The paper's chip with this value, and others if given. */
export function settingOf(...values: readonly ParameterValue[]): Setting {
  const most = values.find(({ mostArrays }) => mostArrays !== undefined)?.mostArrays;
  return { chip: CHIP, set: Object.assign({}, ...values.map(({ set }) => set)), ...(most !== undefined && { mostArrays: most }) };
}

function valueAt(file: HardwareFile, path: string): number | undefined {
  return parameterRanges(file).find((range) => range.path === path)?.value;
}

function checkRange(file: HardwareFile, path: string, tried: readonly number[]): void {
  const range = parameterRanges(file).find((each) => each.path === path);
  const [least, greatest] = [Math.min(...tried), Math.max(...tried)];
  if (range?.least !== least || range.greatest !== greatest)
    throw new Error(`${file.name}: ${path} has the range ${range?.least} to ${range?.greatest}, tried are ${least} to ${greatest}`);
}
