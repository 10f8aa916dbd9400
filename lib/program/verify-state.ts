// What the verifier knows at one point of a program, and what a turn of a loop does to it: a turn that was right is
// right again, names apart, when the state it begins with looks the same. It is then repeated without being walked.

import type { Steps } from '../base/pauses.ts';
import { internal } from '../base/problem.ts';
import type { Range } from '../base/shapes.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Findings } from './findings.ts';
import type { ProgramIndex } from './geometry.ts';
import type { OperatorId, RegionId } from './program.ts';
import { type Renaming, renaming, type Turn } from './turns.ts';

/** Times are numbers of statements; all statements of a parallel block share one. */
export interface State {
  readonly index: ProgramIndex;
  readonly hardware: Hardware;
  readonly findings: Findings;
  readonly memoryMode: Uint8Array;
  /** What each array holds; looked up through `weightsIn`, changed through `setWeights`. */
  readonly weights: (Weights | undefined)[];
  /** What is written in each region; looked up through `dataIn`. */
  readonly data: Map<RegionId, Written>;
  /** Regions written in this block that hold less than their tensor. */
  readonly windows: Set<RegionId>;
  readonly overwritten: Overwriting[];
  readonly pieces: Piece[];
  readonly vectorRuns: OperatorId[];
  time: number;
  /** What the turn under way has looked at, if it is being recorded. */
  seen?: Seen;
}

/** What a CIM.write put into its arrays, or data written in place: the n-th of its list has tile n mod tiles. */
export interface Weights extends Piece {
  readonly arrays: readonly number[];
  /** Region of an operand that was written in place. */
  readonly region?: RegionId;
}

export interface Written {
  readonly features: readonly Range[];
  readonly first: number;
  last: number;
}

export interface Piece {
  readonly operator: OperatorId;
  readonly outputs: Range;
  readonly inner: Range;
}

/** Weights were written into arrays at a time. */
interface Overwriting {
  readonly arrays: readonly number[];
  readonly time: number;
  /** The statement, if it stood so many blocks later. */
  readonly where: (blocksLater: number) => string;
}

/** As the turn found them: regions looked at, and arrays whose weights it used before it wrote any. */
interface Seen {
  readonly data: Map<RegionId, Written | undefined>;
  readonly weights: Map<number, Weights | undefined>;
  /** Arrays whose weights are others now. */
  readonly changed: Set<number>;
}

export function newState(index: ProgramIndex, hardware: Hardware, findings: Findings): State {
  return {
    index,
    hardware,
    findings,
    memoryMode: new Uint8Array(hardware.arrays),
    weights: [],
    data: new Map(),
    windows: new Set(),
    overwritten: [],
    pieces: [],
    vectorRuns: [],
    time: 0,
  };
}

export function dataIn({ data, seen }: State, region: RegionId): Written | undefined {
  const written = data.get(region);
  if (seen !== undefined && !seen.data.has(region)) seen.data.set(region, written && { ...written });
  return written;
}

export function weightsIn({ weights, seen }: State, array: number): Weights | undefined {
  const held = weights[array];
  if (seen !== undefined && !seen.changed.has(array) && !seen.weights.has(array)) seen.weights.set(array, held);
  return held;
}

export function setWeights({ weights, seen }: State, array: number, held: Weights | undefined): void {
  seen?.changed.add(array);
  weights[array] = held;
}

/** A turn that was right: what it found, and what it left. */
export interface TurnRecord {
  readonly turn: Turn;
  readonly time: number;
  readonly duration: number;
  readonly found: Seen & { readonly memoryMode: Uint8Array };
  readonly left: Pick<State, 'memoryMode' | 'overwritten' | 'pieces' | 'vectorRuns'> & {
    readonly data: readonly (readonly [RegionId, Written])[];
    readonly weights: readonly (readonly [number, Weights | undefined])[];
  };
}

/** What walking the turn does to the state; undefined if problems were found. */
export function* recordTurn(turn: Turn, state: State, walk: () => Steps<void>): Steps<TurnRecord | undefined> {
  const { findings, data, weights, overwritten, pieces, vectorRuns, time } = state;
  const problems = findings.problems.length;
  const [overwrittenBefore, piecesBefore, runsBefore] = [overwritten.length, pieces.length, vectorRuns.length];
  const found = { memoryMode: state.memoryMode.slice(), data: new Map(), weights: new Map(), changed: new Set<number>() };
  state.seen = found;
  yield* walk();
  delete state.seen;
  if (findings.problems.length > problems) return undefined;
  return {
    turn,
    time,
    duration: state.time - time,
    found,
    left: {
      memoryMode: state.memoryMode.slice(),
      data: [...found.data.keys()].map((id) => [id, { ...(data.get(id) ?? lost(id)) }]),
      weights: [...found.changed].map((array) => [array, weights[array]]),
      overwritten: overwritten.slice(overwrittenBefore),
      pieces: pieces.slice(piecesBefore),
      vectorRuns: vectorRuns.slice(runsBefore),
    },
  };
}

/** Does to the state what walking `turn` would, if it begins as the recorded one did; false, and the state unchanged, if not. */
export function repeatTurn(record: TurnRecord, turn: Turn, state: State): boolean {
  const names = renaming(record.turn, turn);
  if (!beginsAlike(record, names, state)) return false;
  const { left, time, duration } = record;
  const { data, weights, overwritten, pieces, vectorRuns } = state;
  const later = state.time - time;
  state.memoryMode.set(left.memoryMode);
  for (const [id, { features, first, last }] of left.data) {
    const name = names.region(id);
    const before = data.get(name);
    const used = last > time;
    data.set(name, { features, first: before?.first ?? first + later, last: used ? last + later : (before?.last ?? last) });
  }
  for (const [array, held] of left.weights) {
    const region = held?.region === undefined ? {} : { region: names.region(held.region) };
    weights[array] = held && { ...held, operator: names.operator(held.operator), ...region };
  }
  const blocks = turn.first - record.turn.first;
  for (const { arrays, time: at, where } of left.overwritten)
    overwritten.push({ arrays, time: at + later, where: (more) => where(blocks + more) });
  for (const piece of left.pieces) pieces.push({ ...piece, operator: names.operator(piece.operator) });
  for (const operator of left.vectorRuns) vectorRuns.push(names.operator(operator));
  state.time += duration;
  return true;
}

/** Whether modes, data and weights that the recorded turn looked at are now as they were then. */
function beginsAlike({ found }: TurnRecord, names: Renaming, { memoryMode, data, weights }: State): boolean {
  if (!found.memoryMode.every((mode, array) => mode === memoryMode[array])) return false;
  for (const [id, then] of found.data) {
    const now = data.get(names.region(id));
    if (then?.features.length !== now?.features.length) return false;
    if (then?.features.some((range, i) => !sameRange(range, now?.features[i]))) return false;
  }
  for (const [array, then] of found.weights) {
    const now = weights[array];
    if (then === undefined || now === undefined) return false;
    const same = now.operator === names.operator(then.operator) && now.arrays.indexOf(array) === then.arrays.indexOf(array);
    if (!same || !sameRange(then.outputs, now.outputs) || !sameRange(then.inner, now.inner)) return false;
  }
  return true;
}

function sameRange(a: Range, b: Range | undefined): boolean {
  return a.from === b?.from && a.to === b.to;
}

function lost(region: RegionId): never {
  throw internal(`a turn without problems read region '${region}', which nobody has written`);
}

/** A window that holds less than its tensor is empty again when its boundary or block ends. */
export function forgetWindows(state: State): void {
  for (const id of state.windows) {
    const written = dataIn(state, id);
    if (written !== undefined) state.data.set(id, { ...written, features: [] });
  }
  state.windows.clear();
}
