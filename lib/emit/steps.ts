// Plan + manifest -> what each segment does, statement by statement, and how long data must live.

import { internal } from '../base/problem.ts';
import { elementwiseWindow, type Range, type Window } from '../base/shapes.ts';
import type { Bytes } from '../base/units.ts';
import type { OperatorPlan, Plan } from '../optimizer/plan.ts';
import { featuresRead, pieceShape } from '../program/geometry.ts';
import type { ManifestOperator, ManifestTensor, TensorId } from '../program/program.ts';
import { allFeatures, type Manifest } from './manifest.ts';

/** Rows of a feature map make the chunks of a convolution or pool; longer token lists go in this many blocks. */
const MOST_ROW_CHUNKS = 512;
const MOST_TOKEN_CHUNKS = 64;

export interface Read {
  readonly tensor: ManifestTensor;
  readonly window: Window;
  readonly features: Range;
  /** Bytes read for all of `features`: im2col volume for a product's stream, the tensor once otherwise. */
  readonly bytes: Bytes;
}

/** A product or vector operator within a segment; becomes one statement. */
export interface Step {
  readonly operator: ManifestOperator;
  /** Absent for vector operators. */
  readonly product?: OperatorPlan;
  readonly segment: number;
  readonly output: ManifestTensor;
  readonly outputs: Range;
  readonly positions: number;
  readonly chunks: number;
  readonly reads: readonly Read[];
  /** The right operand of a dynamic product, read at the boundary. */
  readonly stationary?: ManifestTensor;
}

/** Segments that make and use a tensor. */
export interface Life {
  readonly first: number;
  readonly last: number;
  /** The network's output, which must reach external memory. */
  readonly leaves: boolean;
}

export function stepsOf(plan: Plan, manifest: Manifest): readonly (readonly Step[])[] {
  const tensors = new Map(manifest.tensors.map((tensor) => [tensor.id, tensor]));
  const position = new Map(manifest.operators.map((operator, i) => [operator.id, i]));
  const find = (id: TensorId): ManifestTensor => tensors.get(id) ?? lost(id);
  return plan.segments.map((segment) => {
    const products = segment.operators.map((product) => ({ id: product.parent, product }));
    const vectors = segment.vectorOperators.map((id) => ({ id, product: undefined }));
    return [...products, ...vectors]
      .map((entry) => ({ ...entry, at: position.get(entry.id) ?? lost(entry.id) }))
      .sort((a, b) => a.at - b.at)
      .map(({ at, product }) => stepOf(manifest.operators[at] ?? lost(`${at}`), product, segment.id, find));
  });
}

function stepOf(
  operator: ManifestOperator,
  product: OperatorPlan | undefined,
  segment: number,
  find: (id: TensorId) => ManifestTensor,
): Step {
  const last = product === undefined || product.piece.inner.to === operator.matrix?.n;
  const output = find(last ? operator.output : (operator.partials.find(({ upTo }) => upTo === product.piece.inner.to)?.tensor ?? ''));
  const outputs = product?.piece.outputs ?? allFeatures(output);
  const reads: Read[] = operator.inputs
    .filter(({ use }) => use === 'stream' || (use === 'step' && last))
    .map((input) => {
      const tensor = find(input.tensor);
      const features = featuresRead(operator, input, tensor, outputs);
      return {
        tensor,
        window: input.window,
        features,
        bytes: input.use === 'stream' ? streamBytes(operator, product, tensor) : tensorBytes(tensor, features),
      };
    });
  const partial = product === undefined ? undefined : operator.partials.find(({ upTo }) => upTo === product.piece.inner.from);
  if (partial !== undefined) {
    const tensor = find(partial.tensor);
    reads.push({ tensor, window: elementwiseWindow(tensor.positions), features: outputs, bytes: tensorBytes(tensor, outputs) });
  }
  const stationary = operator.inputs.find(({ use }) => use === 'stationary');
  return {
    operator,
    segment,
    output,
    outputs,
    reads,
    positions: output.positions,
    chunks: chunksOf(reads[0]?.window, output.positions),
    ...(product && { product }),
    ...(stationary && { stationary: find(stationary.tensor) }),
  };
}

function streamBytes(operator: ManifestOperator, product: OperatorPlan | undefined, tensor: ManifestTensor): Bytes {
  if (operator.matrix === undefined || product === undefined) return tensorBytes(tensor, allFeatures(tensor));
  const shape = pieceShape(operator.matrix, product.piece.outputs, product.piece.inner);
  return (shape.m * shape.n * shape.groups * tensor.bits) / 8;
}

export function tensorBytes(tensor: ManifestTensor, features: Range): Bytes {
  return (tensor.positions * (features.to - features.from) * tensor.bits) / 8;
}

/** As many chunks as rows (or blocks of tokens), cut where rows end if a divisor allows it. */
export function chunksOf(window: Window | undefined, positions: number): number {
  if (window === undefined) return 1;
  const rows = window.samples * window.rowsOut;
  const most = Math.min(positions, window.widthOut > 1 ? MOST_ROW_CHUNKS : MOST_TOKEN_CHUNKS);
  if (rows <= most) return rows;
  for (let chunks = most; chunks >= most / 4; chunks--) if (rows % chunks === 0) return chunks;
  return most;
}

/** How long each tensor is needed, in segments. Network inputs live from before the first. */
export function livesOf(segments: readonly (readonly Step[])[], manifest: Manifest): ReadonlyMap<TensorId, Life> {
  const lives = new Map<TensorId, { first: number; last: number; leaves: boolean }>();
  for (const tensor of manifest.tensors) {
    const given = tensor.role === 'input' || tensor.role === 'state';
    lives.set(tensor.id, { first: given ? -1 : Number.POSITIVE_INFINITY, last: -1, leaves: tensor.role === 'output' });
  }
  for (const step of segments.flat()) {
    const made = lives.get(step.output.id);
    if (made !== undefined) made.first = Math.min(made.first, step.segment);
    for (const tensor of [...step.reads.map((read) => read.tensor), ...(step.stationary ? [step.stationary] : [])]) {
      const used = lives.get(tensor.id);
      if (used !== undefined) used.last = Math.max(used.last, step.segment);
    }
  }
  return lives;
}

function lost(id: string): never {
  throw internal(`the plan names '${id}', which the graph does not have`);
}
