// Job and outcome: what a worker is asked and what it answers, as plain data, the same in a thread and on another machine.

import type { HardwareFile } from '../hardware/hardware.ts';
import type { AreaModel } from './area.ts';
import type { Metrics } from './metrics.ts';
import type { Run } from './run.ts';
import type { Bounds } from './spec.ts';

export interface Job {
  /** `codeVersion` of whoever asks; a worker of another version refuses. */
  readonly version: string;
  /** Every chip that a run names, by its hash. */
  readonly chips: Readonly<Record<string, HardwareFile>>;
  readonly area: AreaModel;
  /** Points with an area outside are not compiled. */
  readonly areaBounds: Bounds;
  readonly runs: readonly Run[];
}

export type Outcome = { readonly milliseconds: number } & (
  | { readonly status: 'done'; readonly metrics: Metrics }
  /** By its area, before anything was compiled. */
  | { readonly status: 'excluded'; readonly areaMm2: number }
  /** `certain`: the same run will fail again; else something like memory was short. `unable`: this worker lacks the model, another may not. */
  | { readonly status: 'failed'; readonly error: string; readonly certain: boolean; readonly unable?: boolean }
);

export function isWithin(value: number, { most, least }: Bounds): boolean {
  return (most === undefined || value <= most) && (least === undefined || value >= least);
}
