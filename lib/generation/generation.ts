// Generation: what a language model's prefill and generated tokens take on a chip, as plain data. Passes were simulated at
// a few lengths of the cache (`decode`); what lies between is on the lines through them.

import type { Bytes, Cycles, Picojoules, Precision } from '../base/units.ts';
import type { Component, Trace } from '../simulator/trace.ts';
import type { ExpertLoad } from '../workload/experts.ts';
import type { Pass, Workload } from '../workload/workload.ts';

/** Sums over a pass, or over several. */
export interface Spent {
  readonly cycles: Cycles;
  /** Of the cycles, those between segments: switching, and writing weights that were not written ahead. */
  readonly betweenCycles: Cycles;
  /** Cycles in which the external channel is busy. */
  readonly channelCycles: Cycles;
  readonly energyPicojoules: Readonly<Record<Component, Picojoules>>;
  readonly bytes: Trace['bytes'];
  /** Sum over arrays of the cycles each is in memory mode. */
  readonly memoryModeCycles: Cycles;
}

/** A pass that was compiled and simulated. */
export interface SimulatedPass extends Pass, Spent {
  readonly analyticCycles: Cycles;
  readonly lowerBoundCycles: Cycles;
  readonly segments: number;
  /** Keys and values of all layers and samples when the pass is over. */
  readonly cacheBytes: Bytes;
  /** Of those, what lies in memory-mode arrays and in the buffer when it is read; the rest comes from external memory. */
  readonly cacheOnChip: { readonly arrays: Bytes; readonly buffer: Bytes };
  /** Stored weights that were on the chip already, from the token before. */
  readonly residentBytes: Bytes;
  readonly experts: readonly ExpertLoad[];
  readonly milliseconds: { readonly load: number; readonly compile: number; readonly simulate: number };
}

export interface Generation {
  readonly schemaVersion: 1;
  readonly model: { readonly name: string };
  readonly hardware: { readonly name: string; readonly hash: string; readonly arrays: number; readonly clockHz: number };
  readonly precision: Precision;
  readonly optimizer: string;
  readonly workload: Required<Workload>;
  readonly prefill: SimulatedPass;
  /** Tokens that were simulated, by ascending length of the cache; empty if none is generated. */
  readonly decode: readonly SimulatedPass[];
  /** Latency of every generated token, in order. */
  readonly tokenCycles: readonly Cycles[];
  /** Sums over all generated tokens. */
  readonly decoding: Spent;
  /** Prefill and all tokens. */
  readonly total: Spent;
  readonly interpolation: {
    readonly simulatedTokens: number;
    readonly tokens: number;
    /** What was asked for. */
    readonly tolerance: number;
    /** Estimated relative error of the tokens' sum, from how far the middles of intervals were off the line; 0 if all were simulated. */
    readonly estimatedError: number;
  };
}
