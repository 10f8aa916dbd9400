// Loops written out: Program -> Program without loops, or its statements one after another.
// $variable in an id becomes the iteration's number, $(variable+n) that number plus n; of the variables in scope the longest name
// that fits is meant.

import { assertNever, fail } from '../base/problem.ts';
import type { MetaOp, Parallel, Program, Statement } from './program.ts';

/** Most statements expandProgram makes. */
export const MOST_STATEMENTS = 5_000_000;

/** `$(i+1)`: the number of a later iteration. */
const SUM = /^\$\(([A-Za-z_][A-Za-z0-9_]*)\+(\d{1,9})\)/;

/** Values of the enclosing loops' variables: longest name first, then innermost first. */
type Scope = readonly { readonly variable: string; readonly value: number }[];

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
export function statementsOf(program: Program): Generator<MetaOp | Parallel, void, undefined> {
  return walk(stepsOf(program.body), []);
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

/** A statement that runs, and whether an id of it may hold a variable; or a loop that runs at least one. */
type Step =
  | { readonly statement: MetaOp | Parallel; readonly varies: boolean }
  | { readonly variable: string; readonly count: number; readonly steps: readonly Step[] };

/** Without the loops that yield nothing, which may count to any number: so every iteration yields a statement. */
function stepsOf(statements: readonly Statement[]): readonly Step[] {
  return statements.flatMap((statement): readonly Step[] => {
    if (statement.kind !== 'loop') {
      return [{ statement, varies: statement.kind === 'parallel' ? statement.body.some(varies) : varies(statement) }];
    }
    const steps = stepsOf(statement.body);
    return statement.count > 0 && steps.length > 0 ? [{ variable: statement.variable, count: statement.count, steps }] : [];
  });
}

function* walk(steps: readonly Step[], scope: Scope): Generator<MetaOp | Parallel, void, undefined> {
  for (const step of steps) {
    if ('steps' in step) {
      for (let value = 0; value < step.count; value++) yield* walk(step.steps, enter(scope, step.variable, value));
    } else if (scope.length === 0 || !step.varies) yield step.statement;
    else if (step.statement.kind !== 'parallel') yield substitute(step.statement, scope);
    else yield { kind: 'parallel', body: step.statement.body.map((op) => substitute(op, scope)) };
  }
}

function varies(op: MetaOp): boolean {
  return idsOf(op).some((id) => id.includes('$'));
}

function idsOf(op: MetaOp): readonly string[] {
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

/** An inner loop hides an outer one with the same variable. */
function enter(scope: Scope, variable: string, value: number): Scope {
  return [{ variable, value }, ...scope.filter((outer) => outer.variable !== variable)].sort(
    (a, b) => b.variable.length - a.variable.length,
  );
}

function substitute(op: MetaOp, scope: Scope): MetaOp {
  const id = (text: string): string => substituteId(text, scope);
  switch (op.kind) {
    case 'CM.switch':
      return op;
    case 'CIM.write':
      return { ...op, operator: id(op.operator), from: op.from.map(id) };
    case 'CIM.mvm':
    case 'VEC.run':
      return { ...op, operator: id(op.operator), from: op.from.map(id), to: op.to.map(id) };
    case 'MEM.move':
      return { ...op, from: op.from.map(id), to: op.to.map(id) };
    default:
      return assertNever(op);
  }
}

function substituteId(id: string, scope: Scope): string {
  let done = '';
  let rest = 0;
  for (let dollar = id.indexOf('$'); dollar >= 0; dollar = id.indexOf('$', dollar + 1)) {
    const sum = SUM.exec(id.slice(dollar));
    const bound = scope.find(({ variable }) => (sum === null ? id.startsWith(variable, dollar + 1) : variable === sum[1]));
    if (!bound) continue;
    done += id.slice(rest, dollar) + (bound.value + Number(sum?.[2] ?? 0));
    rest = dollar + (sum?.[0].length ?? 1 + bound.variable.length);
  }
  return rest === 0 ? id : done + id.slice(rest);
}
