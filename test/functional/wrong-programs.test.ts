// A wrong program computes wrong numbers, or is caught in the act: edits of right programs, run without the verifier.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError } from '../../lib/base/problem.ts';
import { expandProgram, statementsOf } from '../../lib/program/expand.ts';
import type { MetaOp, MetaOpOf, Program, Region, Statement } from '../../lib/program/program.ts';
import { smallChip } from '../support/chips.ts';
import { NetworkBuilder } from '../support/networks.ts';
import { computedBy, expectedOf, type Prepared, prepared, programFor, withWeights } from './support.ts';

const wrong = suite('wrong programs');

const CHIP = smallChip({ arrays: 24, bufferBytes: 2048 });

function network(): Prepared {
  const net = new NetworkBuilder();
  const input = net.input(1, 4, 8, 8);
  const wide = net.conv(input, 12, { relu: true });
  const back = net.conv(wide, 12, { relu: true, add: wide });
  return prepared(withWeights(net.finish([net.dense(net.pool(back), 10)]), 8), 8, CHIP.precision);
}

/** Every meta-operator, changed by `edit` or left; one that it makes nothing of is left out. */
function edited(program: Program, edit: (op: MetaOp) => MetaOp | undefined): Program {
  const each = (statement: Statement): readonly Statement[] => {
    if (statement.kind === 'loop') return [{ ...statement, body: statement.body.flatMap(each) }];
    if (statement.kind !== 'parallel') return [edit(statement) ?? []].flat();
    return [{ ...statement, body: statement.body.flatMap((op) => edit(op) ?? []) }];
  };
  return { ...program, body: expandProgram(program).body.flatMap(each) };
}

/** What an unverified program computes, or the rule it breaks. */
function outcome(program: Program, one: Prepared): readonly number[] | string {
  try {
    return computedBy(program, CHIP, one, { verified: true });
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return error.message;
  }
}

const all = <K extends MetaOp['kind']>(program: Program, kind: K): readonly MetaOpOf<K>[] =>
  [...statementsOf(program)]
    .flatMap((statement): readonly MetaOp[] => (statement.kind === 'parallel' ? statement.body : [statement]))
    .filter(({ kind: own }) => own === kind) as unknown as MetaOpOf<K>[];

const EDITS: Readonly<Record<string, (program: Program) => Program>> = {
  'the tiles of two writes exchanged': (program) => {
    const [first, second] = all(program, 'CIM.write').filter(({ arrays }) => arrays.length > 0);
    return edited(program, (op) => {
      if (op === first) return { ...op, arrays: [...(second?.arrays ?? []), ...op.arrays].slice(0, op.arrays.length) };
      return op;
    });
  },
  'the arrays of a product in another order': (program) => {
    const target = all(program, 'CIM.mvm').find(({ arrays }) => arrays.length > 1);
    return edited(program, (op) => (op === target && op.kind === 'CIM.mvm' ? { ...op, arrays: op.arrays.toReversed() } : op));
  },
  'a write left out': (program) => {
    const target = all(program, 'CIM.write').at(-1);
    return edited(program, (op) => (op === target ? undefined : op));
  },
  'a write of other outputs': (program) => {
    const target = all(program, 'CIM.write').find(({ outputs }) => outputs.to - outputs.from > 1);
    return edited(program, (op) =>
      op === target && op.kind === 'CIM.write' ? { ...op, outputs: { from: op.outputs.from + 1, to: op.outputs.to } } : op,
    );
  },
  'an operator left out': (program) => {
    const target = all(program, 'CIM.mvm')[1];
    return edited(program, (op) => (op === target ? undefined : op));
  },
  'a vector operator left out': (program) => {
    const target = all(program, 'VEC.run')[0];
    return edited(program, (op) => (op === target ? undefined : op));
  },
  'two regions over each other': (program) => {
    const inBuffer = program.regions.filter(({ place }) => place.kind === 'buffer');
    const [first, second] = [inBuffer[0], inBuffer.at(-1)];
    const move = (region: Region): Region => (region === second && first !== undefined ? { ...region, place: first.place } : region);
    return { ...program, regions: program.regions.map(move) };
  },
  'computing on arrays in memory mode': (program) => {
    const target = all(program, 'CIM.mvm')[0];
    const toMemory: MetaOp = { kind: 'CM.switch', to: 'TOM', arrays: target?.arrays.slice(0, 1) ?? [] };
    return { ...program, body: [toMemory, ...program.body] };
  },
};

for (const [name, edit] of Object.entries(EDITS)) {
  wrong(`are noticed: ${name}`, async () => {
    const one = network();
    const program = await programFor(one.graph, CHIP);
    const expected = expectedOf(one);
    assert.equal(outcome(program, one), expected);
    assert.not.equal(outcome(edit(program), one), expected);
  });
}

wrong('that the verifier knows are not run', async () => {
  const one = network();
  const program = EDITS['a write left out']!(await programFor(one.graph, CHIP));
  assert.throws(() => computedBy(program, CHIP, one), /Write them first/);
});

wrong('a program of another precision or another model is refused', async () => {
  const one = network();
  const program = await programFor(one.graph, CHIP);
  const narrow = prepared(one, 8, { weightBits: 4, activationBits: 8 }, one.inputs);
  assert.throws(() => computedBy(program, CHIP, narrow), /the network has 4 and 8/);
  const renamed = { ...program, tensors: program.tensors.map((tensor) => ({ ...tensor, id: `${tensor.id}!` })) };
  assert.match(String(outcome(renamed, one)), /is not (in the model|declared)/);
});

wrong.run();
