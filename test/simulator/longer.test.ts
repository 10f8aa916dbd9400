// A program whose loops have a few turns, run for longer, is the whole program: same cycles, traffic, energy.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { emit } from '../../lib/emit/emit.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { shortenGraph } from '../../lib/ir/fold.ts';
import { verifyGraph } from '../../lib/ir/verify.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { knownBlocks } from '../../lib/simulator/group.ts';
import { simulate, simulateLonger } from '../../lib/simulator/simulate.ts';
import { randomChip } from '../support/chips.ts';
import { compiled, groupsOf, OPTIMIZERS } from '../support/compiled.ts';
import { randomNetwork } from '../support/networks.ts';

for (const [chip, bind] of [
  ['dynaplasia', { batch: 1, sequence: 64, past: 0 }],
  ['dynaplasia-paper', { batch: 2, sequence: 1, past: 70 }],
] as const) {
  test(`GPT-2 of 3 layers run as if it had 12 is GPT-2, ${chip}`, async () => {
    const hardware = loadHardware(`hw/${chip}.json`, { weightBits: 8, activationBits: 8 });
    const graph = importOnnx('datasets/gpt2.onnx', { bind });
    const plan = await schedule(graph, hardware);
    assert.ok(plan.repeats.length === 1 && plan.repeats[0]?.times === 12);
    const short = shortenGraph(graph, [plan.repeats[0].block], 3);
    assert.equal(verifyGraph(short), []);
    assert.ok(short.operators.length < 0.4 * graph.operators.length);
    const repeats = plan.repeats.map((repeat) => ({ ...repeat, block: 0, times: 3 }));
    const program = emit(short, { ...plan, repeats }, hardware);
    assert.equal(verifyProgram(program, hardware), []);
    const longer = simulateLonger(program, hardware, [12], { verified: true });
    const whole = simulate(emit(graph, plan, hardware), hardware, { verified: true, segments: false });
    assert.ok(longer !== undefined);
    for (const key of ['makespanCycles', 'boundaryCycles', 'events', 'bytes', 'resources'] as const)
      assert.equal(longer[key], whole[key], key);
    const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.abs(b);
    assert.ok(close(longer.memoryModeShare, whole.memoryModeShare));
    for (const [component, energy] of Object.entries(whole.energyPicojoules))
      assert.ok(close(longer.energyPicojoules[component as 'mvm'], energy), component);
  });
}

/** Same work in other names and places: pieces of an operator, turns of a loop, another program for the chip. */
test('a block that is known from one like it gives the trace that running it gives', async () => {
  let groups = 0;
  let ran = 0;
  for (const seed of Array.from({ length: 20 }, (_, i) => 4000 + i)) {
    // Few arrays cut operators into many pieces.
    const chip = { ...randomChip(seed), arrays: 6 + (seed % 5) };
    const known = knownBlocks(chip);
    for (const network of [randomNetwork(seed), randomNetwork(seed + 1), randomNetwork(seed)]) {
      const { program } = await compiled(network, chip, OPTIMIZERS[seed % OPTIMIZERS.length]);
      assert.equal(
        simulate(program, chip, { verified: true, knownBlocks: known }),
        simulate(program, chip, { verified: true }),
        `seed ${seed}`,
      );
      groups += groupsOf(program).length;
    }
    ran += known.runs.size;
  }
  // The third program is the first; what else is not run is known from a block like it.
  assert.ok(ran < 0.6 * groups, `${ran} of ${groups}`);
});

test.run();
