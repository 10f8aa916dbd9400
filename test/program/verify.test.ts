// The static verifier: every class of wrong edit to a right program is found, under its rule; nothing else is.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Problem, ProgramRule } from '../../lib/base/problem.ts';
import { parseProgram } from '../../lib/program/parse.ts';
import type { Program } from '../../lib/program/program.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { smallChip } from '../support/chips.ts';
import { randomPrograms } from '../support/compiled.ts';
import { TWO_CONVS } from '../support/two-convs.ts';
import { renamed } from './disguise.ts';

const CHIP = smallChip();

type Edit = readonly [found: string, instead: string];

function edited(edits: readonly Edit[]): Program {
  let text = TWO_CONVS;
  for (const [found, instead] of edits) {
    assert.ok(text.includes(found), `the program has no ${found}`);
    text = text.replace(found, instead);
  }
  return parseProgram(text);
}

function rulesOf(problems: readonly Problem[]): readonly ProgramRule[] {
  return problems.map((problem) => {
    assert.is(problem.kind, 'program');
    return (problem as Extract<Problem, { kind: 'program' }>).rule;
  });
}

/** An edit of the program's text that must be reported under a rule. */
function rejects(rule: ProgramRule, claim: string, ...edits: readonly Edit[]): void {
  test(`${rule}: ${claim}`, () => {
    const rules = rulesOf(verifyProgram(edited(edits), CHIP));
    assert.ok(rules.includes(rule), `reported: ${rules.join(', ') || 'nothing'}`);
  });
}

const WRITE_0 = 'CIM.write(operator=conv0, outputs=0:16, inner=0:36, copies=7, arrays=[0-13], from=[])\n';
const WRITE_1 = 'CIM.write(operator=conv2, outputs=0:48, inner=0:144, copies=1, arrays=[0-14], from=[])\n';
const WRITE_2 = 'CIM.write(operator=conv2, outputs=48:96, inner=0:144, copies=1, arrays=[0-14], from=[])\n';
const LAST =
  'parallel {\n  CIM.mvm(operator=conv2, outputs=48:96, inner=0:144, copies=1, arrays=[0-14], chunks=4, from=[r1], to=[r6])\n}\n';
const MVM_0 = '  CIM.mvm(operator=conv0, outputs=0:16, inner=0:36, copies=7, arrays=[0-13], chunks=8, from=[r2, r3, r0], to=[r4, r5])\n';
const POOL = '  VEC.run(operator=pool1, chunks=4, from=[r4, r5], to=[r1])\n';
const TOM = 'CM.switch(TOM, arrays=[14-15])\n';

test('the program as it is has no problems, and runs', () => {
  assert.equal(verifyProgram(parseProgram(TWO_CONVS), CHIP), []);
  assert.ok(simulate(parseProgram(TWO_CONVS), CHIP).makespanCycles > 0);
});

rejects('mode', 'computing on an array in memory mode', ['CM.switch(TOC, arrays=[14])\n', '']);
rejects('mode', 'memory in an array in compute mode', [TOM, '']);
rejects('mode', 'memory in an array that was switched back', ['CM.switch(TOC, arrays=[14])\n', 'CM.switch(TOC, arrays=[14-15])\n']);
rejects(
  'mode',
  'switching inside a parallel block',
  [MVM_0, `  CM.switch(TOC, arrays=[14])\n${MVM_0}`],
  ['CM.switch(TOC, arrays=[14])\nCIM', 'CIM'],
);

rejects('weights', 'computing without writing the weights', [WRITE_0, '']);
rejects('weights', 'computing with the weights of another piece', [WRITE_2, '']);
rejects('weights', 'computing with the weights of another operator', [WRITE_1, '']);
rejects('weights', 'tiles of a copy in the wrong order', [WRITE_0, WRITE_0.replace('[0-13]', '[1,0,2-13]')]);
rejects('weights', 'weights in other arrays than those computing', [WRITE_1, WRITE_1.replace('[0-14]', '[1-14,0]')]);
rejects('weights', 'weights overwritten before they are used', [
  WRITE_0,
  `${WRITE_0}${WRITE_0.replace('copies=7, arrays=[0-13]', 'copies=1, arrays=[1,0]')}`,
]);

rejects('use-before-write', "a window of the network's input, which nobody fills", ['features=0:4 window=64', 'features=0:4 window=56']);
rejects('use-before-write', 'reading a region that nobody has written', ['to=[r2, r3]', 'to=[r2]']);
rejects('use-before-write', 'reading a region that is written in a later block', [POOL, ''], [LAST, LAST.replace('}', `${POOL}}`)]);
rejects(
  'use-before-write',
  'reading a window after its block has ended',
  ['from=[r1], to=[r6]', 'from=[r1, r7], to=[r6]'],
  ['region r6', 'region r7 tensor=pool1.out features=0:16 window=8 at=external\nregion r6'],
  [POOL, POOL.replace('to=[r1]', 'to=[r7]')],
);

rejects(
  'use-before-write',
  'reading a window that a boundary before the block filled',
  ['region r2 tensor=input features=0:2 window=40', 'region r2 tensor=input features=0:2 window=40'],
  ['  MEM.move(chunks=8, from=[r0], to=[r2, r3])\n', ''],
  [WRITE_0, `${WRITE_0}MEM.move(chunks=8, from=[r0], to=[r2, r3])\n`],
);

rejects('use-before-write', 'a move that reads what it writes itself', ['from=[r0], to=[r2, r3]', 'from=[r2, r0], to=[r2, r3]']);

rejects('coverage', 'an input that lacks a feature', ['from=[r2, r3, r0]', 'from=[r2, r3]']);
rejects('coverage', 'an output that lacks a feature', ['to=[r4, r5]', 'to=[r4]']);
rejects('coverage', 'a vector operator that writes nowhere', ['from=[r4, r5], to=[r1]', 'from=[r4, r5], to=[]']);
rejects('coverage', 'an input that is not read at all', ['from=[r4, r5]', 'from=[]']);
rejects('coverage', 'data for weights that are stored outside', [WRITE_0, WRITE_0.replace('from=[]', 'from=[r0]')]);
rejects('coverage', 'a move whose source lacks a feature', ['tensor=input features=0:4 window=64', 'tensor=input features=1:4 window=64']);

rejects('capacity', 'a region beyond the end of the buffer', ['at=buffer+40', `at=buffer+${8192 - 159}`]);
rejects('capacity', 'a region beyond the end of an array', ['at=arrays[15]+0', 'at=arrays[15]+257']);
rejects('overlap', 'two regions in the same bytes of the buffer', ['at=buffer+40', 'at=buffer+39']);
rejects('overlap', 'two regions in the same bytes of an array', ['at=arrays[14-15]+256', 'at=arrays[14-15]+255']);
rejects(
  'overlap',
  'weights over data that is still needed',
  [WRITE_1, WRITE_1.replace('[0-14]', '[0-13,15]')],
  ['arrays=[0-14], chunks=4, from=[r1]', 'arrays=[0-13,15], chunks=4, from=[r1]'],
);

test('a region ends at the last byte of the buffer and of an array without a problem', () => {
  assert.equal(verifyProgram(edited([['at=buffer+40', `at=buffer+${8192 - 160}`]]), CHIP), []);
  assert.equal(verifyProgram(edited([['at=arrays[14-15]+256', `at=arrays[14-15]+${512 - 40}`]]), CHIP), []);
});

rejects('exactly-once', 'a piece of an operator is missing', [LAST, '']);
rejects('exactly-once', 'a piece is computed twice', [LAST, `${LAST}${WRITE_2}${LAST}`]);
rejects('exactly-once', 'pieces overlap', [WRITE_2, WRITE_2.replace('48:96', '47:95')], [LAST, LAST.replace('48:96', '47:95')]);
rejects('exactly-once', 'a vector operator is missing', [POOL, '']);
rejects('exactly-once', 'a vector operator runs twice', [POOL, POOL + POOL]);
rejects('exactly-once', "the network's output does not reach external memory", ['window=16 at=external', 'window=16 at=buffer+0']);
rejects('exactly-once', "only a part of the network's output reaches external memory", ['features=0:96', 'features=1:96']);

rejects('array-busy', 'an array is listed twice', [WRITE_0, WRITE_0.replace('[0-13]', '[0-12,12]')]);
rejects('array-busy', 'an array computes for one operator and is memory of another', ['at=arrays[14-15]+256', 'at=arrays[13,15]+256']);
rejects(
  'array-busy',
  'an array computes for two operators of a block',
  [LAST, ''],
  [WRITE_2, ''],
  ['  CIM.mvm(operator=conv2', `${LAST.split('\n')[1]}\n  CIM.mvm(operator=conv2`],
);
const STAGED = WRITE_1.replace('CIM.write', '  CIM.write');
rejects('array-busy', 'an array is rewritten while it computes', [WRITE_1, ''], [POOL, POOL + STAGED]);
rejects(
  'array-busy',
  'an array is rewritten while its data is read',
  [WRITE_1, ''],
  [POOL, POOL + STAGED.replace('outputs=0:48, inner=0:144', 'outputs=0:16, inner=0:64').replace('[0-14]', '[14-15]')],
);
rejects('cyclic-wait', 'a window smaller than what its reader needs at once', ['features=0:4 window=40', 'features=0:4 window=8']);

rejects('reference', 'a region that is not declared', ['from=[r1]', 'from=[r9]']);
rejects('reference', 'an operator that is not declared', ['VEC.run(operator=pool1', 'VEC.run(operator=pool9']);
rejects('reference', 'a tensor that is not declared', ['region r5 tensor=conv0.out', 'region r5 tensor=conv9.out']);
rejects('reference', "an operator's output that is not declared", ['operator pool1 output=pool1.out', 'operator pool1 output=pool9.out']);
rejects(
  'reference',
  'a partial sum that is not declared',
  ['inner=0:144', 'inner=0:140'],
  ['outputs=0:48, inner=0:144', 'outputs=0:48, inner=0:140'],
);
rejects('hardware', 'an array the chip does not have', [WRITE_1, WRITE_1.replace('[0-14]', '[0-13,16]')]);
rejects('hardware', 'a program for more arrays than the chip has', ['arrays=16', 'arrays=17']);
rejects('hardware', 'weights of another precision', ['precision weight=8', 'precision weight=4']);
rejects('hardware', 'activations of another precision', ['activation=8', 'activation=4']);

rejects('shape', 'more chunks than positions', ['chunks=4, from=[r1]', 'chunks=17, from=[r1]']);
rejects('shape', 'too few arrays for its copies', [WRITE_0, WRITE_0.replace('copies=7', 'copies=8')]);
rejects('shape', "outputs beyond the operator's", [WRITE_2, WRITE_2.replace('48:96', '48:97')]);
rejects('shape', "inner rows beyond the operator's", [WRITE_0, WRITE_0.replace('0:36', '0:37')]);
rejects('shape', "features beyond the tensor's", ['features=4:16', 'features=4:17']);
rejects('shape', 'a window longer than the tensor', ['features=0:4 window=64', 'features=0:4 window=65']);
rejects('shape', 'a move from one tensor to another', ['from=[r0], to=[r2, r3]', 'from=[r0], to=[r2, r4]']);
rejects('shape', "an output written to another tensor's region", ['from=[r4, r5], to=[r1]', 'from=[r4, r5], to=[r2]']);
rejects('shape', 'a vector operator run as a product', ['VEC.run(operator=pool1', 'VEC.run(operator=conv0']);
rejects('shape', 'a product that makes another number of elements than its output has', ['matrix(m=64', 'matrix(m=63']);
rejects('shape', 'a window over more positions than the tensor has', ['out=8x8, in=8x8', 'out=8x8, in=9x8']);
rejects('shape', 'a window that makes more positions than the output has', ['out=4x4, in=8x8', 'out=5x4, in=8x8']);

rejects('shape', 'a product that streams nothing', ['  input input use=stream', '  input input use=step']);
rejects('shape', 'a vector operator with an operand in arrays', ['  input conv0.out use=stream', '  input conv0.out use=stationary']);

rejects('shape', 'elements of another precision than the program', [
  'conv0.out role=activation positions=64 features=16 bits=8',
  'conv0.out role=activation positions=64 features=16 bits=7',
]);
rejects('shape', 'a window that lets rows go before they are needed', ['stride=2, reach=2, lead=0', 'stride=2, reach=0, lead=0']);
rejects(
  'shape',
  "partial sums of another shape than their operator's output",
  ['region r0', 'tensor conv2.sum role=activation positions=16 features=95 bits=32\nregion r0'],
  ['matrix(m=16, n=144, k=96, groups=1)', 'matrix(m=16, n=144, k=96, groups=1) partials=[conv2.sum:72]'],
);
rejects('coverage', 'a region that the operator does not take', ['from=[r4, r5], to=[r1]', 'from=[r4, r5, r0], to=[r1]']);

test('elements of 32 bits are those of sums and of what is counted', () => {
  const wide: Edit = ['positions=64 features=4 bits=8', 'positions=64 features=4 bits=32'];
  assert.equal(
    verifyProgram(
      edited([
        wide,
        ['arrays[14-15]+256', 'arrays[14-15]+0'],
        ['tensor=pool1.out features=0:16 window=16 at=arrays[15]+0', 'tensor=pool1.out features=0:16 window=16 at=external'],
        ['at=buffer+40', 'at=buffer+160'],
      ]),
      CHIP,
    ),
    [],
  );
});

test('other names and another order of declarations are never rejected and never change a cycle', async () => {
  const random = (await randomPrograms(25, 700)).map(({ program, chip }) => ({ program, chip }));
  for (const { program, chip } of [{ program: parseProgram(TWO_CONVS), chip: CHIP }, ...random]) {
    const other = renamed(program);
    assert.equal(verifyProgram(other, chip), [], program.model.name);
    assert.is(simulate(other, chip).makespanCycles, simulate(program, chip).makespanCycles, program.model.name);
  }
});

test('a program for a chip with as many or more arrays is accepted by it', () => {
  assert.equal(verifyProgram(parseProgram(TWO_CONVS), smallChip({ arrays: 20 })), []);
});

test.run();
