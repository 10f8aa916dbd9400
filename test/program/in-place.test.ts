// Operands in place: computing on arrays whose operand is not complete, in the wrong mode, or overwritten, is an error.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProgramRule } from '../../lib/base/problem.ts';
import { sum } from '../../lib/base/units.ts';
import { verifyManifest } from '../../lib/dataflow/verify-manifest.ts';
import { emit } from '../../lib/emit/emit.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { printProgram } from '../../lib/program/print.ts';
import type { MetaOp, MetaOpOf, OperandTiles, Program, Region, Statement } from '../../lib/program/program.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { expectedOf, type Prepared, prepared, withWeights } from '../functional/support.ts';
import { smallChip } from '../support/chips.ts';
import { matchesGolden } from '../support/golden.ts';
import { inPlace } from '../support/in-place.ts';
import { NetworkBuilder } from '../support/networks.ts';
import { EDITS } from './edits.ts';
import { type Case, mutationCase, type Subject } from './mutation.ts';

const operands = suite('program: operands in place');

const TOKENS = 24;
const CHIP = smallChip({ hash: 'feed', arrays: 16, tileRows: 8, tileColumns: 16, externalBytesPerCycle: 1 });

/** Scores of one head: rows of Q times rows of K. K's 24 columns take two tiles side by side, its 12 rows two above each other. */
function scores() {
  const net = new NetworkBuilder();
  const x = net.tokens(TOKENS, 12);
  return withWeights(net.finish([net.product(net.linear(x, 12), net.linear(x, 12))], 'scores'), 1);
}

const GRAPH = scores().graph;
const PROGRAM = emit(GRAPH, await schedule(GRAPH, CHIP, { optimizer: inPlace }), CHIP);
const K = PROGRAM.regions.find(({ place }) => place.kind === 'tiles') as Region & { readonly place: OperandTiles };

operands('the program of one head is the golden one', () => {
  assert.equal(verifyProgram(PROGRAM, CHIP), []);
  matchesGolden('program/in-place.mop', printProgram(PROGRAM));
});

/** Cycles for which the statement that writes K keeps tiles busy. */
function writingCycles(program: Program): number {
  const statements = simulate(program, CHIP, { verified: true }).segments.flatMap((segment) => segment.statements);
  return sum(
    statements
      .filter(({ kind }) => kind === 'CIM.mvm')
      .flatMap(({ busy }) => busy.filter(({ resource }) => resource === 'arrays being written').map(({ cycles }) => cycles)),
  );
}

operands('K by columns meets all rows of its tiles with every token, row by row; V by rows meets one', () => {
  // 24 chunks of one token, 8 rows of the fullest tile, a cycle a row; all four tiles side by side.
  assert.is(writingCycles(PROGRAM), 24 * 8);
  assert.is(writingCycles(withPlace({ by: 'rows', n: TOKENS, k: 12, arrays: [12, 13, 14] })), 24);
  const half = inBlocks((op) => (writesK(op) ? { ...op, chunks: 12 } : op));
  assert.is(writingCycles(half), 12 * 8, 'two tokens at once are written in the time of one');
});

operands('energy is that of the weights written, copies included', () => {
  const written = 2 * 12 * 12 + 12 * TOKENS * K.place.copies;
  assert.is(simulate(PROGRAM, CHIP).usage.weightWriteByte, (written * CHIP.storedBitsPerWeight) / 8);
});

function isTaker(id: string): boolean {
  return PROGRAM.operators.some(({ id: own, inputs }) => own === id && inputs.some(({ use }) => use === 'stationary'));
}

function rulesOf(program: Program): readonly (ProgramRule | false)[] {
  return verifyProgram(program, CHIP).map((problem) => problem.kind === 'program' && problem.rule);
}

function rejects(rule: ProgramRule, claim: string, make: () => Program): void {
  operands(`${rule}: ${claim}`, () => {
    const rules = rulesOf(make());
    assert.ok(rules.includes(rule), `reported: ${rules.join(', ') || 'nothing'}`);
  });
}

const withPlace = (change: Partial<OperandTiles>): Program => withRegion({ place: { ...K.place, ...change } });
function withRegion(change: Partial<Region>): Program {
  return { ...PROGRAM, regions: PROGRAM.regions.map((region) => (region === K ? { ...K, ...change } : region)) };
}
function withBody(change: (statement: Statement) => readonly Statement[]): Program {
  return { ...PROGRAM, body: PROGRAM.body.flatMap(change) };
}
const holdsK = (op: MetaOp): boolean => op.kind === 'CM.switch' && op.arrays.some((array) => K.place.arrays.includes(array));
const writesK = (op: MetaOp): op is MetaOpOf<'CIM.mvm'> => op.kind === 'CIM.mvm' && op.to.includes(K.id);
/** Every meta-operator in the blocks as another one. */
const inBlocks = (change: (op: MetaOp) => MetaOp): Program =>
  withBody((one) => [one.kind === 'parallel' ? { ...one, body: one.body.map(change) } : one]);

rejects('mode', 'K is computed on while its arrays are memory', () =>
  withBody((one) => (one.kind === 'CM.switch' && one.to === 'TOC' && holdsK(one) ? [] : [one])),
);
rejects('mode', 'K is written into arrays that compute', () =>
  withBody((one) => (one.kind === 'CM.switch' && one.to === 'TOM' && holdsK(one) ? [] : [one])),
);
rejects('weights', 'K is never written', () => {
  const elsewhere: Region = { ...K, id: 'elsewhere', place: { kind: 'external' } };
  const changed = inBlocks((op) => (writesK(op) ? { ...op, to: ['elsewhere'] } : op));
  return { ...changed, regions: [...changed.regions, elsewhere] };
});
rejects('shape', 'half of K is written', () => withRegion({ features: { from: 0, to: 6 } }));
rejects('shape', 'a sliding window of K is written', () => withRegion({ window: 4 }));
rejects('shape', 'the operand has another size', () => withPlace({ n: 11 }));
rejects('shape', 'an array is missing', () => withPlace({ arrays: K.place.arrays.slice(1) }));
rejects('shape', 'there are no copies', () => withPlace({ copies: 0 }));
rejects('weights', 'tiles lie in another order than the product takes them', () => withPlace({ arrays: [...K.place.arrays].reverse() }));
rejects('hardware', 'an array the chip does not have', () => withPlace({ arrays: K.place.arrays.map((array) => array + 100) }));
rejects('weights', 'stored weights are written over K before its product', () => {
  const other = PROGRAM.body.find((one) => one.kind === 'CIM.write');
  assert.ok(other?.kind === 'CIM.write');
  const over = { ...other, arrays: K.place.arrays.slice(0, other.arrays.length) };
  return withBody((one) => (one.kind === 'CM.switch' && one.to === 'TOC' && holdsK(one) ? [one, over] : [one]));
});
rejects('overlap', 'other data is stored where K waits', () => {
  const scribble: Region = { ...K, id: 'scribble', place: { kind: 'arrays', arrays: K.place.arrays, offset: 0 } };
  const changed = inBlocks((op) => (writesK(op) ? { ...op, to: [...op.to, 'scribble'] } : op));
  return { ...changed, regions: [...changed.regions, scribble] };
});
rejects('shape', 'K is read from its tiles', () =>
  inBlocks((op) => (op.kind === 'CIM.mvm' && isTaker(op.operator) ? { ...op, from: [...op.from, K.id] } : op)),
);

operands('manifest: K comes by columns, whatever its program says', () => {
  const byRows = withPlace({ by: 'rows', n: TOKENS, k: 12, arrays: [12, 13, 14] });
  assert.equal(verifyManifest(PROGRAM, GRAPH), []);
  assert.equal(
    verifyManifest(byRows, GRAPH).map((problem) => problem.kind === 'program' && problem.where),
    [`region ${K.id}`],
  );
});

operands('random edits that change a result are rejected', async () => {
  const first: Prepared = prepared(scores(), 1, CHIP.precision);
  const runs = [first, first, first, first];
  const subject: Subject = { name: 'operands in place', program: PROGRAM, chip: CHIP, runs, expected: runs.map(expectedOf) };
  const kinds = Object.keys(EDITS).length;
  const cases = Array.from({ length: 20 * kinds }, (_, number) => mutationCase([subject], 7, number)).filter(
    (one): one is Case => one !== undefined,
  );
  const changing = cases.filter(({ changes, ofManifest }) => changes && !ofManifest);
  assert.ok(changing.length > cases.length / 4, `${changing.length} of ${cases.length}`);
  const missed = changing.filter(({ rules }) => rules.length === 0);
  assert.is(missed.map(({ number, kind, what }) => `${number}: ${kind}, ${what}`).join('\n'), '');
});

operands.run();
