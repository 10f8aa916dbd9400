// Program text: what is printed is read back, mistakes are found where they are, loops are written out.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError, describe } from '../../lib/base/problem.ts';
import { type Range, VECTOR_CLASSES, type Window } from '../../lib/base/shapes.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { countStatements, expandProgram, MOST_STATEMENTS, statementsOf } from '../../lib/program/expand.ts';
import { parseProgram } from '../../lib/program/parse.ts';
import { printArrays, printMetaOp, printProgram } from '../../lib/program/print.ts';
import {
  type Loop,
  type ManifestOperator,
  type MetaOp,
  OPERAND_LAYOUTS,
  type Parallel,
  type Place,
  type Program,
  type Region,
  type Statement,
} from '../../lib/program/program.ts';
import { LIMITS } from '../../lib/program/syntax.ts';
import { verifyProgram } from '../../lib/program/verify.ts';

const SEED = 20251123;

// ---- arbitrary programs

const HOSTILE = [
  '',
  ' ',
  '__proto__',
  'constructor',
  'toString',
  '<script>alert(1)</script>',
  '/features/features.0/Conv_output_0',
  'conv:0',
  'a"b',
  "it's",
  'a\\b',
  'a\nb',
  '\r\n',
  '\t',
  '\0',
  '\u2028',
  '\u202e',
  '\ufeff',
  'ünï',
  '面',
  '🙂',
  '\ud800',
  '12',
  '3x3',
  '-',
  '1-3',
  '# no comment',
  '// nor this',
  '}',
  '{',
  '"',
  'parallel',
  'loop',
  'region',
  'CM.switch',
  'TOM',
  'external',
  '$i',
  '$ii',
  'layer$i_q',
  '$',
  'x'.repeat(300),
  '(',
  ']',
  'a=b',
  'a,b',
  '\\u0041',
];
/** Plain objects, as parsers make them. */
function record<T>(fields: { [F in keyof T]: fc.Arbitrary<T[F]> }): fc.Arbitrary<T> {
  return fc.record<T>(fields, { noNullPrototype: true });
}
const id = fc.oneof(
  fc.constantFrom('conv1', 'conv1.out', 'r1', 'r$i'),
  fc.constantFrom(...HOSTILE),
  fc.string(),
  fc.string({ unit: 'binary' }),
);
const whole = fc.oneof(fc.nat(300), fc.maxSafeNat());
const signed = fc.oneof(
  fc.integer({ min: -9, max: 9 }),
  fc.maxSafeInteger().map((n) => (Object.is(n, -0) ? 0 : n)),
);
const range: fc.Arbitrary<Range> = record({ from: whole, to: whole });
const run = fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 20 })).map(([first, length]) => Array.from({ length }, (_, i) => first + i));
const arrays = fc.oneof(
  fc.array(fc.nat(12)),
  fc.array(run, { maxLength: 4 }).map((runs) => runs.flat()),
  fc.array(whole, { maxLength: 3 }),
);
const ids = fc.array(id, { maxLength: 4 });
const vectorClass = fc.constantFrom(...VECTOR_CLASSES);

const window: fc.Arbitrary<Window> = record({
  samples: whole,
  rowsOut: whole,
  widthOut: whole,
  rowsIn: whole,
  widthIn: whole,
  stride: whole,
  reach: signed,
  lead: signed,
});
const operator: fc.Arbitrary<ManifestOperator> = fc.record(
  {
    id,
    inputs: fc.array(record({ tensor: id, window, use: fc.constantFrom('stream', 'stationary', 'step') }), { maxLength: 3 }),
    output: id,
    matrix: record({ m: whole, n: whole, k: whole, groups: whole }),
    vector: record({ class: vectorClass, elements: whole }),
    steps: fc.array(record({ id, class: vectorClass }), { maxLength: 3 }),
    partials: fc.array(record({ tensor: id, upTo: whole }), { maxLength: 3 }),
  },
  { requiredKeys: ['id', 'inputs', 'output', 'steps', 'partials'], noNullPrototype: true },
);
const place: fc.Arbitrary<Place> = fc.oneof(
  fc.constant({ kind: 'external' as const }),
  record({ kind: fc.constant('buffer' as const), offset: whole }),
  record({ kind: fc.constant('arrays' as const), arrays, offset: whole }),
  record({
    kind: fc.constant('tiles' as const),
    by: fc.constantFrom(...OPERAND_LAYOUTS),
    n: whole,
    k: whole,
    groups: whole,
    copies: whole,
    arrays,
  }),
);
const region: fc.Arbitrary<Region> = record({ id, tensor: id, features: range, window: whole, place });

const piece = { operator: id, outputs: range, inner: range, copies: whole, arrays };
const flow = { chunks: whole, from: ids, to: ids };
const metaOp: fc.Arbitrary<MetaOp> = fc.oneof(
  record({ kind: fc.constant('CM.switch' as const), to: fc.constantFrom('TOM', 'TOC'), arrays }),
  record({ kind: fc.constant('CIM.write' as const), ...piece, from: ids }),
  record({ kind: fc.constant('CIM.mvm' as const), ...piece, ...flow }),
  record({ kind: fc.constant('MEM.move' as const), ...flow }),
  record({ kind: fc.constant('VEC.run' as const), operator: id, ...flow }),
);
const parallel: fc.Arbitrary<Parallel> = record({ kind: fc.constant('parallel' as const), body: fc.array(metaOp, { maxLength: 3 }) });
const variable = fc.constantFrom('i', 'ii', 'j', '_', 'layer', '__proto__', 'A9');
const leaf = fc.oneof(metaOp, parallel);
function loopOf(body: fc.Arbitrary<Statement>, count: fc.Arbitrary<number>): fc.Arbitrary<Loop> {
  return record({ kind: fc.constant('loop' as const), variable, count, body: fc.array(body, { maxLength: 3 }) });
}
function programOf(statement: fc.Arbitrary<Statement>): fc.Arbitrary<Program> {
  return record({
    noun: fc.constant('program' as const),
    schemaVersion: fc.constant(1 as const),
    model: record({ name: id, hash: fc.oneof(fc.constantFrom('3f9a', '0012', '77', 'deadbeef'), id) }),
    hardware: record({ name: id, hash: id, arrays: whole }),
    precision: record({ weightBits: whole, activationBits: whole }),
    tensors: fc.array(
      record({ id, role: fc.constantFrom('input', 'activation', 'output', 'state'), positions: whole, features: whole, bits: whole }),
      { maxLength: 4 },
    ),
    operators: fc.array(operator, { maxLength: 3 }),
    regions: fc.array(region, { maxLength: 4 }),
    body: fc.array(statement, { maxLength: 5 }),
  });
}
const nested = fc.oneof(leaf, loopOf(fc.oneof(leaf, loopOf(fc.oneof(leaf, loopOf(leaf, whole)), whole)), whole));
const program = programOf(nested);

// ---- a program as people write it

const TEXT = `cimbook-program 1
model "vgg16" 3f9a
hardware "dynaplasia-paper" 77ab arrays=96
precision weight=8 activation=8

tensor image role=input positions=50176 features=3 bits=8
tensor conv1.out role=output positions=50176 features=64 bits=8
tensor "conv1 sum" role=activation positions=50176 features=64 bits=32

operator conv1 output=conv1.out matrix(m=50176, n=27, k=64, groups=1) steps=[relu1:activation] partials=["conv1 sum":18]
  input image use=stream window(samples=1, out=224x224, in=224x224, stride=1, reach=2, lead=1)
operator pool1 output=pool1.out vector(class=pool, elements=3211264)

region r1 tensor=image features=0:3 window=896 at=buffer+0
region r2 tensor=conv1.out features=0:64 window=50176 at=external
region r3 tensor=conv1.out features=0:64 window=448 at=arrays[7,4-5]+0

CM.switch(TOM, arrays=[4-7])
CIM.write(operator=conv1, outputs=0:64, inner=0:27, copies=2, arrays=[0-3], from=[])
parallel {
  CIM.mvm(operator=conv1, outputs=0:64, inner=0:27, copies=2, arrays=[0-3], chunks=224, from=[r1], to=[r3])
  VEC.run(operator=pool1, chunks=112, from=[r3], to=["r 2", r2])
}
loop i 32 {
  MEM.move(chunks=1, from=[k$i], to=[v$i])
  loop j 2 {
    parallel {
    }
  }
}
`;
const HEADER = 'cimbook-program 1\nmodel m 0\nhardware h 0 arrays=1\nprecision weight=8 activation=8\n';

/** All problems, as line:column found -> expected. */
function problemsOf(text: string): string[] {
  try {
    parseProgram(text);
    return [];
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return error.problems.map((p) => (p.kind === 'syntax' ? `${p.line}:${p.column} ${p.found} -> ${p.expected}` : describe(p)));
  }
}

test('what is printed is read back, whatever the ids', () => {
  fc.assert(
    fc.property(program, (p) => {
      const text = printProgram(p);
      assert.equal(parseProgram(text), p);
      assert.is(printProgram(parseProgram(text)), text);
    }),
    { seed: SEED, numRuns: 1500 },
  );
});

test('what is read is plain data that JSON keeps', () => {
  fc.assert(
    fc.property(program, (p) => {
      const read = parseProgram(printProgram(p));
      assert.is(JSON.stringify(JSON.parse(JSON.stringify(read))), JSON.stringify(read));
      assert.equal(structuredClone(read), p);
    }),
    { seed: SEED, numRuns: 200 },
  );
});

test('printed text shows no invisible character and breaks lines only between statements', () => {
  fc.assert(
    fc.property(program, (p) => {
      const text = printProgram(p);
      assert.not.match(text, /[\0-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]/);
      const { tensors, operators, regions } = parseProgram(text);
      const inputs = operators.reduce((sum, o) => sum + o.inputs.length, 0);
      const declared = text.split('\n').filter((line) => /^(tensor|operator|region| {2}input) /.test(line));
      assert.is(declared.length, tensors.length + operators.length + inputs + regions.length);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test('the canonical text prints as itself', () => {
  assert.is(printProgram(parseProgram(TEXT)), TEXT);
});

test('the example of docs/program.md is canonical text of a program that may run', () => {
  const docs = readFileSync(new URL('../../docs/program.md', import.meta.url), 'utf8');
  const example = /^```\n(cimbook-program 1\n[^`]*)```$/m.exec(docs)?.[1] ?? '';
  const read = parseProgram(example);
  assert.is(printProgram(read), example);
  const hardware = loadHardware(fileURLToPath(new URL('../../hw/dynaplasia-paper.json', import.meta.url)));
  assert.equal(verifyProgram(read, hardware), []);
});

test('white space, comments, field order, quotes and line ends are free', () => {
  const messy = TEXT.replace(
    'CM.switch(TOM, arrays=[4-7])',
    '# modes first\n CM.switch (\n\tTOM ,\n arrays = [ 4 , 5-6, # two more\n 7-7 ] ) # done',
  )
    .replace('copies=2, arrays=[0-3], from=[]', 'from=[],arrays=[0,1,2,3],copies=002')
    .replace('role=input positions=50176 features=3 bits=8', 'bits=8 features=3   positions=50176 role=input   # the image')
    .replace('image role', '"image" role')
    .replace('parallel {\n    }', 'parallel{}')
    .replaceAll('\n', '\r\n');
  assert.is(printProgram(parseProgram(`\ufeff# a comment ahead of all\n${messy}`)), TEXT);
  assert.is(printProgram(parseProgram(TEXT.replace('model "vgg16"', 'model vgg16').trimEnd())), TEXT);
});

test('lists of arrays keep their order', () => {
  assert.is(printArrays([7, 3, 4, 5]), '[7,3-5]');
  assert.is(printArrays([3, 3, 2, 1, 9]), '[3,3,2,1,9]');
  assert.is(printArrays([]), '[]');
  assert.is(printMetaOp({ kind: 'CM.switch', to: 'TOC', arrays: [1, 2, 0] }), 'CM.switch(TOC, arrays=[1-2,0])');
});

test('ids that name object properties change nothing', () => {
  const text = `${HEADER}tensor __proto__ role=input positions=1 features=1 bits=8\nVEC.run(operator=__proto__, chunks=1, from=[constructor], to=[])\n`;
  const read = parseProgram(text);
  assert.is(read.tensors[0]?.id, '__proto__');
  assert.is(Object.getPrototypeOf(read), Object.prototype);
  assert.is(({} as Record<string, unknown>).id, undefined);
  assert.match(problemsOf(`${HEADER}tensor t __proto__=1`)[0] ?? '', /^5:10 '__proto__' -> a field of tensor/);
  assert.match(problemsOf(`${HEADER}MEM.move(constructor=1)`)[0] ?? '', /^5:10 'constructor' -> a field of MEM.move/);
});

// Name, text below a good header (its first line is 5), problems.
const MISTAKES: readonly (readonly [name: string, text: string, problems: readonly string[]])[] = [
  [
    'a misspelt meta-operator',
    'CIM.mmv(chunks=1)',
    [
      "5:1 'CIM.mmv' -> one of model, hardware, precision, tensor, operator, input, region, before, CM.switch, CIM.write, CIM.mvm, MEM.move, VEC.run, parallel, loop",
    ],
  ],
  ['an unknown field', '  MEM.move(chunk=1, from=[], to=[])', ["5:12 'chunk' -> a field of MEM.move (chunks, from, to)"]],
  ['a field twice', 'MEM.move(chunks=1, from=[], chunks=2, to=[])', ["5:29 'chunks' a second time -> each field of MEM.move once"]],
  ['missing fields', '\n  MEM.move(from=[])', ['6:3 MEM.move without chunks, to -> each of chunks, from, to']],
  ['no comma between fields', 'MEM.move(chunks=1 from=[], to=[])', ["5:19 'from' -> ',' or ')'"]],
  ['no bracket at the end', 'CM.switch(TOM, arrays=[1]\nCM.switch(TOC, arrays=[1])', ["6:1 'CM.switch' -> ',' or ')'"]],
  ['no direction', 'CM.switch(arrays=[1])', ["5:11 'arrays' -> TOM or TOC"]],
  ['a number that is none', 'MEM.move(chunks=two, from=[], to=[])', ["5:17 'two' -> a whole number"]],
  ['a fraction', 'MEM.move(chunks=1.5, from=[], to=[])', ["5:17 '1.5' -> a whole number"]],
  ['a negative number', 'MEM.move(chunks=-1, from=[], to=[])', ["5:17 '-' -> a whole number"]],
  [
    'a number too large',
    'MEM.move(chunks=9007199254740992, from=[], to=[])',
    ["5:17 '9007199254740992' -> a whole number of at most 9007199254740991"],
  ],
  [
    'a very large number',
    `CM.switch(TOM, arrays=[${'9'.repeat(400)}])`,
    [`5:24 '${'9'.repeat(40)}...' -> a whole number of at most 9007199254740991`],
  ],
  ['a range of arrays that falls', 'CM.switch(TOM, arrays=[1, 7-3])', ["5:29 '3' -> 7 or more: ranges of arrays ascend"]],
  ['an open range', 'CM.switch(TOM, arrays=[1-])', ["5:26 ']' -> a whole number"]],
  [
    'an id that starts with a digit',
    'VEC.run(operator=3x, chunks=1, from=[], to=[])',
    ["5:18 '3x' -> an id, in double quotes when a digit comes first"],
  ],
  [
    'a string that does not end',
    'VEC.run(operator="conv, chunks=1)\nCM.switch(TUM, arrays=[])',
    [
      "5:18 a string that does not end on its line -> a closing '\"'; a line break inside a string is written \\n",
      "6:11 'TUM' -> TOM or TOC",
    ],
  ],
  [
    'a wrong escape',
    'VEC.run(operator="a\\q", chunks=1, from=[], to=[])',
    ["5:20 the escape '\\q' -> one of the escapes \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"],
  ],
  [
    'a wrong character',
    'VEC.run(operator=é, chunks=1, from=[], to=[])',
    ['5:18 character U+00E9 -> a word, a number, a string in double quotes or one of ( ) [ ] { } = , : + - #'],
  ],
  [
    'a wrong word for a role',
    'tensor t role=weight positions=1 features=1 bits=8',
    ["5:15 'weight' -> one of input, activation, output, state"],
  ],
  [
    'a tensor short of fields',
    'tensor t role=input\ntensor u role=input positions=1 features=1 bits=8',
    ['5:1 tensor without positions, features, bits -> each of role, positions, features, bits'],
  ],
  [
    'commas between fields of a declaration',
    'tensor t role=input, positions=1',
    ["5:20 ',' -> a field (positions, features, bits) or the end of the line"],
  ],
  [
    'a declaration without an id',
    'tensor\nregion r tensor=t features=0:1 window=1 at=external',
    ["6:1 a line with 'tensor' alone -> the id of the tensor"],
  ],
  [
    'an input without its operator',
    'region r tensor=t features=0:1 window=1 at=external\n input t use=stream window(samples=1)',
    ["6:2 'input' -> 'input' only below the operator it belongs to"],
  ],
  [
    'a window short of a field',
    'operator o output=t\n input t use=stream window(samples=1, out=1x1, in=1x1, stride=1, reach=1)',
    ['6:27 window without lead -> each of samples, out, in, stride, reach, lead'],
  ],
  [
    'a size that is a number',
    'operator o output=t\n input t use=stream window(samples=1, out=224)',
    ["6:43 '224' -> ROWSxWIDTH, two whole numbers"],
  ],
  ['an unknown place', 'region r tensor=t features=0:1 window=1 at=dram', ["5:44 'dram' -> one of external, buffer, arrays, tiles"]],
  [
    'an unknown layout',
    'region r tensor=t features=0:1 window=1 at=tiles(by=diagonals, n=1, k=1, groups=1, copies=1, arrays=[0])',
    ["5:53 'diagonals' -> columns or rows"],
  ],
  [
    'tiles without copies',
    'region r tensor=t features=0:1 window=1 at=tiles(by=rows, n=1, k=1, groups=1, arrays=[0])',
    ['5:44 tiles without copies -> each of by, n, k, groups, copies, arrays'],
  ],
  ['a place without its offset', 'region r tensor=t features=0:1 window=1 at=arrays[1]', ["5:53 the end of the text -> '+'"]],
  [
    'a declaration below a statement',
    'CM.switch(TOM, arrays=[])\ntensor t role=input positions=1 features=1 bits=8',
    ["6:1 'tensor' -> declarations ahead of the first statement"],
  ],
  ['a header line twice', 'model n 1', ["5:1 'model' a second time -> the line 'model' once"]],
  [
    'a block that does not end',
    'loop i 2 {\n  parallel {\n    CM.switch(TOM, arrays=[])\n  }\n',
    ["9:1 the end of the text -> '}' for the 'loop' of line 5"],
  ],
  [
    'a block that ends twice',
    'parallel {\n}\n}\nCM.switch(TOM, arrays=[])',
    ["7:1 '}' -> a line of the program; there is no '{' for this"],
  ],
  ["a forgotten '{'", 'loop i 2\n  CM.switch(TOM, arrays=[])\n}', ["6:3 'CM.switch' -> '{' for the 'loop' of line 5"]],
  [
    "a forgotten '}'",
    'parallel {\n  CM.switch(TOM, arrays=[])\nparallel {\n}',
    ["7:1 'parallel' -> a meta-operator or '}' for the 'parallel' of line 5"],
  ],
  [
    'a misspelt block',
    'paralel {\n  CM.switch(TOM, arrays=[])\n}',
    [
      "5:1 'paralel' -> one of model, hardware, precision, tensor, operator, input, region, before, CM.switch, CIM.write, CIM.mvm, MEM.move, VEC.run, parallel, loop",
    ],
  ],
  [
    'a loop without count',
    'loop i {\n  loop 2 3 {\n  }\n}',
    ["5:8 '{' -> a whole number", "6:8 '2' -> the variable of the loop: letters, digits and _, no digit first"],
  ],
  [
    'a declaration inside a block',
    'parallel {\n  tensor t\n}',
    ["6:3 'tensor' -> a meta-operator (CM.switch, CIM.write, CIM.mvm, MEM.move, VEC.run) or '}'"],
  ],
];

for (const [name, text, expected] of MISTAKES) {
  test(`${name} is found where it is, once`, () => assert.equal(problemsOf(`${HEADER}${text}`), expected));
}

test('columns count from the start of the line behind a byte order mark, tabs and carriage returns', () => {
  assert.match(problemsOf('\ufeffprogram 1')[0] ?? '', /^1:1 'program' -> 'cimbook-program 1'/);
  assert.match(problemsOf(`${HEADER}\t\tMEM.mov()`.replaceAll('\n', '\r\n'))[0] ?? '', /^5:3 'MEM\.mov' /);
});

test('what is no program is said in one problem', () => {
  for (const text of ['', '{"noun":"program"}', 'cimbook-program', 'cimbook-program 2\nmodel', '\0\u0001ELF', 'cimbook-program-1']) {
    assert.is(problemsOf(text).length, 1, JSON.stringify(text));
  }
  assert.equal(problemsOf('cimbook-program 2'), ["1:17 '2' -> 1, the only version there is"]);
  assert.equal(problemsOf('cimbook-program 1\n'), ['1:1 a header without model, hardware, precision -> model, hardware, precision']);
});

test('all mistakes of a text are reported, in its order, up to the limit', () => {
  const wrong = `${HEADER}CM.switch(TUM, arrays=[])\nMEM.move(\n  chunks=x,\n  from=[])\nCIM.write()\nloop i 2 {\n  VEC.rum()\n  CM.switch(TOM, arrays=[z])\n}\nparallel {\n  x\n}\n`;
  assert.equal(
    problemsOf(wrong).map((line) => line.split(' ')[0]),
    ['5:11', '7:10', '9:1', '11:3', '12:26', '15:3'],
  );
  assert.is(problemsOf(HEADER + '?\n'.repeat(100_000)).length, LIMITS.problems);
});

test('one wrong line among many right ones is one problem', () => {
  const lines = TEXT.trimEnd().split('\n');
  lines.forEach((line, i) => {
    if (i === 0 || !/[a-z]/.test(line)) return;
    const edited = lines.with(i, line.replace(/=/, '?').replace(/^(\s*)(parallel|loop i)/, '$1$2 ?'));
    if (edited[i] === line) return;
    const problems = problemsOf(edited.join('\n'));
    assert.is(problems.length, 1, `${edited[i]}\n${problems.join('\n')}`);
    assert.match(problems[0] ?? '', new RegExp(`^${i + 1}:`));
  });
});

test('a mutated or truncated text gives a program or a CompileError, never anything else', () => {
  const noise = fc.oneof(
    fc.constantFrom(
      '{',
      '}',
      '(',
      ')',
      '[',
      ']',
      '"',
      '\\',
      '#',
      '\n',
      '=',
      ',',
      '-',
      '+',
      ':',
      '0',
      '99999999999999999999',
      'loop i 3 {',
      'parallel {',
      '\0',
      '\ud800',
    ),
    fc.string({ unit: 'binary', maxLength: 4 }),
  );
  const edit = record({ at: fc.nat(), drop: fc.nat(12), insert: fc.oneof(fc.constant(''), noise), copy: fc.nat(40) });
  const text = fc.oneof(fc.constant(TEXT), program.map(printProgram));
  fc.assert(
    fc.property(text, fc.array(edit, { minLength: 1, maxLength: 4 }), fc.boolean(), (valid, edits, truncate) => {
      let mutated = valid;
      for (const { at, drop, insert, copy } of edits) {
        const from = at % (mutated.length + 1);
        mutated =
          mutated.slice(0, from) + insert + mutated.slice(Math.max(0, from - copy), from) + (truncate ? '' : mutated.slice(from + drop));
      }
      let read: Program;
      try {
        read = parseProgram(mutated);
      } catch (error) {
        assert.instance(error, CompileError);
        const lines = mutated.split('\n');
        const { problems } = error as CompileError;
        assert.ok(problems.length > 0 && problems.length <= LIMITS.problems);
        for (const problem of problems) {
          if (problem.kind !== 'syntax') assert.unreachable(problem.kind);
          else assert.ok(problem.column >= 1 && problem.column <= (lines[problem.line - 1] ?? '').length + 1, describe(problem));
        }
        return;
      }
      assert.equal(parseProgram(printProgram(read)), read);
    }),
    { seed: SEED, numRuns: 4000 },
  );
});

test('limits hold: text, nesting, lists of arrays', () => {
  assert.match(problemsOf(' '.repeat(LIMITS.characters + 1))[0] ?? '', /^1:1 67108865 characters/);
  const nest = (depth: number): string => `${HEADER}${'loop i 1 {\n'.repeat(depth)}${'}\n'.repeat(depth)}`;
  assert.equal(problemsOf(nest(16)), []);
  assert.equal(problemsOf(nest(100_000)), ["21:10 '{' -> blocks at most 16 deep"]);
  assert.equal(problemsOf(`${HEADER}CM.switch(TOM, arrays=[0-999999])`), []);
  assert.equal(problemsOf(`${HEADER}CM.switch(TOM, arrays=[0-999999,5])`), ['5:33 a list of 1000001 arrays -> at most 1000000']);
  assert.equal(problemsOf(`${HEADER}CM.switch(TOM, arrays=[0-9007199254740991])`), [
    '5:24 a list of 9007199254740992 arrays -> at most 1000000',
  ]);
  const many = problemsOf(`${HEADER}${'CM.switch(TOM, arrays=[0-999999])\n'.repeat(LIMITS.arraysInText / 1_000_000 + 100)}`);
  assert.equal(many, ['37:32 33000000 arrays in lists -> at most 32000000 in the text']);
});

// ---- loops

const MOVE = { kind: 'MEM.move', chunks: 1, from: [], to: [] } as const satisfies MetaOp;
function withBody(body: readonly Statement[]): Program {
  return { ...parseProgram(HEADER), body };
}
function loop(variable: string, count: number, ...body: Statement[]): Loop {
  return { kind: 'loop', variable, count, body };
}
function vec(operator: string, from: readonly string[] = [], to: readonly string[] = []): MetaOp {
  return { kind: 'VEC.run', operator, chunks: 1, from, to };
}
function operators(program: Program): string[] {
  return program.body.map((statement) => (statement.kind === 'VEC.run' ? statement.operator : statement.kind));
}

test('a loop becomes its body, once for each number', () => {
  const body = [vec('a'), loop('i', 2, vec('b$i', ['x$i', '$i$i', 'y'], ['$i/z']), { kind: 'parallel', body: [vec('c$i')] }), MOVE];
  assert.equal(expandProgram(withBody(body)).body, [
    vec('a'),
    vec('b0', ['x0', '00', 'y'], ['0/z']),
    { kind: 'parallel', body: [vec('c0')] },
    vec('b1', ['x1', '11', 'y'], ['1/z']),
    { kind: 'parallel', body: [vec('c1')] },
    MOVE,
  ]);
});

test('a program without loops expands to itself', () => {
  fc.assert(
    fc.property(programOf(leaf), (p) => assert.equal(expandProgram(p), p)),
    { seed: SEED, numRuns: 100 },
  );
});

test('of several variables the longest that fits is meant', () => {
  const nest = withBody([loop('i', 2, loop('ii', 2, vec('$i_$ii$iii.$j')))]);
  assert.equal(operators(expandProgram(nest)), ['0_00i.$j', '0_11i.$j', '1_00i.$j', '1_11i.$j']);
  assert.equal(operators(expandProgram(withBody([loop('ii', 1, loop('i', 2, vec('$ii$i')))]))), ['00', '01']);
});

test('a variable means nothing outside its loop, and in an inner loop of the same name the inner number', () => {
  assert.equal(operators(expandProgram(withBody([vec('$i'), loop('i', 2, vec('a$i'), loop('i', 2, vec('$i'))), vec('$i')]))), [
    '$i',
    'a0',
    '0',
    '1',
    'a1',
    '0',
    '1',
    '$i',
  ]);
});

test('every id of every meta-operator is replaced, and nothing else', () => {
  const write: MetaOp = {
    kind: 'CIM.write',
    operator: 'o$i',
    outputs: { from: 0, to: 1 },
    inner: { from: 0, to: 1 },
    copies: 1,
    arrays: [3],
    from: ['k$i'],
  };
  const mvm: MetaOp = { ...write, kind: 'CIM.mvm', chunks: 1, to: ['t$i'] };
  const swap: MetaOp = { kind: 'CM.switch', to: 'TOM', arrays: [0] };
  assert.equal(expandProgram(withBody([loop('i', 1, write, mvm, swap, { ...MOVE, from: ['a$i'], to: ['b$i'] })])).body, [
    { ...write, operator: 'o0', from: ['k0'] },
    { ...mvm, operator: 'o0', from: ['k0'], to: ['t0'] },
    swap,
    { ...MOVE, from: ['a0'], to: ['b0'] },
  ]);
});

test('statements one at a time are those of the expanded program, and as many as counted', () => {
  const count = fc.nat(3);
  fc.assert(
    fc.property(programOf(fc.oneof(leaf, loopOf(fc.oneof(leaf, loopOf(leaf, count)), count))), (p) => {
      const expanded = expandProgram(p);
      assert.equal([...statementsOf(p)], expanded.body);
      assert.not(expanded.body.some((statement) => statement.kind === 'loop'));
      assert.is(countStatements(p), countStatements(expanded));
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test('a program too large to write out is refused with its size, and can still be walked', () => {
  const huge = withBody([loop('i', 1e9, loop('j', 1e9, MOVE))]);
  assert.throws(
    () => expandProgram(huge),
    (error: unknown) => error instanceof CompileError && /over 9007199254740991 statements .* at most 5000000 /.test(error.message),
  );
  assert.throws(() => expandProgram(withBody([loop('i', MOST_STATEMENTS + 1, MOVE)])), /5000001 statements/);
  assert.is(statementsOf(huge).next().done, false);
});

test('loops around nothing take no time, whatever their count', () => {
  const empty = loop('i', Number.MAX_SAFE_INTEGER, loop('j', Number.MAX_SAFE_INTEGER), loop('k', 0, MOVE));
  assert.equal(expandProgram(withBody([empty, MOVE])).body, [MOVE]);
  assert.is(countStatements(withBody([empty])), 0);
});

test.run();
