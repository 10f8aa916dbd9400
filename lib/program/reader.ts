// Tokens -> values and named fields, with the problems found on the way: what the grammar in parse.ts is written with.
// Every method reads from the current token on. A problem goes on the list; where reading can't go on, the statement
// is left (`Abandon`) and `recover` finds where the next one starts.

import { CompileError, type Problem } from '../base/problem.ts';
import type { Range } from '../base/shapes.ts';
import { Lexer, type TokenKind } from './lex.ts';
import { LIMITS } from './syntax.ts';

/** Reads a field from what follows its name. */
export type FieldReader<T> = (reader: Reader) => T;
export type Shape = Readonly<Record<string, FieldReader<unknown>>>;
export type FieldsOf<S extends Shape> = { readonly [F in keyof S]: ReturnType<S[F]> };
type SyntaxProblem = Extract<Problem, { kind: 'syntax' }>;

/** What fields belong to, for problems found at their end. */
export interface Owner {
  readonly name: string;
  readonly line: number;
  readonly column: number;
}

/** Ends the statement in which a problem was found; the problem is already on the list. */
class Abandon extends Error {}

export class Reader {
  readonly lexer: Lexer;
  private readonly problems: SyntaxProblem[] = [];
  /** First words of lines; after a problem inside brackets reading goes on at one of them. */
  private readonly starts: ReadonlySet<string>;
  private arraysRead = 0;

  constructor(text: string, starts: ReadonlySet<string>) {
    this.lexer = new Lexer(text);
    this.starts = starts;
  }

  // ---- tokens and values

  expect(kind: TokenKind, expected: string): void {
    if (this.lexer.kind !== kind) this.stop(expected);
    this.lexer.next();
  }

  /** The reader itself, behind `mark`. */
  after(mark: TokenKind): this {
    this.expect(mark, `'${mark}'`);
    return this;
  }

  /** The current word, '' when it is none. */
  get word(): string {
    return this.lexer.kind === 'word' ? this.lexer.text : '';
  }

  oneOf<T extends string>(words: readonly T[]): T {
    const word = words.find((candidate) => candidate === this.word);
    if (word === undefined) return this.stop(words.length > 2 ? `one of ${words.join(', ')}` : words.join(' or '));
    this.lexer.next();
    return word;
  }

  whole(): number {
    const { kind, value } = this.lexer;
    if (kind !== 'number') return this.stop('a whole number');
    if (!Number.isSafeInteger(value)) return this.stop(`a whole number of at most ${Number.MAX_SAFE_INTEGER}`);
    this.lexer.next();
    return value;
  }

  signed(): number {
    if (this.lexer.kind !== '-') return this.whole();
    this.lexer.next();
    // By subtraction, which never makes -0.
    return 0 - this.whole();
  }

  /** `224x224` */
  size(): readonly [number, number] {
    const parts = /^(\d+)x(\d+)$/.exec(this.word);
    if (!parts) return this.stop('ROWSxWIDTH, two whole numbers');
    const pair = [Number(parts[1]), Number(parts[2])] as const;
    if (!pair.every(Number.isSafeInteger)) this.stop(`two whole numbers of at most ${Number.MAX_SAFE_INTEGER}`);
    this.lexer.next();
    return pair;
  }

  /** `0:64` */
  range(): Range {
    const from = this.whole();
    this.expect(':', "':' and the end of the range");
    return { from, to: this.whole() };
  }

  /** A bare word or a string; `expected` names it in problems. */
  id(expected: string): string {
    const { lexer } = this;
    if (lexer.kind === 'string' || (lexer.kind === 'word' && !/^[0-9]/.test(lexer.text))) {
      const { text } = lexer;
      lexer.next();
      return text;
    }
    return this.stop(
      lexer.kind === 'word' || lexer.kind === 'number' ? `${expected}, in double quotes when a digit comes first` : expected,
    );
  }

  hash(): string {
    const { lexer } = this;
    if (lexer.kind !== 'string' && lexer.kind !== 'word' && lexer.kind !== 'number') return this.stop('a hash');
    const hash = lexer.kind === 'string' ? lexer.text : lexer.raw;
    lexer.next();
    return hash;
  }

  /** `[item, item]` */
  list<T>(read: () => T): readonly T[] {
    const items: T[] = [];
    this.expect('[', "'['");
    while (this.lexer.kind !== ']') {
      if (items.length > 0) this.expect(',', "',' or ']'");
      items.push(read());
    }
    this.lexer.next();
    return items;
  }

  /** `[7,3-5]`, in its order. */
  arrays(): readonly number[] {
    const list: number[] = [];
    this.list(() => {
      const { line, column } = this.lexer;
      const first = this.whole();
      const last = this.lexer.kind === '-' ? this.endOfArrays(first) : first;
      const count = Math.max(0, last - first + 1);
      if (list.length + count > LIMITS.arraysInList) {
        this.stopAt({ line, column, found: `a list of ${list.length + count} arrays`, expected: `at most ${LIMITS.arraysInList}` });
      }
      this.arraysRead += count;
      if (this.arraysRead > LIMITS.arraysInText)
        this.abort(`at most ${LIMITS.arraysInText} in the text`, `${this.arraysRead} arrays in lists`);
      for (let array = first; array <= last; array++) list.push(array);
    });
    return list;
  }

  private endOfArrays(first: number): number {
    this.lexer.next();
    const { kind, value } = this.lexer;
    if (kind === 'number' && value < first) this.report(`${first} or more: ranges of arrays ascend`);
    return this.whole();
  }

  // ---- named fields

  /** Owner of the fields from the current token on. */
  owner(name: string): Owner {
    return { name, line: this.lexer.line, column: this.lexer.column };
  }

  /** `(name=value, ...)` */
  call<S extends Shape>(name: string, shape: S): FieldsOf<S> {
    const owner = this.owner(name);
    this.expect('(', `'(' after ${name}`);
    return this.fields(shape, owner);
  }

  /** `name=value, ... )`: each field of the shape once, in any order. The opening bracket is behind us. */
  fields<S extends Shape>(shape: S, owner: Owner): FieldsOf<S> {
    const values = new Map<string, unknown>();
    while (this.lexer.kind !== ')') {
      if (values.size > 0) this.expect(',', "',' or ')'");
      this.field(shape, values, owner);
    }
    this.lexer.next();
    return this.complete(shape, values, owner);
  }

  /** `name=value ...` to the end of the line: each field of the shape once, those of `optional` at most once. */
  lineFields<S extends Shape, O extends Shape>(shape: S, optional: O, owner: Owner): FieldsOf<S> & Partial<FieldsOf<O>> {
    const { lexer } = this;
    const values = new Map<string, unknown>();
    const all = { ...shape, ...optional };
    while (!lexer.firstOnLine && lexer.kind === 'word') this.field(all, values, owner);
    if (!lexer.firstOnLine && lexer.kind !== 'end') {
      const open = Object.keys(all).filter((name) => !values.has(name));
      this.stop(open.length > 0 ? `a field (${open.join(', ')}) or the end of the line` : 'the end of the line');
    }
    return { ...this.complete(shape, values, owner), ...pick(optional, values) };
  }

  private field(shape: Shape, values: Map<string, unknown>, owner: Owner): void {
    const name = this.word;
    const read = Object.hasOwn(shape, name) ? shape[name] : undefined;
    const known = Object.keys(shape);
    if (!read) return this.stop(known.length > 0 ? `a field of ${owner.name} (${known.join(', ')})` : 'the end of the line');
    const again = values.has(name);
    if (again) this.report(`each field of ${owner.name} once`, `'${name}' a second time`);
    this.lexer.next();
    const value = read(this);
    if (!again) values.set(name, value);
  }

  private complete<S extends Shape>(shape: S, values: ReadonlyMap<string, unknown>, { name, line, column }: Owner): FieldsOf<S> {
    const fields = Object.keys(shape);
    const missing = fields.filter((field) => !values.has(field));
    if (missing.length > 0) {
      this.stopAt({ line, column, found: `${name} without ${missing.join(', ')}`, expected: `each of ${fields.join(', ')}` });
    }
    return pick(shape, values) as FieldsOf<S>;
  }

  // ---- problems

  /** Puts a problem on the list. A second one at the same place only follows from the first. */
  add({ line, column, found, expected }: Omit<SyntaxProblem, 'kind'>): void {
    const last = this.problems.at(-1);
    if (last?.line === line && last.column === column) return;
    this.problems.push({ kind: 'syntax', line, column, found, expected });
    if (this.problems.length >= LIMITS.problems) throw this.failure();
  }

  /** A problem at the current token; reading goes on. */
  report(expected: string, found?: string): void {
    const { lexer } = this;
    const { line, column } = lexer;
    if (lexer.kind === 'bad') this.add({ line, column, ...lexer.problem });
    else this.add({ line, column, found: found ?? lexer.found, expected });
  }

  /** A problem at the current token; leaves the statement. */
  stop(expected: string, found?: string): never {
    this.report(expected, found);
    throw new Abandon();
  }

  /** A problem somewhere else; leaves the statement. */
  private stopAt(problem: Omit<SyntaxProblem, 'kind'>): never {
    this.add(problem);
    throw new Abandon();
  }

  /** A problem at the current token; leaves the text. */
  abort(expected: string, found?: string): never {
    this.report(expected, found);
    throw this.failure();
  }

  get failed(): boolean {
    return this.problems.length > 0;
  }

  /** All problems, in the order of the text. */
  failure(): CompileError {
    return new CompileError([...this.problems].sort((a, b) => a.line - b.line || a.column - b.column));
  }

  /** Reads one item. After a problem in it: the number of '{' that were skipped, whose '}' are still to come. */
  attempt(read: () => void): number {
    const { start } = this.lexer;
    this.lexer.nesting = 0;
    try {
      read();
      return 0;
    } catch (error) {
      if (error instanceof Abandon) return this.recover(start);
      throw error;
    }
  }

  /**
   * Skips to a line where an item may start: the next one or, while a ( or [ is open, the next that starts like an
   * item. Stops at the '}' of an enclosing block. The token at `start` is always skipped, so that reading ends.
   */
  private recover(start: number): number {
    const { lexer } = this;
    let braces = 0;
    for (let skipped = lexer.start !== start; lexer.kind !== 'end'; skipped = true) {
      if (skipped && lexer.firstOnLine && (lexer.nesting <= 0 || this.starts.has(this.word))) break;
      if (lexer.kind === '{') braces++;
      if (lexer.kind === '}' && braces-- === 0) return 0;
      lexer.next();
    }
    return braces;
  }
}

/** The fields of `shape` that have a value; each value was made by the shape's own reader. */
function pick<S extends Shape>(shape: S, values: ReadonlyMap<string, unknown>): Partial<FieldsOf<S>> {
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(shape)) if (values.has(name)) fields[name] = values.get(name);
  return fields as Partial<FieldsOf<S>>;
}
