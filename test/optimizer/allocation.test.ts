// The allocation solvers against each other and against trying everything.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError } from '../../lib/base/problem.ts';
import { type Allocation, type AllocationProblem, objectiveOf, SOLVERS, type Solver } from '../../lib/optimizer/allocation.ts';
import { exactSolver } from '../../lib/optimizer/solve-exact.ts';
import { loadSolver } from '../../lib/optimizer/solvers.ts';
import { bruteForce, randomAllocation, randomSharing } from '../support/allocations.ts';

const SEGMENTS = 10_000;
/** HiGHS takes about 4 ms a segment, so `npm test` gives it a part; HIGHS_SEGMENTS=10000 gives it all. */
const HIGHS_SEGMENTS = Number(process.env.HIGHS_SEGMENTS ?? 1000);
const SHARING = 300;
const LIMITS = { mostOperators: 8, mostArrays: 120, mostTiles: 12 };

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Why an allocation may not be used, or undefined. */
function brokenRule({ claims, edges, budget }: AllocationProblem, { compute, memory, shared = [] }: Allocation): string | undefined {
  for (const [i, { tiles, mostCopies }] of claims.entries()) {
    const copies = (compute[i] ?? 0) / tiles;
    if (!Number.isInteger(copies) || copies < 1 || copies > mostCopies)
      return `operator ${i} has ${copies} copies of at most ${mostCopies}`;
    const storing = memory[i] ?? -1;
    if (!Number.isInteger(storing) || storing < 0) return `operator ${i} has ${storing} memory arrays`;
    const sharing = total(shared.map((pair) => (pair.producer === i || pair.consumer === i ? pair.arrays : 0)));
    if (sharing > storing) return `operator ${i} shares ${sharing} of ${storing} memory arrays`;
  }
  for (const { producer, consumer, arrays } of shared) {
    const edge = edges.find((candidate) => candidate.producer === producer && candidate.consumer === consumer);
    if (!Number.isInteger(arrays) || arrays < 1 || arrays > (edge?.mostShared ?? 0)) return `${producer} and ${consumer} share ${arrays}`;
  }
  const [computing, storing] = [total(compute), total(memory) - total(shared.map(({ arrays }) => arrays))];
  if (computing > budget.compute || storing > budget.memory || computing + storing > budget.together)
    return `uses ${computing} + ${storing} arrays`;
  return undefined;
}

function close(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(a, b);
}

/** The solver's answer; a time-out is counted, and never taken for agreement. */
async function solved(solver: Solver, problem: AllocationProblem): Promise<Allocation | undefined | 'timeout'> {
  try {
    return await solver.solve(problem);
  } catch (error) {
    if (error instanceof CompileError && error.problems.every(({ kind }) => kind === 'solver')) return 'timeout';
    throw error;
  }
}

for (const [name, segments, sharing] of [
  ['glpk', SEGMENTS, false],
  ['highs', HIGHS_SEGMENTS, false],
  ['glpk', SHARING, true],
  ['highs', SHARING, true],
] as const) {
  test(`exact and ${name} agree on ${segments} random segments ${sharing ? 'with' : 'without'} sharing to 1e-9, on infeasible ones too`, async () => {
    const solver = await loadSolver(name);
    const counted = { infeasible: 0, timeouts: 0, shared: 0 };
    const worse = { exact: [] as string[], other: [] as string[] };
    for (let seed = 0; seed < segments; seed++) {
      const problem = sharing ? randomSharing(seed, LIMITS) : randomAllocation(seed, LIMITS);
      const exact = exactSolver.solve(problem);
      const other = await solved(solver, problem);
      if (other === 'timeout') {
        counted.timeouts++;
        continue;
      }
      assert.is(exact === undefined, other === undefined, `segment ${seed}: one solver finds an allocation, the other none`);
      if (exact === undefined || other === undefined) {
        counted.infeasible++;
        continue;
      }
      assert.is(brokenRule(problem, exact), undefined, `segment ${seed}, exact`);
      assert.is(brokenRule(problem, other), undefined, `segment ${seed}, ${name}`);
      const ours = objectiveOf(problem, exact.compute, exact.memory);
      const theirs = objectiveOf(problem, other.compute, other.memory);
      assert.is(exact.latency, ours, `segment ${seed}: the latency exact states is that of its integers`);
      assert.is(other.latency, theirs, `segment ${seed}: the latency ${name} states is that of its integers`);
      if (!close(ours, theirs)) worse[ours > theirs ? 'exact' : 'other'].push(`${seed}: ${ours} and ${theirs}`);
      if ((exact.shared ?? []).length > 0) counted.shared++;
    }
    assert.equal(worse, { exact: [], other: [] });
    assert.is(counted.timeouts, 0, 'segments that were not compared');
    assert.ok(counted.infeasible > segments / 100 && counted.infeasible < segments / 2, `${counted.infeasible} infeasible segments`);
    assert.ok(!sharing || counted.shared > segments / 5, `only ${counted.shared} segments share`);
  });
}

test('HiGHS solves what it fails on when it presolves', async () => {
  const problem = randomAllocation(7882, LIMITS);
  const highs = await loadSolver('highs');
  assert.ok(close((await highs.solve(problem))?.latency ?? 0, exactSolver.solve(problem)?.latency ?? 1));
});

test('exact finds what trying every allocation finds, up to 12 arrays and 3 operators', () => {
  let feasible = 0;
  for (let seed = 0; seed < 1500; seed++) {
    const problem = randomAllocation(seed, { mostOperators: 3, mostArrays: 12, mostTiles: 4 });
    const best = bruteForce(problem);
    const exact = exactSolver.solve(problem);
    assert.is(exact === undefined, best === undefined, `segment ${seed}`);
    if (exact === undefined || best === undefined) continue;
    feasible++;
    assert.is(brokenRule(problem, exact), undefined, `segment ${seed}`);
    assert.ok(close(exact.latency, best), `segment ${seed}: ${exact.latency}, best is ${best}`);
  }
  assert.ok(feasible > 500, `only ${feasible} feasible segments`);
});

test('with sharing, too: chains, residual connections and triangles, up to 10 arrays and 4 operators', () => {
  const counted = { shared: 0, shorter: 0, triangles: 0 };
  for (let seed = 0; seed < 1200; seed++) {
    const problem = randomSharing(seed, { mostOperators: 4, mostArrays: 10, mostTiles: 1 });
    const best = bruteForce(problem);
    const exact = exactSolver.solve(problem);
    assert.is(exact === undefined, best === undefined, `segment ${seed}`);
    if (exact === undefined || best === undefined) continue;
    assert.is(brokenRule(problem, exact), undefined, `segment ${seed}`);
    assert.ok(close(exact.latency, best), `segment ${seed}: ${exact.latency}, best is ${best}`);
    const without = exactSolver.solve({ ...problem, edges: [] });
    assert.ok(without !== undefined && exact.latency <= without.latency, `segment ${seed}: sharing makes it slower`);
    if ((exact.shared ?? []).length > 0) counted.shared++;
    if (exact.latency < without.latency) counted.shorter++;
    if (problem.claims.length === 3 && problem.edges.length === 3) counted.triangles++;
  }
  assert.ok(counted.shared > 100 && counted.shorter > 50 && counted.triangles > 20, JSON.stringify(counted));
});

test('a triangle of operators that need two memory arrays each shares three, not the two that one edge could', () => {
  const claim = { tiles: 1, computeCycles: 10, feedBytes: 300, mostCopies: 1 };
  const problem: AllocationProblem = {
    claims: [claim, claim, claim],
    edges: [
      { producer: 0, consumer: 1, mostShared: 9 },
      { producer: 0, consumer: 2, mostShared: 9 },
      { producer: 1, consumer: 2, mostShared: 9 },
    ],
    budget: { compute: 6, memory: 6, together: 6 },
    hardware: { dCim: 10, dMain: 10 },
    relaxed: false,
  };
  // Two memory arrays each: 300 / 30 = 10 cycles. Six of them, three shared, are three; the three copies take the other three.
  const one = [
    { producer: 0, consumer: 1, arrays: 1 },
    { producer: 0, consumer: 2, arrays: 1 },
    { producer: 1, consumer: 2, arrays: 1 },
  ];
  assert.equal(exactSolver.solve(problem), { compute: [1, 1, 1], memory: [2, 2, 2], shared: one, latency: 10 });
  // With one array each, a linear program would share half an array along every edge; whole arrays share one in all.
  const half = { ...problem, budget: { compute: 5, memory: 5, together: 5 }, hardware: { dCim: 20, dMain: 10 } };
  assert.is(exactSolver.solve(half)?.latency, 10);
  assert.is(exactSolver.solve({ ...half, budget: { compute: 4, memory: 4, together: 4 } })?.latency, 30);
});

test('exact takes the fewest arrays: none can be given up without a longer latency', () => {
  for (let seed = 0; seed < 2000; seed++) {
    const problem = randomAllocation(seed, LIMITS);
    const exact = exactSolver.solve(problem);
    if (exact === undefined) continue;
    for (const [i, { tiles }] of problem.claims.entries()) {
      const less = (values: readonly number[], by: number): number[] => values.map((value, j) => (j === i ? value - by : value));
      if (exact.compute[i]! > tiles) {
        const latency = objectiveOf(problem, less(exact.compute, tiles), exact.memory);
        assert.ok(latency > exact.latency && !close(latency, exact.latency), `segment ${seed}: operator ${i} has a copy too many`);
      }
      if (exact.memory[i]! > 0) {
        const latency = objectiveOf(problem, exact.compute, less(exact.memory, 1));
        assert.ok(latency > exact.latency && !close(latency, exact.latency), `segment ${seed}: operator ${i} has a memory array too many`);
      }
    }
  }
});

test('without whole copies the latency is never longer', () => {
  let shorter = 0;
  for (let seed = 0; seed < 2000; seed++) {
    const whole = randomAllocation(seed, LIMITS);
    const relaxed = { ...whole, relaxed: true };
    const strict = exactSolver.solve(whole);
    const free = exactSolver.solve(relaxed);
    assert.is(free === undefined, strict === undefined, `segment ${seed}`);
    if (strict === undefined || free === undefined) continue;
    const latency = objectiveOf(relaxed, free.compute, free.memory);
    assert.ok(latency <= strict.latency * (1 + 1e-9), `segment ${seed}: ${latency} relaxed, ${strict.latency} whole`);
    if (latency < strict.latency * (1 - 1e-9)) shorter++;
  }
  assert.ok(shorter > 100, `whole copies cost something in only ${shorter} segments`);
});

test('without whole copies, too, exact and GLPK agree', async () => {
  const glpk = await loadSolver('glpk');
  for (let seed = 0; seed < 300; seed++) {
    const problem = { ...randomAllocation(seed, { mostOperators: 4, mostArrays: 24, mostTiles: 5 }), relaxed: true };
    const [exact, other] = [exactSolver.solve(problem), await glpk.solve(problem)];
    assert.is(exact === undefined, other === undefined, `segment ${seed}`);
    if (exact !== undefined && other !== undefined)
      assert.ok(close(exact.latency, other.latency), `segment ${seed}: ${exact.latency} and ${other.latency}`);
  }
});

test('without whole copies, too, exact finds what trying every allocation finds', () => {
  for (let seed = 0; seed < 500; seed++) {
    const problem = { ...randomAllocation(seed, { mostOperators: 3, mostArrays: 12, mostTiles: 4 }), relaxed: true };
    const best = bruteForce(problem);
    const exact = exactSolver.solve(problem);
    assert.is(exact === undefined, best === undefined, `segment ${seed}`);
    if (exact === undefined || best === undefined) continue;
    assert.ok(close(exact.latency, best), `segment ${seed}: ${exact.latency}, best is ${best}`);
  }
});

test('a larger budget never makes a segment slower', () => {
  for (let seed = 0; seed < 1000; seed++) {
    const problem = randomAllocation(seed, LIMITS);
    const { compute, memory, together } = problem.budget;
    const before = exactSolver.solve(problem);
    const after = exactSolver.solve({ ...problem, budget: { compute: compute + 1, memory: memory + 1, together: together + 1 } });
    if (before === undefined) continue;
    assert.ok(after !== undefined && after.latency <= before.latency * (1 + 1e-12), `segment ${seed}`);
  }
});

test('a segment without operators takes no arrays and no time', async () => {
  const problem: AllocationProblem = {
    claims: [],
    edges: [],
    budget: { compute: 1, memory: 1, together: 1 },
    hardware: { dCim: 1, dMain: 1 },
    relaxed: false,
  };
  for (const name of SOLVERS) {
    const solver = await loadSolver(name);
    assert.equal(await solver.solve(problem), { compute: [], memory: [], shared: [], latency: 0 }, name);
  }
});

test('two operators of a tile on three arrays: the slower one gets the second copy', () => {
  const claim = (computeCycles: number) => ({ tiles: 1, computeCycles, feedBytes: 1, mostCopies: 100 });
  const problem: AllocationProblem = {
    claims: [claim(100), claim(60)],
    edges: [],
    budget: { compute: 3, memory: 3, together: 3 },
    hardware: { dCim: 1, dMain: 10 },
    relaxed: false,
  };
  assert.equal(exactSolver.solve(problem), { compute: [2, 1], memory: [0, 0], shared: [], latency: 60 });
});

test.run();
