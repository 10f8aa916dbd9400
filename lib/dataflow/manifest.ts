// Graph -> the manifest of a program: what must be done, without views. A view is the same data under
// another shape, so whoever reads a view reads its source, through both windows.

import { assertNever } from '../base/problem.ts';
import { elementwiseWindow, type Range, sameWindow, type VectorClass, type Window, wholeWindow } from '../base/shapes.ts';
import { type Precision, WIDE_BITS } from '../base/units.ts';
import { type Graph, isMatrix, type Operator, type Tensor, type TensorId, tensorsOf } from '../ir/graph.ts';
import type { ManifestInput, ManifestOperator, ManifestTensor } from '../program/program.ts';
import { headsOf, windowBetween } from './token-major.ts';

function isCounted({ dtype, quantization }: Tensor): boolean {
  return quantization === undefined && /^u?int(16|32|64)$/.test(dtype);
}

/** The part of a matrix operator that one sub-operator computes. */
export interface Piece {
  /** Features of the output tensor. */
  readonly outputs: Range;
  /** Inner dimension, 0..n unless the operator was cut along n; then partial sums are accumulated in order. */
  readonly inner: Range;
}

export interface Manifest {
  readonly tensors: readonly ManifestTensor[];
  readonly operators: readonly ManifestOperator[];
}

/** What must be done for `graph`, its operators cut into `pieces`. */
export function manifestOf(
  graph: Graph,
  pieces: readonly { readonly parent: string; readonly piece: Piece }[],
  { activationBits }: Precision,
): Manifest {
  const tensors = tensorsOf(graph);
  const sources = new Map<TensorId, { readonly tensor: TensorId; readonly window: Window }>();
  const used = new Set<TensorId>(graph.inputs);
  const outputs = new Set<TensorId>(graph.outputs);
  const operators: ManifestOperator[] = [];
  const cuts = innerCuts(pieces);
  const partials: ManifestTensor[] = [];
  const heads = headsOf(graph);
  const headsIn = (id: TensorId): number => heads.get(id) ?? 1;
  const shapeIn = ({ id, positions, features }: Tensor) => ({ positions: positions / headsIn(id), features: features * headsIn(id) });

  const throughViews = (input: { readonly tensor: TensorId; readonly window: Window }): { tensor: TensorId; window: Window } => {
    const source = sources.get(input.tensor);
    return source === undefined ? input : { tensor: source.tensor, window: compose(input.window, source.window) };
  };
  for (const operator of graph.operators) {
    if (operator.kind === 'view') {
      const input = operator.inputs[0];
      if (input === undefined) continue;
      const source = throughViews(input);
      sources.set(operator.output, source);
      if (outputs.delete(operator.output)) outputs.add(source.tensor);
      continue;
    }
    const inputs = operator.inputs.map((input, i): ManifestInput => {
      const { tensor, window } = throughViews(input);
      return { tensor, window: windowBetween(window, headsIn(tensor), headsIn(operator.output)), use: useOf(operator, i) };
    });
    for (const { tensor } of inputs) used.add(tensor);
    used.add(operator.output);
    const output = tensors.get(operator.output);
    const sums = (cuts.get(operator.id) ?? []).map((upTo) => ({ tensor: `${operator.id}.sum${upTo}`, upTo }));
    for (const { tensor } of sums) {
      const shape = output === undefined ? { positions: 1, features: 1 } : shapeIn(output);
      partials.push({ id: tensor, role: 'activation', ...shape, bits: WIDE_BITS });
    }
    operators.push({
      id: operator.id,
      inputs,
      output: operator.output,
      ...(isMatrix(operator)
        ? { matrix: operator.attrs.matrix }
        : { vector: { class: vectorClass(operator), elements: vectorElements(operator, tensors) } }),
      steps: operator.epilogue.map(({ id, class: kind }) => ({ id, class: kind })),
      partials: sums,
    });
  }
  const declared = graph.tensors
    .filter(({ id, role }) => used.has(id) && role !== 'weight')
    .map((tensor) => {
      const role = outputs.has(tensor.id) ? 'output' : manifestRole(tensor.role);
      return { id: tensor.id, role, ...shapeIn(tensor), bits: isCounted(tensor) ? WIDE_BITS : activationBits } as const;
    });
  return { tensors: [...declared, ...partials], operators };
}

function manifestRole(role: string): 'input' | 'activation' | 'state' {
  return role === 'input' || role === 'state' ? role : 'activation';
}

/** Inner rows at which operators are cut, the last excepted. */
function innerCuts(pieces: readonly { readonly parent: string; readonly piece: Piece }[]): ReadonlyMap<string, readonly number[]> {
  const cuts = new Map<string, Set<number>>();
  const ends = new Map<string, number>();
  for (const { parent, piece } of pieces) {
    const set = cuts.get(parent) ?? new Set();
    cuts.set(parent, set.add(piece.inner.to));
    ends.set(parent, Math.max(ends.get(parent) ?? 0, piece.inner.to));
  }
  return new Map([...cuts].map(([id, set]) => [id, [...set].filter((upTo) => upTo !== ends.get(id)).sort((a, b) => a - b)]));
}

/** An operator's own inputs come first, those of its steps behind them; a tensor may be both. */
function useOf(operator: Operator, i: number): ManifestInput['use'] {
  if (!isMatrix(operator)) return 'stream';
  const isDynamic = operator.kind === 'matMul' && operator.attrs.dynamic;
  if (isDynamic && i > 0 && operator.inputs[i]?.tensor === operator.attrs.weight) return 'stationary';
  return i === 0 ? 'stream' : 'step';
}

function vectorClass(operator: Operator): VectorClass {
  switch (operator.kind) {
    case 'conv':
    case 'matMul':
    case 'view':
      return 'move';
    case 'activation':
    case 'elementwise':
    case 'pool':
    case 'reduce':
    case 'softmax':
    case 'normalize':
    case 'move':
      return operator.kind;
    default:
      return assertNever(operator);
  }
}

/** Elements the vector unit handles: a pool reads its window for every output, the others read each input once. */
function vectorElements(
  operator: Operator,
  tensors: ReadonlyMap<TensorId, { readonly positions: number; readonly features: number }>,
): number {
  const size = (id: TensorId | undefined): number => {
    const tensor = tensors.get(id ?? '');
    return tensor === undefined ? 0 : tensor.positions * tensor.features;
  };
  const output = size(operator.output);
  if (operator.kind === 'pool') return output * operator.attrs.kernel.reduce((area, length) => area * length, 1);
  return Math.max(output, size(operator.inputs[0]?.tensor));
}

/** Window of a reader of a view on the view's source. */
function compose(reader: Window, view: Window): Window {
  const outputs = reader.samples * reader.rowsOut * reader.widthOut;
  const between = reader.samples * reader.rowsIn * reader.widthIn;
  const inputs = view.samples * view.rowsIn * view.widthIn;
  if (sameWindow(view, elementwiseWindow(inputs)) && between === inputs) return reader;
  if (sameWindow(reader, elementwiseWindow(outputs)) && between === view.samples * view.rowsOut * view.widthOut) return view;
  const samples = reader.samples === view.samples && outputs % reader.samples === 0 && inputs % reader.samples === 0 ? reader.samples : 1;
  return wholeWindow(samples, inputs, outputs);
}

/** All features of a tensor. */
export function allFeatures(tensor: { readonly features: number }): Range {
  return { from: 0, to: tensor.features };
}
