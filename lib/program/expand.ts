// Loops written out: Program -> Program without loops, or its statements one after another.
// $variable in an id becomes the iteration's number, $(variable+n) that number plus n; of the variables in scope the longest name
// that fits is meant.

import { assertNever, fail } from '../base/problem.ts';
import type { Loop, MetaOp, Parallel, Program, Statement } from './program.ts';

/** Most statements expandProgram makes. */
export const MOST_STATEMENTS = 5_000_000;

/** `$(i+1)`: the number of a later iteration. */
const SUM = /^\$\(([A-Za-z_][A-Za-z0-9_]*)\+(\d{1,9})\)/;

/** The same program without loops. Throws a `usage` problem when it would have over MOST_STATEMENTS statements. */
export function expandProgram(program: Program): Program {
  const count = countStatements(program);
  if (count > MOST_STATEMENTS) {
    fail({
      kind: 'usage',
      message: `The program has ${count > Number.MAX_SAFE_INTEGER ? `over ${Number.MAX_SAFE_INTEGER}` : count} statements once its loops are written out; at most ${MOST_STATEMENTS} are`,
      next: 'Walk statementsOf(program), which makes one at a time, or lower the count of a loop',
    });
  }
  return { ...program, body: [...statementsOf(program)] };
}

/** The meta-operators and parallel blocks in the order they run, loops written out as they are reached. */
export function statementsOf({ body }: Pick<Program, 'body'>): Generator<MetaOp | Parallel, void, undefined> {
  return walk(stepsOf(body, []), []);
}

/** What a loop does, turn by turn: as statementsOf. */
export function turnsOf({ variable, body }: Loop): (turn: number) => Generator<MetaOp | Parallel, void, undefined> {
  const steps = stepsOf(body, [variable]);
  return (turn) => walk(steps, [turn]);
}

/** How many statements a program has once its loops are written out, those inside parallel blocks included; not exact over 2^53. */
export function countStatements(program: Program): number {
  return count(program.body);
}

function count(statements: readonly Statement[]): number {
  let total = 0;
  for (const statement of statements) {
    if (statement.kind === 'loop') total += statement.count === 0 ? 0 : statement.count * count(statement.body);
    else total += statement.kind === 'parallel' ? 1 + statement.body.length : 1;
  }
  return total;
}

/** Variables of the loops around a statement, the outermost first. */
type Scope = readonly string[];
/** The numbers those loops are at. */
type Values = readonly number[];

/** A statement that runs, made anew for every iteration if ids in it have variables; or a loop that runs at least one. */
type Step =
  | { readonly statement: MetaOp | Parallel }
  | { readonly make: (values: Values) => MetaOp | Parallel }
  | { readonly depth: number; readonly count: number; readonly steps: readonly Step[] };

/** Without the loops that yield nothing, which may count to any number: so every iteration yields a statement. */
function stepsOf(statements: readonly Statement[], scope: Scope): readonly Step[] {
  return statements.flatMap((statement): readonly Step[] => {
    if (statement.kind === 'loop') {
      const steps = stepsOf(statement.body, [...scope, statement.variable]);
      return statement.count > 0 && steps.length > 0 ? [{ depth: scope.length, count: statement.count, steps }] : [];
    }
    if (statement.kind !== 'parallel') return [varies(statement, scope) ? { make: maker(statement, scope) } : { statement }];
    if (!statement.body.some((op) => varies(op, scope))) return [{ statement }];
    const makers = statement.body.map((op) => maker(op, scope));
    return [{ make: (values) => ({ kind: 'parallel', body: makers.map((make) => make(values)) }) }];
  });
}

function* walk(steps: readonly Step[], values: number[]): Generator<MetaOp | Parallel, void, undefined> {
  for (const step of steps) {
    if ('statement' in step) yield step.statement;
    else if ('make' in step) yield step.make(values);
    else {
      for (let value = 0; value < step.count; value++) {
        values[step.depth] = value;
        yield* walk(step.steps, values);
      }
    }
  }
}

function varies(op: MetaOp, scope: Scope): boolean {
  return idsOf(op).some((id) => termsOf(id, scope).length > 0);
}

/** Operators and regions that a meta-operator names. */
export function idsOf(op: MetaOp): readonly string[] {
  switch (op.kind) {
    case 'CM.switch':
      return [];
    case 'CIM.write':
      return [op.operator, ...op.from];
    case 'CIM.mvm':
    case 'VEC.run':
      return [op.operator, ...op.from, ...op.to];
    case 'MEM.move':
      return [...op.from, ...op.to];
    default:
      return assertNever(op);
  }
}

function maker(op: MetaOp, scope: Scope): (values: Values) => MetaOp {
  const each = (texts: readonly string[]): ((values: Values) => readonly string[]) => {
    const ids = texts.map((text) => idIn(text, scope));
    return (values) => ids.map((id) => id(values));
  };
  switch (op.kind) {
    case 'CM.switch':
      return () => op;
    case 'CIM.write': {
      const [operator, from] = [idIn(op.operator, scope), each(op.from)];
      return (values) => ({ ...op, operator: operator(values), from: from(values) });
    }
    case 'CIM.mvm':
    case 'VEC.run': {
      const [operator, from, to] = [idIn(op.operator, scope), each(op.from), each(op.to)];
      return (values) => ({ ...op, operator: operator(values), from: from(values), to: to(values) });
    }
    case 'MEM.move': {
      const [from, to] = [each(op.from), each(op.to)];
      return (values) => ({ ...op, from: from(values), to: to(values) });
    }
    default:
      return assertNever(op);
  }
}

/** What an id of the text stands for, as a function of the loops' numbers. */
export function idIn(text: string, scope: Scope): (values: Values) => string {
  const terms = termsOf(text, scope);
  if (terms.length === 0) return () => text;
  const last = text.slice(terms.at(-1)?.to);
  return (values) => {
    let id = '';
    let rest = 0;
    for (const { from, to, depth, plus } of terms) {
      id += text.slice(rest, from) + ((values[depth] ?? 0) + plus);
      rest = to;
    }
    return id + last;
  };
}

/** The places text[from .. to) of an id that stand for `plus` and the number of the loop at `depth`. */
function termsOf(text: string, scope: Scope): readonly { from: number; to: number; depth: number; plus: number }[] {
  if (!text.includes('$')) return [];
  const terms: { from: number; to: number; depth: number; plus: number }[] = [];
  for (let from = text.indexOf('$'); from >= 0; from = text.indexOf('$', from + 1)) {
    const sum = SUM.exec(text.slice(from));
    const depth = scope.reduce((best, variable, d) => {
      const fits = sum === null ? text.startsWith(variable, from + 1) : variable === sum[1];
      // Of the longest ones the innermost, which hides the others of its name.
      return fits && variable.length >= (scope[best]?.length ?? 0) ? d : best;
    }, -1);
    if (depth < 0) continue;
    const length = sum?.[0].length ?? 1 + (scope[depth] ?? '').length;
    terms.push({ from, to: from + length, depth, plus: Number(sum?.[2] ?? 0) });
  }
  return terms;
}
