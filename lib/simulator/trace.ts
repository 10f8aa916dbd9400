// Trace: what happened when a program ran, last of the four nouns.
// Summaries always; single jobs only if asked for (`SimulateOptions.onSpan`), because a long run has millions.

import type { Bytes, Cycles, Picojoules } from '../base/units.ts';
import type { Price } from '../hardware/hardware.ts';
import type { MetaOpKind } from '../program/program.ts';

export const COMPONENTS = [
  'mvm',
  'adc',
  'memoryArrays',
  'weightWrite',
  'buffer',
  'external',
  'vector',
  'switch',
  'refresh',
  'leakage',
] as const;
/** Where energy goes; `adc` is part of `mvm` where the chip's converters are not known apart. */
export type Component = (typeof COMPONENTS)[number];

/** What an operator took over the whole run, all its pieces; or what stands for none: moves, switches, and what time costs. */
export interface OperatorTrace {
  readonly id: string;
  readonly kind: 'operator' | 'moves' | 'switches' | 'static';
  readonly macs: number;
  readonly energyPicojoules: Readonly<Record<Component, Picojoules>>;
}

/** One meta-operator's life within a block; start of its first job to end of its last. */
export interface StatementTrace {
  readonly kind: MetaOpKind;
  /** Operator or tensor; for CM.switch the direction. */
  readonly label: string;
  readonly start: Cycles;
  readonly end: Cycles;
  readonly jobs: number;
  /** Busy cycles by resource, the reason it took what it took. */
  readonly busy: readonly { readonly resource: string; readonly cycles: Cycles }[];
  readonly arrays: readonly number[];
}

/** A parallel block with the boundary before it. */
export interface SegmentTrace {
  readonly id: number;
  readonly boundaryStart: Cycles;
  readonly start: Cycles;
  readonly end: Cycles;
  readonly boundary: readonly StatementTrace[];
  readonly statements: readonly StatementTrace[];
  /** Arrays in memory mode during the block. */
  readonly memoryMode: readonly number[];
}

/** A stretch of time and what bounds it: with the resource faster there, the run would be over sooner. */
export interface Stretch {
  readonly segment: number;
  readonly statement: number;
  readonly label: string;
  readonly resource: string;
  readonly start: Cycles;
  readonly end: Cycles;
}

export interface ResourceTrace {
  readonly id: string;
  readonly busyCycles: Cycles;
}

export interface Trace {
  readonly noun: 'trace';
  readonly schemaVersion: 1;
  readonly model: { readonly name: string; readonly hash: string };
  readonly hardware: { readonly name: string; readonly hash: string; readonly arrays: number };
  readonly makespanCycles: Cycles;
  /** Of the makespan, what passes between segments: switching, and writing weights that were not written ahead. */
  readonly boundaryCycles: Cycles;
  readonly clockHz: number;
  readonly segments: readonly SegmentTrace[];
  readonly resources: readonly ResourceTrace[];
  /** Traffic; `externalRead` and `externalWrite` are activations, weights are counted apart. */
  readonly bytes: {
    readonly externalRead: Bytes;
    readonly externalWrite: Bytes;
    readonly buffer: Bytes;
    readonly memoryArrays: Bytes;
    readonly weightsFetched: Bytes;
  };
  readonly energyPicojoules: Readonly<Record<Component, Picojoules>>;
  /** What the energy is the price of, in units of the price: energy = SUM usage * price. */
  readonly usage: Readonly<Record<Price, number>>;
  /** The sum with every energy of the chip's file at the least, and at the greatest, that its source allows; times as they are. */
  readonly energyRangePicojoules: { readonly least: Picojoules; readonly greatest: Picojoules };
  /** Its rows add up to `energyPicojoules`; empty if the segments were left out. */
  readonly operators: readonly OperatorTrace[];
  /** The critical path, if it was asked for: stretches without a gap from the beginning to the end. */
  readonly criticalPath?: readonly Stretch[];
  /** Absent where no area is published. */
  readonly areaSquareMillimetres?: number;
  /** Memory-mode array-cycles over all array-cycles. */
  readonly memoryModeShare: number;
  readonly events: number;
}

/** One job on one resource. */
export interface Span {
  readonly segment: number;
  readonly statement: number;
  readonly label: string;
  readonly resource: string;
  /** Part of the statement's work, and its part in that: 0 brings data, 1 works on it, 2 takes it away. */
  readonly chunk: number;
  readonly phase: 0 | 1 | 2;
  /** Arrays that are busy with it. */
  readonly arrays: readonly number[];
  readonly start: Cycles;
  readonly end: Cycles;
}

/** Data that one job made and another took up. */
export interface Flow {
  readonly from: Span;
  readonly to: Span;
}

/** How busy everything was over the time, in bins of equal length. Shares are of a bin, from 0 to 1. */
export interface Occupancy {
  readonly model: { readonly name: string };
  readonly hardware: { readonly name: string; readonly arrays: number };
  readonly makespanCycles: Cycles;
  readonly clockHz: number;
  readonly bins: number;
  /** Channel, buffer, vector unit, switch line. */
  readonly resources: readonly { readonly id: string; readonly busy: readonly number[] }[];
  /** Runs of arrays, one array each where the chip has few; shares are their mean. */
  readonly rows: readonly {
    readonly first: number;
    readonly count: number;
    readonly memoryMode: readonly number[];
    readonly computing: readonly number[];
    readonly written: readonly number[];
    /** Read or written as memory. */
    readonly accessed: readonly number[];
  }[];
}
