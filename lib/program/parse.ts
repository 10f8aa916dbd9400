// Text (.mop) -> Program: recursive descent over the grammar of docs/program.md, one token ahead. Input is untrusted:
// all problems that can be found are reported with line and column, and syntax.ts limits what is read.
// What a program means is verifyProgram's.

import { fail } from '../base/problem.ts';
import { type Range, VECTOR_CLASSES } from '../base/shapes.ts';
import {
  type Loop,
  type ManifestInput,
  type ManifestOperator,
  type ManifestTensor,
  META_OPS,
  type MetaOp,
  type MetaOpKind,
  OPERAND_LAYOUTS,
  type Parallel,
  type Place,
  type Program,
  type Region,
  type Statement,
} from './program.ts';
import { type FieldReader, Reader, type Shape } from './reader.ts';
import { LIMITS, MAGIC, VARIABLE, VERSION } from './syntax.ts';

/** The program that `text` says. Throws a CompileError of `syntax` problems, at most 50. */
export function parseProgram(text: string): Program {
  if (text.length > LIMITS.characters) {
    fail({ kind: 'syntax', line: 1, column: 1, found: `${text.length} characters`, expected: `at most ${LIMITS.characters}` });
  }
  return new Parser(text).program();
}

// ---- fields: what stands behind their names

const whole: FieldReader<number> = (reader) => reader.after('=').whole();
const signed: FieldReader<number> = (reader) => reader.after('=').signed();
const size: FieldReader<readonly [number, number]> = (reader) => reader.after('=').size();
const range: FieldReader<Range> = (reader) => reader.after('=').range();
const arrays: FieldReader<readonly number[]> = (reader) => reader.after('=').arrays();
const id: FieldReader<string> = (reader) => reader.after('=').id('an id');
const ids: FieldReader<readonly string[]> = (reader) => reader.after('=').list(() => reader.id('an id'));
const oneOf =
  <T extends string>(words: readonly T[]): FieldReader<T> =>
  (reader) =>
    reader.after('=').oneOf(words);

const TILES = { by: oneOf(OPERAND_LAYOUTS), n: whole, k: whole, groups: whole, copies: whole, arrays };
const place: FieldReader<Place> = (reader) => {
  const start = reader.after('=').owner('tiles');
  const kind = reader.oneOf(['external', 'buffer', 'arrays', 'tiles']);
  if (kind === 'external') return { kind };
  if (kind === 'tiles') {
    reader.expect('(', "'(' after tiles");
    return { kind, ...reader.fields(TILES, start) };
  }
  if (kind === 'buffer') return { kind, offset: reader.after('+').whole() };
  return { kind, arrays: reader.arrays(), offset: reader.after('+').whole() };
};

const steps: FieldReader<ManifestOperator['steps']> = (reader) =>
  reader.after('=').list(() => {
    const step = reader.id('the id of a step');
    reader.expect(':', "':' and the class of the step");
    return { id: step, class: reader.oneOf(VECTOR_CLASSES) };
  });

const partials: FieldReader<ManifestOperator['partials']> = (reader) =>
  reader.after('=').list(() => {
    const tensor = reader.id('the tensor of a partial sum');
    reader.expect(':', "':' and the inner row it goes up to");
    return { tensor, upTo: reader.whole() };
  });

const WINDOW = { samples: whole, out: size, in: size, stride: whole, reach: signed, lead: signed };
const window: FieldReader<ManifestInput['window']> = (reader) => {
  const { samples, out, in: input, stride, reach, lead } = reader.call('window', WINDOW);
  return { samples, rowsOut: out[0], widthOut: out[1], rowsIn: input[0], widthIn: input[1], stride, reach, lead };
};

const MATRIX = { m: whole, n: whole, k: whole, groups: whole };
const matrix: FieldReader<NonNullable<ManifestOperator['matrix']>> = (reader) => reader.call('matrix', MATRIX);
const VECTOR = { class: oneOf(VECTOR_CLASSES), elements: whole };
const vector: FieldReader<NonNullable<ManifestOperator['vector']>> = (reader) => reader.call('vector', VECTOR);

// ---- lines: their first words and fields, in the order of the types

const HEADER = ['model', 'hardware', 'precision'] as const;
const DECLARATIONS = ['tensor', 'operator', 'input', 'region'] as const;
const STATEMENTS = [...META_OPS, 'parallel', 'loop'] as const;
/** What a run before may have left. */
const LEFT = ['CM.switch', 'CIM.write'] as const;

const TENSOR = {
  role: oneOf<ManifestTensor['role']>(['input', 'activation', 'output', 'state']),
  positions: whole,
  features: whole,
  bits: whole,
};
const OPERATOR = { output: id };
const OPERATOR_OPTIONS = { matrix, vector, steps, partials };
const INPUT = { use: oneOf<ManifestInput['use']>(['stream', 'stationary', 'step']), window };
const REGION = { tensor: id, features: range, window: whole, at: place };

const PIECE = { operator: id, outputs: range, inner: range, copies: whole, arrays };
const FLOW = { chunks: whole, from: ids, to: ids };
/** CM.switch has its direction ahead of its fields. */
const META_OP_FIELDS = {
  'CM.switch': { arrays },
  'CIM.write': { ...PIECE, from: ids },
  'CIM.mvm': { ...PIECE, ...FLOW },
  'MEM.move': FLOW,
  'VEC.run': { operator: id, ...FLOW },
} satisfies Record<MetaOpKind, Shape>;

interface Lines {
  model?: Program['model'];
  hardware?: Program['hardware'];
  precision?: Program['precision'];
  readonly tensors: ManifestTensor[];
  readonly operators: ManifestOperator[];
  readonly regions: Region[];
  before?: NonNullable<Program['before']>;
  readonly body: Statement[];
}

class Parser extends Reader {
  private readonly lines: Lines = { tensors: [], operators: [], regions: [], body: [] };
  /** Header lines met, well formed or not. */
  private readonly headerSeen = new Set<string>();
  /** 0 header, 1 declarations, 2 body: never goes back. */
  private section: 0 | 1 | 2 = 0;
  /** Where `input` lines go: to the operator whose line they follow. */
  private inputs: ManifestInput[] | undefined;
  private depth = 0;

  constructor(text: string) {
    super(text, new Set<string>([...HEADER, ...DECLARATIONS, 'before', ...STATEMENTS]));
  }

  program(): Program {
    if (this.word !== MAGIC) this.abort(`'${MAGIC} ${VERSION}', the first line of every program`);
    this.lexer.next();
    if (this.lexer.kind !== 'number' || this.lexer.value !== VERSION) this.abort(`${VERSION}, the only version there is`);
    this.lexer.next();
    this.items();
    const { model, hardware, precision, ...body } = this.lines;
    const missing = HEADER.filter((name) => !this.headerSeen.has(name));
    if (missing.length > 0) this.add({ line: 1, column: 1, found: `a header without ${missing.join(', ')}`, expected: HEADER.join(', ') });
    if (this.failed || !model || !hardware || !precision) throw this.failure();
    return { noun: 'program', schemaVersion: VERSION, model, hardware, precision, ...body };
  }

  /** Everything behind the first line. */
  private items(): void {
    const { lexer } = this;
    let skippedBraces = 0;
    while (lexer.kind !== 'end') {
      if (lexer.kind !== '}') skippedBraces += this.attempt(() => this.item());
      else {
        if (skippedBraces > 0) skippedBraces--;
        else this.report("a line of the program; there is no '{' for this");
        lexer.next();
      }
    }
  }

  private item(): void {
    const { word } = this;
    if (includes(HEADER, word)) {
      this.enter(0, 'the header ahead of declarations and statements');
      if (this.headerSeen.has(word)) this.report(`the line '${word}' once`, `'${word}' a second time`);
      this.headerSeen.add(word);
      this.header(word);
    } else if (includes(DECLARATIONS, word)) {
      this.enter(1, 'declarations ahead of the first statement');
      this.declaration(word);
    } else if (word === 'before') {
      if (this.lines.body.length > 0 || this.lines.before !== undefined) this.report("'before' once, ahead of the first statement");
      this.section = 2;
      this.lines.before = this.before();
    } else if (includes(STATEMENTS, word)) {
      this.section = 2;
      this.lines.body.push(this.statement());
    } else {
      const lines = [...(this.section === 0 ? HEADER : []), ...(this.section < 2 ? [...DECLARATIONS, 'before'] : []), ...STATEMENTS];
      this.stop(`one of ${lines.join(', ')}`);
    }
  }

  private enter(section: 0 | 1, expected: string): void {
    if (this.section > section) this.report(expected);
    else this.section = section;
  }

  /** The first word of a line and, on the same line, something more. */
  private firstWord(name: string, expected: string): void {
    this.lexer.next();
    if (this.lexer.firstOnLine) this.stop(expected, `a line with '${name}' alone`);
  }

  private header(word: (typeof HEADER)[number]): void {
    const owner = this.owner(word);
    if (word === 'precision') {
      this.firstWord(word, 'weight=BITS activation=BITS');
      const { weight, activation } = this.lineFields({ weight: whole, activation: whole }, {}, owner);
      this.lines.precision = { weightBits: weight, activationBits: activation };
      return;
    }
    this.firstWord(word, 'its name and hash');
    const name = this.id(`the name of the ${word}`);
    const label = { name, hash: this.hash() };
    if (word === 'model') this.lines.model = { ...label, ...this.lineFields({}, {}, owner) };
    else this.lines.hardware = { ...label, ...this.lineFields({ arrays: whole }, {}, owner) };
  }

  private declaration(word: (typeof DECLARATIONS)[number]): void {
    const owner = this.owner(word);
    const { tensors, operators, regions } = this.lines;
    const { inputs } = this;
    // Set ahead of what may fail: inputs below a wrong operator line are not wrong for that.
    const own: ManifestInput[] = [];
    this.inputs = word === 'operator' ? own : word === 'input' ? inputs : undefined;
    if (word === 'input' && !inputs) this.stop("'input' only below the operator it belongs to");
    const what = `the id of the ${word === 'input' ? 'tensor' : word}`;
    this.firstWord(word, what);
    const name = this.id(what);
    switch (word) {
      case 'tensor':
        tensors.push({ id: name, ...this.lineFields(TENSOR, {}, owner) });
        break;
      case 'operator':
        operators.push({ id: name, inputs: own, steps: [], partials: [], ...this.lineFields(OPERATOR, OPERATOR_OPTIONS, owner) });
        break;
      case 'input':
        inputs?.push({ tensor: name, ...this.lineFields(INPUT, {}, owner) });
        break;
      case 'region': {
        const { at, ...rest } = this.lineFields(REGION, {}, owner);
        regions.push({ id: name, ...rest, place: at });
        break;
      }
    }
  }

  private statement(): Statement {
    if (this.word === 'parallel') return this.parallel();
    if (this.word === 'loop') return this.loop();
    return this.metaOp();
  }

  private metaOp(): MetaOp {
    const kind = META_OPS.find((name) => name === this.word);
    if (kind === undefined) return this.stop(`a meta-operator (${META_OPS.join(', ')}) or '}'`);
    const owner = this.owner(kind);
    this.lexer.next();
    this.expect('(', `'(' after ${kind}`);
    switch (kind) {
      case 'CM.switch': {
        const to = this.oneOf(['TOM', 'TOC']);
        this.expect(',', "',' and arrays=[...]");
        return { kind, to, ...this.fields(META_OP_FIELDS[kind], owner) };
      }
      case 'CIM.write':
        return { kind, ...this.fields(META_OP_FIELDS[kind], owner) };
      case 'CIM.mvm':
        return { kind, ...this.fields(META_OP_FIELDS[kind], owner) };
      case 'MEM.move':
        return { kind, ...this.fields(META_OP_FIELDS[kind], owner) };
      case 'VEC.run':
        return { kind, ...this.fields(META_OP_FIELDS[kind], owner) };
    }
  }

  private before(): NonNullable<Program['before']> {
    const opener = `the 'before' of line ${this.lexer.line}`;
    this.lexer.next();
    return this.block(opener, ['parallel', 'loop'], () => {
      if (!includes(LEFT, this.word)) this.stop(`${LEFT.join(', ')} or '}'`);
      const op = this.metaOp();
      return op.kind === 'CM.switch' || op.kind === 'CIM.write' ? op : this.stop(LEFT.join(', '));
    });
  }

  private parallel(): Parallel {
    const opener = `the 'parallel' of line ${this.lexer.line}`;
    this.lexer.next();
    // A parallel or a loop in it means that its '}' was forgotten.
    const body = this.block(opener, ['parallel', 'loop'], () => this.metaOp());
    return { kind: 'parallel', body };
  }

  private loop(): Loop {
    const opener = `the 'loop' of line ${this.lexer.line}`;
    this.lexer.next();
    const variable = this.word;
    if (!VARIABLE.test(variable)) this.stop('the variable of the loop: letters, digits and _, no digit first');
    this.lexer.next();
    const count = this.whole();
    const body = this.block(opener, [], () => {
      if (!includes(STATEMENTS, this.word)) this.stop(`a statement (${STATEMENTS.join(', ')}) or '}'`);
      return this.statement();
    });
    return { kind: 'loop', variable, count, body };
  }

  /** `{ item* }`. A word of `closing` ends the block too, with a problem. */
  private block<T>(opener: string, closing: readonly string[], read: () => T): T[] {
    const { lexer } = this;
    if (this.depth >= LIMITS.nesting) this.abort(`blocks at most ${LIMITS.nesting} deep`);
    // A '{' forgotten at the end of a line is taken as there, so that what it should hold is still read as such.
    if (lexer.kind === '{') lexer.next();
    else if (lexer.firstOnLine || lexer.kind === 'end') this.report(`'{' for ${opener}`);
    else this.stop(`'{' for ${opener}`);
    this.depth++;
    const items: T[] = [];
    for (let open = 1; open > 0; ) {
      if (lexer.kind === '}') {
        lexer.next();
        open--;
      } else if (lexer.kind === 'end' || closing.includes(this.word)) {
        this.report(`${lexer.kind === 'end' ? '' : 'a meta-operator or '}'}' for ${opener}`);
        open = 0;
      } else open += this.attempt(() => items.push(read()));
    }
    this.depth--;
    return items;
  }
}

function includes<T extends string>(words: readonly T[], word: string): word is T {
  return words.some((candidate) => candidate === word);
}
