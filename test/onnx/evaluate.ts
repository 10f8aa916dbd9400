// What a small model computes, by the reference evaluation of its graph, with seeded numbers for inputs and weights.

import type { Graph, Tensor } from '../../lib/ir/graph.ts';
import { type Imported, runImport } from '../../lib/onnx/import-onnx.ts';
import { evaluateReal } from '../../lib/workload/reference/evaluate.ts';
import { randomFrom } from '../support/networks.ts';
import { impossible } from './impossible.ts';

/** The same numbers for the same name, from -2 to 2. */
export function numbersOf(name: string, count: number): number[] {
  const random = randomFrom([...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7));
  return Array.from({ length: count }, () => random(-1000, 1000) / 500);
}

/** Elements of each output, in the graph's order. */
export function evaluate(graph: Graph, { values }: Pick<Imported, 'values'>): number[][] {
  const count = ({ shape }: Tensor): number => shape.reduce((a, b) => a * b, 1);
  const constant = (tensor: Tensor): ArrayLike<number> => {
    const name = tensor.source ?? tensor.id;
    return values.get(name)?.elements() ?? numbersOf(name, count(tensor));
  };
  const tensors = new Map(graph.tensors.map((tensor) => [tensor.id, tensor]));
  const inputs = graph.inputs.map((id) => [id, numbersOf(id, count(tensors.get(id) ?? impossible()))] as const);
  const outputs = evaluateReal(graph, constant, Object.fromEntries(inputs));
  return graph.outputs.map((id) => [...(outputs.get(id) ?? impossible(id))]);
}

/** Graph and outputs of a model. */
export function evaluated(bytes: Uint8Array): { graph: Graph; outputs: number[][] } {
  const imported = runImport(bytes);
  const graph = imported.graph ?? impossible();
  return { graph, outputs: evaluate(graph, imported) };
}

/** The largest difference, relative to 1 and the larger number. */
export function furthest(found: readonly number[] | undefined, expected: readonly number[]): number {
  if (found?.length !== expected.length) return Number.POSITIVE_INFINITY;
  return Math.max(0, ...expected.map((value, i) => Math.abs(value - (found[i] ?? Number.NaN)) / (1 + Math.abs(value))));
}
