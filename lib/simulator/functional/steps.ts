// Steps: the fused followers of an operator, applied to real values on their way out, and the format they leave in.

import { fail } from '../../base/problem.ts';
import { type EpilogueStep, type Operator, type OperatorId, type Tensor, tensorsOf } from '../../ir/graph.ts';
import { type ScalarFunction, scalarFunction } from '../../workload/functions.ts';
import { toInteger } from '../../workload/number-format.ts';
import { quantizeFormat } from '../../workload/own-quantisation.ts';
import type { Context, Scratch } from './context.ts';
import { type Operand, operandOf, type Step } from './operands.ts';
import type { Place } from './place.ts';
import { causalMask, rotary } from './positional.ts';

export function refuse(operator: Operator, name: string): never {
  const next = 'Compile and simulate it instead; docs/functional.md lists what can be run.';
  return fail({
    kind: 'run',
    where: `operator '${operator.id}' (${operator.onnxType})`,
    reason: `'${name}' cannot be computed here`,
    next,
  });
}

/** All steps of an operator, in order. */
export function stepsOf(operator: Operator, output: Tensor, place: Place, context: Context, scratch: Scratch): readonly Step[] {
  let meant = operator.kind === 'elementwise' && operator.attrs.function === 'quantize';
  return operator.epilogue.map((step) => {
    const made = elementwise(step, operator, output, place, context, scratch, meant);
    meant ||= step.function === 'quantize';
    return made;
  });
}

/** `meant`: quantised numbers are real values already, so that dequantising them is done. */
export function elementwise(
  step: Pick<EpilogueStep, 'function' | 'parameters' | 'operands'> & { readonly id?: OperatorId },
  operator: Operator,
  output: Tensor,
  place: Place,
  context: Context,
  scratch: Scratch,
  meant: boolean,
): Step {
  const { function: name, parameters, operands } = step;
  const constant = (tensor: Tensor): ArrayLike<number> => context.network.constants[tensor.id] ?? [];
  if (name === 'quantize') {
    const format = quantizeFormat(operands, tensorsOf(context.network.graph), constant);
    if (format === undefined) return refuse(operator, name);
    return eachOf((value) => format.scale * (toInteger(value, format) - format.zeroPoint));
  }
  if (name === 'dequantize') {
    const [scale = 1, zeroPoint = 0] = operands.map((id) => context.network.constants[id]?.[0]);
    return meant ? () => {} : eachOf((value) => scale * (value - zeroPoint));
  }
  if (name === 'rotary') return rotary(operator, parameters, operands, place, context, scratch);
  if (name === 'causalMask') return causalMask(parameters, output, place);
  const evaluated = scalarFunction(name, parameters, operands.length, output.dtype === 'bool' || /^u?int/.test(output.dtype));
  if (evaluated === undefined) return refuse(operator, name);
  const channels = name === 'batchNorm' || name === 'addToChannels';
  return withOperands(
    evaluated,
    operands.map((id) => operandOf(id, output, place, channels, context, scratch)),
  );
}

function eachOf(evaluated: (value: number) => number): Step {
  return (values, at, _, count) => {
    for (let i = at; i < at + count; i++) values[i] = evaluated(values[i]!);
  };
}

function withOperands(evaluated: ScalarFunction, operands: readonly Operand[]): Step {
  const others = new Float64Array(operands.length);
  let columns: readonly Float64Array[] = operands.map(() => new Float64Array(0));
  return (values, at, element, count) => {
    if ((columns[0]?.length ?? count) < count) columns = operands.map(() => new Float64Array(count));
    for (const [o, operand] of operands.entries()) operand(element, count, columns[o]!, 0);
    for (let i = 0; i < count; i++) {
      for (let o = 0; o < others.length; o++) others[o] = columns[o]![i]!;
      values[at + i] = evaluated(values[at + i]!, others);
    }
  };
}
