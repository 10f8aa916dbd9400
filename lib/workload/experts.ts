// Experts: how a mixture of experts is loaded in a pass. Which expert a token goes to depends on the data; the graph has the
// expected number: tokens * k / experts vectors each (lib/onnx/microsoft/experts.ts). Graph -> load, to be said to people.

import { type Graph, tensorsOf } from '../ir/graph.ts';

export interface ExpertLoad {
  /** Layers with this load. */
  readonly layers: number;
  readonly experts: number;
  /** Experts a token goes to. */
  readonly perToken: number;
  /** Experts that have tokens, the only ones whose weights are read. */
  readonly active: number;
  /** Vectors each of those is expected to see, rounded up. */
  readonly vectorsEach: number;
}

/** Different loads of a network's mixtures; none if it has no such layer. */
export function expertLoads(graph: Graph): readonly ExpertLoad[] {
  const tensors = tensorsOf(graph);
  const loads = new Map<string, ExpertLoad>();
  for (const operator of graph.operators) {
    if (operator.kind !== 'move' || operator.attrs.function !== 'dispatch') continue;
    const { experts: [experts = 1] = [], k: [perToken = 1] = [] } = operator.attrs.parameters;
    const [active = 1, vectorsEach = 1] = tensors.get(operator.output)?.shape ?? [];
    const key = [experts, perToken, active, vectorsEach].join();
    loads.set(key, { layers: (loads.get(key)?.layers ?? 0) + 1, experts, perToken, active, vectorsEach });
  }
  return [...loads.values()];
}
