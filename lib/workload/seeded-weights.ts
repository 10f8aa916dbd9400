// Seeded weights: values for networks that come without any, so that functional runs and other tools have numbers.
// They make no sense as a trained network, but signals keep their size: variances stay positive, nothing overflows.
// seed + name, type and shape -> values; the same on every machine and in every order.

import { type Random, randomOf } from '../base/random.ts';
import { type ElementArray, zeros } from '../ir/elements.ts';
import type { DType } from '../ir/graph.ts';

export interface SeededTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Numbers are drawn in steps, this many at most: exact in float16 and bfloat16, too, so every reader sees the same values. */
const MOST_STEPS = 127;

/**
 * A function from a tensor to its values. Real matrices and kernels: normal, of about the variance 2 / fan-in (He et al.
 * 2015). Real vectors and scalars: uniform in 0.5 .. 1.5, as scales and variances have to be positive. Integers: uniform
 * over their range, or 0 .. 127 where that is larger. Floats of 8 bits and less, as there are several kinds: 1 or 2.
 */
export function seededWeights(seed: number): (tensor: SeededTensor) => ElementArray {
  return ({ name, dtype, shape }) => {
    const random = randomOf(seed, ...Array.from(name, (character) => character.codePointAt(0) ?? 0), ...shape);
    const count = shape.reduce((product, size) => product * size, 1);
    const values = zeros(dtype === 'string' ? 'uint8' : dtype, count);
    const draw = drawing(dtype, shape, random);
    for (let i = 0; i < count; i++) values[i] = draw();
    return values;
  };
}

function drawing(dtype: DType, shape: readonly number[], random: Random): () => number {
  const whole = (from: number, to: number) => (): number => from + Math.floor(random() * (to - from + 1));
  switch (dtype) {
    case 'float64':
    case 'float32':
    case 'float16':
    case 'bfloat16':
      if (shape.length < 2) return () => whole(64, 192)() / 128;
      return normal(Math.sqrt(2 / fanIn(shape)), random);
    case 'float8':
    case 'float4':
      return whole(1, 2);
    case 'bool':
    case 'uint2':
    case 'uint4':
    case 'uint8':
      return whole(0, { bool: 1, uint2: 3, uint4: 15, uint8: 255 }[dtype]);
    case 'int2':
    case 'int4':
    case 'int8':
      return whole(-{ int2: 1, int4: 7, int8: 127 }[dtype], { int2: 1, int4: 7, int8: 127 }[dtype]);
    default:
      return whole(0, 127);
  }
}

/** Inputs of one output: of a kernel [outputs, inputs, ...] exactly, of a matrix, which may be stored either way, at most. */
function fanIn(shape: readonly number[]): number {
  if (shape.length > 3) return shape.slice(1).reduce((product, size) => product * size, 1);
  return Math.max(...shape.slice(-2), 1);
}

/** Normal numbers (Box and Muller) in steps of a power of two, of which four deviations are at most 127. */
function normal(deviation: number, random: Random): () => number {
  const step = 2 ** Math.ceil(Math.log2((4 * deviation) / MOST_STEPS));
  return () => {
    const length = Math.sqrt(-2 * Math.log(1 - random()));
    const drawn = Math.round((deviation * length * Math.cos(2 * Math.PI * random())) / step);
    return step * Math.max(-MOST_STEPS, Math.min(MOST_STEPS, drawn));
  };
}
