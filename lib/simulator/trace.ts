// Trace: what happened when a program ran, last of the four nouns.
// Summaries always; single jobs only if asked for (`SimulateOptions.onSpan`), because a long run has millions.

import type { Bytes, Cycles, Picojoules } from '../base/units.ts';
import type { MetaOpKind } from '../program/program.ts';

export const COMPONENTS = ['mvm', 'memoryArrays', 'weightWrite', 'buffer', 'external', 'vector', 'switch', 'refresh', 'leakage'] as const;
/** Where energy goes. */
export type Component = (typeof COMPONENTS)[number];

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
  readonly start: Cycles;
  readonly end: Cycles;
}
