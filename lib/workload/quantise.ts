// Quantise: Graph + values of its weights + ranges of its activations -> the integers a chip works on.
// Symmetric: weights by output channel, activations by tensor; a QLinear or QDQ model's own scales where it has them.
//
//   real = scale * (integer - zeroPoint)                                for every tensor on the chip
//   sum  = SUM (x - zeroPoint_x) * (w - zeroPoint_w) + bias             whole numbers
//   real = columnScale * sum,  columnScale = scale_x * scale_w * alpha  then the steps, then the output's format
//   y    = float32(sum) * multiplier + zeroPoint_y                      where a QLinear operator asks for it, as ONNX Runtime does

import { fail, internal } from '../base/problem.ts';
import type { Precision } from '../base/units.ts';
import {
  type Graph,
  isMatrix,
  type MatrixOperator,
  type OperatorId,
  operandsOf,
  type Tensor,
  type TensorId,
  tensorsOf,
} from '../ir/graph.ts';
import { formatsOf, type Ranges } from './formats.ts';
import { largestInteger, type NumberFormat, symmetricFormat, toInteger, WHOLE_NUMBERS } from './number-format.ts';
import { ownQuantisation, realValues, type TensorValues } from './own-quantisation.ts';

/** The numbers of a matrix operator. Columns are its k * groups outputs. */
export interface ProductNumbers {
  /** Integers of a stored right operand, in the order of its tensor; absent if it is computed at run time. */
  readonly weights?: Int16Array;
  /** Whether a weight is stored unsigned. */
  readonly unsigned: boolean;
  readonly weightZeroPoints: Float64Array;
  readonly columnScales: Float64Array;
  /** Whole numbers, added to the sums. */
  readonly bias?: Float64Array;
  /** Format in which a right operand computed at run time is written. */
  readonly stationary?: NumberFormat;
  /** float32 numbers by which sums become the output's integers directly; see the head of this file. */
  readonly multipliers?: Float32Array;
}

export interface QuantisedNetwork {
  readonly graph: Graph;
  readonly precision: Precision;
  /** Of every tensor but weights; a view has its source's. */
  readonly formats: Readonly<Record<TensorId, NumberFormat>>;
  readonly products: Readonly<Record<OperatorId, ProductNumbers>>;
  /** Real values of constants that vector work uses. */
  readonly constants: Readonly<Record<TensorId, Float64Array>>;
}

/** The network in integers. Throws `run` for what cannot be quantised. */
export function quantise(graph: Graph, values: TensorValues, ranges: Ranges, precision: Precision): QuantisedNetwork {
  for (const [what, bits] of Object.entries(precision)) {
    if (bits < 2 || bits > 8) fail({ kind: 'run', where: what, reason: `${bits} bits cannot be run`, next: 'Run with 2 to 8 bits.' });
  }
  const tensors = tensorsOf(graph);
  const constants = constantsOf(graph, tensors, values);
  const formats = formatsOf(graph, tensors, values, ranges, precision);
  const products: Record<OperatorId, ProductNumbers> = {};
  for (const operator of graph.operators) {
    if (isMatrix(operator)) products[operator.id] = productNumbers(operator, tensors, values, formats, constants, precision);
  }
  return { graph, precision, formats, products, constants };
}

function constantsOf(graph: Graph, tensors: ReadonlyMap<TensorId, Tensor>, values: TensorValues): Record<TensorId, Float64Array> {
  const constants: Record<TensorId, Float64Array> = {};
  for (const operator of graph.operators) {
    const weight = isMatrix(operator) ? operator.attrs.weight : undefined;
    for (const id of operandsOf(operator)) {
      const tensor = tensors.get(id);
      if (tensor?.role === 'weight' && id !== weight) constants[id] ??= realValues(tensor, tensors, values);
    }
  }
  // An output that is a constant.
  for (const id of graph.outputs) {
    const tensor = tensors.get(id);
    if (tensor?.role === 'weight') constants[id] ??= realValues(tensor, tensors, values);
  }
  return constants;
}

function productNumbers(
  operator: MatrixOperator,
  tensors: ReadonlyMap<TensorId, Tensor>,
  values: TensorValues,
  formats: Readonly<Record<TensorId, NumberFormat>>,
  constants: Readonly<Record<TensorId, Float64Array>>,
  { weightBits, activationBits }: Precision,
): ProductNumbers {
  const { matrix, weight, bias } = operator.attrs;
  const columns = matrix.k * matrix.groups;
  const stream = formats[operator.inputs[0]?.tensor ?? ''];
  const tensor = tensors.get(weight);
  if (stream === undefined || tensor === undefined) throw internal(`operator '${operator.id}' reads what nobody made`);
  const alpha = operator.kind === 'matMul' ? (operator.attrs.scale ?? 1) : 1;
  const columnOf = columnOfElement(operator);
  const columnScales = new Float64Array(columns);
  const weightZeroPoints = new Float64Array(columns);
  let numbers: Pick<ProductNumbers, 'weights' | 'unsigned' | 'stationary'>;

  if (tensor.role !== 'weight') {
    const stored = formats[weight] ?? WHOLE_NUMBERS;
    const fits = stored.highest - stored.lowest < 2 ** weightBits;
    const stationary = fits ? stored : symmetricFormat(weightBits, stored.scale * largestInteger(activationBits));
    columnScales.fill(stream.scale * stationary.scale * alpha);
    weightZeroPoints.fill(stationary.zeroPoint);
    numbers = { unsigned: stationary.lowest >= 0, stationary };
  } else if (tensor.quantization !== undefined) {
    const { channel, scales, zeroPoints } = ownQuantisation(tensor, tensors, values);
    const stored = values(tensor);
    const [lowest, highest] = extent(stored);
    if (lowest < (lowest < 0 ? -(2 ** (weightBits - 1)) : 0) || highest >= 2 ** (lowest < 0 ? weightBits - 1 : weightBits)) {
      const reason = `its weights are stored as integers from ${lowest} to ${highest}, and the run has ${weightBits} bits a weight`;
      fail({ kind: 'run', where: `operator '${operator.id}'`, reason, next: 'Run with 8 bits.' });
    }
    for (let i = 0; i < stored.length; i++) {
      columnScales[columnOf(i)] = stream.scale * (scales[channel(i) % scales.length] ?? 1) * alpha;
      weightZeroPoints[columnOf(i)] = zeroPoints[channel(i) % zeroPoints.length] ?? 0;
    }
    numbers = { weights: new Int16Array(stored), unsigned: lowest >= 0 };
  } else {
    const real = values(tensor);
    const largest = new Float64Array(columns);
    for (let i = 0; i < real.length; i++) largest[columnOf(i)] = Math.max(largest[columnOf(i)]!, Math.abs(real[i]!));
    const ways = Array.from(largest, (magnitude) => symmetricFormat(weightBits, magnitude));
    for (const [column, { scale }] of ways.entries()) columnScales[column] = stream.scale * scale * alpha;
    const weights = new Int16Array(real.length);
    for (let i = 0; i < real.length; i++) weights[i] = toInteger(real[i]!, ways[columnOf(i)]!);
    numbers = { weights, unsigned: false };
  }
  const biases = bias === undefined ? undefined : constants[bias];
  return {
    ...numbers,
    columnScales,
    weightZeroPoints,
    ...(biases === undefined ? {} : { bias: biasNumbers(biases, columnScales, operator, tensors) }),
    ...multipliersOf(operator, columnScales, formats[operator.output]),
  };
}

function extent(values: ArrayLike<number>): readonly [number, number] {
  let [lowest, highest] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    lowest = Math.min(lowest, values[i]!);
    highest = Math.max(highest, values[i]!);
  }
  return [lowest, highest];
}

/** Output column of each element of a weight tensor: [k * groups, n], [groups, k, n], or [groups, n, k]. */
function columnOfElement(operator: MatrixOperator): (element: number) => number {
  const { n, k } = operator.attrs.matrix;
  if (operator.kind === 'conv' || operator.attrs.transposeWeight) return (element) => Math.floor(element / n);
  return (element) => Math.floor(element / (n * k)) * k + (element % k);
}

/** Real values of a matrix operator's bias, which QLinear operators store in whole numbers of the columns' scales. */
export function realBias(
  operator: MatrixOperator,
  tensors: ReadonlyMap<TensorId, Tensor>,
  values: TensorValues,
  formats: Readonly<Record<TensorId, NumberFormat>>,
): Float64Array | undefined {
  const tensor = tensors.get(operator.attrs.bias ?? '');
  if (tensor === undefined) return undefined;
  const bias = realValues(tensor, tensors, values);
  if (!isWholeBias(operator, tensor)) return bias;
  const weight = tensors.get(operator.attrs.weight);
  const scales = weight === undefined ? [1] : ownQuantisation(weight, tensors, values).scales;
  const stream = formats[operator.inputs[0]?.tensor ?? '']?.scale ?? 1;
  return bias.map((value, column) => value * stream * (scales[column % scales.length] ?? 1));
}

function isWholeBias({ onnxType }: MatrixOperator, bias: Tensor | undefined): boolean {
  return isQLinear(onnxType) && bias?.quantization === undefined && bias?.dtype === 'int32';
}

/** A QLinear operator's bias is stored in whole numbers of the columns' scales. */
function biasNumbers(
  bias: Float64Array,
  columnScales: Float64Array,
  operator: MatrixOperator,
  tensors: ReadonlyMap<TensorId, Tensor>,
): Float64Array {
  const whole = isWholeBias(operator, tensors.get(operator.attrs.bias ?? ''));
  return columnScales.map((scale, column) => {
    const value = bias[column % bias.length] ?? 0;
    return whole ? value : toInteger(value, { ...WHOLE_NUMBERS, scale });
  });
}

function isQLinear(onnxType: string): boolean {
  return onnxType.startsWith('QLinear') || onnxType.endsWith('.QGemm');
}

function multipliersOf(
  operator: MatrixOperator,
  columnScales: Float64Array,
  output: NumberFormat | undefined,
): Pick<ProductNumbers, 'multipliers'> {
  // Dequantising what was just quantised changes no number.
  const steps = operator.epilogue.map((step) => step.function).join();
  const direct = isQLinear(operator.onnxType) && (steps === 'quantize' || steps === 'quantize,dequantize');
  if (!direct || output === undefined) return {};
  return { multipliers: Float32Array.from(columnScales, (scale) => Math.fround(scale) / Math.fround(output.scale)) };
}
