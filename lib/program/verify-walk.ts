// Verifier, part two: follows modes, weights and data through the blocks; then lifetimes and completeness.
// Time is the number of the statement; all statements of a parallel block share one.

import type { Steps } from '../base/pauses.ts';
import type { Range } from '../base/shapes.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { tileGrid } from '../hardware/tile.ts';
import { type Block, countBlocks } from './blocks.ts';
import type { Findings } from './findings.ts';
import {
  type Activity,
  activityOf,
  arraysHolding,
  entry,
  featuresRead,
  ownedBy,
  type ProgramIndex,
  pieceShape,
  regionsOf,
} from './geometry.ts';
import type { ManifestOperator, MetaOp, MetaOpOf, Program } from './program.ts';
import { hasLoop, Signatures } from './signature.ts';
import { type KnownGraphs, taskGraph } from './tasks.ts';
import { partsOf } from './turns.ts';
import {
  dataIn,
  forgetWindows,
  newState,
  type Piece,
  recordTurn,
  repeatTurn,
  type State,
  setWeights,
  type TurnRecord,
  type Weights,
  weightsIn,
} from './verify-state.ts';
import { operandWeights } from './verify-tiles.ts';
import { checkComplete, checkLifetimes, covers } from './verify-whole.ts';

export interface VerifyOptions {
  /** Signatures of blocks that were right before, for programs that have much in common; those found are added. */
  readonly safeBlocks?: Set<string>;
  /** Of this program; those made are added. */
  readonly knownGraphs?: KnownGraphs;
}

export function* walkProgram(
  program: Program,
  index: ProgramIndex,
  hardware: Hardware,
  findings: Findings,
  { safeBlocks = new Set(), knownGraphs }: VerifyOptions,
): Steps<void> {
  const state = newState(index, hardware, findings);
  for (const region of program.regions) {
    const tensor = entry(index.tensors, region.tensor);
    const given = (tensor.role === 'input' || tensor.role === 'state') && region.place.kind === 'external';
    // Who starts the chip puts whole tensors there; nobody fills a window that slides.
    if (given && region.window === tensor.positions) state.data.set(region.id, { features: [region.features], first: -1, last: -1 });
  }
  const left = startAs(program, state);
  const signatures = hasLoop(program) ? new Signatures(index) : undefined;
  /** A block that does what another one does waits as that does. */
  const checkWaits = (ops: readonly MetaOp[], where: string): void => {
    const signature = signatures?.of(ops);
    if (signature !== undefined && safeBlocks.has(signature)) return;
    if (findDeadlock(ops, where, state, knownGraphs) === undefined && signature !== undefined) safeBlocks.add(signature);
  };
  const all = Math.max(1, countBlocks(program.body));
  const shareAt = (blocks: number): number => Math.min(1, blocks / all);
  const walk = function* (blocks: Iterable<Block>): Steps<void> {
    for (const { id, boundary, parallel } of blocks) {
      checkWaits(boundary, `Boundary ${id}`);
      for (const [i, op] of boundary.entries()) {
        state.time++;
        step([op], (s, later) => `Boundary ${id + later}, ${op.kind} ${i + s + 1}`, state);
      }
      forgetWindows(state);
      checkWaits(parallel, `Segment ${id}`);
      state.time++;
      checkBusy(parallel, id, state);
      step(parallel, (s, later) => `Segment ${id + later}, ${parallel[s]?.kind} ${s + 1}`, state);
      forgetWindows(state);
      yield shareAt(id + 1);
    }
  };
  /** By kind of turn: the last one that was walked and was right. */
  const records = new Map<string, TurnRecord>();
  for (const { blocks, turn } of partsOf(program, index)) {
    const known = turn && records.get(turn.kind);
    yield turn && shareAt(turn.first);
    if (turn === undefined) yield* walk(blocks());
    else if (known === undefined || !repeatTurn(known, turn, state)) {
      records.delete(turn.kind);
      const record = yield* recordTurn(turn, state, () => walk(blocks()));
      if (record !== undefined) records.set(turn.kind, record);
    }
  }
  checkLifetimes(state);
  checkComplete(program, state);
  checkLeft(left, state);
}

/** What a run before left on the chip. */
interface Left {
  readonly memoryMode: Uint8Array;
  /** By array, from where its weights are. */
  readonly weights: ReadonlyMap<number, Weights>;
}

/** Brings the chip into the state the run before left it in. */
function startAs({ before }: Program, state: State): Left | undefined {
  if (before === undefined) return undefined;
  for (const [i, op] of before.entries()) {
    const where = `Before, ${op.kind} ${i + 1}`;
    if (op.kind !== 'CM.switch' && op.kind !== 'CIM.write')
      state.findings.add('weights', where, 'is no state of the chip', 'Leave only CM.switch and CIM.write of stored weights there.');
    else step([op], () => where, state);
  }
  const weights = new Map<number, Weights>();
  for (const [array, held] of state.weights.entries()) if (held !== undefined) weights.set(array, held);
  return { memoryMode: state.memoryMode.slice(), weights };
}

/** The next run begins with what this one leaves, so it must be what the run before left. */
function checkLeft(left: Left | undefined, { memoryMode, weights, findings }: State): void {
  if (left === undefined) return;
  const changed = memoryMode.findIndex((mode, array) => mode !== left.memoryMode[array]);
  if (changed >= 0)
    findings.add(
      'mode',
      'before',
      `array ${changed} is in ${modeName(left.memoryMode[changed])} mode before the run and in ${modeName(memoryMode[changed])} mode behind it`,
      'Begin with the modes the program ends with.',
    );
  for (const [array, was] of left.weights) {
    const held = weights[array];
    if (held === was || (held !== undefined && sameWeights(held, was, array))) continue;
    findings.add(
      'weights',
      'before',
      `array ${array} holds ${pieceName(was)} before the run and ${held === undefined ? 'something else' : pieceName(held)} behind it`,
      'Name only weights that nothing overwrites.',
    );
    return;
  }
}

function modeName(mode: number | undefined): string {
  return mode === 1 ? 'memory' : 'compute';
}

function sameWeights(a: Weights, b: Weights, array: number): boolean {
  return (
    a.operator === b.operator && same(a.outputs, b.outputs) && same(a.inner, b.inner) && a.arrays.indexOf(array) === b.arrays.indexOf(array)
  );
}

/** The statements that wait for each other, if any do. */
function findDeadlock(
  ops: readonly MetaOp[],
  where: string,
  { index, findings }: State,
  known: KnownGraphs | undefined,
): readonly number[] | undefined {
  const { cyclic } = taskGraph(ops, index, known);
  if (cyclic.length === 0) return undefined;
  const names = cyclic
    .slice(0, 4)
    .map((s) => `${ops[s]?.kind} ${s + 1}`)
    .join(', ');
  findings.add('cyclic-wait', where, `${names} wait for each other for ever`, 'Enlarge the windows between them or break the cycle.');
  return cyclic;
}

/** Statements that run at one time: first what they write, then what they read. */
function step(ops: readonly MetaOp[], where: (s: number, blocksLater: number) => string, state: State): void {
  const activities = ops.map((op) => activityOf(op, state.index));
  for (const [s, op] of ops.entries()) {
    checkModes(op, where(s, 0), state);
    if (op.kind === 'CM.switch') for (const array of op.arrays) state.memoryMode[array] = op.to === 'TOM' ? 1 : 0;
    if (op.kind === 'CIM.mvm') {
      checkWeights(op, where(s, 0), state);
      state.pieces.push({ operator: op.operator, outputs: op.outputs, inner: op.inner });
    }
    if (op.kind === 'VEC.run') state.vectorRuns.push(op.operator);
    noteWrites(activities[s], where(s, 0), state);
  }
  for (const [s, op] of ops.entries()) {
    if (op.kind !== 'CIM.write') continue;
    const { operator, outputs, inner, arrays } = op;
    const held = { operator, outputs, inner, arrays };
    for (const array of arrays) setWeights(state, array, held);
    state.overwritten.push({ arrays, time: state.time, where: (later) => where(s, later) });
  }
  for (const [s, op] of ops.entries()) checkReads(op, activities[s], where(s, 0), state);
}

function checkModes(op: MetaOp, where: string, { memoryMode, index, findings }: State): void {
  if (op.kind === 'CIM.mvm') {
    const wrong = op.arrays.find((array) => memoryMode[array] === 1);
    if (wrong !== undefined)
      findings.add(
        'mode',
        where,
        `computes on array ${wrong}, which is in memory mode`,
        `Switch it first: CM.switch(TOC, arrays=[${wrong}]).`,
      );
  }
  if (op.kind === 'CM.switch') return;
  const wrong = regionsOf(op)
    .map((id) => arraysHolding(entry(index.regions, id)).find((array) => memoryMode[array] !== 1))
    .find((array) => array !== undefined);
  if (wrong !== undefined)
    findings.add(
      'mode',
      where,
      `uses array ${wrong} as memory, which is in compute mode`,
      `Switch it first: CM.switch(TOM, arrays=[${wrong}]).`,
    );
}

/** In a parallel block an array computes for one statement, or is written by one, or is memory. */
function checkBusy(ops: readonly MetaOp[], id: number, { index, hardware, findings }: State): void {
  const owner = new Int32Array(hardware.arrays).fill(-1);
  const memory = new Int32Array(hardware.arrays).fill(-1);
  for (const [s, op] of ops.entries()) {
    for (const array of ownedBy(op)) {
      const other = owner[array]!;
      if (other >= 0)
        findings.add(
          'array-busy',
          `Segment ${id}, ${op.kind} ${s + 1}`,
          `array ${array} is already used by ${ops[other]?.kind} ${other + 1}`,
          'Give each its own arrays.',
        );
      owner[array] = s;
    }
    for (const region of regionsOf(op)) for (const array of arraysHolding(entry(index.regions, region))) memory[array] = s;
  }
  for (const array of ops.flatMap(ownedBy)) {
    const [s, other] = [owner[array]!, memory[array]!];
    if (other < 0) continue;
    memory[array] = -1;
    findings.add(
      'array-busy',
      `Segment ${id}, ${ops[s]?.kind} ${s + 1}`,
      `array ${array} holds data of ${ops[other]?.kind} ${other + 1} meanwhile`,
      'Give each its own arrays.',
    );
  }
}

function checkWeights(op: MetaOpOf<'CIM.mvm'>, where: string, state: State): void {
  const { index, hardware, findings } = state;
  const matrix = entry(index.operators, op.operator).matrix;
  if (matrix === undefined) return;
  const { tiles } = tileGrid(pieceShape(matrix, op.outputs, op.inner), hardware);
  let position = -1;
  for (const array of op.arrays) {
    position++;
    const held = weightsIn(state, array);
    const at = held === undefined ? -1 : held.arrays[position] === array ? position : held.arrays.indexOf(array);
    const right =
      held !== undefined &&
      held.operator === op.operator &&
      same(held.outputs, op.outputs) &&
      same(held.inner, op.inner) &&
      at % tiles === position % tiles;
    if (right) {
      const written = held.region === undefined ? undefined : dataIn(state, held.region);
      if (written !== undefined) written.last = state.time;
      continue;
    }
    const found = held === undefined ? 'no weights' : `tile ${at % tiles} of ${pieceName(held)}`;
    findings.add(
      'weights',
      where,
      `array ${array} holds ${found}, not tile ${position % tiles} of ${pieceName(op)}`,
      'Write them first with CIM.write, or all of the operand in place.',
    );
    return;
  }
}

function pieceName({ operator, outputs, inner }: Piece): string {
  return `'${operator}' outputs ${outputs.from}:${outputs.to} inner ${inner.from}:${inner.to}`;
}

function noteWrites(activity: Activity | undefined, where: string, state: State): void {
  const { data, windows, findings, time } = state;
  for (const { region, tensor, features } of activity?.writes ?? []) {
    if (features.to <= features.from) continue;
    const written = dataIn(state, region.id) ?? { features: [], first: time, last: time };
    if (written.features.some((range) => meetsIn(range, features))) {
      findings.add(
        'exactly-once',
        where,
        `features ${features.from}:${features.to} of region '${region.id}' are written twice`,
        'Write each part of a region once.',
      );
    }
    data.set(region.id, { ...written, features: [...written.features, features], last: time });
    if (region.window < tensor.positions) windows.add(region.id);
    const held = operandWeights(region, tensor, state);
    for (const array of arraysHolding(region)) setWeights(state, array, held);
  }
}

function checkReads(op: MetaOp, activity: Activity | undefined, where: string, state: State): void {
  const { findings, time, index } = state;
  if (activity === undefined) return;
  for (const { region, features } of activity.reads) {
    const written = dataIn(state, region.id);
    if (written === undefined || !covers(written.features, features)) {
      findings.add(
        'use-before-write',
        where,
        `reads features ${features.from}:${features.to} of region '${region.id}', which nobody has written`,
        'Write them before, or in the same segment.',
      );
    }
    if (written !== undefined) written.last = time;
    // Each part of a region is written once, so what it reads there nobody else can have written.
    if (activity.writes.some((write) => write.region === region && meetsIn(write.features, features))) {
      findings.add(
        'use-before-write',
        where,
        `reads from region '${region.id}' what it writes there itself`,
        'Read the region it comes from.',
      );
    }
  }
  const lacking = (what: string, needed: Range, have: readonly Range[]): void => {
    if (!covers(have, needed))
      findings.add('coverage', where, `${what} lacks some of the features ${needed.from}:${needed.to}`, 'Add the region that holds them.');
  };
  const readOf = (tensor: string): readonly Range[] =>
    activity.reads.filter((read) => read.tensor.id === tensor).map((read) => read.features);
  switch (op.kind) {
    case 'CM.switch':
      return;
    case 'MEM.move':
      for (const { features, tensor } of activity.writes) lacking(`its source for '${tensor.id}'`, features, readOf(tensor.id));
      return;
    case 'CIM.write': {
      const stationary = entry(index.operators, op.operator).inputs.find((input) => input.use === 'stationary');
      if (stationary === undefined) return;
      lacking(
        `its right operand '${stationary.tensor}'`,
        { from: 0, to: entry(index.tensors, stationary.tensor).features },
        readOf(stationary.tensor),
      );
      return;
    }
    default: {
      const operator = entry(index.operators, op.operator);
      for (const { tensor, needed } of inputsNeeded(op, operator, activity, index))
        lacking(`its input '${tensor}'`, needed, readOf(tensor));
      lacking(
        `its target for '${operator.output}'`,
        activity.outputs,
        activity.writes.map((write) => write.features),
      );
    }
  }
}

/** What a product or vector operator has to read: streams always, partial sums after the first cut, operands at the last. */
function inputsNeeded(
  op: MetaOpOf<'CIM.mvm' | 'VEC.run'>,
  operator: ManifestOperator,
  activity: Activity,
  index: ProgramIndex,
): readonly { tensor: string; needed: Range }[] {
  const needed = operator.inputs
    .filter(({ use }) => use === 'stream' || (use === 'step' && (op.kind === 'VEC.run' || op.inner.to === operator.matrix?.n)))
    .map((input) => ({
      tensor: input.tensor,
      needed: featuresRead(operator, input, entry(index.tensors, input.tensor), activity.outputs),
    }));
  if (op.kind === 'VEC.run' || op.inner.from === 0) return needed;
  const partial = operator.partials.find(({ upTo }) => upTo === op.inner.from)?.tensor ?? `${operator.id} up to ${op.inner.from}`;
  return [...needed, { tensor: partial, needed: op.outputs }];
}

function meetsIn(a: Range, b: Range): boolean {
  return a.from < b.to && b.from < a.to;
}

function same(a: Range, b: Range): boolean {
  return a.from === b.from && a.to === b.to;
}
