// How many positions of a tensor must be held between its producer and one reader so that both can run
// and neither waits for ever: dependences of a segment's steps -> positions.

import { positionsNeeded, positionsReleased, type Window } from '../base/shapes.ts';
import { chunkReaching, progressAt } from '../program/geometry.ts';
import type { TensorId } from '../program/program.ts';
import type { Step } from './steps.ts';

interface Pace {
  readonly positions: number;
  readonly chunks: number;
}

/** Chunks a reader may have under way beyond the one it needs: double buffering on both sides. */
const AHEAD = 1;

/**
 * Positions that let `reader` finish a chunk and start the next while `producer` writes one more.
 * `demand[c]` is how far the producer must have come for the reader to finish chunk c; a residual's
 * reader lags behind, so that its demand exceeds what it reads itself.
 */
export function windowPositions(producer: Pace, reader: Pace, window: Window, demand: readonly number[]): number {
  let most = 0;
  for (let chunk = 0; chunk < reader.chunks; chunk++) {
    const until = Math.min(reader.chunks - 1, chunk + AHEAD);
    const made = progressAt(producer, chunkReaching(producer, demand[until] ?? 0));
    most = Math.max(most, made - positionsReleased(window, progressAt(reader, chunk)));
  }
  return Math.min(producer.positions, most + AHEAD * Math.ceil(producer.positions / producer.chunks));
}

/** What was asked before: the pieces of an operator share its windows. */
const DEMANDS = new WeakMap<Window, { readonly reader: Pace; readonly demand: readonly number[] }[]>();

/** What a reader alone demands of a tensor, chunk by chunk. */
export function ownDemand(reader: Pace, window: Window): readonly number[] {
  let known = DEMANDS.get(window);
  if (known === undefined) {
    known = [];
    DEMANDS.set(window, known);
  }
  const { positions, chunks } = reader;
  for (let i = 0; i < known.length; i++) {
    const other = known[i]!;
    if (other.reader.positions === positions && other.reader.chunks === chunks) return other.demand;
  }
  const demand = Array.from({ length: chunks }, (_, chunk) => positionsNeeded(window, progressAt(reader, chunk + 1)));
  known.push({ reader: { positions, chunks }, demand });
  return demand;
}

/**
 * How far `tensor` must have come for each step of a segment to finish each of its chunks, through every path
 * inside the segment. Only steps downstream of the tensor have an entry.
 */
export function demandsOn<S extends Step>(tensor: TensorId, steps: readonly S[]): ReadonlyMap<S, readonly number[]> {
  const demands = new Map<S, readonly number[]>();
  const makers = new Map<TensorId, { readonly pace: Pace; readonly demand: readonly number[] }[]>();
  for (const step of steps) {
    let total: number[] | undefined;
    const raise = (chunk: number, needed: number): void => {
      total ??= new Array<number>(step.chunks).fill(0);
      if (needed > total[chunk]!) total[chunk] = needed;
    };
    const direct = step.reads.length === 1 && step.reads[0]?.tensor.id === tensor ? step.reads[0] : undefined;
    for (const read of direct === undefined ? step.reads : []) {
      const own = ownDemand(step, read.window);
      if (read.tensor.id === tensor) for (let chunk = 0; chunk < own.length; chunk++) raise(chunk, own[chunk]!);
      for (const { pace, demand } of makers.get(read.tensor.id) ?? [])
        for (let chunk = 0; chunk < own.length; chunk++) raise(chunk, demand[chunkReaching(pace, own[chunk]!) - 1] ?? 0);
    }
    const demand = direct === undefined ? total : ownDemand(step, direct.window);
    if (demand === undefined) continue;
    demands.set(step, demand);
    const others = makers.get(step.output.id);
    if (others === undefined) makers.set(step.output.id, [{ pace: step, demand }]);
    else if (!others.some((other) => isLike(other, step, demand))) others.push({ pace: step, demand });
  }
  return demands;
}

/** Whether a maker that was met before says the same: the pieces of an operator do. */
function isLike(other: { readonly pace: Pace; readonly demand: readonly number[] }, pace: Pace, demand: readonly number[]): boolean {
  if (other.pace.positions !== pace.positions || other.pace.chunks !== pace.chunks) return false;
  return other.demand === demand || other.demand.every((needed, chunk) => needed === demand[chunk]);
}
