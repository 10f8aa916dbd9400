// The way out of a product: sums + bias -> real values -> steps -> numbers of the output's format.

import type { Range } from '../../base/shapes.ts';
import type { MatrixOperator } from '../../ir/graph.ts';
import { roundHalfToEven, toInteger } from '../../workload/number-format.ts';
import type { ProductNumbers } from '../../workload/quantise.ts';
import type { Context, Scratch } from './context.ts';
import { stepsOf } from './steps.ts';

/** Turns sums into numbers in place, for `outputs` of positions from .. to - 1; `sums` begins at position `from`. */
export type Finisher = (sums: Float64Array, from: number, to: number, outputs: Range) => void;

export function finisher(operator: MatrixOperator, numbers: ProductNumbers, context: Context, scratch: Scratch): Finisher {
  const place = context.place(operator.output);
  const output = context.tensor(operator.output);
  const format = context.format(operator.output);
  const { bias, columnScales, multipliers } = numbers;
  const { features } = place;
  if (multipliers !== undefined) {
    return (sums, from, to, outputs) => {
      for (let p = 0; p < to - from; p++) {
        for (let c = outputs.from; c < outputs.to; c++) {
          const sum = sums[p * features + c]! + (bias?.[c] ?? 0);
          const integer = roundHalfToEven(Math.fround(Math.fround(sum) * multipliers[c]!)) + format.zeroPoint;
          sums[p * features + c] = Math.max(format.lowest, Math.min(format.highest, integer));
        }
      }
    };
  }
  const steps = stepsOf(operator, output, place, context, scratch);
  return (sums, from, to, outputs) => {
    const count = outputs.to - outputs.from;
    for (let p = 0; p < to - from; p++) {
      const at = p * features + outputs.from;
      for (let c = 0; c < count; c++) sums[at + c] = (sums[at + c]! + (bias?.[outputs.from + c] ?? 0)) * columnScales[outputs.from + c]!;
      for (const step of steps) step(sums, at, from * features + at, count);
      for (let c = 0; c < count; c++) sums[at + c] = toInteger(sums[at + c]!, format);
    }
  };
}
