// What programs compute, on random networks and chips under every optimizer, is what the reference computes.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { emit } from '../../lib/emit/emit.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { openWeights } from '../../lib/onnx/weights.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { parseProgram } from '../../lib/program/parse.ts';
import { printProgram } from '../../lib/program/print.ts';
import { runProgram, runProgramAsync } from '../../lib/simulator/functional/run-program.ts';
import { randomChip, smallChip } from '../support/chips.ts';
import { randomNetwork } from '../support/networks.ts';
import { encoder, functions, mobileBlock } from './models.ts';
import { computedBy, distance, expectedOf, prepared, programFor, realOutputs, realsOf, withOwnWeights, withWeights } from './support.ts';

const programs = suite('programs compute what the reference computes');

/** Networks of randomNetwork with residuals, groups, pools, batches and classifiers, each small. */
const SEEDS = [4, 16, 20, 24, 46, 49, 72, 83, 93, 100, 108];
const OPTIMIZERS = ['cmswitch', 'joint', 'static:1', 'static:0.5', 'cim-mlc', 'puma', 'occ'];

programs('for random networks on random chips, each under another optimizer', async () => {
  for (const [i, seed] of SEEDS.entries()) {
    const chip = randomChip(seed + 50);
    const one = prepared(withWeights(randomNetwork(seed), seed), seed, chip.precision);
    const program = await programFor(one.graph, chip, OPTIMIZERS[i % OPTIMIZERS.length]);
    const expected = expectedOf(one);
    assert.ok(new Set(expected).size > 2, `network ${seed} computes something`);
    assert.equal(computedBy(program, chip, one), expected, `network ${seed} on ${chip.name}`);
  }
});

programs('with pauses they compute the same, and a signal ends them between two chunks', async () => {
  const graph = importOnnx('datasets/digits.onnx', { bind: { batch: 64 } });
  const read = openWeights('datasets/digits.onnx', graph);
  const chip = loadHardware('hw/dynaplasia.json');
  const { network, inputs } = prepared({ graph, values: ({ id }) => read(id).elements }, 1, chip.precision);
  const program = await programFor(graph, chip);
  // Bit by bit it takes long enough for a pause.
  const options = { bitSerial: true };
  const start = performance.now();
  const whole = await runProgramAsync(program, chip, network, inputs, options);
  const milliseconds = performance.now() - start;
  assert.equal(whole, runProgram(program, chip, network, inputs, options));
  const reason = new Error('enough');
  const controller = new AbortController();
  let told = Number.NaN;
  setTimeout(() => {
    told = performance.now();
    controller.abort(reason);
  }, milliseconds / 10);
  try {
    await runProgramAsync(program, chip, network, inputs, { ...options, signal: controller.signal });
    assert.unreachable('it was not stopped');
  } catch (error) {
    assert.is(error, reason);
  }
  assert.ok(performance.now() - told < milliseconds / 2 + 1000, `${performance.now() - told} ms of ${milliseconds}`);
});

programs('run again, on the weights that stayed in their arrays, they compute the same', async () => {
  let stayed = 0;
  for (const seed of SEEDS.slice(0, 6)) {
    const small = randomChip(seed + 50);
    const chip = { ...small, arrays: small.arrays * 4, grid: { x: small.arrays * 4, y: 1 } };
    const one = prepared(withWeights(randomNetwork(seed), seed), seed, chip.precision);
    const plan = await schedule(one.graph, chip, { optimizer: 'joint', runs: 50 });
    const again = emit(one.graph, plan, chip, { again: true });
    if (again.before?.some(({ kind }) => kind === 'CIM.write')) stayed++;
    assert.equal(computedBy(again, chip, one), expectedOf(one), `network ${seed} on ${chip.name}`);
  }
  assert.ok(stayed > 2, `weights stayed in ${stayed}`);
});

/** Small arrays, so that products are cut along rows, columns and n; one without memory mode. */
const CHIPS: readonly Hardware[] = [
  smallChip({ arrays: 40, memoryBytesPerArray: 2048 }),
  smallChip({ arrays: 5, bufferBytes: 1024 }),
  loadHardware('hw/dynaplasia-paper.json'),
  loadHardware('hw/dynaplasia.json'),
  // Arrays that only compute.
  loadHardware('hw/isaac.json'),
];

for (const [name, bytes] of [
  ['attention', encoder()],
  ['convolutions, pools, gates', mobileBlock()],
  ['functions and moves', functions()],
] as const) {
  programs(`the same numbers under every optimizer on every chip: ${name}`, async () => {
    const own = withOwnWeights(bytes);
    const one = prepared(own, 1, CHIPS[0]!.precision);
    const expected = expectedOf(one);
    assert.ok(new Set(expected).size > 4);
    for (const chip of CHIPS) {
      for (const optimizer of OPTIMIZERS) {
        if (!chip.dualMode && optimizer === 'static:0.5') continue;
        const program = await programFor(own.graph, chip, optimizer);
        assert.equal(computedBy(program, chip, one), expected, `${optimizer} on ${chip.name}`);
      }
    }
  });
}

programs('a program that was printed and parsed computes the same', async () => {
  const chip = CHIPS[0]!;
  const one = prepared(withOwnWeights(encoder()), 2, chip.precision);
  const program = parseProgram(printProgram(await programFor(one.graph, chip)));
  assert.equal(computedBy(program, chip, one), expectedOf(one));
});

programs('with 4-bit numbers the program still agrees, and is further from the real numbers', async () => {
  const own = withOwnWeights(mobileBlock());
  const errors: number[] = [];
  for (const bits of [4, 8]) {
    const chip = smallChip({ arrays: 40, precision: { weightBits: bits, activationBits: bits } });
    const one = prepared(own, 3, chip.precision);
    const computed = computedBy(await programFor(one.graph, chip), chip, one);
    assert.equal(computed, expectedOf(one));
    errors.push(distance(realOutputs(one), realsOf(one, computed)));
  }
  assert.ok(errors[0]! > 4 * errors[1]!, errors.join());
});

programs.run();
