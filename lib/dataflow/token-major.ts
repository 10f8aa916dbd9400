// How heads lie in memory. A MatMul of `groups` matrices makes m * groups positions of k features in the graph, head
// after head; the arrays work on all heads of a token at once, so the program keeps its streams token by token:
// m positions of groups * k features. Graph -> the factor by which each tensor's positions become features.

import { elementwiseWindow, sameWindow, type Window, wholeWindow } from '../base/shapes.ts';
import { type Graph, isMatrix, type Operator, type TensorId, tensorsOf } from '../ir/graph.ts';

/** Heads side by side in a position, for the tensors that are kept token by token. */
export type Heads = ReadonlyMap<TensorId, number>;

/** Outputs and streams of products with several right operands, and what elementwise operators connect with them. */
export function headsOf(graph: Graph): Heads {
  const tensors = tensorsOf(graph);
  const heads = new Map<TensorId, number>();
  const note = (id: TensorId | undefined, groups: number): void => {
    const tensor = tensors.get(id ?? '');
    if (tensor !== undefined && tensor.role !== 'weight' && !heads.has(tensor.id) && tensor.positions % groups === 0)
      heads.set(tensor.id, groups);
  };
  for (const operator of graph.operators) if (isBatched(operator)) note(operator.output, operator.attrs.matrix.groups);
  for (const operator of graph.operators) if (isBatched(operator)) note(operator.inputs[0]?.tensor, operator.attrs.matrix.groups);
  for (const operators of [graph.operators, graph.operators.toReversed()]) {
    for (const operator of operators) {
      if (operator.kind === 'view' || isMatrix(operator)) continue;
      const streamed = operator.inputs[0];
      if (streamed === undefined || !isElementwise(streamed.window)) continue;
      const groups = heads.get(streamed.tensor) ?? heads.get(operator.output);
      if (groups === undefined) continue;
      note(streamed.tensor, groups);
      note(operator.output, groups);
    }
  }
  return heads;
}

function isBatched(operator: Operator): operator is Extract<Operator, { kind: 'matMul' }> {
  return operator.kind === 'matMul' && operator.attrs.matrix.groups > 1;
}

/** An operator's window between two tensors as the program keeps them: position by position, or all of it. */
export function windowBetween(window: Window, from: number, to: number): Window {
  if (from === 1 && to === 1) return window;
  const positionsIn = (window.samples * window.rowsIn * window.widthIn) / from;
  const positionsOut = (window.samples * window.rowsOut * window.widthOut) / to;
  return from === to && isElementwise(window) ? elementwiseWindow(positionsOut) : wholeWindow(1, positionsIn, positionsOut);
}

function isElementwise(window: Window): boolean {
  return sameWindow(window, elementwiseWindow(window.samples * window.rowsOut * window.widthOut));
}
