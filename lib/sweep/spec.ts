// Spec: what a sweep varies, as a user writes it in JSON or in a notebook.
//
//   spec   ::= fixed settings, axes (each alone or several together), how to sample, objectives, constraints
//   point  ::= one setting for every field: a model on a chip with some numbers replaced, compiled in some way
//
// check-spec.ts turns it into a Space, whose points can be counted and told one by one without listing them.

import type { HardwareFile } from '../hardware/hardware.ts';
import type { AreaModel } from './area.ts';
import type { MetricName } from './metrics.ts';

export type Setting = number | string | boolean;
/** Settings by field: `{ model: 'resnet18.onnx', batch: 1, 'external.rate': 32 }`. */
export type Settings = Readonly<Record<string, Setting>>;

/**
 * Numbers from `from` to `to`: by `step`, or `count` of them evenly or (`scale: 'log'`) by equal factors. With neither:
 * all whole numbers between, or, where an end is not whole or `whole` is false, any number (samples only).
 */
export interface RangeSpec {
  readonly from: number;
  readonly to: number;
  readonly step?: number;
  readonly count?: number;
  readonly scale?: 'linear' | 'log';
  /** Round to whole numbers. */
  readonly whole?: boolean;
}

export type AxisSpec = readonly Setting[] | RangeSpec;

export const SAMPLE_KINDS = ['grid', 'random', 'latin-hypercube', 'one-at-a-time', 'search'] as const;
export type SampleKind = (typeof SAMPLE_KINDS)[number];

export interface SampleSpec {
  readonly kind: SampleKind;
  /** Points of a random or Latin-hypercube sample, or that a search may evaluate. */
  readonly count?: number;
  readonly seed?: number;
}

export interface Bounds {
  readonly most?: number;
  readonly least?: number;
}

export interface SweepSpec {
  readonly schemaVersion?: 1;
  readonly title?: string;
  /** Settings of every point. */
  readonly fixed?: Settings;
  /** Fields that vary independently of each other; the last one fastest. */
  readonly axes?: Readonly<Record<string, AxisSpec>>;
  /** Fields that vary in step: lists of equal length by field. */
  readonly together?: readonly Readonly<Record<string, readonly Setting[]>>[];
  /** 'grid' unless said otherwise. */
  readonly sample?: SampleSpec;
  /** What is to be made small (throughputPerSecond: large); latency and energy unless said otherwise. */
  readonly objectives?: readonly string[];
  /** Bounds on metrics; points outside are kept apart. Area is checked before anything is compiled. */
  readonly constraints?: Readonly<Record<string, Bounds>>;
  readonly area?: Partial<AreaModel>;
}

/** A dimension of the space: fields that take their values together. */
export type Axis =
  | { readonly kind: 'list'; readonly fields: readonly string[]; readonly values: readonly (readonly Setting[])[] }
  | {
      readonly kind: 'range';
      readonly fields: readonly [string];
      readonly from: number;
      readonly to: number;
      /** Infinity if any number between is a value. */
      readonly count: number;
      readonly scale: 'linear' | 'log';
      readonly whole: boolean;
    };

/** A checked spec with its files read. */
export interface Space {
  readonly title: string;
  readonly fixed: Settings;
  readonly axes: readonly Axis[];
  readonly sample: { readonly kind: SampleKind; readonly count: number; readonly seed: number };
  readonly objectives: readonly MetricName[];
  readonly constraints: Readonly<Partial<Record<MetricName, Bounds>>>;
  readonly area: AreaModel;
  /** By the path that the spec gives them. */
  readonly models: Readonly<Record<string, ModelFile>>;
  readonly chips: Readonly<Record<string, HardwareFile>>;
  /** Number of points that will be looked at. */
  readonly size: number;
}

/** A model by its content. */
export interface ModelFile {
  readonly name: string;
  readonly sha256: string;
  /** Where this machine has it. */
  readonly path: string;
}
