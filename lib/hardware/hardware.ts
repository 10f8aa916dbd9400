// Hardware: a chip as the rest of the compiler sees it (DEHA, Zhao et al. 2025, sec. 4.2).
// `HardwareFile` is what hw/*.json says, every number with its source; `Hardware` is what
// follows from it at a given precision, in whole cycles where the machine needs them.

import type { VectorClass } from '../base/shapes.ts';
import type { Bytes, BytesPerCycle, Cycles, Hertz, Picojoules, Precision } from '../base/units.ts';

/** published | published, read second-hand | derived | unknown (an assumption with a range). */
export const MARKS = ['P', 'P*', 'D', 'U'] as const;
export type Mark = (typeof MARKS)[number];

/** What energy is counted in, one price of the chip each: MACs, bytes, elements, switched arrays; and cycles of the whole run. */
export const PRICES = [
  'mac',
  'weightWriteByte',
  'memoryReadByte',
  'memoryWriteByte',
  'bufferReadByte',
  'bufferWriteByte',
  'externalByte',
  'vectorElement',
  'switchArray',
  'leakagePerCycle',
  'refreshPerCycle',
] as const;
export type Price = (typeof PRICES)[number];

/** A number with its unit and where it comes from; `range` is required where the mark is U. */
export interface Quantity {
  readonly value: number;
  readonly unit: string;
  readonly mark: Mark;
  readonly source: string;
  readonly range?: readonly [number, number];
}

/** A yes-or-no property of a chip, with the same provenance. */
export interface Choice {
  readonly value: boolean;
  readonly mark: Mark;
  readonly source: string;
}

export interface HardwareFile {
  readonly $schema?: string;
  readonly schemaVersion: 1;
  readonly name: string;
  readonly title: string;
  readonly references: readonly string[];
  readonly notes?: readonly string[];
  readonly clock: Quantity;
  readonly area?: Quantity;
  readonly arrays: { readonly count: Quantity; readonly grid: { readonly x: number; readonly y: number } };
  readonly compute: {
    readonly rows: Quantity;
    /** By weight bits: weights in a row, bits stored for one, time to write a row. */
    readonly weights: Readonly<Record<string, { readonly perRow: Quantity; readonly storedBits: Quantity; readonly writeRow: Quantity }>>;
    /** By activation bits: time of one matrix-vector product on one array. */
    readonly activations: Readonly<Record<string, { readonly mvm: Quantity }>>;
    /** By "activation bits x weight bits", e.g. "8x8". */
    readonly macEnergy: Readonly<Record<string, Quantity>>;
    /** What of macEnergy the converters take, where it is known. */
    readonly adcEnergy?: Readonly<Record<string, Quantity>>;
    /** Energy of writing weights; `memory.writeEnergy` if absent. */
    readonly writeEnergy?: Quantity;
    /** An array computes while another part of it is written. */
    readonly writesWhileComputing: Choice;
  };
  /** Absent, together with `switch`, if arrays only compute. */
  readonly memory?: {
    readonly bytes: Quantity;
    readonly read: Quantity;
    readonly write: Quantity;
    readonly readEnergy: Quantity;
    readonly writeEnergy: Quantity;
  };
  readonly buffer: {
    readonly banks: Quantity;
    readonly bankBytes: Quantity;
    readonly bankRate: Quantity;
    readonly readEnergy: Quantity;
    readonly writeEnergy: Quantity;
  };
  readonly external: {
    readonly rate: Quantity;
    readonly latency: Quantity;
    readonly energy: Quantity;
    /** One fetch of a weight tile reaches all of its copies. */
    readonly multicastWeights: Choice;
  };
  readonly vector: {
    readonly rate: Quantity;
    readonly rates?: Readonly<Partial<Record<VectorClass, Quantity>>>;
    readonly energy: Quantity;
  };
  readonly switch?: { readonly toCompute: Quantity; readonly toMemory: Quantity; readonly energy: Quantity };
  readonly power: { readonly leakage: Quantity; readonly refresh?: Quantity };
}

/** A chip at one precision. All of it plain data; hash is of the file's content and the precision. */
export interface Hardware {
  readonly noun: 'hardware';
  readonly schemaVersion: 1;
  readonly name: string;
  readonly title: string;
  readonly hash: string;
  readonly precision: Precision;
  readonly clockHz: Hertz;
  /** Arrays switch between computing and memory. If not, they only compute, and what follows of memory mode is 0. */
  readonly dualMode: boolean;
  /** Number of arrays, N_cim. */
  readonly arrays: number;
  readonly grid: { readonly x: number; readonly y: number };
  /** Weight tile of one array: rows x columns weights. */
  readonly tileRows: number;
  readonly tileColumns: number;
  readonly memoryBytesPerArray: Bytes;
  readonly mvmCycles: Cycles;
  /** MACs of one full tile per cycle, OP_cim. */
  readonly opCim: number;
  /** Rate of one memory-mode array, D_cim: the slower of its read and write ports. */
  readonly dCim: BytesPerCycle;
  readonly memoryReadBytesPerCycle: BytesPerCycle;
  readonly memoryWriteBytesPerCycle: BytesPerCycle;
  /** External plus internal bandwidth, D_main. */
  readonly dMain: BytesPerCycle;
  readonly bufferBytes: Bytes;
  readonly bufferBytesPerCycle: BytesPerCycle;
  readonly externalBytesPerCycle: BytesPerCycle;
  readonly externalLatencyCycles: Cycles;
  readonly multicastWeights: boolean;
  readonly writesWhileComputing: boolean;
  readonly writeCyclesPerRow: Cycles;
  readonly writeCyclesPerArray: Cycles;
  readonly storedBitsPerWeight: number;
  readonly switchCycles: { readonly memoryToCompute: Cycles; readonly computeToMemory: Cycles };
  readonly vectorElementsPerCycle: Readonly<Record<VectorClass, number>>;
  /** Absent where none is published. */
  readonly areaSquareMillimetres?: number;
  /** Of each price; `adc` is what of `mac` the converters take, 0 where that is not known. */
  readonly energy: Readonly<Record<Price | 'adc', Picojoules>>;
  /** How each derived constant was computed, by field name: "ceil(363 ns * 200 MHz) = 73". */
  readonly formulas: Readonly<Record<string, string>>;
  /** The file it came from, with every source and range. */
  readonly file: HardwareFile;
}
