// Operands: what an elementwise function reads besides the running value, element by element of its output, broadcast as
// ONNX does it: activations from what was read, constants from the network.

import type { Tensor, TensorId } from '../../ir/graph.ts';
import type { Context, Scratch } from './context.ts';
import { broadcastIndices, type Place, sizeOf } from './place.ts';

/** Changes `count` values from `at` on, which belong to elements `element` .. of the output. */
export type Step = (values: Float64Array, at: number, element: number, count: number) => void;

/** Real values for elements first .. first + out.length - 1 of a position: out[i] = value(element + i). */
export type Operand = (element: number, count: number, out: Float64Array, at: number) => void;

/** `channels`: a vector that belongs to axis 1, whatever ONNX's broadcasting would say. */
export function operandOf(id: TensorId, output: Tensor, place: Place, channels: boolean, context: Context, scratch: Scratch): Operand {
  const tensor = context.tensor(id);
  const isConstant = tensor.role === 'weight';
  const source = context.source(id);
  const numbers = isConstant ? (context.network.constants[id] ?? new Float64Array(0)) : (scratch.get(source) ?? new Int32Array(0));
  const { scale, zeroPoint } = isConstant ? { scale: 1, zeroPoint: 0 } : context.format(source);
  if (sizeOf(tensor.shape) === 1) {
    return (_, count, out, at) => void out.fill(scale * (numbers[0]! - zeroPoint), at, at + count);
  }
  const elementOf = isConstant ? undefined : context.place(source).elementOf;
  const isSame = !channels && tensor.shape.join() === output.shape.join();
  const indices = isSame
    ? undefined
    : broadcastIndices(output.shape, tensor.shape, channels ? Math.min(1, output.shape.length - 1) : undefined);
  // Usually a residual lies as the output does.
  if (indices === undefined && elementOf !== undefined && sameOrder(elementOf, place.elementOf)) {
    return (element, count, out, at) => {
      for (let i = 0; i < count; i++) out[at + i] = scale * (numbers[element + i]! - zeroPoint);
    };
  }
  const table = new Int32Array(place.indexOf.length);
  for (let element = 0; element < table.length; element++) {
    const index = place.indexOf[element]!;
    const own = indices === undefined ? index : indices[index]!;
    table[element] = elementOf === undefined ? own : elementOf[own]!;
  }
  return (element, count, out, at) => {
    for (let i = 0; i < count; i++) out[at + i] = scale * (numbers[table[element + i]!]! - zeroPoint);
  };
}

function sameOrder(a: Int32Array, b: Int32Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
