// Checks a certificate by the definitions alone: Eq. (5)-(10) of Zhao et al. 2025, written out again. Shares no code with the
// solvers or with `certify`, so that a fault there cannot hide here. Problem + allocation + certificate -> what is wrong.

import { type Cycles, sum } from '../base/units.ts';
import type { Allocation, AllocationProblem, Claim } from './allocation.ts';
import type { Certificate, FasterNeeds } from './certificate.ts';

/** Latencies closer than this, relative, are equal. */
const SAME = 1e-9;

/** Says what is wrong unless it holds. */
type Require = (holds: boolean, wrong: string) => void;

/** Every statement that does not hold; none means: the allocation is allowed, and no other is faster. */
export function checkCertificate(
  problem: AllocationProblem,
  allocation: Allocation | undefined,
  certificate: Certificate,
): readonly string[] {
  const wrong: string[] = [];
  const require: Require = (holds, text) => {
    if (!holds) wrong.push(text);
  };
  if (allocation === undefined) require(certificate.latency === Number.POSITIVE_INFINITY, 'there is no allocation, but a latency');
  else checkAllocation(problem, allocation, certificate, require);
  checkFewest(problem, certificate, require);
  checkShortage(problem, certificate.faster, require);
  return wrong;
}

/** Eq. (5)-(8) for the allocation, Eq. (9) and (10) for its latency, the binding term of every operator. */
function checkAllocation(problem: AllocationProblem, allocation: Allocation, { latency, bindings }: Certificate, require: Require): void {
  const { claims, edges, budget } = problem;
  const { compute, memory, shared = [] } = allocation;
  const pairs = new Set(shared.map(({ producer, consumer }) => `${producer} ${consumer}`));
  require(pairs.size === shared.length, 'two operators are listed twice as sharing');
  for (const { producer, consumer, arrays } of shared) {
    const edge = edges.find((candidate) => candidate.producer === producer && candidate.consumer === consumer);
    require(isCount(arrays) && arrays <= (edge?.mostShared ?? 0), `operators ${producer} and ${consumer} share ${arrays} arrays`);
  }
  let slowest = 0;
  for (const [i, claim] of claims.entries()) {
    const [computing, storing] = [compute[i] ?? 0, memory[i] ?? 0];
    const copies = computing / claim.tiles;
    require(isCount(problem.relaxed ? computing : copies) &&
      copies >= 1 &&
      copies <= claim.mostCopies, `operator ${i} has ${copies} copies`);
    const sharing = sum(shared.map(({ producer, consumer, arrays }) => (producer === i || consumer === i ? arrays : 0)));
    require(isCount(storing) && sharing <= storing, `operator ${i} shares ${sharing} of ${storing} memory arrays`);
    const [byCompute, byFeed] = [computeTime(claim, computing), feedTime(problem, claim, storing)];
    slowest = Math.max(slowest, byCompute, byFeed);
    const binding = same(byCompute, byFeed) ? 'both' : byCompute > byFeed ? 'compute' : 'feed';
    require(bindings[i] === binding, `operator ${i} is bound by ${binding}, not by ${bindings[i]}`);
  }
  const computing = sum(compute);
  const storing = sum(memory) - sum(shared.map(({ arrays }) => arrays));
  const fits = computing <= budget.compute && storing <= budget.memory && computing + storing <= budget.together;
  require(fits, `${computing} compute and ${storing} memory arrays exceed the budget`);
  require(same(slowest, latency) && same(slowest, allocation.latency), `the latency is ${slowest}`);
}

/** With one array less, no operator is faster than the allocation. */
function checkFewest(problem: AllocationProblem, { latency, faster }: Certificate, require: Require): void {
  const isSlow = (cycles: Cycles): boolean => cycles >= latency || same(cycles, latency);
  for (const [i, claim] of problem.claims.entries()) {
    const [computing, storing] = [faster.compute[i] ?? 0, faster.memory[i] ?? 0];
    const unit = problem.relaxed ? 1 : claim.tiles;
    const fewestComputing = computing === claim.tiles || (isCount(computing / unit) && isSlow(computeTime(claim, computing - unit)));
    require(fewestComputing, `operator ${i} may be faster with fewer than ${computing} compute arrays`);
    const bestFeed = problem.hardware.dCim === 0 ? feedTime(problem, claim, 0) : feedTime(problem, claim, storing - 1);
    require(storing === 0 || isSlow(bestFeed), `operator ${i} may be faster with fewer than ${storing} memory arrays`);
  }
}

/** So many arrays are not there, however they are shared. */
function checkShortage(problem: AllocationProblem, faster: FasterNeeds, require: Require): void {
  const { claims, budget, hardware } = problem;
  const shareable = checkCover(problem, faster, require);
  require(shareable === faster.mostShared, `at most ${shareable} arrays can be shared, not ${faster.mostShared}`);
  const compute = sum(faster.compute);
  const memory = sum(faster.memory) - shareable;
  const { arrays, lacks, operator = -1 } = faster;
  const counted = arrays.compute === compute && arrays.memory === memory && arrays.together === compute + memory;
  require(counted, `it takes ${compute} compute and ${memory} memory arrays`);
  const claim = claims[operator];
  const isShort = {
    together: compute + memory > budget.together,
    compute: compute > budget.compute,
    memory: memory > budget.memory,
    copies: claim !== undefined && (faster.compute[operator] ?? 0) > claim.mostCopies * claim.tiles,
    bandwidth: hardware.dCim === 0 && (faster.memory[operator] ?? 0) > 0,
  };
  require(isShort[lacks], `${lacks} is not what it lacks`);
}

/**
 * The most arrays that can be shared by the cover: a shared array is within the memory of an operator of `own`, or on an edge
 * within `open`, or one of the two (or one) it takes from a piece and the edges from there to `open`.
 */
function checkCover({ claims, edges }: AllocationProblem, { cover, memory }: FasterNeeds, require: Require): number {
  const part = new Map<number, number | 'own' | 'open'>();
  for (const i of cover.own) part.set(i, 'own');
  for (const i of cover.open) part.set(i, 'open');
  for (const [p, piece] of cover.pieces.entries()) for (const i of piece) part.set(i, p);
  const listed = cover.own.length + cover.open.length + sum(cover.pieces.map((piece) => piece.length));
  require(listed === claims.length && claims.every((_, i) => part.has(i)), 'the cover does not have every operator once');
  const counts = memory.map((count) => (Number.isFinite(count) ? count : 0));
  let most = sum(cover.own.map((i) => counts[i] ?? 0));
  const around = cover.pieces.map((piece) => sum(piece.map((i) => counts[i] ?? 0)));
  for (const { producer, consumer, mostShared } of edges) {
    const [one, other] = [part.get(producer), part.get(consumer)];
    if (one === 'own' || other === 'own') continue;
    if (one === 'open' && other === 'open') most += mostShared;
    else if (one === 'open') around[Number(other)]! += mostShared;
    else if (other === 'open') around[Number(one)]! += mostShared;
    else require(one === other, `operators ${producer} and ${consumer} share and are in two pieces`);
  }
  return most + sum(around.map((arrays) => Math.floor(arrays / 2)));
}

/** First term of Eq. (10). */
function computeTime({ computeCycles, tiles }: Claim, arrays: number): Cycles {
  return computeCycles / (arrays / tiles);
}

/** Second term of Eq. (10). */
function feedTime({ hardware }: AllocationProblem, { feedBytes }: Claim, arrays: number): Cycles {
  return feedBytes / (hardware.dMain + arrays * hardware.dCim);
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}

function same(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) <= SAME * Math.max(Math.abs(a), Math.abs(b));
}
