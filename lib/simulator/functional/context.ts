// Context: what every statement of a run needs: the program by id, the network's operators and numbers, the storage.

import { fail, internal } from '../../base/problem.ts';
import { positionsNeeded, positionsReleased, type Range } from '../../base/shapes.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import { type Operator, type OperatorId, type Tensor, type TensorId, tensorsOf } from '../../ir/graph.ts';
import { type Activity, entry, indexProgram, type ProgramIndex, progressAt } from '../../program/geometry.ts';
import type { Program, RegionId } from '../../program/program.ts';
import type { NumberFormat } from '../../workload/number-format.ts';
import type { QuantisedNetwork } from '../../workload/quantise.ts';
import { type Converter, type ConverterOptions, converter, isIdeal } from './converter.ts';
import { type Place, placeOf } from './place.ts';
import { Storage } from './storage.ts';

export interface RunOptions {
  /** Of the arrays' converters; ideal unless told otherwise. */
  readonly converter?: ConverterOptions;
  /** Seed of the converters' noise. */
  readonly seed?: number;
  /** Products bit by bit even if the converters are ideal, for which whole-integer products give the same. */
  readonly bitSerial?: boolean;
}

/** Numbers a statement has read, by tensor: all of the tensor's elements, of which those it needs now are up to date. */
export type Scratch = ReadonlyMap<TensorId, Int32Array>;

/** Puts some features of positions from .. to - 1 into the tiles of an operand; `values` begins at position `origin`. */
export type OperandWriter = (features: Range, from: number, to: number, values: ArrayLike<number>, origin: number) => void;

export class Context {
  readonly index: ProgramIndex;
  readonly hardware: Hardware;
  readonly network: QuantisedNetwork;
  readonly storage: Storage;
  readonly tensors: ReadonlyMap<TensorId, Tensor>;
  /** Of regions that are weight tiles. */
  readonly operandWriters = new Map<RegionId, OperandWriter>();
  /** Absent for whole-integer products. */
  readonly convert: Converter | undefined;
  private readonly operators: ReadonlyMap<OperatorId, Operator>;
  private readonly sources = new Map<TensorId, TensorId>();
  private readonly places = new Map<TensorId, Place>();

  constructor(
    program: Program,
    hardware: Hardware,
    network: QuantisedNetwork,
    { converter: options = {}, seed = 0, bitSerial = false }: RunOptions,
  ) {
    this.index = indexProgram(program);
    this.hardware = hardware;
    this.network = network;
    this.storage = new Storage(hardware);
    this.tensors = tensorsOf(network.graph);
    this.operators = new Map(network.graph.operators.map((operator) => [operator.id, operator]));
    for (const operator of network.graph.operators) {
      if (operator.kind === 'view') this.sources.set(operator.output, this.source(operator.inputs[0]?.tensor ?? ''));
    }
    const direct = isIdeal(options, hardware.tileRows) && !bitSerial;
    this.convert = direct ? undefined : converter(options, hardware.tileRows, seed);
  }

  /** The tensor that is stored for a view, or the tensor itself. */
  source(id: TensorId): TensorId {
    return this.sources.get(id) ?? id;
  }

  tensor(id: TensorId): Tensor {
    const tensor = this.tensors.get(id);
    return (
      tensor ??
      fail({ kind: 'run', where: `tensor '${id}'`, reason: 'is not in the model', next: 'Give the model the program was compiled from.' })
    );
  }

  operator(id: OperatorId): Operator {
    const operator = this.operators.get(id);
    return (
      operator ??
      fail({ kind: 'run', where: `operator '${id}'`, reason: 'is not in the model', next: 'Give the model the program was compiled from.' })
    );
  }

  /** Where the elements of a stored tensor lie. */
  place(id: TensorId): Place {
    let place = this.places.get(id);
    if (place === undefined) {
      place = placeOf(this.tensor(id), entry(this.index.tensors, id));
      this.places.set(id, place);
    }
    return place;
  }

  format(id: TensorId): NumberFormat {
    const format = this.network.formats[id];
    if (format === undefined) throw internal(`'${id}' has no format`);
    return format;
  }

  scratch(activity: Activity): Scratch {
    return new Map(activity.reads.map(({ tensor }) => [tensor.id, new Int32Array(tensor.positions * tensor.features)]));
  }

  /** Reads what the statement needs for a chunk: from what is not released yet to what the chunk's last position needs. */
  load(activity: Activity, chunk: number, scratch: Scratch): void {
    for (const { region, tensor, features, window } of activity.reads) {
      const from = positionsReleased(window, progressAt(activity, chunk));
      const to = positionsNeeded(window, progressAt(activity, chunk + 1));
      const out = scratch.get(tensor.id);
      if (out !== undefined && to > from) this.storage.read(region, tensor, features, from, to, this.isSigned(tensor.id), out);
    }
  }

  /** Partial sums have no format of their own: they are signed. */
  private isSigned(id: TensorId): boolean {
    return (this.network.formats[id]?.lowest ?? -1) < 0;
  }
}
