// Run: the settings of a point with every default filled in, and the key that is the same for equal work.
// Two sweeps that say the same in other words (96 arrays, or nothing on a chip that has 96) share a key.

import { createHash } from 'node:crypto';
import type { HardwareFile } from '../hardware/hardware.ts';
import { leavesOf } from '../hardware/leaves.ts';
import type { Overrides } from '../hardware/with-overrides.ts';
import type { ScheduleOptions } from '../optimizer/schedule.ts';
import type { AreaModel } from './area.ts';
import { boundDimension, DEFAULT_BITS, hardwarePaths, isRunField } from './fields.ts';
import type { Setting, Settings } from './spec.ts';
import { codeVersion } from './version.ts';

/** Everything that decides a result, as plain data: what travels to a worker. */
export interface Run {
  /** SHA-256 of the model's file. */
  readonly model: string;
  /** `contentHash` of the hardware file. */
  readonly chip: string;
  readonly bind: Readonly<Record<string, number>>;
  /** Tokens of a language model; absent for others. */
  readonly prompt?: number;
  readonly generate?: number;
  readonly weightBits: number;
  readonly activationBits: number;
  readonly overrides: Overrides;
  readonly options: Readonly<Record<string, Setting>>;
}

export const OPTIONS = ['optimizer', 'form', 'solver', 'cost', 'objective', 'prefetch', 'mostArrays', 'seed', 'powerCap'] as const;
/** `cost` is the optimizer's own unless given. */
const OPTION_DEFAULTS: Readonly<Record<string, Setting>> = {
  optimizer: 'cmswitch',
  form: 'as-published',
  solver: 'exact',
  objective: 'latency',
  prefetch: false,
  seed: 0,
};

export interface Files {
  /** SHA-256 of the model that a spec calls so. */
  readonly model: (name: string) => string;
  readonly chip: (name: string) => Chip;
}

/** A hardware file with what runs read of it. */
export interface Chip {
  readonly file: HardwareFile;
  readonly hash: string;
  readonly values: ReadonlyMap<string, Setting>;
}

export function chipOf(file: HardwareFile): Chip {
  const values = leavesOf(file).map((leaf) => [leaf.path, typeof leaf.value === 'object' ? leaf.value.value : leaf.value] as const);
  return { file, hash: contentHash(file), values: new Map(values) };
}

/** The run that settings ask for. */
export function runOf(settings: Settings, files: Files): Run {
  const chip = files.chip(String(settings.hardware));
  const bind: Record<string, number> = {};
  const overrides: Record<string, number | boolean> = {};
  const options: Record<string, Setting> = {};
  for (const field of Object.keys(settings).sort()) {
    const value = settings[field]!;
    const dimension = boundDimension(field);
    if (dimension !== undefined) bind[dimension] = Number(value);
    else if (field === 'batch') bind.batch = Number(value);
    else if ((OPTIONS as readonly string[]).includes(field)) {
      if (value !== OPTION_DEFAULTS[field]) options[field] = value;
    } else if (!isRunField(field)) {
      for (const path of hardwarePaths(field, settings)) {
        if (chip.values.get(path) !== value) overrides[path] = value as number | boolean;
      }
    }
  }
  return {
    model: files.model(String(settings.model)),
    chip: chip.hash,
    bind,
    ...(settings.prompt !== undefined && { prompt: Number(settings.prompt) }),
    ...(settings.generate !== undefined && { generate: Number(settings.generate) }),
    weightBits: Number(settings.weightBits ?? DEFAULT_BITS),
    activationBits: Number(settings.activationBits ?? DEFAULT_BITS),
    overrides,
    options,
  };
}

/** Options for `schedule`, defaults included; it checks the names itself. */
export function scheduleOptionsOf(run: Run): ScheduleOptions {
  const { powerCap, ...options } = run.options;
  return { ...OPTION_DEFAULTS, ...options, ...(powerCap !== undefined && { powerCapWatts: powerCap }) } as ScheduleOptions;
}

/** Key of a run's result: SHA-256, 32 hexadecimal digits, of the code's version, the run and how area is reckoned. */
export function keyOf(run: Run, area: AreaModel): string {
  return contentHash([codeVersion(), run, area]).slice(0, 32);
}

/** SHA-256 of plain data; the order of an object's fields does not matter. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`)
    .join(',')}}`;
}
