// K and V: right operands made at run time. A product must find what was made in this pass, all of it, and nothing else.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProgramRule } from '../../lib/base/problem.ts';
import type { MetaOp, MetaOpOf, Program, Statement } from '../../lib/program/program.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { encoder } from '../functional/models.ts';
import { programFor, withOwnWeights } from '../functional/support.ts';
import { smallChip } from '../support/chips.ts';

const dynamic = suite('program: stale K and V');

/** So few arrays that Q, K and V are made in one block and used in the next. */
const CHIP = smallChip({ arrays: 6, bufferBytes: 1024 });
const PROGRAM = await programFor(withOwnWeights(encoder()).graph, CHIP, 'static:0.5');

type Write = MetaOpOf<'CIM.write'>;
const isWriteOf =
  (operator: string) =>
  (statement: Statement): statement is Write =>
    statement.kind === 'CIM.write' && statement.operator === operator;
const [K, V] = PROGRAM.body.filter((statement): statement is Write => statement.kind === 'CIM.write' && statement.from.length > 0);

function withBody(body: readonly Statement[]): Program {
  return { ...PROGRAM, body };
}

function rejects(rule: ProgramRule, claim: string, make: (k: Write, v: Write) => Program): void {
  dynamic(`${rule}: ${claim}`, () => {
    assert.ok(K !== undefined && V !== undefined);
    const rules = verifyProgram(make(K, V), CHIP).map((problem) => problem.kind === 'program' && problem.rule);
    assert.ok(rules.includes(rule), `reported: ${rules.join(', ') || 'nothing'}`);
  });
}

/** Where the statement stands, and the block that uses what it writes. */
const at = (op: Statement): number => PROGRAM.body.indexOf(op);
const without = (op: Statement): readonly Statement[] => PROGRAM.body.filter((one) => one !== op);

dynamic('the program as it is has no problems', () => {
  assert.ok(K !== undefined && V !== undefined && K.operator !== V.operator);
  assert.equal(verifyProgram(PROGRAM, CHIP), []);
});

rejects('use-before-write', 'K is written into arrays before it is made', (k) => withBody([k, ...without(k)]));
rejects('weights', 'K is never written', (k) => withBody(without(k)));
rejects('weights', 'K is written after its product', (k) => {
  const rest = without(k);
  const block = rest.findIndex((one, i) => i >= at(k) && one.kind === 'parallel');
  return withBody([...rest.slice(0, block + 1), k, ...rest.slice(block + 1)]);
});
rejects('coverage', 'V is written where K should be', (k, v) =>
  withBody(PROGRAM.body.map((one) => (one === k ? { ...k, from: v.from } : one))),
);
rejects('coverage', 'K is taken from outside, as if it were stored', (k) =>
  withBody(PROGRAM.body.map((one) => (one === k ? { ...k, from: [] } : one))),
);
rejects('weights', 'other weights are written over V before its product', (_k, v) =>
  withBody(PROGRAM.body.flatMap((one) => (one === v ? [v, otherWeights(v)] : [one]))),
);
rejects('weights', 'the array of V was memory for other data in between', (_k, v) => {
  const region = PROGRAM.regions.find(({ place }) => place.kind === 'external' && PROGRAM.tensors.some(({ role }) => role === 'input'));
  assert.ok(region !== undefined);
  const kept = { ...region, id: 'scribble', place: { kind: 'arrays', arrays: v.arrays, offset: 0 } } as const;
  const scribble: readonly MetaOp[] = [
    { kind: 'CM.switch', to: 'TOM', arrays: v.arrays },
    { kind: 'MEM.move', chunks: 1, from: [region.id], to: ['scribble'] },
    { kind: 'CM.switch', to: 'TOC', arrays: v.arrays },
  ];
  return {
    ...PROGRAM,
    regions: [...PROGRAM.regions, kept],
    body: PROGRAM.body.flatMap((one) => (one === v ? [v, ...scribble] : [one])),
  };
});
rejects('array-busy', 'K is rewritten while its product runs', (k) => {
  const block = PROGRAM.body.findIndex((one, i) => i > at(k) && one.kind === 'parallel');
  return withBody(PROGRAM.body.map((one, i) => (i === block && one.kind === 'parallel' ? { ...one, body: [...one.body, k] } : one)));
});

/** Stored weights of another operator, as many tiles, in the same arrays. */
function otherWeights(v: Write): Write {
  const other = PROGRAM.body.find(isWriteOf('q'));
  assert.ok(other !== undefined);
  return { ...other, arrays: v.arrays };
}

dynamic.run();
