// A model's own quantisation (QLinear, QDQ): what stored integers mean by their scales and zero points.

import { fail, internal } from '../base/problem.ts';
import type { Tensor, TensorId } from '../ir/graph.ts';
import type { NumberFormat } from './number-format.ts';

/** Values of a tensor in row-major order; integers as they are stored where the tensor has a quantisation of its own. */
export type TensorValues = (tensor: Tensor) => ArrayLike<number>;

/** What a constant means: its own quantisation applied. */
export function realValues(tensor: Tensor, tensors: ReadonlyMap<TensorId, Tensor>, values: TensorValues): Float64Array {
  const reals = new Float64Array(values(tensor));
  if (tensor.quantization === undefined) return reals;
  const { channel, scales, zeroPoints } = ownQuantisation(tensor, tensors, values);
  for (let i = 0; i < reals.length; i++) {
    reals[i] = (scales[channel(i) % scales.length] ?? 1) * (reals[i]! - (zeroPoints[channel(i) % zeroPoints.length] ?? 0));
  }
  return reals;
}

export interface Own {
  /** Place of an element along the axis that has a scale for each. */
  readonly channel: (element: number) => number;
  readonly scales: ArrayLike<number>;
  readonly zeroPoints: ArrayLike<number>;
}

export function ownQuantisation(tensor: Tensor, tensors: ReadonlyMap<TensorId, Tensor>, values: TensorValues): Own {
  const { quantization, shape } = tensor;
  const read = (id: TensorId | undefined, otherwise: number): ArrayLike<number> => {
    if (id === undefined) return [otherwise];
    const found = tensors.get(id);
    if (found === undefined) throw internal(`'${tensor.id}' is quantised by '${id}', which is no tensor`);
    if (found.role !== 'weight') {
      const next = 'Export it with static quantisation.';
      return fail({ kind: 'run', where: `tensor '${tensor.id}'`, reason: 'its scale is computed when the network runs', next });
    }
    return values(found);
  };
  const inner = quantization?.axis === undefined ? 1 : shape.slice(quantization.axis + 1).reduce((a, b) => a * b, 1);
  return {
    channel: quantization?.axis === undefined ? () => 0 : (element) => Math.floor(element / inner) % (shape[quantization.axis ?? 0] ?? 1),
    scales: read(quantization?.scale, 1),
    zeroPoints: read(quantization?.zeroPoint, 0),
  };
}

/** Integers that a stored type holds. */
export const INTEGER_RANGES: Partial<Record<Tensor['dtype'], readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int4: [-8, 7],
  uint4: [0, 15],
  int2: [-2, 1],
  uint2: [0, 3],
  bool: [0, 1],
};

/** Format of a quantize step with one scale for the whole tensor. */
export function quantizeFormat(
  operands: readonly TensorId[],
  tensors: ReadonlyMap<TensorId, Tensor>,
  values: TensorValues,
): NumberFormat | undefined {
  const [scale, zeroPoint] = operands.map((id) => tensors.get(id));
  if (scale === undefined || scale.role !== 'weight' || scale.positions * scale.features !== 1) return undefined;
  const [lowest, highest] = INTEGER_RANGES[zeroPoint?.dtype ?? 'uint8'] ?? [-128, 127];
  const zero = zeroPoint === undefined ? 0 : (values(zeroPoint)[0] ?? 0);
  return { scale: Math.fround(values(scale)[0] ?? 1), zeroPoint: zero, lowest, highest, single: true };
}
