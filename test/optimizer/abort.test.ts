// A search, a single call of GLPK or HiGHS, and every stage behind them end when they are told to.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { finishWithPauses, Pauses, type Steps } from '../../lib/base/pauses.ts';
import { describe } from '../../lib/base/problem.ts';
import { compile } from '../../lib/compile.ts';
import { emit, emitSteps } from '../../lib/emit/emit.ts';
import { simulateGeneration } from '../../lib/generation/simulate-generation.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import type { AllocationProblem } from '../../lib/optimizer/allocation.ts';
import { type ScheduleOptions, schedule } from '../../lib/optimizer/schedule.ts';
import { exactSolver } from '../../lib/optimizer/solve-exact.ts';
import { loadSolver } from '../../lib/optimizer/solvers.ts';
import { verifySteps } from '../../lib/program/verify.ts';
import { simulate, simulateSteps } from '../../lib/simulator/simulate.ts';
import { randomAllocation } from '../support/allocations.ts';
import { randomFrom } from '../support/networks.ts';
import { problemsOfAsync } from '../support/problems.ts';

/** Far less than what is stopped would take, and more than a loaded machine needs to stop it. */
const SOON_MS = 2000;
const REASON = new Error('enough');

async function msUntilStopped(run: (signal: AbortSignal) => unknown, afterMs: number): Promise<number> {
  const controller = new AbortController();
  let told = 0;
  setTimeout(() => {
    told = performance.now();
    controller.abort(REASON);
  }, afterMs);
  try {
    await run(controller.signal);
  } catch (error) {
    assert.is(error, REASON);
    return performance.now() - told;
  }
  return assert.unreachable('it was not stopped') as never;
}

/** A chain of 200 operators on 20,000 arrays: with this one GLPK and HiGHS are busy for longer than anyone waits. */
function longProblem(): AllocationProblem {
  const random = randomFrom(5);
  const operators = 200;
  const arrays = 20_000;
  return {
    claims: Array.from({ length: operators }, () => ({
      tiles: random(1, 12),
      computeCycles: random(1000, 1_000_000),
      feedBytes: random(1000, 10_000_000),
      mostCopies: random(100, 100_000),
    })),
    edges: Array.from({ length: operators - 1 }, (_, i) => ({ producer: i, consumer: i + 1, mostShared: random(1, 20) })),
    budget: { compute: arrays, memory: arrays, together: arrays },
    hardware: { dCim: 4, dMain: 20 },
    relaxed: false,
  };
}
const SMALL = smallest((seed) => randomAllocation(seed, { mostOperators: 4, mostArrays: 40, mostTiles: 4 }));

/** The first that has an allocation. */
function smallest(problemOf: (seed: number) => AllocationProblem): AllocationProblem {
  for (let seed = 0; ; seed++) if (exactSolver.solve(problemOf(seed)) !== undefined) return problemOf(seed);
}

for (const name of ['glpk', 'highs'] as const) {
  test(`a call of ${name} stops at once, and the next one works`, async () => {
    const solver = await loadSolver(name, { timeLimitSeconds: 120 });
    const ms = await msUntilStopped((signal) => solver.solve(longProblem(), signal), 300);
    assert.ok(ms < SOON_MS, `${ms} ms`);
    assert.ok(Math.abs((await solver.solve(SMALL))!.latency / exactSolver.solve(SMALL)!.latency - 1) < 1e-9);
  });

  test(`${name} is not asked by what was stopped before`, async () => {
    const solver = await loadSolver(name);
    const stopped = AbortSignal.abort(REASON);
    try {
      await solver.solve(SMALL, stopped);
      assert.unreachable();
    } catch (error) {
      assert.is(error, REASON);
    }
  });
}

test('a solver that misses its own time limit is stopped, with the one message of a time-out', async () => {
  const solver = await loadSolver('highs', { timeLimitSeconds: 0.5 });
  const start = performance.now();
  const [problem] = await problemsOfAsync(async () => solver.solve(longProblem()));
  assert.match(describe(problem!), /Solver 'highs': no optimum within 0\.5 s for a segment of 200 operators \(.*\)\. Use the exact solver/);
  assert.ok(performance.now() - start < 10_000);
});

for (const options of [{ solver: 'glpk' }, { solver: 'highs' }, { optimizer: 'joint' }, { objective: 'edp' }] as ScheduleOptions[]) {
  test(`a search with ${JSON.stringify(options)} stops`, async () => {
    const graph = importOnnx('datasets/efficientnetb0.onnx', { bind: { batch: 1 } });
    const chip = loadHardware('hw/dynaplasia-paper.json');
    const ms = await msUntilStopped((signal) => schedule(graph, chip, { ...options, signal }), 1);
    assert.ok(ms < SOON_MS, `${ms} ms`);
  });
}

test('emitting, verifying and simulating stop between two segments, and the same work done again is whole', async () => {
  const graph = importOnnx('datasets/bert-large.onnx', { bind: { batch: 1, sequence: 64 } });
  const chip = loadHardware('hw/dynaplasia-paper.json');
  const plan = await schedule(graph, chip, { optimizer: 'occ' });
  const program = emit(graph, plan, chip);
  const stages: Record<string, readonly [() => Steps<unknown>, unknown]> = {
    emit: [() => emitSteps(graph, plan, chip), program],
    verify: [() => verifySteps(program, chip), []],
    simulate: [() => simulateSteps(program, chip, { verified: true }), simulate(program, chip)],
  };
  for (const [name, [steps, whole]] of Object.entries(stages)) {
    let taken = 0;
    let ended = false;
    const counted = function* (): Steps<unknown> {
      try {
        for (const work = steps(); ; ) {
          const { done, value } = work.next();
          if (done) return value;
          // As long as a step of a far larger network takes.
          for (const start = performance.now(); performance.now() - start < 1; );
          taken++;
          yield;
        }
      } finally {
        ended = true;
      }
    };
    const all = [...steps()].length;
    const ms = await msUntilStopped((signal) => finishWithPauses(counted(), new Pauses(signal)), 1);
    assert.ok(ms < SOON_MS, `${name}: ${ms} ms`);
    assert.ok(ended && taken > 0 && taken < all, `${name}: ${taken} of ${all} steps`);
    assert.equal(await finishWithPauses(steps(), new Pauses(undefined)), whole, name);
  }
});

test('compile and a generation hear their signal whatever they are at', async () => {
  const chip = loadHardware('hw/dynaplasia-paper.json');
  const graph = importOnnx('datasets/gpt2.onnx', { bind: { batch: 1, sequence: 64, past: 0 } });
  const model = 'datasets/narrow/gpt2.onnx';
  const work: readonly ((signal: AbortSignal) => Promise<unknown>)[] = [
    (signal) => compile(graph, chip, { optimizer: 'occ', signal }),
    (signal) => simulateGeneration(model, chip, { prompt: 8, generate: 64 }, { tolerance: 0, signal }),
  ];
  for (const run of work) {
    // Of two, as the first compiles what the others find compiled and takes twice as long.
    await run(new AbortController().signal);
    const start = performance.now();
    await run(new AbortController().signal);
    const whole = performance.now() - start;
    for (const share of [0.1, 0.3, 0.5]) {
      const ms = await msUntilStopped(run, share * whole);
      assert.ok(ms < SOON_MS, `${share} of ${whole} ms: ${ms} ms`);
    }
  }
});

test('progress only grows, from above 0 to at most 1', async () => {
  const graph = importOnnx('datasets/efficientnetb0.onnx', { bind: { batch: 1 } });
  const shares: number[] = [];
  await schedule(graph, loadHardware('hw/dynaplasia-paper.json'), { optimizer: 'joint', onProgress: (share) => shares.push(share) });
  assert.ok(shares.length > 2);
  grow(shares);
});

function grow(shares: readonly number[]): void {
  for (const [i, share] of shares.entries())
    assert.ok(share >= (shares[i - 1] ?? 0) && share <= 1 + 1e-9, `${shares[i - 1]}, then ${share}`);
}

test('progress moves while a program is emitted, verified and simulated, and ends at 1', async () => {
  const graph = importOnnx('datasets/bert-large.onnx', { bind: { batch: 1, sequence: 64 } });
  const chip = loadHardware('hw/dynaplasia-paper.json');
  const plan = await schedule(graph, chip, { optimizer: 'occ' });
  const program = emit(graph, plan, chip);
  for (const [name, steps] of Object.entries({
    emit: emitSteps(graph, plan, chip),
    verify: verifySteps(program, chip),
    simulate: simulateSteps(program, chip, { verified: true }),
  })) {
    const told = [...steps].filter((share) => share !== undefined);
    grow(told);
    assert.is(told.at(-1), 1, name);
    assert.ok(new Set(told).size > 50, `${name}: ${new Set(told).size} shares`);
  }
  const shares: number[] = [];
  await compile(graph, chip, { optimizer: 'occ', onProgress: (share) => shares.push(share) });
  grow(shares);
  assert.is(shares.at(-1), 1);
  assert.ok(shares.some((share) => share > 0.6 && share < 0.8) && shares.some((share) => share > 0.8 && share < 1), shares.join(', '));
});

test('progress of a compilation with rivals, of several runs and of a generation only grows and ends at 1', async () => {
  const chip = loadHardware('hw/dynaplasia-paper.json');
  const graph = importOnnx('datasets/narrow/gpt2.onnx', { bind: { batch: 1, sequence: 16, past: 0 } });
  const work: readonly ((onProgress: (share: number) => void) => Promise<unknown>)[] = [
    (onProgress) => compile(graph, chip, { optimizer: 'joint', onProgress }),
    (onProgress) => compile(graph, chip, { optimizer: 'joint', runs: 10, onProgress, onSpan: () => undefined }),
    (onProgress) => compile(graph, chip, { simulate: false, onProgress }),
    (onProgress) => simulateGeneration('datasets/narrow/gpt2.onnx', chip, { prompt: 8, generate: 16 }, { onProgress }),
  ];
  for (const run of work) {
    const shares: number[] = [];
    await run((share) => shares.push(share));
    grow(shares);
    assert.ok(shares.length > 1);
    assert.is(shares.at(-1), 1);
  }
});

test.run();
