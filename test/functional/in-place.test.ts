// Right operands computed on in place, through all stages: what is planned verifies, takes no less than it must, and computes
// what the reference computes.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sum } from '../../lib/base/units.ts';
import { machineCost } from '../../lib/cost/machine/total.ts';
import { emit } from '../../lib/emit/emit.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { openWeights } from '../../lib/onnx/weights.ts';
import { explain } from '../../lib/optimizer/explain.ts';
import { planWork } from '../../lib/optimizer/plan-work.ts';
import { printExplanation } from '../../lib/optimizer/print-explanation.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { verifyPlan } from '../../lib/optimizer/verify.ts';
import { blocksOf } from '../../lib/program/blocks.ts';
import { expandProgram } from '../../lib/program/expand.ts';
import { parseProgram } from '../../lib/program/parse.ts';
import { printProgram } from '../../lib/program/print.ts';
import type { OperandTiles, Program } from '../../lib/program/program.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { arrayUses } from '../../lib/report/roles.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { verifyTrace } from '../../lib/simulator/verify.ts';
import { seededWeights } from '../../lib/workload/seeded-weights.ts';
import { randomChip, smallChip } from '../support/chips.ts';
import { inPlace, piecesInPlace } from '../support/in-place.ts';
import { NetworkBuilder, randomFrom } from '../support/networks.ts';
import { encoder } from './models.ts';
import { computedBy, expectedOf, type Numbered, prepared, withOwnWeights, withWeights } from './support.ts';

const operands = suite('operands in place');

const PAPER = loadHardware('hw/dynaplasia-paper.json');
const RANDOM = seededWeights(1);

function narrow(name: string, bind: Readonly<Record<string, number>>): Numbered {
  const path = `datasets/narrow/${name}.onnx`;
  const graph = importOnnx(path, { bind });
  const read = openWeights(path, graph, { missing: RANDOM });
  return { graph, values: ({ id }) => read(id).elements };
}

/** Plans with operands in place, checks every stage, and returns the plan's pieces in place and the program. */
async function checked(
  { graph, values }: Numbered,
  chip: Hardware,
  seed: number,
): Promise<{ pieces: readonly string[]; program: Program }> {
  const plan = await schedule(graph, chip, { optimizer: inPlace });
  assert.equal(verifyPlan(plan, graph), []);
  const { work, allotments, homes } = planWork(plan, graph, chip);
  const { cycles } = machineCost(work, allotments, homes, chip);
  assert.ok(Math.abs(cycles / plan.analyticCycles - 1) < 1e-9, `${cycles} and ${plan.analyticCycles} cycles`);
  const program = emit(graph, plan, chip);
  assert.equal(verifyProgram(program, chip), []);
  assert.equal(parseProgram(printProgram(program)), program);
  const trace = simulate(program, chip, { verified: true });
  assert.equal(verifyTrace(trace), []);
  assert.ok(trace.makespanCycles >= plan.lowerBoundCycles);
  if (plan.repeats.length === 0) {
    const taken = new Set(piecesInPlace(plan));
    const writing = sum(work.tasks.map(({ id, product }) => (taken.has(id) ? (product?.stationary?.inPlace ?? 0) : 0)));
    const busy = trace.segments.flatMap(({ statements }) =>
      statements.filter(({ kind }) => kind !== 'CIM.write').flatMap((one) => one.busy),
    );
    const written = sum(busy.map(({ resource, cycles: of }) => (resource === 'arrays being written' ? of : 0)));
    assert.is(written, writing, 'cycles in which tiles are written, by the cost and in the simulator');
  }
  const one = prepared({ graph, values }, seed, chip.precision);
  assert.equal(computedBy(program, chip, one), expectedOf(one));
  return { pieces: piecesInPlace(plan), program };
}

/** Rows of one product times those of another. */
function oneHead(tokens: number, width: number, seed: number): Numbered {
  const net = new NetworkBuilder();
  const from = net.tokens(tokens, width);
  return withWeights(net.finish([net.product(net.linear(from, width), net.linear(from, width))]), seed);
}

const tilesOf = ({ regions }: Program): readonly OperandTiles[] => regions.flatMap(({ place }) => (place.kind === 'tiles' ? [place] : []));

for (const [name, bind] of [
  ['bert', { batch: 1, sequence: 50 }],
  ['bert', { batch: 2, sequence: 3 }],
  ['gpt2', { batch: 1, sequence: 3, past: 4 }],
  ['llama2', { batch: 1, sequence: 50, past: 0 }],
  ['qwen3', { batch: 1, sequence: 3, past: 4 }],
  ['qwen3-decode', { batch: 1, past: 4 }],
] as const) {
  operands(`${name} ${JSON.stringify(bind)}: keys and values in place are the reference's`, async () => {
    const { pieces, program } = await checked(narrow(name, bind), PAPER, 2);
    assert.ok(pieces.length > 0);
    assert.is(tilesOf(program).length, pieces.length);
    const written = new Set(
      [...blocksOf(program)].flatMap(({ boundary }) => boundary.flatMap((op) => (op.kind === 'CIM.write' ? op.operator : []))),
    );
    for (const piece of pieces) assert.not(written.has(piece), `${piece} is written at a boundary, too`);
  });
}

operands('in a repeated block every turn writes its own operands: the loop and what it stands for are the same', async () => {
  let loops = 0;
  for (const name of ['bert', 'gpt2', 'qwen3']) {
    for (const tileRows of [8, 16]) {
      const chip = smallChip({ arrays: 40, grid: { x: 8, y: 5 }, tileRows });
      const { pieces, program } = await checked(narrow(name, { batch: 1, sequence: 5, ...(name !== 'bert' && { past: 0 }) }), chip, 3);
      if (pieces.length === 0 || program.body.every(({ kind }) => kind !== 'loop')) continue;
      loops++;
      assert.is(tilesOf(program).length, 2 * pieces.length, 'each of two turns has tiles of its own');
      const writtenOut = expandProgram(program);
      assert.equal(verifyProgram(writtenOut, chip), []);
      assert.is(simulate(writtenOut, chip).makespanCycles, simulate(program, chip).makespanCycles);
    }
  }
  assert.ok(loops > 1, `${loops} loops with operands in place`);
});

operands('attention of random sizes on random chips: copies, heads that share a tile, operands over several tiles', async () => {
  const seen = { plans: 0, copies: 0, shared: 0, severalTiles: 0, rows: 0, columns: 0 };
  for (let seed = 0; seed < 24; seed++) {
    const random = randomFrom(seed);
    const [heads, tokens, width] = [random(1, 4), random(2, 24), 4 * random(1, 5)];
    const tile = { tileRows: 8 * random(1, 5), tileColumns: 8 * random(1, 4) };
    const chip = { ...randomChip(seed), ...tile, arrays: 16 * random(2, 8), grid: { x: 16, y: 8 } };
    const network = seed % 2 === 0 ? withOwnWeights(encoder(tokens, heads * width, heads)) : oneHead(tokens, width, seed);
    const { pieces, program } = await checked(network, chip, seed);
    if (pieces.length > 0) seen.plans++;
    for (const { by, n, k, groups, copies, arrays } of tilesOf(program)) {
      seen[by]++;
      if (copies > 1) seen.copies++;
      if (arrays.length / copies < groups) seen.shared++;
      if (n > chip.tileRows || k > chip.tileColumns) seen.severalTiles++;
    }
  }
  assert.ok(
    Object.values(seen).every((count) => count > 2),
    JSON.stringify(seen),
  );
});

operands('what the arrays hold is what is computed on: other arrays, or a chunk that is missing, give other numbers', async () => {
  const one = prepared(withOwnWeights(encoder(12, 40, 2)), 1, { weightBits: 8, activationBits: 8 });
  const chip = smallChip({ arrays: 64, grid: { x: 8, y: 8 }, tileRows: 16, memoryBytesPerArray: 2048 });
  const program = emit(one.graph, await schedule(one.graph, chip, { optimizer: inPlace }), chip);
  assert.equal(computedBy(program, chip, one), expectedOf(one));
  const swapped = program.regions.map((region) => {
    const { place } = region;
    return place.kind === 'tiles' && place.arrays.length > 1
      ? { ...region, place: { ...place, arrays: [...place.arrays].reverse() } }
      : region;
  });
  assert.ok(swapped.some((region, i) => region !== program.regions[i]));
  const wrong = { ...program, regions: swapped };
  assert.ok(verifyProgram(wrong, chip).length > 0);
  assert.not.equal(computedBy(wrong, chip, one, { verified: true }), expectedOf(one));
});

operands('GPT-2 on PRIME, 512 tokens: joint keeps all keys and values in place,', async () => {
  const prime = loadHardware('hw/prime.json');
  const graph = importOnnx('datasets/gpt2.onnx', { bind: { batch: 1, sequence: 512, past: 0 } });
  const plan = await schedule(graph, prime, { optimizer: 'joint' });
  const pieces = piecesInPlace(plan);
  assert.is(pieces.length, 24);
  assert.equal(verifyPlan(plan, graph), []);
  // What is said of the plan: computed on in place, not written, kept meanwhile.
  const explained = explain(plan, graph, prime);
  assert.equal(new Set(explained.boundaries.flatMap(({ inPlace: found }) => found.map(({ operator }) => operator))), new Set(pieces));
  for (const { written, inPlace: found } of explained.boundaries)
    for (const { operator } of found) assert.not(written.some((one) => one.operator === operator));
  assert.match(printExplanation(explained), /operand in place: transformer/);
  const maker = plan.segments.find(({ kept }) => kept.some(({ place }) => place.kind === 'operand'))!;
  const taken = maker.kept.flatMap(({ place }) => (place.kind === 'operand' ? place.operator : []));
  const arrays = plan.segments
    .flatMap(({ operators }) => operators)
    .filter(({ id }) => taken.includes(id))
    .flatMap(({ compute }) => compute);
  const uses = arrayUses(plan, maker);
  assert.ok(arrays.length > 0 && arrays.every((array) => uses[array]?.role === 'kept'));
});

operands.run();
