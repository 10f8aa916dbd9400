// Calibrate: the largest magnitude that each activation takes when the network runs in real numbers on given inputs.

import type { Graph } from '../ir/graph.ts';
import { type Ranges, rangeOf } from './formats.ts';
import type { TensorValues } from './own-quantisation.ts';
import { type Evaluation, evaluateReal, type NetworkInputs } from './reference/evaluate.ts';

/** Ranges over all of `samples`; each is one set of the network's inputs. `onSample` gets each one's outputs in real numbers. */
export function calibrate(
  graph: Graph,
  values: TensorValues,
  samples: readonly NetworkInputs[],
  onSample?: (outputs: Evaluation) => void,
): Ranges {
  const ranges: Record<string, number> = {};
  const known = new Map<string, ArrayLike<number>>();
  const kept: TensorValues = (tensor) => {
    const found = known.get(tensor.id) ?? values(tensor);
    if (samples.length > 1) known.set(tensor.id, found);
    return found;
  };
  for (const inputs of samples) {
    const outputs = evaluateReal(graph, kept, inputs, (id, made) => {
      ranges[id] = rangeOf(made, ranges[id]);
    });
    onSample?.(outputs);
  }
  return ranges;
}
