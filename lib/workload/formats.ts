// Formats of all activations: a model's own, that of the source where nothing is computed, whole numbers for what is counted
// or looked up, and otherwise symmetric by the range that calibration found.

import type { Precision } from '../base/units.ts';
import type { Graph, Operator, Tensor, TensorId } from '../ir/graph.ts';
import { type NumberFormat, symmetricFormat, WHOLE_NUMBERS } from './number-format.ts';
import { INTEGER_RANGES, ownQuantisation, quantizeFormat, type TensorValues } from './own-quantisation.ts';

/** Largest magnitude that each activation takes, by tensor. */
export type Ranges = Readonly<Record<TensorId, number>>;

/** A mask writes numbers like -3.4e38 or infinity, which no range should follow. */
const MOST_MEANT = 1e30;

/** The largest magnitude among values that are meant as numbers. */
export function rangeOf(values: ArrayLike<number>, atLeast = 0): number {
  let largest = atLeast;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude > largest && magnitude < MOST_MEANT) largest = magnitude;
  }
  return largest;
}

/** Of every tensor but weights; a view has its source's. */
export function formatsOf(
  graph: Graph,
  tensors: ReadonlyMap<TensorId, Tensor>,
  values: TensorValues,
  ranges: Ranges,
  { activationBits }: Precision,
): Record<TensorId, NumberFormat> {
  const formats: Record<TensorId, NumberFormat> = {};
  const own = (tensor: Tensor, dtype = tensor.dtype): NumberFormat | undefined => {
    if (tensor.quantization === undefined) return undefined;
    const { scales, zeroPoints } = ownQuantisation(tensor, tensors, values);
    const [lowest, highest] = INTEGER_RANGES[dtype] ?? [-128, 127];
    return { scale: Math.fround(scales[0] ?? 1), zeroPoint: zeroPoints[0] ?? 0, lowest, highest, single: true };
  };
  const given = (tensor: Tensor): NumberFormat => {
    if (isWhole(tensor)) {
      const [lowest, highest] = INTEGER_RANGES[tensor.dtype] ?? [WHOLE_NUMBERS.lowest, WHOLE_NUMBERS.highest];
      return { ...WHOLE_NUMBERS, lowest, highest };
    }
    return symmetricFormat(activationBits, ranges[tensor.id] ?? 0);
  };
  for (const id of graph.inputs) {
    const tensor = tensors.get(id);
    if (tensor !== undefined) formats[id] = own(tensor) ?? readersFormat(graph, id, tensors, values) ?? given(tensor);
  }
  for (const operator of graph.operators) {
    const tensor = tensors.get(operator.output);
    if (tensor === undefined) continue;
    const source = formats[operator.inputs[0]?.tensor ?? ''];
    // What DequantizeLinear makes of numbers that have no meaning of their own is new.
    const kept = copiesNumbers(operator) && (operator.kind !== 'elementwise' || source?.single) ? source : undefined;
    formats[tensor.id] = own(tensor) ?? kept ?? stepFormat(operator, tensors, values) ?? given(tensor);
  }
  return formats;
}

/** An input that is quantised before anything else comes quantised. */
function readersFormat(graph: Graph, id: TensorId, tensors: ReadonlyMap<TensorId, Tensor>, values: TensorValues): NumberFormat | undefined {
  const readers = graph.operators.filter(({ inputs }) => inputs.some(({ tensor }) => tensor === id));
  const formats = readers.map((reader) =>
    reader.kind === 'elementwise' && reader.attrs.function === 'quantize'
      ? quantizeFormat(reader.attrs.operands, tensors, values)
      : undefined,
  );
  return formats.every((format) => JSON.stringify(format) === JSON.stringify(formats[0])) ? formats[0] : undefined;
}

function isWhole({ dtype, quantization }: Tensor): boolean {
  return quantization === undefined && (dtype === 'bool' || /^u?int/.test(dtype));
}

/** Operators whose output holds no other numbers than their only input: it stays in the same format. */
export function copiesNumbers(operator: Operator): boolean {
  if (operator.kind === 'view') return true;
  if (operator.epilogue.length > 0) return false;
  if (operator.kind === 'elementwise') return operator.attrs.function === 'dequantize';
  if (operator.kind === 'pool') return operator.attrs.function === 'max';
  return (
    operator.kind === 'move' &&
    operator.inputs.length === 1 &&
    (operator.attrs.operands ?? []).length === 0 &&
    COPIES.has(operator.attrs.function)
  );
}

const COPIES = new Set(['transpose', 'slice', 'expand', 'tile', 'pad', 'padReflect', 'padEdge', 'padWrap', 'concat']);

/** The grid on which an operator leaves a value that ends in QuantizeLinear, DequantizeLinear: a QDQ model's own. */
function stepFormat(operator: Operator, tensors: ReadonlyMap<TensorId, Tensor>, values: TensorValues): NumberFormat | undefined {
  const own = operator.kind === 'elementwise' ? [operator.attrs] : [];
  const steps = [...own, ...operator.epilogue];
  const last = steps.at(-1)?.function === 'dequantize' ? steps.at(-2) : steps.at(-1);
  return last?.function === 'quantize' ? quantizeFormat(last.operands, tensors, values) : undefined;
}
