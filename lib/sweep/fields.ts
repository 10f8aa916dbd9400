// Fields: everything a sweep may set. A field belongs to the run (model, sizes, precision, optimizer) or is a number of
// the hardware file by its path ('external.rate'); a few short names stand for paths that depend on the precision.

import { CompileError } from '../base/problem.ts';
import { either, nearest } from '../base/wording.ts';
import type { HardwareFile } from '../hardware/hardware.ts';
import { leavesOf } from '../hardware/leaves.ts';
import { SOLVERS } from '../optimizer/allocation.ts';
import { FORMS } from '../optimizer/optimizer.ts';
import { findOptimizer, OPTIMIZER_NAMES } from '../optimizer/optimizers.ts';
import { COSTS, OBJECTIVES } from '../optimizer/plan.ts';
import type { Setting, Settings } from './spec.ts';

interface RunField {
  readonly means: string;
  /** Undefined if any value of the type may be given. */
  readonly type: 'text' | 'whole' | 'number' | 'boolean';
  readonly least?: number;
  /** The only texts there are. */
  readonly choices?: readonly string[];
}

/** Fields of the run. `bind.NAME` binds any symbolic dimension of the model. */
export const RUN_FIELDS: Readonly<Record<string, RunField>> = {
  model: { means: 'path of an ONNX file, from the folder of the spec', type: 'text' },
  hardware: { means: 'path of a hardware file, from the folder of the spec', type: 'text' },
  batch: { means: "samples in a batch: binds the dimension 'batch'", type: 'whole', least: 1 },
  prompt: { means: 'tokens of the prompt, of a language model', type: 'whole', least: 1 },
  generate: { means: 'tokens generated after it, of a language model', type: 'whole', least: 0 },
  weightBits: { means: 'bits of a weight', type: 'whole', least: 1 },
  activationBits: { means: 'bits of an activation', type: 'whole', least: 1 },
  optimizer: { means: 'cmswitch, static:R, ...', type: 'text' },
  form: { means: 'of a baseline: as-published or same-cost', type: 'text', choices: FORMS },
  solver: { means: 'exact, highs or glpk', type: 'text', choices: SOLVERS },
  cost: { means: "what the optimizer minimises: paper or machine; the optimizer's own unless given", type: 'text', choices: COSTS },
  objective: { means: 'latency, energy or edp', type: 'text', choices: OBJECTIVES },
  powerCap: { means: 'most power a run may draw on average, in watts', type: 'number' },
  prefetch: { means: 'weights of later segments are staged ahead', type: 'boolean' },
  mostArrays: { means: 'most arrays one copy of a sub-operator may take', type: 'whole', least: 1 },
  seed: { means: 'seed of the optimizer', type: 'whole', least: 0 },
};

/** Numbers of the hardware file under short names; `W` and `A` are the bits of a weight and of an activation. */
const SHORT_NAMES: Readonly<Record<string, readonly string[]>> = {
  arrays: ['arrays.count'],
  rows: ['compute.rows'],
  columns: ['compute.weights.W.perRow'],
  writeRow: ['compute.weights.W.writeRow'],
  mvm: ['compute.activations.A.mvm'],
  macEnergy: ['compute.macEnergy.AxW'],
  arrayBytes: ['memory.bytes'],
  arrayRate: ['memory.read', 'memory.write'],
  bufferBanks: ['buffer.banks'],
  bufferBankBytes: ['buffer.bankBytes'],
  bufferBankRate: ['buffer.bankRate'],
  externalRate: ['external.rate'],
  externalLatency: ['external.latency'],
  vectorRate: ['vector.rate'],
  switchTime: ['switch.toCompute', 'switch.toMemory'],
};

const BIND = /^bind\.(.{1,100})$/s;
export const DEFAULT_BITS = 8;

/** The symbolic dimension that a field binds, if it does. */
export function boundDimension(field: string): string | undefined {
  return BIND.exec(field)?.[1];
}

export function isRunField(field: string): boolean {
  return Object.hasOwn(RUN_FIELDS, field) || boundDimension(field) !== undefined;
}

/** Every name a spec may use with these chips, for finding what was meant. */
export function fieldNames(chips: readonly HardwareFile[]): readonly string[] {
  const paths = chips.flatMap((chip) => leavesOf(chip).map((leaf) => leaf.path));
  return [...new Set([...Object.keys(RUN_FIELDS), ...Object.keys(SHORT_NAMES), ...paths])].filter((name) => name !== 'schemaVersion');
}

/** The paths of the hardware file that a field stands for at the precision of the settings. */
export function hardwarePaths(field: string, settings: Settings): readonly string[] {
  if (!Object.hasOwn(SHORT_NAMES, field)) return [field];
  const weight = String(settings.weightBits ?? DEFAULT_BITS);
  const activation = String(settings.activationBits ?? DEFAULT_BITS);
  return SHORT_NAMES[field]!.map((path) =>
    path.replace('.AxW', `.${activation}x${weight}`).replace('.W.', `.${weight}.`).replace('.A.', `.${activation}.`),
  );
}

/** What a run field should have been, if the value is none of its own. */
export function wrongValue(field: string, value: Setting): string | undefined {
  const known: RunField | undefined = Object.hasOwn(RUN_FIELDS, field)
    ? RUN_FIELDS[field]
    : boundDimension(field) === undefined
      ? undefined
      : { means: '', type: 'whole', least: 1 };
  if (known === undefined) return typeof value === 'string' ? 'a number, or true or false' : undefined;
  if (known.type === 'text') {
    if (typeof value !== 'string' || value === '') return 'text';
    if (field === 'optimizer') return isOptimizer(value) ? undefined : meantOf(value, OPTIMIZER_NAMES);
    return known.choices?.includes(value) === false ? meantOf(value, known.choices) : undefined;
  }
  if (known.type === 'boolean') return typeof value === 'boolean' ? undefined : 'true or false';
  if (known.type === 'number') return typeof value === 'number' && value > 0 ? undefined : 'a number above 0';
  const least = known.least ?? 0;
  return Number.isSafeInteger(value) && (value as number) >= least ? undefined : `a whole number of at least ${least}`;
}

function meantOf(value: string, names: readonly string[]): string {
  const meant = nearest(value, names);
  return meant === undefined ? either(names) : `'${meant}'`;
}

function isOptimizer(name: string): boolean {
  try {
    findOptimizer(name);
    return true;
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return false;
  }
}
