// VEC.run: vector operators, element by element of their output in the order it is streamed. Each makes real values of the
// numbers read; steps and format follow. What a result depends on is looked up by its index in ONNX's order.

import { fail, internal } from '../../base/problem.ts';
import type { Operator, OperatorOf, Tensor } from '../../ir/graph.ts';
import { type Activity, progressAt } from '../../program/geometry.ts';
import type { MetaOpOf } from '../../program/program.ts';
import { toInteger } from '../../workload/number-format.ts';
import type { Context, Scratch } from './context.ts';
import { moveTable } from './moves-of-vector.ts';
import { operandOf } from './operands.ts';
import { boxIndices, type Place, sizeOf, stepsOf as strides } from './place.ts';
import type { RunChunk } from './products.ts';
import { elementwise, refuse, stepsOf } from './steps.ts';
import { store } from './store.ts';

/** Real values of `count` elements from `element` on, into `out` from `at` on. */
type Evaluate = (element: number, count: number, out: Float64Array, at: number) => void;

export function vectorStatement(op: MetaOpOf<'VEC.run'>, activity: Activity, context: Context): RunChunk {
  const operator = context.operator(op.operator);
  const output = context.tensor(operator.output);
  const place = context.place(operator.output);
  const format = context.format(operator.output);
  const scratch = context.scratch(activity);
  const steps = stepsOf(operator, output, place, context, scratch);
  const parts: Parts = { output, place, context, scratch };
  const evaluate = evaluator(operator, parts);
  return (chunk) => {
    context.load(activity, chunk, scratch);
    const [from, to] = [progressAt(activity, chunk), progressAt(activity, chunk + 1)];
    const count = (to - from) * place.features;
    const first = from * place.features;
    const values = new Float64Array(count);
    evaluate(first, count, values, 0);
    for (const step of steps) step(values, 0, first, count);
    for (let i = 0; i < count; i++) values[i] = toInteger(values[i]!, format);
    store(activity.writes, from, to, values, from, context);
  };
}

interface Parts {
  readonly output: Tensor;
  readonly place: Place;
  readonly context: Context;
  readonly scratch: Scratch;
}

function evaluator(operator: Operator, parts: Parts): Evaluate {
  switch (operator.kind) {
    case 'activation':
      return elementwiseOf(operator, { ...operator.attrs, operands: [] }, parts);
    case 'elementwise':
      return elementwiseOf(operator, { parameters: [], ...operator.attrs }, parts);
    case 'pool':
      return pooling(operator, parts);
    case 'reduce':
      return reduction(operator, parts);
    case 'softmax':
      return alongFibres(operator, [operator.attrs.axis], parts, softmax);
    case 'normalize':
      return normalisation(operator, parts);
    case 'move':
      if (operator.attrs.function === 'gather') return gathering(operator, parts);
      return operator.attrs.function === 'gatherNd' ? gatheringTuples(operator, parts) : moving(operator, parts);
    default:
      throw internal(`'${operator.id}' is no vector operator`);
  }
}

type Elementwise = Parameters<typeof elementwise>[0];

function elementwiseOf(operator: Operator, step: Elementwise, { output, place, context, scratch }: Parts): Evaluate {
  const first = operator.inputs[0]?.tensor ?? '';
  const running = operandOf(first, output, place, false, context, scratch);
  const meant = context.tensor(first).quantization !== undefined;
  const evaluated = elementwise(step, operator, output, place, context, scratch, meant);
  return (element, count, out, at) => {
    running(element, count, out, at);
    evaluated(out, at, element, count);
  };
}

/** Numbers less their zero point by index in ONNX's order, and what one of them is worth. */
interface Source {
  readonly shape: readonly number[];
  readonly at: (index: number) => number;
  readonly scale: number;
}

function sourceOf(id: string, { context, scratch }: Parts): Source {
  const source = context.source(id);
  const { shape } = context.tensor(id);
  const { elementOf } = context.place(source);
  const { scale, zeroPoint } = context.format(source);
  const numbers =
    scratch.get(source) ??
    fail({ kind: 'run', where: `tensor '${id}'`, reason: 'is not read by its statement', next: 'Verify the program.' });
  return { shape, at: (index) => numbers[elementOf[index]!]! - zeroPoint, scale };
}

function pooling(operator: OperatorOf<'pool'>, parts: Parts): Evaluate {
  const { kernel, strides: by, dilations, pads, countIncludePad, function: name } = operator.attrs;
  if (name !== 'max' && name !== 'average') return refuse(operator, name);
  const source = sourceOf(operator.inputs[0]?.tensor ?? '', parts);
  const [, , ...sizesIn] = source.shape;
  const [, , ...sizesOut] = parts.output.shape;
  const steps = strides(sizesIn);
  const [area, areaOut] = [sizeOf(sizesIn), sizeOf(sizesOut)];
  const stepsOut = strides(sizesOut);
  const dims = sizesIn.length;
  const begin = new Int32Array(dims);
  const at = new Int32Array(dims);
  return (element, count, out, to) => {
    for (let i = 0; i < count; i++) {
      const index = parts.place.indexOf[element + i]!;
      const plane = Math.floor(index / areaOut) * area;
      const spot = index % areaOut;
      for (let d = 0; d < dims; d++) begin[d] = (Math.floor(spot / stepsOut[d]!) % sizesOut[d]!) * by[d]! - pads[d]!;
      let [sum, taken, counted, most] = [0, 0, 0, Number.NEGATIVE_INFINITY];
      at.fill(0);
      for (;;) {
        let place = plane;
        let inside = true;
        let padded = true;
        for (let d = 0; d < dims; d++) {
          const position = begin[d]! + at[d]! * dilations[d]!;
          if (position < 0 || position >= sizesIn[d]!) inside = false;
          if (position >= sizesIn[d]! + pads[dims + d]!) padded = false;
          place += position * steps[d]!;
        }
        if (padded) counted++;
        if (inside) {
          const number = source.at(place);
          taken++;
          sum += number;
          if (number > most) most = number;
        }
        let d = dims - 1;
        for (; d >= 0 && ++at[d]! === kernel[d]!; d--) at[d] = 0;
        if (d < 0) break;
      }
      out[to + i] = name === 'max' ? source.scale * most : (source.scale * sum) / (countIncludePad ? counted : taken);
    }
  };
}

/** Of the numbers of one result, in ascending order, and their scale. */
const REDUCTIONS: Readonly<Record<string, (numbers: Float64Array, scale: number) => number>> = {
  sum: (numbers, scale) => scale * sumOf(numbers),
  mean: (numbers, scale) => (scale * sumOf(numbers)) / numbers.length,
  max: (numbers, scale) => scale * largest(numbers),
  min: (numbers, scale) => -scale * largest(numbers.map((number) => -number)),
  prod: (numbers, scale) => accumulated(numbers, (product, number) => product * (scale * number), 1),
  l1: (numbers, scale) => accumulated(numbers, (sum, number) => sum + Math.abs(scale * number), 0),
  l2: (numbers, scale) => Math.sqrt(squares(numbers, scale)),
  sumSquare: squares,
  logSum: (numbers, scale) => Math.log(scale * sumOf(numbers)),
  logSumExp: (numbers, scale) => Math.log(accumulated(numbers, (sum, number) => sum + Math.exp(scale * number), 0)),
  argMax: (numbers) => numbers.indexOf(largest(numbers)),
  argMin: (numbers) => numbers.indexOf(-largest(numbers.map((number) => -number))),
};

function accumulated(numbers: Float64Array, add: (so: number, number: number) => number, first: number): number {
  let result = first;
  for (let i = 0; i < numbers.length; i++) result = add(result, numbers[i]!);
  return result;
}

function sumOf(numbers: Float64Array): number {
  return accumulated(numbers, (sum, number) => sum + number, 0);
}

function squares(numbers: Float64Array, scale: number): number {
  return accumulated(numbers, (sum, number) => sum + scale * number * (scale * number), 0);
}

function largest(numbers: Float64Array): number {
  return accumulated(numbers, (most, number) => (number > most ? number : most), Number.NEGATIVE_INFINITY);
}

function reduction(operator: OperatorOf<'reduce'>, parts: Parts): Evaluate {
  const fold = REDUCTIONS[operator.attrs.function] ?? refuse(operator, operator.attrs.function);
  const source = sourceOf(operator.inputs[0]?.tensor ?? '', parts);
  const { fixed, along } = fibres(source.shape, operator.attrs.axes);
  const numbers = new Float64Array(along.length);
  return (element, count, out, at) => {
    for (let i = 0; i < count; i++) {
      const start = fixed[parts.place.indexOf[element + i]!]!;
      for (const [j, offset] of along.entries()) numbers[j] = source.at(start + offset);
      out[at + i] = fold(numbers, source.scale);
    }
  };
}

/** First index of every fibre along `axes`, in ONNX's order, and the offsets of its elements. */
function fibres(shape: readonly number[], axes: readonly number[]): { readonly fixed: Int32Array; readonly along: Int32Array } {
  const steps = strides(shape);
  const part = (own: boolean): Int32Array =>
    boxIndices(
      shape.map((size, axis) => (axes.includes(axis) === own ? size : 1)),
      steps,
    );
  return { fixed: part(false), along: part(true) };
}

/** What a fibre of numbers becomes. `start`: its first index. */
type FibreFunction = (numbers: Float64Array, scale: number, start: number) => Float64Array;

/** Each fibre is evaluated once a chunk, with the first element of it that is asked for. */
function alongFibres(operator: Operator, axes: readonly number[], parts: Parts, evaluated: FibreFunction): Evaluate {
  const source = sourceOf(operator.inputs[0]?.tensor ?? '', parts);
  const { fixed, along } = fibres(source.shape, axes);
  const fibreOf = new Int32Array(sizeOf(source.shape));
  const placeIn = new Int32Array(fibreOf.length);
  for (const [fibre, start] of fixed.entries()) {
    for (let j = 0; j < along.length; j++) {
      fibreOf[start + along[j]!] = fibre;
      placeIn[start + along[j]!] = j;
    }
  }
  return (element, count, out, at) => {
    const results = new Map<number, Float64Array>();
    for (let i = 0; i < count; i++) {
      const index = parts.place.indexOf[element + i]!;
      const fibre = fibreOf[index]!;
      let result = results.get(fibre);
      if (result === undefined) {
        const start = fixed[fibre]!;
        result = evaluated(
          Float64Array.from(along, (offset) => source.at(start + offset)),
          source.scale,
          start,
        );
        results.set(fibre, result);
      }
      out[at + i] = result[placeIn[index]!]!;
    }
  };
}

function softmax(numbers: Float64Array, scale: number): Float64Array {
  const most = largest(numbers);
  const powers = numbers.map((number) => Math.exp(scale * (number - most)));
  const sum = sumOf(powers);
  return powers.map((power) => power / sum);
}

function normalisation(operator: OperatorOf<'normalize'>, parts: Parts): Evaluate {
  const { axis, epsilon, operands, function: name } = operator.attrs;
  const { shape } = parts.output;
  const constant = (id: string | undefined): Float64Array | undefined =>
    id === undefined ? undefined : parts.context.network.constants[id];
  const [scaleBy, shiftBy] = [constant(operands[0]), constant(operands[1])];
  if (operands.some((id) => constant(id) === undefined)) return refuse(operator, `${name} with operands computed at run time`);
  const to = (first: number): number[] => shape.map((_, a) => a).filter((a) => a >= first);
  const channelStep = strides(shape)[1] ?? 1;
  const channel = (start: number): number => Math.floor(start / channelStep) % (shape[1] ?? 1);
  const normalised = (
    axes: readonly number[],
    centred: boolean,
    norm: (values: Float64Array) => number,
    parameterOf?: (start: number) => number,
  ): Evaluate =>
    alongFibres(operator, axes, parts, (numbers, scale, start) => {
      const mean = centred ? sumOf(numbers) / numbers.length : 0;
      const values = numbers.map((number) => scale * (number - mean));
      const by = norm(values);
      return values.map((value, i) => {
        const parameter = parameterOf === undefined ? i : parameterOf(start);
        return (value / by) * (scaleBy?.[parameter] ?? 1) + (shiftBy?.[parameter] ?? 0);
      });
    });
  const deviation = (values: Float64Array): number => Math.sqrt(squares(values, 1) / values.length + epsilon);
  switch (name) {
    case 'layerNorm':
      return normalised(to(axis), true, deviation);
    case 'rmsNorm':
      return normalised(to(axis), false, deviation);
    case 'instanceNorm':
      return normalised(to(2), true, deviation, channel);
    case 'l1Norm':
      return normalised([axis], false, (values) => accumulated(values, (sum, value) => sum + Math.abs(value), 0));
    case 'l2Norm':
      return normalised([axis], false, (values) => Math.sqrt(squares(values, 1)));
    default:
      return refuse(operator, name);
  }
}

/** Real values of everything that is moved, in the node's order: streams, and constants at the places told. */
function movedSources({ inputs, attrs }: OperatorOf<'move'>, parts: Parts): readonly Source[] {
  const { constants } = parts.context.network;
  const operands = attrs.operands ?? [];
  const streams = inputs.map(({ tensor }) => tensor).filter((id) => !operands.includes(id));
  const places = attrs.parameters.operandAt ?? operands.map((_, i) => i);
  const all: string[] = [...streams];
  for (const [i, place] of places.entries()) all.splice(place, 0, operands[i] ?? '');
  return all.map((id) => {
    const values = constants[id];
    if (values === undefined || !operands.includes(id)) return sourceOf(id, parts);
    return { shape: parts.context.tensor(id).shape, at: (index) => values[index]!, scale: 1 };
  });
}

function moving(operator: OperatorOf<'move'>, parts: Parts): Evaluate {
  const sources = movedSources(operator, parts);
  const shapes = sources.map(({ shape }) => shape);
  const table = moveTable(operator, shapes, parts.output.shape) ?? refuse(operator, operator.attrs.function);
  const padding = operator.attrs.parameters.value?.[0] ?? 0;
  const ends = shapes.map((_, i) => shapes.slice(0, i + 1).reduce((sum, shape) => sum + sizeOf(shape), 0));
  return (element, count, out, at) => {
    for (let i = 0; i < count; i++) {
      const from = table[parts.place.indexOf[element + i]!]!;
      const number = ends.length === 1 ? 0 : ends.findIndex((end) => from < end);
      const source = sources[number];
      out[at + i] = from < 0 || source === undefined ? padding : source.scale * source.at(from - (ends[number - 1] ?? 0));
    }
  };
}

/** Rows of a table by numbers that are only known when the network runs. */
function gathering(operator: OperatorOf<'move'>, parts: Parts): Evaluate {
  const [table, rows] = movedSources(operator, parts);
  if (table === undefined || rows === undefined) return refuse(operator, 'gather');
  const axis = operator.attrs.parameters.axis?.[0] ?? 0;
  const size = table.shape[axis] ?? 1;
  const inner = sizeOf(table.shape.slice(axis + 1));
  const chosen = sizeOf(rows.shape);
  return (element, count, out, at) => {
    for (let i = 0; i < count; i++) {
      const index = parts.place.indexOf[element + i]!;
      const outer = Math.floor(index / (inner * chosen));
      const row = rows.scale * rows.at(Math.floor(index / inner) % chosen);
      const number = (outer * size + (row < 0 ? row + size : row)) * inner + (index % inner);
      out[at + i] = table.scale * table.at(number);
    }
  };
}

/** Slices of a tensor by tuples of numbers that are only known when the network runs. */
function gatheringTuples(operator: OperatorOf<'move'>, parts: Parts): Evaluate {
  const [table, tuples] = movedSources(operator, parts);
  if (table === undefined || tuples === undefined) return refuse(operator, 'gatherNd');
  const batch = operator.attrs.parameters.batch?.[0] ?? 0;
  const depth = tuples.shape.at(-1) ?? 1;
  const steps = strides(table.shape);
  const slice = sizeOf(table.shape.slice(batch + depth));
  const perBatch = sizeOf(tuples.shape.slice(batch, -1));
  return (element, count, out, at) => {
    for (let i = 0; i < count; i++) {
      const index = parts.place.indexOf[element + i]!;
      const tuple = Math.floor(index / slice);
      let place = Math.floor(tuple / perBatch) * (batch === 0 ? 0 : (steps[batch - 1] ?? 1)) + (index % slice);
      for (let d = 0; d < depth; d++) {
        const number = tuples.scale * tuples.at(tuple * depth + d);
        place += (number < 0 ? number + (table.shape[batch + d] ?? 0) : number) * (steps[batch + d] ?? 1);
      }
      out[at + i] = table.scale * table.at(place);
    }
  };
}
