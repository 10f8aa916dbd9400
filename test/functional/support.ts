// Networks with numbers for the functional tests: weights of hand-built graphs, ONNX models with weights inside, and what a
// program computes beside what the reference does.

import { emit } from '../../lib/emit/emit.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import { type Graph, isMatrix, type Tensor } from '../../lib/ir/graph.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { openWeights } from '../../lib/onnx/weights.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import type { Program } from '../../lib/program/program.ts';
import { type RunProgramOptions, runProgram } from '../../lib/simulator/functional/run-program.ts';
import { calibrate } from '../../lib/workload/calibrate.ts';
import type { TensorValues } from '../../lib/workload/own-quantisation.ts';
import { type QuantisedNetwork, quantise } from '../../lib/workload/quantise.ts';
import { evaluateIntegers, evaluateReal, type NetworkInputs } from '../../lib/workload/reference/evaluate.ts';
import { seededInputs } from '../../lib/workload/samples.ts';
import { randomFrom } from '../support/networks.ts';

export interface Numbered {
  readonly graph: Graph;
  readonly values: TensorValues;
}

/** A graph of NetworkBuilder's with random weights, which it only names. */
export function withWeights(graph: Graph, seed: number): Numbered {
  const weights = new Map<string, Float64Array>();
  const tensors = new Map(graph.tensors.map((tensor) => [tensor.id, tensor]));
  const random = randomFrom(seed ^ 0x77);
  for (const operator of graph.operators) {
    if (!isMatrix(operator) || tensors.get(operator.attrs.weight)?.role === 'activation') continue;
    const { n, k, groups } = operator.attrs.matrix;
    const shape =
      operator.kind === 'conv'
        ? [k * groups, n / operator.attrs.kernel.reduce((area, size) => area * size, 1), ...operator.attrs.kernel]
        : [n, k];
    const tensor: Tensor = { id: operator.attrs.weight, role: 'weight', dtype: 'float32', shape, positions: 1, features: n * k * groups };
    tensors.set(tensor.id, tensor);
    weights.set(
      tensor.id,
      Float64Array.from({ length: n * k * groups }, () => random(-1000, 1000) / 1000),
    );
  }
  return { graph: { ...graph, tensors: [...tensors.values()] }, values: ({ id }) => weights.get(id) ?? [] };
}

/** A model with its weights inside. */
export function withOwnWeights(bytes: Uint8Array): Numbered {
  const graph = importOnnx(bytes);
  const read = openWeights(bytes, graph);
  return { graph, values: ({ id }) => read(id).elements };
}

export interface Prepared extends Numbered {
  readonly inputs: NetworkInputs;
  readonly network: QuantisedNetwork;
}

/** Calibrated on the very inputs it will run on, seeded ones unless they are given. */
export function prepared({ graph, values }: Numbered, seed: number, precision: Hardware['precision'], given?: NetworkInputs): Prepared {
  const inputs = given ?? seededInputs(graph, seed);
  return { graph, values, inputs, network: quantise(graph, values, calibrate(graph, values, [inputs]), precision) };
}

export async function programFor(graph: Graph, chip: Hardware, optimizer = 'cmswitch'): Promise<Program> {
  return emit(graph, await schedule(graph, chip, { optimizer }), chip);
}

/** Integers of all outputs, one behind the other. */
export function computedBy(
  program: Program,
  chip: Hardware,
  { network, inputs }: Prepared,
  options: RunProgramOptions = {},
): readonly number[] {
  const outputs = runProgram(program, chip, network, inputs, options);
  return network.graph.outputs.flatMap((id) => [...(outputs[id]?.integers ?? [])]);
}

export function expectedOf({ network, inputs }: Prepared): readonly number[] {
  const outputs = evaluateIntegers(network, inputs);
  return network.graph.outputs.flatMap((id) => [...(outputs.get(id) ?? [])]);
}

/** Outputs in real numbers, without any chip. */
export function realOutputs({ graph, values, inputs }: Prepared): readonly number[] {
  const outputs = evaluateReal(graph, values, inputs);
  return graph.outputs.flatMap((id) => [...(outputs.get(id) ?? [])]);
}

/** What integers of all outputs mean. */
export function realsOf({ graph, network }: Prepared, integers: readonly number[]): readonly number[] {
  const formats = graph.outputs.flatMap((id) => {
    const tensor = graph.tensors.find((one) => one.id === id);
    return Array.from({ length: (tensor?.positions ?? 0) * (tensor?.features ?? 0) }, () => network.formats[id]);
  });
  return integers.map((integer, i) => (formats[i]?.scale ?? 0) * (integer - (formats[i]?.zeroPoint ?? 0)));
}

/** Root mean square of the differences. */
export function distance(a: readonly number[], b: readonly number[]): number {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b[i] ?? 0)) ** 2, 0) / a.length);
}
