// The reference: evaluates a Graph itself, operator by operator over whole tensors, on real numbers or on a quantised
// network's integers. What a program computes is compared with it. It knows nothing of programs, tiles or chips and shares
// with the machine only the network's numbers and the definitions of the elementwise functions.

import { fail, internal } from '../../base/problem.ts';
import { type Graph, isMatrix, type MatrixOperator, type Operator, type Tensor, type TensorId, tensorsOf } from '../../ir/graph.ts';
import { formatsOf } from '../formats.ts';
import { scalarFunction } from '../functions.ts';
import { type NumberFormat, roundHalfToEven, toInteger } from '../number-format.ts';
import { quantizeFormat, realValues, type TensorValues } from '../own-quantisation.ts';
import { type ProductNumbers, type QuantisedNetwork, realBias } from '../quantise.ts';
import { broadcast, type Dense, sizeOf } from './dense.ts';
import { move } from './moves.ts';
import { maskCausally, rotate } from './positional.ts';
import { convolve, multiply } from './products.ts';
import { normalize, pool, reduce, type Scaled, softmax } from './vectors.ts';

/** Values of tensors by id, in row-major order: integers where the evaluation is on integers. */
export type Evaluation = ReadonlyMap<TensorId, Float64Array>;
/** Real values of the network's inputs, by name. */
export type NetworkInputs = Readonly<Record<TensorId, ArrayLike<number>>>;

/** Called with every tensor as soon as it is known; integers if the evaluation is on integers. */
export type OnTensor = (id: TensorId, values: Float64Array) => void;

/** The outputs in real numbers, before any quantisation but a QDQ model's own. */
export function evaluateReal(graph: Graph, values: TensorValues, inputs: NetworkInputs, onTensor?: OnTensor): Evaluation {
  const tensors = tensorsOf(graph);
  const constant = (id: TensorId): Float64Array => realValues(tensorOf(tensors, id), tensors, values);
  const ofStep = (operands: readonly TensorId[]): NumberFormat | undefined => quantizeFormat(operands, tensors, values);
  const formats = formatsOf(graph, tensors, values, {}, { weightBits: 8, activationBits: 8 });
  const biasOf = (operator: MatrixOperator): Float64Array | undefined => realBias(operator, tensors, values, formats);
  return evaluate(graph, inputs, { constant, ofStep, biasOf }, onTensor);
}

/** The outputs in integers of their formats. */
export function evaluateIntegers(network: QuantisedNetwork, inputs: NetworkInputs, onTensor?: OnTensor): Evaluation {
  const constant = (id: TensorId): Float64Array => network.constants[id] ?? missing(id);
  const scales = tensorsOf(network.graph);
  const ofStep = (operands: readonly TensorId[]): NumberFormat | undefined =>
    quantizeFormat(operands, scales, ({ id }) => network.constants[id] ?? missing(id));
  const biasOf = ({ id }: MatrixOperator): Float64Array | undefined => network.products[id]?.bias;
  return evaluate(network.graph, inputs, { constant, ofStep, biasOf, network }, onTensor);
}

interface Numbers {
  readonly constant: (id: TensorId) => Float64Array;
  /** Format of a quantize step. */
  readonly ofStep: (operands: readonly TensorId[]) => NumberFormat | undefined;
  /** By output column: real values, or whole numbers that are added to the sums. */
  readonly biasOf: (operator: MatrixOperator) => Float64Array | undefined;
  /** Absent for an evaluation in real numbers. */
  readonly network?: QuantisedNetwork;
}

function evaluate(graph: Graph, inputs: NetworkInputs, numbers: Numbers, onTensor?: OnTensor): Evaluation {
  const tensors = tensorsOf(graph);
  const held = new Map<TensorId, Float64Array>();
  const lastUse = new Map<TensorId, number>();
  for (const [i, { inputs: read }] of graph.operators.entries()) for (const { tensor } of read) lastUse.set(tensor, i);
  const keep = (id: TensorId, values: Float64Array): void => {
    held.set(id, values);
    onTensor?.(id, values);
  };
  for (const id of graph.inputs) {
    const given = inputs[id] ?? missing(id);
    const format = numbers.network?.formats[id];
    const numbersOf = new Float64Array(given);
    keep(id, format === undefined ? numbersOf : numbersOf.map((value) => toInteger(value, format)));
  }
  const run = new Evaluator(tensors, held, numbers);
  for (const [i, operator] of graph.operators.entries()) {
    keep(operator.output, run.operator(operator));
    for (const { tensor } of operator.inputs) if (lastUse.get(tensor) === i && !graph.outputs.includes(tensor)) held.delete(tensor);
  }
  return new Map(graph.outputs.map((id) => [id, held.get(id) ?? numbers.constant(id)]));
}

class Evaluator {
  private readonly tensors: ReadonlyMap<TensorId, Tensor>;
  private readonly held: ReadonlyMap<TensorId, Float64Array>;
  private readonly numbers: Numbers;

  constructor(tensors: ReadonlyMap<TensorId, Tensor>, held: ReadonlyMap<TensorId, Float64Array>, numbers: Numbers) {
    this.tensors = tensors;
    this.held = held;
    this.numbers = numbers;
  }

  operator(operator: Operator): Float64Array {
    const output = tensorOf(this.tensors, operator.output);
    if (operator.kind === 'view') return this.held.get(operator.inputs[0]?.tensor ?? '') ?? missing(operator.id);
    if (isMatrix(operator)) return this.product(operator, output);
    return this.finish(operator, this.vector(operator, output) ?? unknown(operator), output);
  }

  private product(operator: MatrixOperator, output: Tensor): Float64Array {
    const { attrs } = operator;
    const x = this.centred(operator.inputs[0]?.tensor ?? '');
    const shape = tensorOf(this.tensors, attrs.weight).shape;
    const numbers = this.numbers.network?.products[operator.id];
    const w = { shape, data: numbers === undefined ? this.real(attrs.weight).data : this.stationary(operator, numbers) };
    const sums = operator.kind === 'conv' ? convolve(operator, { x, w }, output) : multiply(operator, { x, w }, output);
    const column = columnOf(operator, output);
    const bias = this.numbers.biasOf(operator);
    const biasAt = (i: number): number => (bias === undefined ? 0 : bias[column(i) % bias.length]!);
    if (numbers === undefined) {
      const alpha = operator.kind === 'matMul' ? (operator.attrs.scale ?? 1) : 1;
      const reals = sums.map((sum, i) => alpha * sum + biasAt(i));
      return this.finish(operator, reals, output);
    }
    const { multipliers, columnScales } = numbers;
    const format = this.numbers.network?.formats[output.id];
    if (multipliers !== undefined && format !== undefined) {
      const scaled = (sum: number, i: number): number => Math.fround(Math.fround(sum + biasAt(i)) * multipliers[column(i)]!);
      return sums.map((sum, i) => clamp(roundHalfToEven(scaled(sum, i)) + format.zeroPoint, format));
    }
    const reals = sums.map((sum, i) => (sum + biasAt(i)) * columnScales[column(i)]!);
    return this.finish(operator, reals, output);
  }

  /** Numbers of the right operand less their zero points. */
  private stationary(operator: MatrixOperator, { weights, weightZeroPoints, stationary }: ProductNumbers): Float64Array {
    const { n, k } = operator.attrs.matrix;
    const byColumn = operator.kind === 'conv' || operator.attrs.transposeWeight;
    const zero = (i: number): number => weightZeroPoints[byColumn ? Math.floor(i / n) : Math.floor(i / (n * k)) * k + (i % k)]!;
    if (weights !== undefined) {
      const centred = new Float64Array(weights);
      if (weightZeroPoints.some((point) => point !== 0)) for (let i = 0; i < centred.length; i++) centred[i]! -= zero(i);
      return centred;
    }
    const stored = this.numbers.network?.formats[operator.attrs.weight];
    const integers = this.held.get(operator.attrs.weight);
    if (stored === undefined || stationary === undefined || integers === undefined) throw internal(`'${operator.id}' has no right operand`);
    if (stored === stationary) return integers.map((integer) => integer - stored.zeroPoint);
    return integers.map((integer) => toInteger(stored.scale * (integer - stored.zeroPoint), stationary) - stationary.zeroPoint);
  }

  /** undefined if the operator's function is not known. */
  private vector(operator: Operator, output: Tensor): Float64Array | undefined {
    const first = operator.inputs[0]?.tensor ?? '';
    switch (operator.kind) {
      case 'activation':
        return this.step(operator.attrs.function, operator.attrs.parameters, [], this.spread(first, output), output);
      case 'elementwise': {
        const { operands, parameters = [] } = operator.attrs;
        const meant = this.tensors.get(first)?.quantization !== undefined;
        return this.step(operator.attrs.function, parameters, operands, this.spread(first, output), output, meant);
      }
      case 'pool':
        return pool(operator, this.centred(first), output);
      case 'reduce':
        return reduce(operator, this.centred(first));
      case 'softmax':
        return softmax(operator, this.centred(first));
      case 'normalize':
        return normalize(
          operator,
          this.centred(first),
          operator.attrs.operands.map((id) => this.real(id)),
        );
      case 'move':
        return move(operator, this.moved(operator), output.shape);
      default:
        return undefined;
    }
  }

  /** Streams and constants of a move in the node's order. */
  private moved({ inputs, attrs }: Extract<Operator, { kind: 'move' }>): readonly Dense[] {
    const operands = attrs.operands ?? [];
    const at = attrs.parameters.operandAt ?? operands.map((_, i) => i);
    const streams = inputs.filter(({ tensor }) => !operands.includes(tensor)).map(({ tensor }) => this.real(tensor));
    const all: Dense[] = [];
    for (let i = 0, o = 0, s = 0; o + s < operands.length + streams.length; i++) {
      const next = at.includes(i) && o < operands.length ? this.real(operands[o++] ?? '') : streams[s++];
      if (next !== undefined) all.push(next);
    }
    return all;
  }

  /** The steps, and the output's own format if there is one. */
  private finish(operator: Operator, reals: Float64Array, output: Tensor): Float64Array {
    let values = reals;
    let meant = operator.kind === 'elementwise' && operator.attrs.function === 'quantize';
    for (const { function: name, parameters, operands } of operator.epilogue) {
      values = this.step(name, parameters, operands, values, output, meant) ?? unknown(operator, name);
      meant ||= name === 'quantize';
    }
    const format = this.numbers.network?.formats[output.id];
    return format === undefined ? values : values.map((value) => toInteger(value, format));
  }

  /** An elementwise function. `meant`: quantised numbers are real values here already, so that dequantising them is done. */
  private step(
    name: string,
    parameters: readonly number[],
    operands: readonly TensorId[],
    running: Float64Array,
    output: Tensor,
    meant = false,
  ): Float64Array | undefined {
    if (name === 'quantize') {
      const format = this.numbers.ofStep(operands);
      return format && running.map((value) => realOf(toInteger(value, format), format));
    }
    if (name === 'dequantize') {
      if (meant) return running;
      const [scale = 1, zeroPoint = 0] = operands.map((id) => this.numbers.constant(id)[0]);
      return running.map((value) => scale * (value - zeroPoint));
    }
    if (name === 'rotary') {
      const tables = operands.map((id) => this.real(id));
      return rotate({ shape: output.shape, data: running }, parameters, tables);
    }
    if (name === 'causalMask') return maskCausally({ shape: output.shape, data: running }, parameters);
    const evaluated = scalarFunction(name, parameters, operands.length, isWhole(output));
    if (evaluated === undefined) return undefined;
    const channels = name === 'batchNorm' || name === 'addToChannels';
    const others = operands.map((id) => {
      const operand = this.real(id);
      return broadcast(operand, output.shape, channels ? Math.min(1, output.shape.length - 1) : undefined);
    });
    const at = new Float64Array(others.length);
    return running.map((value, i) => {
      for (const [o, other] of others.entries()) at[o] = other[i]!;
      return evaluated(value, at);
    });
  }

  private spread(id: TensorId, output: Tensor): Float64Array {
    return broadcast(this.real(id), output.shape);
  }

  private real(id: TensorId): Dense {
    const { shape } = tensorOf(this.tensors, id);
    const held = this.held.get(id);
    if (held === undefined) return { shape, data: this.numbers.constant(id) };
    const format = this.numbers.network?.formats[id];
    return { shape, data: format === undefined ? held : held.map((integer) => realOf(integer, format)) };
  }

  private centred(id: TensorId): Scaled {
    const { shape } = tensorOf(this.tensors, id);
    const held = this.held.get(id) ?? missing(id);
    const format = this.numbers.network?.formats[id];
    if (format === undefined) return { shape, data: held, scale: 1 };
    return { shape, data: format.zeroPoint === 0 ? held : held.map((integer) => integer - format.zeroPoint), scale: format.scale };
  }
}

function realOf(integer: number, { scale, zeroPoint }: NumberFormat): number {
  return scale * (integer - zeroPoint);
}

function clamp(integer: number, { lowest, highest }: NumberFormat): number {
  return Math.max(lowest, Math.min(highest, integer));
}

function isWhole({ dtype }: Tensor): boolean {
  return dtype === 'bool' || /^u?int/.test(dtype);
}

/** Output column of an element of a matrix operator's output. */
function columnOf(operator: MatrixOperator, { shape }: Tensor): (element: number) => number {
  const { k, m, groups } = operator.attrs.matrix;
  const axis = operator.kind === 'conv' ? 1 : (operator.attrs.outputAxis ?? shape.length - 1);
  const inner = sizeOf(shape.slice(axis + 1));
  const features = shape[axis] ?? 1;
  if (features === k * groups) return (element) => Math.floor(element / inner) % features;
  // Groups one behind the other: each has m vectors of k features.
  return (element) => {
    const vector = Math.floor(element / (inner * features)) * inner + (element % inner);
    return Math.floor(vector / m) * k + (Math.floor(element / inner) % features);
  };
}

function tensorOf(tensors: ReadonlyMap<TensorId, Tensor>, id: TensorId): Tensor {
  const tensor = tensors.get(id);
  if (tensor === undefined) throw internal(`'${id}' is no tensor`);
  return tensor;
}

function missing(id: TensorId): never {
  return fail({ kind: 'run', where: `tensor '${id}'`, reason: 'has no values', next: 'Give it in the input file.' });
}

function unknown(operator: Operator, name = 'function' in operator.attrs ? operator.attrs.function : operator.kind): never {
  const next = 'Compile and simulate it instead; docs/functional.md lists what can be run.';
  return fail({
    kind: 'run',
    where: `operator '${operator.id}' (${operator.onnxType})`,
    reason: `'${name}' cannot be computed here`,
    next,
  });
}
