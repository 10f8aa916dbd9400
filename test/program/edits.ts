// Single random edits of a program, by class: what a person or a compiler with a defect could get wrong. Program -> another
// program and what was done, or undefined if the program has nothing of the kind. Everything follows from the random numbers.

import type { Loop, ManifestOperator, MetaOp, Place, Program, Region, Statement } from '../../lib/program/program.ts';

/** A whole number from `least` to `most`. */
export type Random = (least: number, most: number) => number;

export interface Edit {
  readonly program: Program;
  readonly what: string;
}

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T;
type MutableProgram = Mutable<Program>;
/** Changes the program in place and says what it did; undefined if it cannot. */
type Change = (program: MutableProgram, random: Random, arrays: number) => string | undefined;

/** A statement and the list it stands in. */
interface Spot<S extends Statement = Statement> {
  readonly list: Mutable<Statement>[];
  readonly at: number;
  readonly statement: Mutable<S>;
}

function spotsIn(list: Mutable<Statement>[]): readonly Spot[] {
  return list.flatMap((statement, at) => [
    { list, at, statement },
    ...(statement.kind === 'parallel' || statement.kind === 'loop' ? spotsIn(statement.body as Mutable<Statement>[]) : []),
  ]);
}

const isMetaOp = (statement: Statement): statement is MetaOp => statement.kind !== 'parallel' && statement.kind !== 'loop';

function pick<T>(list: readonly T[], random: Random): T | undefined {
  return list.length === 0 ? undefined : list[random(0, list.length - 1)];
}

/** Another element than `not`, if there is one. */
function other<T>(list: readonly T[], not: T, random: Random): T | undefined {
  return pick(
    list.filter((one) => one !== not),
    random,
  );
}

/** A statement for which `fits`. */
function pickOp<K extends MetaOp['kind']>(
  program: MutableProgram,
  random: Random,
  kinds: readonly K[],
): Spot<Extract<MetaOp, { kind: K }>> | undefined {
  const spots = spotsIn(program.body).filter(({ statement }) => (kinds as readonly string[]).includes(statement.kind));
  return pick(spots, random) as Spot<Extract<MetaOp, { kind: K }>> | undefined;
}

/** A number moved by a little, or to an end, and never below `least`. */
function nudged(value: number, random: Random, least = 0): number {
  const by = [1, 1, 2, 8, Math.max(1, value >> 1)][random(0, 4)]!;
  const down = value - by >= least && random(0, 1) === 0;
  return down ? value - by : value + by;
}

function name(op: Mutable<Statement>): string {
  return 'operator' in op ? `${op.kind} of ${op.operator}` : op.kind;
}

function changeRange(range: { from: number; to: number }, random: Random): string {
  const before = `${range.from}:${range.to}`;
  const how = random(0, 2);
  if (how === 0) range.from = nudged(range.from, random);
  else if (how === 1) range.to = nudged(range.to, random);
  else {
    const by = random(0, 1) === 0 && range.from > 0 ? -1 : 1;
    range.from += by;
    range.to += by;
  }
  return `${before} -> ${range.from}:${range.to}`;
}

function changeList<T>(list: T[], instead: readonly T[], random: Random): string | undefined {
  const at = random(0, Math.max(0, list.length - 1));
  const how = random(0, 3);
  if (how === 0 && list.length > 0) return `without ${list.splice(at, 1)}`;
  if (how === 1 && list.length > 1) {
    const to = (at + random(1, list.length - 1)) % list.length;
    const [a, b] = [list[at]!, list[to]!];
    if (a === b) return undefined;
    [list[at], list[to]] = [b, a];
    return `${a} and ${b} exchanged`;
  }
  const value = pick(instead, random);
  if (value === undefined) return undefined;
  if (how === 2 || list.length === 0) {
    list.splice(at, 0, value);
    return `${value} added`;
  }
  if (list[at] === value) return undefined;
  const old = list[at];
  list[at] = value;
  return `${old} -> ${value}`;
}

function changeArrays(list: number[], arrays: number, random: Random): string | undefined {
  return changeList(
    list,
    Array.from({ length: arrays }, (_, array) => array),
    random,
  );
}

/** Classes of edits to what the chip does: statements and regions. */
export const EDITS: Readonly<Record<string, Change>> = {
  'a statement left out': (program, random) => {
    const spot = pick(
      spotsIn(program.body).filter(({ statement }) => isMetaOp(statement)),
      random,
    );
    spot?.list.splice(spot.at, 1);
    return spot && name(spot.statement);
  },
  'a block left out': (program, random) => {
    const spot = pick(
      spotsIn(program.body).filter(({ statement }) => !isMetaOp(statement)),
      random,
    );
    spot?.list.splice(spot.at, 1);
    return spot && `a ${spot.statement.kind}`;
  },
  'a statement twice': (program, random) => {
    const spot = pick(spotsIn(program.body), random);
    spot?.list.splice(spot.at, 0, structuredClone(spot.statement));
    return spot && name(spot.statement);
  },
  'two neighbours exchanged': (program, random) => {
    const spot = pick(
      spotsIn(program.body).filter(({ list, at }) => at + 1 < list.length),
      random,
    );
    if (spot === undefined) return undefined;
    const { list, at } = spot;
    [list[at], list[at + 1]] = [list[at + 1]!, list[at]!];
    return `${name(list[at + 1]!)} and ${name(list[at]!)}`;
  },
  'a statement elsewhere': (program, random) => {
    const spots = spotsIn(program.body);
    const spot = pick(
      spots.filter(({ statement }) => isMetaOp(statement)),
      random,
    );
    const target = pick(spots, random);
    if (spot === undefined || target === undefined || target.statement === spot.statement) return undefined;
    spot.list.splice(spot.at, 1);
    target.list.splice(Math.min(target.at, target.list.length), 0, spot.statement);
    return `${name(spot.statement)} to before ${name(target.statement)}`;
  },
  'the other mode': (program, random) => {
    const spot = pickOp(program, random, ['CM.switch']);
    if (spot === undefined) return undefined;
    spot.statement.to = spot.statement.to === 'TOM' ? 'TOC' : 'TOM';
    return `switch to ${spot.statement.to}`;
  },
  'an array of a switch': (program, random, arrays) => {
    const spot = pickOp(program, random, ['CM.switch']);
    return spot && changeArrays(spot.statement.arrays, arrays, random);
  },
  'an array of a write or product': (program, random, arrays) => {
    const spot = pickOp(program, random, ['CIM.write', 'CIM.mvm']);
    const how = spot && changeArrays(spot.statement.arrays, arrays, random);
    return how && `${name(spot.statement)}: ${how}`;
  },
  'the outputs or inner rows of a write or product': (program, random) => {
    const spot = pickOp(program, random, ['CIM.write', 'CIM.mvm']);
    if (spot === undefined) return undefined;
    const field = random(0, 1) === 0 ? 'outputs' : 'inner';
    return `${name(spot.statement)}: ${field} ${changeRange(spot.statement[field], random)}`;
  },
  'the copies of a write or product': (program, random) => {
    const spot = pickOp(program, random, ['CIM.write', 'CIM.mvm']);
    if (spot === undefined) return undefined;
    spot.statement.copies = nudged(spot.statement.copies, random, 1);
    return `${name(spot.statement)}: ${spot.statement.copies} copies`;
  },
  'the chunks of a statement': (program, random) => {
    const spot = pickOp(program, random, ['CIM.mvm', 'MEM.move', 'VEC.run']);
    if (spot === undefined) return undefined;
    spot.statement.chunks = nudged(spot.statement.chunks, random, 1);
    return `${name(spot.statement)}: ${spot.statement.chunks} chunks`;
  },
  'what a statement is of': (program, random) => {
    const spot = pickOp(program, random, ['CIM.write', 'CIM.mvm', 'VEC.run']);
    const kind = (operator: ManifestOperator | undefined): boolean => operator?.matrix !== undefined;
    if (spot === undefined) return undefined;
    const own = program.operators.find(({ id }) => id === spot.statement.operator);
    const instead = other(
      program.operators.filter((operator) => kind(operator) === kind(own)).map(({ id }) => id),
      spot.statement.operator,
      random,
    );
    if (instead === undefined) return undefined;
    const before = name(spot.statement);
    spot.statement.operator = instead;
    return `${before} -> ${instead}`;
  },
  'what a statement reads': (program, random) => {
    const spot = pickOp(program, random, ['CIM.write', 'CIM.mvm', 'MEM.move', 'VEC.run']);
    const how = spot && changeList(spot.statement.from, likely(program, spot.statement.from, random), random);
    return how && `${name(spot.statement)}: ${how}`;
  },
  'what a statement writes': (program, random) => {
    const spot = pickOp(program, random, ['CIM.mvm', 'MEM.move', 'VEC.run']);
    const how = spot && changeList(spot.statement.to, likely(program, spot.statement.to, random), random);
    return how && `${name(spot.statement)}: ${how}`;
  },
  'the features of a region': (program, random) => {
    const region = pick(program.regions, random);
    return region && `${region.id}: ${changeRange(region.features, random)}`;
  },
  'the window of a region': (program, random) => {
    const region = pick(program.regions, random);
    if (region === undefined) return undefined;
    const before = region.window;
    region.window = nudged(region.window, random, 1);
    return `${region.id}: ${before} -> ${region.window}`;
  },
  'the address of a region': (program, random) => {
    const place = pick(
      program.regions.flatMap(({ place: one }) => (one.kind === 'external' || one.kind === 'tiles' ? [] : [one])),
      random,
    );
    if (place === undefined) return undefined;
    const before = place.offset;
    place.offset = nudged(place.offset, random);
    return `${place.kind}+${before} -> ${place.offset}`;
  },
  'an array of a region': (program, random, arrays) => {
    const place = pick(
      program.regions.flatMap(({ place: one }) => (one.kind === 'arrays' || one.kind === 'tiles' ? [one] : [])),
      random,
    );
    return place && changeArrays(place.arrays, arrays, random);
  },
  'the place of a region': (program, random) => {
    const region = pick(program.regions, random);
    const instead = region && pick([EXTERNAL, ...program.regions.map(({ place }) => place)], random);
    if (region === undefined || instead === undefined || JSON.stringify(instead) === JSON.stringify(region.place)) return undefined;
    region.place = structuredClone(instead) as Mutable<Place>;
    return `${region.id}: ${JSON.stringify(instead)}`;
  },
  'the tensor of a region': (program, random) => {
    const region = pick(program.regions, random);
    const instead =
      region &&
      other(
        program.tensors.map(({ id }) => id),
        region.tensor,
        random,
      );
    if (region === undefined || instead === undefined) return undefined;
    region.tensor = instead;
    return `${region.id}: ${instead}`;
  },
  'a region left out': (program, random) => {
    const region = pick(program.regions, random);
    if (region === undefined) return undefined;
    program.regions.splice(program.regions.indexOf(region), 1);
    return region.id;
  },
  'the turns of a loop': (program, random) => {
    const spot = pick(
      spotsIn(program.body).filter(({ statement }) => statement.kind === 'loop'),
      random,
    );
    if (spot === undefined) return undefined;
    const loop = spot.statement as Mutable<Loop>;
    loop.count = nudged(loop.count, random);
    return `${loop.count} turns`;
  },
};

const EXTERNAL: Place = { kind: 'external' };

/** Regions to read or write instead, half the time of the same tensor, as a slip would. */
function likely(program: MutableProgram, own: readonly string[], random: Random): readonly string[] {
  const ids = program.regions.map(({ id }) => id);
  const tensors = new Set(program.regions.filter(({ id }) => own.includes(id)).map(({ tensor }) => tensor));
  const same = program.regions.filter(({ tensor }) => tensors.has(tensor)).map(({ id }: Region) => id);
  return same.length > own.length && random(0, 1) === 0 ? same : ids;
}

/** Classes of edits to what must be done: tensors and operators. */
export const MANIFEST_EDITS: Readonly<Record<string, Change>> = {
  'a number of a tensor': (program, random) => {
    const tensor = pick(program.tensors, random);
    if (tensor === undefined) return undefined;
    const field = (['positions', 'features', 'bits'] as const)[random(0, 2)]!;
    tensor[field] = nudged(tensor[field], random, 1);
    return `${tensor.id}: ${field}=${tensor[field]}`;
  },
  'the role of a tensor': (program, random) => {
    const tensor = pick(program.tensors, random);
    if (tensor === undefined) return undefined;
    const instead = other(['input', 'activation', 'output', 'state'] as const, tensor.role, random);
    if (instead === undefined) return undefined;
    tensor.role = instead;
    return `${tensor.id}: ${instead}`;
  },
  'the shape of a product': (program, random) => {
    const operator = pick(
      program.operators.filter(({ matrix }) => matrix !== undefined),
      random,
    );
    if (operator?.matrix === undefined) return undefined;
    const field = (['m', 'n', 'k', 'groups'] as const)[random(0, 3)]!;
    operator.matrix[field] = nudged(operator.matrix[field], random, 1);
    return `${operator.id}: ${field}=${operator.matrix[field]}`;
  },
  'an input of an operator': (program, random) => {
    const operator = pick(program.operators, random);
    const input = operator && pick(operator.inputs, random);
    if (operator === undefined || input === undefined) return undefined;
    const how = random(0, 2);
    if (how === 0) {
      operator.inputs.splice(operator.inputs.indexOf(input), 1);
      return `${operator.id}: without ${input.tensor}`;
    }
    if (how === 1) {
      const use = other(['stream', 'stationary', 'step'] as const, input.use, random);
      if (use === undefined) return undefined;
      input.use = use;
      return `${operator.id}: ${input.tensor} as ${use}`;
    }
    const tensor = other(
      program.tensors.map(({ id }) => id),
      input.tensor,
      random,
    );
    if (tensor === undefined) return undefined;
    input.tensor = tensor;
    return `${operator.id}: ${tensor}`;
  },
  'a window of an operator': (program, random) => {
    const operator = pick(program.operators, random);
    const window = operator && pick(operator.inputs, random)?.window;
    if (operator === undefined || window === undefined) return undefined;
    const field = (['reach', 'lead', 'stride', 'rowsIn', 'rowsOut', 'widthIn', 'widthOut', 'samples'] as const)[random(0, 7)]!;
    window[field] = nudged(window[field], random, field === 'reach' || field === 'lead' ? -3 : 1);
    return `${operator.id}: ${field}=${window[field]}`;
  },
  'an operator left out': (program, random) => {
    const operator = pick(program.operators, random);
    if (operator === undefined) return undefined;
    program.operators.splice(program.operators.indexOf(operator), 1);
    return operator.id;
  },
  'the output of an operator': (program, random) => {
    const operator = pick(program.operators, random);
    const instead =
      operator &&
      other(
        program.tensors.map(({ id }) => id),
        operator.output,
        random,
      );
    if (operator === undefined || instead === undefined) return undefined;
    operator.output = instead;
    return `${operator.id}: ${instead}`;
  },
};

/** Applies one class; undefined if it finds nothing to change, or changes nothing. */
export function edited(program: Program, change: Change, random: Random, arrays: number): Edit | undefined {
  const copy = structuredClone(program) as MutableProgram;
  const what = change(copy, random, arrays);
  if (what === undefined || JSON.stringify(copy) === JSON.stringify(program)) return undefined;
  return { program: copy as Program, what };
}
