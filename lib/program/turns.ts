// Turns of a loop that do the same with other data: what is known of one then holds for another, names apart.
// Program -> parts, one after another: the turns of each loop, and what stands between loops. A loop's first turn is
// joined to what stands before it, as a boundary may reach into it; loops with others inside are not taken apart.

import { type Block, blocksIn, countBlocks } from './blocks.ts';
import { idIn, idsOf, statementsOf, turnsOf } from './expand.ts';
import type { ProgramIndex } from './geometry.ts';
import type {
  Loop,
  ManifestOperator,
  ManifestTensor,
  MetaOp,
  OperatorId,
  Program,
  Region,
  RegionId,
  Statement,
  TensorId,
} from './program.ts';
import { workOf } from './signature.ts';

export interface Part {
  /** Its blocks, numbered as in the whole program; made anew whenever they are asked for. */
  readonly blocks: () => Iterable<Block>;
  /** Absent for what stands between loops, and for turns that are too different. */
  readonly turn?: Turn;
}

/** Turns of one `kind` do the same work in the same places, and ids at one index of their lists take the same part in it. */
export interface Turn {
  readonly kind: string;
  /** Number of its first block. */
  readonly first: number;
  readonly operators: readonly OperatorId[];
  readonly regions: readonly RegionId[];
}

/** What ids of one turn are called in another. */
export interface Renaming {
  readonly operator: (id: OperatorId) => OperatorId;
  readonly region: (id: RegionId) => RegionId;
}

/** Ids of a turn -> ids of another of its kind. */
export function renaming(from: Turn, to: Turn): Renaming {
  const operators = new Map(from.operators.map((id, i) => [id, to.operators[i] ?? id]));
  const regions = new Map(from.regions.map((id, i) => [id, to.regions[i] ?? id]));
  return { operator: (id) => operators.get(id) ?? id, region: (id) => regions.get(id) ?? id };
}

/** More kinds than this in one loop, and its turns are taken for unlike each other. */
const MOST_KINDS = 4;

/** The program's blocks, in order. */
export function* partsOf({ body }: Program, index: ProgramIndex): Generator<Part> {
  let between: Statement[] = [];
  let first = 0;
  const before = (): Part => {
    const [statements, from] = [between, first];
    between = [];
    first += countBlocks(statements);
    return { blocks: () => blocksIn(statementsOf({ body: statements }), from) };
  };
  for (const [number, statement] of body.entries()) {
    if (statement.kind !== 'loop' || !hasWholeBlocks(statement)) {
      between.push(statement);
      continue;
    }
    between.push({ ...statement, count: Math.min(1, statement.count) });
    yield before();
    const statements = turnsOf(statement);
    const length = countBlocks(statement.body);
    const kinds = new Kinds(statement, index);
    for (let turn = 1; turn < statement.count; turn++) {
      const from = first;
      first += length;
      const known = kinds.of(turn);
      yield {
        blocks: () => blocksIn(statements(turn), from),
        ...(known && { turn: { ...known, kind: `${number}.${known.kind}`, first: from } }),
      };
    }
  }
  if (between.length > 0) yield before();
}

function hasWholeBlocks({ body }: Loop): boolean {
  return body.at(-1)?.kind === 'parallel' && body.every(({ kind }) => kind !== 'loop');
}

/** What the ids of a turn stand for. */
interface Declared {
  readonly operators: readonly ManifestOperator[];
  readonly regions: readonly Region[];
}

/** Tells the turns of one loop apart. */
class Kinds {
  private readonly index: ProgramIndex;
  private readonly operators: readonly ((values: readonly number[]) => OperatorId)[];
  private readonly regions: readonly ((values: readonly number[]) => RegionId)[];
  /** The first turn of each kind. */
  private readonly first: Declared[] = [];

  constructor({ variable, body }: Loop, index: ProgramIndex) {
    this.index = index;
    const operators = new Set<OperatorId>();
    const regions = new Set<RegionId>();
    for (const op of body.flatMap((statement) => (statement.kind === 'parallel' ? statement.body : [statement as MetaOp]))) {
      const ids = idsOf(op);
      const named = op.kind === 'CM.switch' || op.kind === 'MEM.move' ? 0 : 1;
      for (const [i, id] of ids.entries()) (i < named ? operators : regions).add(id);
    }
    this.operators = [...operators].map((id) => idIn(id, [variable]));
    this.regions = [...regions].map((id) => idIn(id, [variable]));
  }

  /** Undefined if an id is not declared, or if there are too many kinds. */
  of(turn: number): Omit<Turn, 'first'> | undefined {
    const values = [turn];
    const operators = this.operators.map((id) => id(values));
    const regions = this.regions.map((id) => id(values));
    const declared = {
      operators: operators.flatMap((id) => this.index.operators.get(id) ?? []),
      regions: regions.flatMap((id) => this.index.regions.get(id) ?? []),
    };
    if (declared.operators.length < operators.length || declared.regions.length < regions.length) return undefined;
    let kind = this.first.findIndex((other) => new Likeness(this.index).holds(other, declared));
    if (kind < 0) {
      if (this.first.length === MOST_KINDS) return undefined;
      kind = this.first.push(declared) - 1;
    }
    return { kind: `${kind}`, operators, regions };
  }
}

/** Whether two turns are alike: shapes and places are the same, and where two ids mean one thing in one, they do in the other. */
class Likeness {
  private readonly forward = new Map<object, object>();
  private readonly backward = new Map<object, object>();
  private readonly index: ProgramIndex;

  constructor(index: ProgramIndex) {
    this.index = index;
  }

  holds(a: Declared, b: Declared): boolean {
    return (
      a.regions.every((region, i) => this.ofRegions(region, b.regions[i])) &&
      a.operators.every((operator, i) => this.ofOperators(operator, b.operators[i]))
    );
  }

  private join(a: object, b: object): boolean {
    if ((this.forward.get(a) ?? b) !== b || (this.backward.get(b) ?? a) !== a) return false;
    this.forward.set(a, b);
    this.backward.set(b, a);
    return true;
  }

  private ofRegions(a: Region, b: Region | undefined): boolean {
    if (b === undefined || !this.join(a, b)) return false;
    const { features, window, place } = a;
    const same = features.from === b.features.from && features.to === b.features.to && window === b.window;
    return same && (place === b.place || isSamePlace(place, b.place)) && this.ofTensors(a.tensor, b.tensor);
  }

  private ofTensors(idA: TensorId, idB: TensorId): boolean {
    const [a, b] = [this.index.tensors.get(idA), this.index.tensors.get(idB)];
    return a !== undefined && b !== undefined && this.join(a, b) && isSameShape(a, b);
  }

  private ofOperators(a: ManifestOperator, b: ManifestOperator | undefined): boolean {
    if (b === undefined || !this.join(a, b)) return false;
    return (
      workOf(a) === workOf(b) &&
      this.ofTensors(a.output, b.output) &&
      a.inputs.every(({ tensor }, i) => this.ofTensors(tensor, b.inputs[i]?.tensor ?? '')) &&
      a.partials.every(({ tensor }, i) => this.ofTensors(tensor, b.partials[i]?.tensor ?? ''))
    );
  }
}

function isSameShape(a: ManifestTensor, b: ManifestTensor): boolean {
  return a.positions === b.positions && a.features === b.features && a.bits === b.bits;
}

function isSamePlace(a: Region['place'], b: Region['place']): boolean {
  if (a.kind === 'external' || b.kind === 'external') return a.kind === b.kind;
  if (a.kind === 'tiles' || b.kind === 'tiles') {
    if (a.kind !== 'tiles' || b.kind !== 'tiles' || a.by !== b.by || a.copies !== b.copies) return false;
    return a.n === b.n && a.k === b.k && a.groups === b.groups && isSameList(a.arrays, b.arrays);
  }
  if (a.offset !== b.offset) return false;
  if (a.kind === 'buffer' || b.kind === 'buffer') return a.kind === b.kind;
  return isSameList(a.arrays, b.arrays);
}

function isSameList(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((item, i) => item === b[i]));
}
