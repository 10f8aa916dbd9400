// What one product or vector operator reads, position by position: manifest operator (+ piece) -> Step.

import { internal } from '../base/problem.ts';
import { elementwiseWindow, type Range, type Window } from '../base/shapes.ts';
import type { Bytes } from '../base/units.ts';
import { featuresRead, pieceShape } from '../program/geometry.ts';
import type { ManifestOperator, ManifestTensor, TensorId } from '../program/program.ts';
import { allFeatures, type Manifest, type Piece } from './manifest.ts';

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

/** A product (or the piece of one) or a vector operator; becomes one statement. */
export interface Step {
  readonly operator: ManifestOperator;
  /** Absent for vector operators. */
  readonly piece?: Piece;
  readonly output: ManifestTensor;
  readonly outputs: Range;
  readonly positions: number;
  readonly chunks: number;
  readonly reads: readonly Read[];
  /** The right operand of a dynamic product, read at the boundary. */
  readonly stationary?: ManifestTensor;
}

/** Makes steps of a manifest's operators; unknown ids are a defect. */
export function stepMaker(manifest: Manifest): (operator: ManifestOperator, piece?: Piece) => Step {
  const tensors = new Map(manifest.tensors.map((tensor) => [tensor.id, tensor]));
  // One window for all pieces that add to each other: what is found out about a window is remembered with it.
  const elementwise = new Map<number, Window>();
  const along = ({ positions }: ManifestTensor): Window => {
    const window = elementwise.get(positions) ?? elementwiseWindow(positions);
    elementwise.set(positions, window);
    return window;
  };
  return (operator, piece) => stepOf(operator, piece, (id) => tensors.get(id) ?? lost(id), along);
}

function stepOf(
  operator: ManifestOperator,
  piece: Piece | undefined,
  find: (id: TensorId) => ManifestTensor,
  along: (tensor: ManifestTensor) => Window,
): Step {
  const last = piece === undefined || piece.inner.to === operator.matrix?.n;
  const output = find(last ? operator.output : (operator.partials.find(({ upTo }) => upTo === piece.inner.to)?.tensor ?? ''));
  const outputs = piece?.outputs ?? allFeatures(output);
  const reads: Read[] = operator.inputs
    .filter(({ use }) => use === 'stream' || (use === 'step' && last))
    .map((input) => {
      const tensor = find(input.tensor);
      const features = featuresRead(operator, input, tensor, outputs);
      return {
        tensor,
        window: input.window,
        features,
        bytes: input.use === 'stream' ? streamBytes(operator, piece, tensor) : tensorBytes(tensor, features),
      };
    });
  const partial = piece === undefined ? undefined : operator.partials.find(({ upTo }) => upTo === piece.inner.from);
  if (partial !== undefined) {
    const tensor = find(partial.tensor);
    reads.push({ tensor, window: along(tensor), features: outputs, bytes: tensorBytes(tensor, outputs) });
  }
  const stationary = operator.inputs.find(({ use }) => use === 'stationary');
  return {
    operator,
    output,
    outputs,
    reads,
    positions: output.positions,
    chunks: chunksOf(reads[0]?.window, output.positions),
    ...(piece && { piece }),
    ...(stationary && { stationary: find(stationary.tensor) }),
  };
}

function streamBytes(operator: ManifestOperator, piece: Piece | undefined, tensor: ManifestTensor): Bytes {
  if (operator.matrix === undefined || piece === undefined) return tensorBytes(tensor, allFeatures(tensor));
  const shape = pieceShape(operator.matrix, piece.outputs, piece.inner);
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

function lost(id: string): never {
  throw internal(`the plan names '${id}', which the graph does not have`);
}
