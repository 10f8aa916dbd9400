// The allocation solvers against each other and against trying everything.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Allocation, type AllocationProblem, objectiveOf, SOLVERS } from '../../lib/optimizer/allocation.ts';
import { exactSolver } from '../../lib/optimizer/solve-exact.ts';
import { loadSolver } from '../../lib/optimizer/solvers.ts';
import { randomAllocation } from '../support/allocations.ts';

const SEGMENTS = 10_000;
const LIMITS = { mostOperators: 8, mostArrays: 120, mostTiles: 12 };

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Why an allocation may not be used, or undefined. */
function brokenRule(
  { claims, budget }: AllocationProblem,
  { compute, memory }: Pick<Allocation, 'compute' | 'memory'>,
): string | undefined {
  for (const [i, { tiles, mostCopies }] of claims.entries()) {
    const copies = (compute[i] ?? 0) / tiles;
    if (!Number.isInteger(copies) || copies < 1 || copies > mostCopies)
      return `operator ${i} has ${copies} copies of at most ${mostCopies}`;
    const storing = memory[i] ?? -1;
    if (!Number.isInteger(storing) || storing < 0) return `operator ${i} has ${storing} memory arrays`;
  }
  const [computing, storing] = [total(compute), total(memory)];
  if (computing > budget.compute || storing > budget.memory || computing + storing > budget.together)
    return `uses ${computing} + ${storing} arrays`;
  return undefined;
}

/** The least latency over every choice of copies and memory arrays; undefined if none fits. */
function bruteForce(problem: AllocationProblem): number | undefined {
  const { claims, budget } = problem;
  let best: number | undefined;
  const walk = (i: number, compute: readonly number[], memory: readonly number[]): void => {
    if (i === claims.length) {
      const latency = objectiveOf(problem, compute, memory);
      if (best === undefined || latency < best) best = latency;
      return;
    }
    const { tiles, mostCopies } = claims[i]!;
    const unit = problem.relaxed ? 1 : tiles;
    for (let arrays = tiles; arrays <= mostCopies * tiles; arrays += unit) {
      const computing = total(compute) + arrays;
      if (computing > budget.compute || computing + total(memory) > budget.together) break;
      for (let storing = 0; total(memory) + storing <= budget.memory && computing + total(memory) + storing <= budget.together; storing++) {
        walk(i + 1, [...compute, arrays], [...memory, storing]);
      }
    }
  };
  walk(0, [], []);
  return best;
}

function close(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(a, b);
}

for (const [name, segments] of [
  ['glpk', SEGMENTS],
  ['highs', SEGMENTS / 10],
] as const) {
  test(`exact and ${name} agree on ${segments} random segments to 1e-9, on infeasible ones too`, async () => {
    const solver = await loadSolver(name);
    let infeasible = 0;
    const worse = { exact: [] as string[], other: [] as string[] };
    for (let seed = 0; seed < segments; seed++) {
      const problem = randomAllocation(seed, LIMITS);
      const exact = exactSolver.solve(problem);
      const other = solver.solve(problem);
      assert.is(exact === undefined, other === undefined, `segment ${seed}: one solver finds an allocation, the other none`);
      if (exact === undefined || other === undefined) {
        infeasible++;
        continue;
      }
      assert.is(brokenRule(problem, exact), undefined, `segment ${seed}, exact`);
      assert.is(brokenRule(problem, other), undefined, `segment ${seed}, ${name}`);
      const ours = objectiveOf(problem, exact.compute, exact.memory);
      const theirs = objectiveOf(problem, other.compute, other.memory);
      assert.is(exact.latency, ours, `segment ${seed}: the latency exact states is that of its integers`);
      assert.is(other.latency, theirs, `segment ${seed}: the latency ${name} states is that of its integers`);
      if (!close(ours, theirs)) worse[ours > theirs ? 'exact' : 'other'].push(`${seed}: ${ours} and ${theirs}`);
    }
    assert.equal(worse, { exact: [], other: [] });
    assert.ok(infeasible > segments / 100 && infeasible < segments / 2, `${infeasible} infeasible segments make the comparison one-sided`);
  });
}

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
    assert.ok(close(objectiveOf(problem, exact.compute, exact.memory), best), `segment ${seed}: ${exact.latency}, best is ${best}`);
  }
  assert.ok(feasible > 500, `only ${feasible} feasible segments`);
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
    const [exact, other] = [exactSolver.solve(problem), glpk.solve(problem)];
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
    budget: { compute: 1, memory: 1, together: 1 },
    hardware: { dCim: 1, dMain: 1 },
    relaxed: false,
  };
  for (const name of SOLVERS) {
    const solver = await loadSolver(name);
    assert.equal(solver.solve(problem), { compute: [], memory: [], latency: 0 }, name);
  }
});

test('two operators of a tile on three arrays: the slower one gets the second copy', () => {
  const claim = (computeCycles: number) => ({ tiles: 1, computeCycles, feedBytes: 1, mostCopies: 100 });
  const problem: AllocationProblem = {
    claims: [claim(100), claim(60)],
    budget: { compute: 3, memory: 3, together: 3 },
    hardware: { dCim: 1, dMain: 10 },
    relaxed: false,
  };
  assert.equal(exactSolver.solve(problem), { compute: [2, 1], memory: [0, 0], latency: 60 });
});

test.run();
