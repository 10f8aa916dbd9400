// The vectors of a matrix operator: for every position of its output and every group, where in the stream's tensor each
// element comes from. Convolutions take patches, matrix products rows.

import { fail } from '../../base/problem.ts';
import type { Range } from '../../base/shapes.ts';
import type { MatrixOperator, OperatorOf } from '../../ir/graph.ts';
import type { Context } from './context.ts';
import { boxIndices, type Place, sizeOf, stepsOf } from './place.ts';
import type { PieceLayout } from './tiles.ts';

/** Writes the vector of position `position`, all groups of the piece side by side, into `out` from `at` on. */
export type VectorReader = (numbers: Int32Array, position: number, out: Float64Array, at: number) => void;

export function vectorReader(operator: MatrixOperator, layout: PieceLayout, inner: Range, context: Context): VectorReader {
  const { k, groups } = operator.attrs.matrix;
  const output = context.place(operator.output);
  if (output.features !== k * groups) {
    const reason = `its output has ${output.features} features a position, not ${k} for each of ${groups} groups`;
    fail({ kind: 'run', where: `operator '${operator.id}'`, reason, next: 'This layout of heads cannot be run.' });
  }
  return operator.kind === 'conv' ? patches(operator, layout, inner, context) : rows(operator, layout, inner, context);
}

function patches(
  { attrs, inputs, output: outputId }: OperatorOf<'conv'>,
  { groups, firstGroup }: PieceLayout,
  inner: Range,
  context: Context,
): VectorReader {
  const { kernel, strides, dilations, pads, matrix } = attrs;
  const id = inputs[0]?.tensor ?? '';
  const source = context.source(id);
  const { elementOf } = context.place(source);
  const { zeroPoint } = context.format(source);
  const output = context.place(outputId);
  const [, channels = 1, ...sizesIn] = context.tensor(id).shape;
  const steps = stepsOf(sizesIn);
  const area = sizeOf(sizesIn);
  const taps = sizeOf(kernel);
  const tapAt = Array.from({ length: taps }, (_, tap) => coordinates(tap, kernel));
  const perGroup = channels / matrix.groups;
  const places = new Int32Array(taps);
  return (numbers, position, out, at) => {
    const [sample = 0, , ...to] = coordinates(output.indexOf[position * output.features]!, output.shape);
    for (const [tap, offsets] of tapAt.entries()) {
      let place = 0;
      for (const [d, size] of sizesIn.entries()) {
        const coordinate = to[d]! * strides[d]! + offsets[d]! * dilations[d]! - pads[d]!;
        if (coordinate < 0 || coordinate >= size) place = -1;
        else if (place >= 0) place += coordinate * steps[d]!;
      }
      places[tap] = place;
    }
    let next = at;
    for (let g = 0; g < groups; g++) {
      const first = (sample * channels + (firstGroup + g) * perGroup) * area;
      let tap = inner.from % taps;
      let plane = first + Math.floor(inner.from / taps) * area;
      for (let r = inner.from; r < inner.to; r++) {
        const place = places[tap]!;
        out[next++] = place < 0 ? zeroPoint : numbers[elementOf[plane + place]!]!;
        if (++tap === taps) {
          tap = 0;
          plane += area;
        }
      }
    }
  };
}

function rows(operator: OperatorOf<'matMul'>, { groups, firstGroup }: PieceLayout, inner: Range, context: Context): VectorReader {
  const { attrs, inputs } = operator;
  const { m, n, k, groups: allGroups } = attrs.matrix;
  const id = inputs[0]?.tensor ?? '';
  const { elementOf } = context.place(context.source(id));
  const stream = context.tensor(id).shape;
  const output = context.place(operator.output);
  const [from, to] = [attrs.streamAxis ?? stream.length - 1, attrs.outputAxis ?? output.shape.length - 1];
  const starts = vectorStarts(stream, from);
  const step = stepsOf(stream)[from] ?? 1;
  const numberOf = vectorNumbers(output, to);
  const vectors = output.indexOf.length / (output.shape[to] ?? 1);
  const apart = allGroups > 1 && vectors === m * allGroups;
  checkGroups(operator, context);
  return (numbers, position, out, at) => {
    let next = at;
    for (let g = firstGroup; g < firstGroup + groups; g++) {
      // Groups that are apart have vectors of their own; else each takes its part of the one vector.
      const vector = numberOf(position * output.features + g * k);
      const start = starts[vector % starts.length]! + (apart ? 0 : g * n * step);
      for (let r = inner.from; r < inner.to; r++) out[next++] = numbers[elementOf[start + r * step]!]!;
    }
  };
}

/** Group of the vectors at a position's columns of group g: which matrix of the right operand they are multiplied with. */
export function matrixOfGroup(operator: MatrixOperator, context: Context): (group: number) => number {
  if (operator.kind === 'conv') return (group) => group;
  const { m, k, groups } = operator.attrs.matrix;
  const output = context.place(operator.output);
  const to = operator.attrs.outputAxis ?? output.shape.length - 1;
  const vectors = output.indexOf.length / (output.shape[to] ?? 1);
  if (groups === 1 || vectors !== m * groups) return (group) => group;
  const numberOf = vectorNumbers(output, to);
  return (group) => Math.floor(numberOf(group * k) / m);
}

/** First index of every vector along `axis`; the rank stands for no axis. */
function vectorStarts(shape: readonly number[], axis: number): Int32Array {
  return boxIndices(
    shape.map((size, i) => (i === axis ? 1 : size)),
    stepsOf(shape),
  );
}

/** Number of the vector along `axis` that an element of the output belongs to. */
function vectorNumbers({ shape, indexOf }: Place, axis: number): (element: number) => number {
  const inner = sizeOf(shape.slice(axis + 1));
  const length = shape[axis] ?? 1;
  return (element) => {
    const index = indexOf[element]!;
    return Math.floor(index / (inner * length)) * inner + (index % inner);
  };
}

function coordinates(index: number, shape: readonly number[]): number[] {
  const at: number[] = new Array(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    at[axis] = index % shape[axis]!;
    index = Math.floor(index / shape[axis]!);
  }
  return at;
}

/**
 * Vectors of one group have to follow one another. A MatMul whose right operand is repeated over an axis in front of
 * another that counts groups is not of that kind.
 */
function checkGroups(operator: OperatorOf<'matMul'>, context: Context): void {
  if (operator.onnxType !== 'MatMul' || operator.attrs.matrix.groups === 1) return;
  const right = context.tensor(operator.attrs.weight).shape.slice(0, -2);
  const all = context.tensor(operator.output).shape.slice(0, -2);
  let repeated = false;
  for (const [axis, size] of all.entries()) {
    const own = right[axis - all.length + right.length] ?? 1;
    if (repeated && own > 1) {
      const reason = `its right operand of shape [${right.join(', ')}, ...] is repeated between its matrices`;
      fail({ kind: 'run', where: `operator '${operator.id}' (MatMul)`, reason, next: 'Export it with an Expand of that operand.' });
    }
    repeated ||= own === 1 && size > 1;
  }
}
