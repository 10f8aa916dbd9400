// What an architect asks first of a network: sizes and both intensities of every operator.
// Graph + precision -> numbers; the JSON of `cimbook inspect`.

import { type Bytes, bytesOf, type Macs, type Precision } from '../base/units.ts';
import { type Graph, hasWeights, isMatrix, type Operator, tensorsOf } from './graph.ts';

/** Product sizes and intensities are null for vector operators. */
export interface InspectedOperator {
  readonly id: string;
  readonly kind: Operator['kind'];
  readonly m: number | null;
  readonly n: number | null;
  readonly k: number | null;
  readonly groups: number | null;
  /** The right operand is computed at run time. */
  readonly dynamic: boolean;
  /** Functions applied on the way out. */
  readonly steps: readonly string[];
  readonly macs: Macs;
  readonly weightBytes: Bytes;
  readonly inputBytes: Bytes;
  readonly outputBytes: Bytes;
  /** MACs per input element: AI of Zhao et al. 2025, Eq. (10). */
  readonly inputReuse: number | null;
  /** 2 * MACs over elements of input, weights and output, each moved once (residuals left out): Fig. 5 and 6. */
  readonly flopsPerMop: number | null;
}

/** Operators that repeat, `count` times one after another. */
export interface InspectedBlock {
  readonly count: number;
  /** Operators of one instance. */
  readonly operators: number;
  /** Ids of the first instance's first and last operator. */
  readonly first: string;
  readonly last: string;
  /** Of one instance. */
  readonly macs: Macs;
}

/** Keys or values an attention keeps from one pass to the next. */
export interface InspectedCache {
  readonly operator: string;
  readonly kind: 'key' | 'value';
  readonly past: string | null;
  readonly present: string | null;
  readonly tokens: number;
  readonly bytesPerToken: Bytes;
}

export interface Inspection {
  readonly model: {
    readonly name: string;
    readonly hash: string;
    readonly operators: number;
    readonly macs: Macs;
    readonly weightBytes: Bytes;
    /** Of all products together: 2 * their MACs over the elements that each of them moves; null without any. */
    readonly flopsPerMop: number | null;
  };
  readonly blocks: readonly InspectedBlock[];
  readonly caches: readonly InspectedCache[];
  readonly operators: readonly InspectedOperator[];
}

/** AI of Eq. (10) in Zhao et al. 2025: MACs per input element, which is k. Not Fig. 5's intensity; see `flopsPerMop`. */
export function inputReuse(shape: { readonly k: number }): number {
  return shape.k;
}

/** Intensity of Fig. 5 and 6 in Zhao et al. 2025: 2 * MACs over elements of inputs, weights and outputs moved once. */
export function flopsPerMop(macs: number, inputs: number, weights: number, outputs: number): number {
  return (2 * macs) / (inputs + weights + outputs);
}

/** Bytes of an operator's weights at `bits` bits a weight. */
export function weightBytes(shape: { readonly n: number; readonly k: number; readonly groups: number }, bits: number): Bytes {
  return bytesOf(shape.n * shape.k * shape.groups, bits);
}

/** Sizes and intensities of every operator, and the network's totals. 8-bit weights and activations unless told otherwise. */
export function inspect(graph: Graph, precision: Precision = { weightBits: 8, activationBits: 8 }): Inspection {
  const tensors = tensorsOf(graph);
  const elements = (id: string): number => {
    const tensor = tensors.get(id);
    return tensor === undefined ? 0 : tensor.positions * tensor.features;
  };
  let moved = 0;
  const operators = graph.operators.map((operator): InspectedOperator => {
    const inputs = operator.inputs.reduce((sum, { tensor }) => sum + elements(tensor), 0);
    const outputs = elements(operator.output);
    const common = {
      id: operator.id,
      kind: operator.kind,
      steps: operator.epilogue.map((step) => step.function),
      inputBytes: bytesOf(inputs, precision.activationBits),
      outputBytes: bytesOf(outputs, precision.activationBits),
    };
    if (!isMatrix(operator)) {
      return {
        ...common,
        m: null,
        n: null,
        k: null,
        groups: null,
        dynamic: false,
        macs: 0,
        weightBytes: 0,
        inputReuse: null,
        flopsPerMop: null,
      };
    }
    const shape = operator.attrs.matrix;
    const dynamic = !hasWeights(operator);
    const macs = shape.m * shape.n * shape.k * shape.groups;
    const operands = new Set(operator.epilogue.flatMap((step) => step.operands));
    const streamed = operator.inputs.filter(({ tensor }, i) => i === 0 || !operands.has(tensor));
    const fed = streamed.reduce((sum, { tensor }) => sum + elements(tensor), 0);
    const weights = dynamic ? 0 : shape.n * shape.k * shape.groups;
    moved += fed + weights + outputs;
    return {
      ...common,
      ...shape,
      dynamic,
      macs,
      weightBytes: dynamic ? 0 : weightBytes(shape, precision.weightBits),
      inputReuse: inputReuse(shape),
      flopsPerMop: flopsPerMop(macs, fed, weights, outputs),
    };
  });
  const allMacs = operators.reduce((sum, { macs }) => sum + macs, 0);
  return {
    model: {
      name: graph.name,
      hash: graph.hash,
      operators: operators.length,
      macs: allMacs,
      flopsPerMop: moved === 0 ? null : (2 * allMacs) / moved,
      weightBytes: operators.reduce((sum, operator) => sum + operator.weightBytes, 0),
    },
    blocks: graph.blocks.map(({ first, length, count }): InspectedBlock => {
      const instance = operators.slice(first, first + length);
      return {
        count,
        operators: length,
        first: instance[0]?.id ?? '',
        last: instance.at(-1)?.id ?? '',
        macs: instance.reduce((sum, { macs }) => sum + macs, 0),
      };
    }),
    caches: graph.caches.map(({ operator, kind, past = null, present = null, tokens, elementsPerToken }) => {
      return { operator, kind, past, present, tokens, bytesPerToken: bytesOf(elementsPerToken, precision.activationBits) };
    }),
    operators,
  };
}
