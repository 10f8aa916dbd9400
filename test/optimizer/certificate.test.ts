// The proof that an allocation is optimal: it holds for what the exact solver finds, and for nothing else.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AllocationProblem } from '../../lib/optimizer/allocation.ts';
import { type Certificate, certify, type Shortage } from '../../lib/optimizer/certificate.ts';
import { checkCertificate } from '../../lib/optimizer/check-certificate.ts';
import { edgesOf, shareable } from '../../lib/optimizer/edges.ts';
import { flatten } from '../../lib/optimizer/flatten.ts';
import { chooseSegments, segmentProblem } from '../../lib/optimizer/segment.ts';
import { exactSolver } from '../../lib/optimizer/solve-exact.ts';
import { loadSolver } from '../../lib/optimizer/solvers.ts';
import { bruteForce, randomAllocation, randomSharing } from '../support/allocations.ts';
import { randomChip } from '../support/chips.ts';
import { randomNetwork } from '../support/networks.ts';

const LIMITS = { mostOperators: 8, mostArrays: 120, mostTiles: 12 };

test('every allocation of the exact solver has a certificate that holds, with and without sharing, infeasible ones too', () => {
  const lacks: Partial<Record<Shortage, number>> = {};
  let infeasible = 0;
  for (let seed = 0; seed < 6000; seed++) {
    const problem = { ...(seed % 2 === 0 ? randomAllocation(seed, LIMITS) : randomSharing(seed, LIMITS)), relaxed: seed % 7 === 0 };
    const allocation = exactSolver.solve(problem);
    const certificate = certify(problem, allocation);
    assert.equal(checkCertificate(problem, allocation, certificate), [], `segment ${seed}`);
    lacks[certificate.faster.lacks] = (lacks[certificate.faster.lacks] ?? 0) + 1;
    if (allocation === undefined) infeasible++;
  }
  assert.ok(infeasible > 300 && Object.values(lacks).length === 4, JSON.stringify({ infeasible, ...lacks }));
});

test('the certificate of an allocation that is not optimal does not hold, nor does one that says there is none', () => {
  let worse = 0;
  for (let seed = 0; seed < 1000; seed++) {
    const problem = randomSharing(seed, LIMITS);
    const best = exactSolver.solve(problem);
    if (best === undefined) continue;
    assert.is.not(checkCertificate(problem, undefined, certify(problem, undefined)).length, 0, `segment ${seed}`);
    const smaller = exactSolver.solve({ ...problem, budget: { ...problem.budget, together: Math.floor(problem.budget.together * 0.8) } });
    if (smaller === undefined || smaller.latency <= best.latency * (1 + 1e-9)) continue;
    worse++;
    assert.is.not(checkCertificate(problem, smaller, certify(problem, smaller)).length, 0, `segment ${seed}`);
  }
  assert.ok(worse > 200, `only ${worse}`);
});

/** A triangle: one compute array and two memory arrays each, 10 cycles; the next step would be three memory arrays each. */
const TRIANGLE: AllocationProblem = {
  claims: [0, 1, 2].map(() => ({ tiles: 1, computeCycles: 5, feedBytes: 300, mostCopies: 9 })),
  edges: [
    { producer: 0, consumer: 1, mostShared: 9 },
    { producer: 0, consumer: 2, mostShared: 9 },
    { producer: 1, consumer: 2, mostShared: 9 },
  ],
  budget: { compute: 7, memory: 7, together: 7 },
  hardware: { dCim: 10, dMain: 10 },
  relaxed: false,
};

test('the certificate of a triangle by hand: nine memory arrays, four of them shared, and three compute arrays are eight', () => {
  const allocation = exactSolver.solve(TRIANGLE);
  const certificate = certify(TRIANGLE, allocation);
  assert.equal(certificate, {
    latency: 10,
    bindings: ['feed', 'feed', 'feed'],
    faster: {
      latency: 7.5,
      compute: [1, 1, 1],
      memory: [3, 3, 3],
      cover: { own: [], open: [], pieces: [[0, 1, 2]] },
      mostShared: 4,
      arrays: { compute: 3, memory: 5, together: 8 },
      lacks: 'together',
    },
  });
  assert.equal(checkCertificate(TRIANGLE, allocation, certificate), []);
});

test('a certificate with any one statement changed does not hold', () => {
  const allocation = exactSolver.solve(TRIANGLE);
  const certificate = certify(TRIANGLE, allocation);
  const { faster } = certificate;
  const changed: readonly (readonly [string, Certificate])[] = [
    ['latency', { ...certificate, latency: 9 }],
    ['binding', { ...certificate, bindings: ['feed', 'compute', 'feed'] }],
    ['compute', { ...certificate, faster: { ...faster, compute: [2, 1, 1] } }],
    ['memory', { ...certificate, faster: { ...faster, memory: [3, 4, 3] } }],
    ['shared', { ...certificate, faster: { ...faster, mostShared: 3 } }],
    ['piece left out', { ...certificate, faster: { ...faster, cover: { own: [], open: [], pieces: [[0, 1]] } } }],
    ['piece cut in two', { ...certificate, faster: { ...faster, cover: { own: [], open: [], pieces: [[0, 1], [2]] } } }],
    ['arrays', { ...certificate, faster: { ...faster, arrays: { ...faster.arrays, together: 9 } } }],
    ['lacks', { ...certificate, faster: { ...faster, lacks: 'copies', operator: 0 } }],
  ];
  for (const [name, other] of changed) assert.is.not(checkCertificate(TRIANGLE, allocation, other).length, 0, name);
});

test('an allocation that breaks a rule has no certificate that holds', () => {
  const allocation = exactSolver.solve(TRIANGLE);
  assert.ok(allocation);
  const certificate = certify(TRIANGLE, allocation);
  const [first, ...rest] = allocation.shared ?? [];
  assert.ok(first);
  const broken = [
    { ...allocation, shared: rest },
    { ...allocation, shared: [{ ...first, arrays: 10 }, ...rest] },
    { ...allocation, shared: [first, first, ...rest] },
    { ...allocation, shared: [{ ...first, producer: first.consumer, consumer: first.producer }, ...rest] },
    { ...allocation, memory: [2, 2, 1] },
    { ...allocation, compute: [1, 1, 0] },
    { ...allocation, latency: 9 },
  ];
  for (const [i, other] of broken.entries()) assert.is.not(checkCertificate(TRIANGLE, other, certificate).length, 0, `change ${i}`);
});

test('every segment of a plan can be certified, its shared arrays spread', async () => {
  let sharing = 0;
  for (let seed = 0; seed < 40; seed++) {
    const chip = { ...randomChip(seed), mvmCycles: 1, bufferBytesPerCycle: 1, externalBytesPerCycle: 1, dMain: 2 };
    const graph = randomNetwork(seed);
    const flat = flatten(graph, chip, { mostArrays: chip.arrays });
    const budget = { compute: chip.arrays, memory: chip.arrays, together: chip.arrays };
    const options = {
      hardware: chip,
      solver: exactSolver,
      budget,
      edges: shareable(edgesOf(graph, flat, chip), chip, 'up'),
      relaxed: false,
    };
    for (const { first, last, allocation } of (await chooseSegments(flat, options)).segments) {
      const problem = segmentProblem(flat, first, last, options);
      assert.equal(checkCertificate(problem, allocation, certify(problem, allocation)), [], `${graph.name}, ${first} to ${last}`);
      if ((allocation.shared ?? []).length > 0) sharing++;
    }
  }
  assert.ok(sharing > 10, `only ${sharing} segments share`);
});

test('what GLPK finds can be certified, too', async () => {
  const glpk = await loadSolver('glpk');
  for (let seed = 0; seed < 150; seed++) {
    const problem = randomSharing(seed, LIMITS);
    const allocation = await glpk.solve(problem);
    assert.equal(checkCertificate(problem, allocation, certify(problem, allocation)), [], `segment ${seed}`);
  }
});

test('the next latency of the certificate is what brute force finds with the arrays it asks for', () => {
  let found = 0;
  for (let seed = 0; seed < 150; seed++) {
    const problem = randomSharing(seed, { mostOperators: 3, mostArrays: 8, mostTiles: 1 });
    const { faster } = certify(problem, exactSolver.solve(problem));
    if (faster.lacks === 'copies') continue;
    const { compute, memory, together } = problem.budget;
    const budget = {
      compute: Math.max(compute, faster.arrays.compute),
      memory: Math.max(memory, faster.arrays.memory),
      together: Math.max(together, faster.arrays.together),
    };
    if (budget.together > 10) continue;
    found++;
    const best = bruteForce({ ...problem, budget }) ?? Number.NaN;
    assert.ok(best <= faster.latency * (1 + 1e-9), `segment ${seed}: ${best}, certificate ${faster.latency}`);
  }
  assert.ok(found > 50, `only ${found}`);
});

test('memory arrays without bandwidth are what a fed operator lacks', () => {
  const claims = [{ tiles: 1, computeCycles: 5, feedBytes: 300, mostCopies: 9 }];
  const problem = { ...TRIANGLE, claims, edges: [], hardware: { dCim: 0, dMain: 10 } };
  const allocation = exactSolver.solve(problem);
  assert.equal(allocation, { compute: [1], memory: [0], shared: [], latency: 30 });
  const certificate = certify(problem, allocation);
  assert.is(certificate.faster.lacks, 'bandwidth');
  assert.equal(checkCertificate(problem, allocation, certificate), []);
});

test.run();
