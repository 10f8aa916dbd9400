// What cannot be planned is refused with one message that says what, where, how many, and what would help.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describe } from '../../lib/base/problem.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import { type AllocationProblem, SOLVERS } from '../../lib/optimizer/allocation.ts';
import { certify } from '../../lib/optimizer/certificate.ts';
import { printCertificate } from '../../lib/optimizer/print-certificate.ts';
import { type ScheduleOptions, schedule } from '../../lib/optimizer/schedule.ts';
import { exactSolver } from '../../lib/optimizer/solve-exact.ts';
import { loadSolver } from '../../lib/optimizer/solvers.ts';
import { verifyPlan } from '../../lib/optimizer/verify.ts';
import { randomSharing } from '../support/allocations.ts';
import { smallChip } from '../support/chips.ts';
import { NetworkBuilder, randomNetwork } from '../support/networks.ts';
import { problemsOfAsync } from '../support/problems.ts';

async function messages(chip: Hardware, options: ScheduleOptions = {}): Promise<string> {
  return (await problemsOfAsync(() => schedule(randomNetwork(1), chip, options))).map(describe).join('\n');
}

test('numbers of a chip that nothing can be divided by or counted with are named, all of them at once', async () => {
  const change = { arrays: Number.NaN, tileRows: 0, mvmCycles: -1, dCim: -4, writeCyclesPerArray: 0.5, memoryBytesPerArray: -1 };
  const lines = (await messages({ ...smallChip(), ...change })).split('\n');
  assert.is(lines.length, Object.keys(change).length, lines.join('\n'));
  for (const [field, value] of Object.entries(change)) {
    assert.ok(
      lines.some((line) => line.includes(`'small': ${field}: found ${value}, expected`)),
      `${field} in\n${lines.join('\n')}`,
    );
  }
});

test('no bandwidth is one message, not a plan of infinite latency', async () => {
  assert.is(
    await messages(smallChip({ externalBytesPerCycle: 0 })),
    "hardware 'small': externalBytesPerCycle: found 0, expected a positive number.",
  );
  assert.match(await messages(smallChip({ externalBytesPerCycle: 0, bufferBytesPerCycle: 0 })), /dMain: found 0/);
});

for (const [name, options, expected] of [
  ['no array', { mostArrays: 0 }, 'mostArrays is 0. It has to be a whole number of arrays, at least 1.'],
  ['not a number', { mostArrays: Number.NaN }, 'mostArrays is NaN. It has to be a whole number of arrays, at least 1.'],
  ['half an array', { mostArrays: 2.5 }, 'mostArrays is 2.5. It has to be a whole number of arrays, at least 1.'],
  ['another rounding', { sharing: 'nearest' as 'up' }, `sharing is "nearest". It has to be 'up', 'down' or false.`],
] as const) {
  test(`an option of ${name} is refused`, async () => assert.is(await messages(smallChip(), options), expected));
}

test('one array is enough for a plan, and so is a chip without memory bandwidth or of which all arrays compute', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.conv(net.conv(net.input(1, 4, 6, 6), 20), 8)]);
  for (const chip of [smallChip({ arrays: 1 }), smallChip({ dCim: 0 })]) {
    const plan = await schedule(graph, chip);
    assert.equal(verifyPlan(plan, graph), []);
    assert.ok(plan.analyticCycles > 0 && Number.isFinite(plan.analyticCycles));
  }
  const frozen = await schedule(graph, smallChip(), { optimizer: 'static:1' });
  assert.ok(frozen.segments.every(({ memoryMode }) => memoryMode.length === 0));
});

const PROBLEM: AllocationProblem = {
  claims: [
    { tiles: 4, computeCycles: 100, feedBytes: 900, mostCopies: 10 },
    { tiles: 3, computeCycles: 100, feedBytes: 900, mostCopies: 10 },
  ],
  edges: [{ producer: 0, consumer: 1, mostShared: 2 }],
  budget: { compute: 12, memory: 12, together: 12 },
  hardware: { dCim: 4, dMain: 10 },
  relaxed: false,
};

for (const [what, problem] of [
  ['claims[1].tiles is 0', { ...PROBLEM, claims: [PROBLEM.claims[0]!, { ...PROBLEM.claims[1]!, tiles: 0 }] }],
  ['claims[0].computeCycles is NaN', { ...PROBLEM, claims: [{ ...PROBLEM.claims[0]!, computeCycles: Number.NaN }] }],
  ['claims[0].feedBytes is -1', { ...PROBLEM, claims: [{ ...PROBLEM.claims[0]!, feedBytes: -1 }] }],
  ['claims[0].mostCopies is 0', { ...PROBLEM, claims: [{ ...PROBLEM.claims[0]!, mostCopies: 0 }] }],
  ['edges[0].consumer is 2', { ...PROBLEM, edges: [{ producer: 0, consumer: 2, mostShared: 1 }] }],
  ['edges[0].consumer is 0', { ...PROBLEM, edges: [{ producer: 0, consumer: 0, mostShared: 1 }] }],
  ['edges[0].mostShared is Infinity', { ...PROBLEM, edges: [{ producer: 0, consumer: 1, mostShared: Number.POSITIVE_INFINITY }] }],
  ['budget.together is NaN', { ...PROBLEM, budget: { ...PROBLEM.budget, together: Number.NaN } }],
  ['budget.memory is -1', { ...PROBLEM, budget: { ...PROBLEM.budget, memory: -1 } }],
  ['hardware.dMain is 0', { ...PROBLEM, hardware: { dCim: 4, dMain: 0 } }],
  ['hardware.dCim is NaN', { ...PROBLEM, hardware: { dCim: Number.NaN, dMain: 10 } }],
] as const) {
  test(`every solver refuses a problem whose ${what}`, async () => {
    for (const name of SOLVERS) {
      const solver = await loadSolver(name);
      const problems = await problemsOfAsync(async () => solver.solve(problem));
      assert.is(problems.length, 1);
      assert.match(describe(problems[0]!), `Allocation problem: ${what}. It has to be `, name);
    }
  });
}

for (const [name, budget, expected] of [
  ['too few arrays', { compute: 12, memory: 12, together: 6 }, 'There are 6: 1 more would do.'],
  ['no compute arrays', { compute: 0, memory: 12, together: 12 }, '0 may compute: 7 more would do.'],
] as const) {
  test(`with ${name} there is no allocation, and the certificate says how many would do: exactly as many`, () => {
    const problem = { ...PROBLEM, budget };
    assert.is(exactSolver.solve(problem), undefined);
    const { faster } = certify(problem, undefined);
    assert.match(printCertificate(problem, undefined, certify(problem, undefined)), expected);
    const enough = { ...budget, compute: faster.arrays.compute, together: Math.max(budget.together, faster.arrays.together) };
    assert.ok(exactSolver.solve({ ...problem, budget: enough }));
    assert.is(exactSolver.solve({ ...problem, budget: { ...enough, compute: enough.compute - 1 } }), undefined);
  });
}

test('without memory arrays there is an allocation, which is fed from outside', () => {
  const problem = { ...PROBLEM, budget: { compute: 12, memory: 0, together: 12 } };
  const allocation = exactSolver.solve(problem);
  assert.equal(allocation, { compute: [4, 3], memory: [0, 0], shared: [], latency: 100 });
  assert.match(printCertificate(problem, allocation, certify(problem, allocation), ['a', 'b']), '12 may compute: 2 more would do.');
});

test('a solver that runs out of time says so, and how large the segment is', async () => {
  const large = randomSharing(3, { mostOperators: 40, mostArrays: 4000, mostTiles: 12 });
  for (const name of ['glpk', 'highs'] as const) {
    const solver = await loadSolver(name, { timeLimitSeconds: 1e-9 });
    assert.match(
      (await problemsOfAsync(async () => solver.solve(large))).map(describe).join(),
      new RegExp(`Solver '${name}': no optimum within 1e-9 s for a segment of ${large.claims.length} operators? .*Use the exact solver`),
    );
  }
  assert.ok(exactSolver.solve(large));
});

test('a time limit that is not positive is refused', async () => {
  const problems = await problemsOfAsync(() => loadSolver('highs', { timeLimitSeconds: 0 }));
  assert.match(problems.map(describe).join(), 'a time limit of 0 s');
});

test.run();
