// A network that runs more than once: weights that nothing overwrites are not written again, in plan, program, simulator and functional
// simulation alike; the verifier sees that a program leaves behind what it begins with.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compare } from '../../lib/compare.ts';
import { type Compilation, compile } from '../../lib/compile.ts';
import { costOfRuns } from '../../lib/cost/machine/again.ts';
import { machineCost } from '../../lib/cost/machine/total.ts';
import { emit } from '../../lib/emit/emit.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { planWork } from '../../lib/optimizer/plan-work.ts';
import { residentPieces } from '../../lib/optimizer/residents.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { verifyPlan } from '../../lib/optimizer/verify.ts';
import { parseProgram } from '../../lib/program/parse.ts';
import { printProgram } from '../../lib/program/print.ts';
import type { Program } from '../../lib/program/program.ts';
import { verifyProgram } from '../../lib/program/verify.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { randomChip } from '../support/chips.ts';
import { randomNetwork } from '../support/networks.ts';

const RUNS = 50;
const chipOf = (name: string) => loadHardware(`hw/${name}.json`, { weightBits: 8, activationBits: 8 });

test('on random networks and chips a second run is right, fetches exactly what did not stay, and joint is never worse for it', async () => {
  let stayed = 0;
  let faster = 0;
  for (let seed = 0; seed < 16; seed++) {
    const graph = randomNetwork(seed);
    const chip = { ...randomChip(seed), arrays: randomChip(seed).arrays * 12 };
    const plan = await schedule(graph, chip, { optimizer: 'joint', runs: RUNS });
    const once = await schedule(graph, chip, { optimizer: 'joint' });
    assert.equal(verifyPlan(plan, graph), [], `seed ${seed}`);
    const [first, again] = [emit(graph, plan, chip), emit(graph, plan, chip, { again: true })];
    for (const program of [first, again]) assert.equal(verifyProgram(program, chip), [], `seed ${seed}`);
    assert.equal(parseProgram(printProgram(again)), again);
    const [cold, warm] = [first, again].map((program) => simulate(program, chip, { verified: true }));
    const total = (what: typeof plan): number => what.analyticCycles + (RUNS - 1) * (what.againCycles ?? what.analyticCycles);
    assert.ok(total(plan) <= RUNS * once.analyticCycles * (1 + 1e-9), `seed ${seed}: ${total(plan)} and ${RUNS * once.analyticCycles}`);
    const written = (program: Program): number => program.before?.filter(({ kind }) => kind === 'CIM.write').length ?? 0;
    if (written(again) === 0) continue;
    stayed++;
    // Counted from the plan by hand: stored weights of the pieces that stay, once or once a copy.
    const { work, allotments, homes } = planWork(plan, graph, chip);
    const ids = plan.segments.flatMap(({ operators }) => operators).map(({ id }) => id);
    const stays = residentPieces(plan.segments, ({ id }) => work.products[ids.indexOf(id)]?.stationary === undefined);
    let bytes = 0;
    for (const { id, copies } of plan.segments.flatMap(({ operators }) => operators)) {
      if (stays.has(id)) bytes += work.products[ids.indexOf(id)]!.weightBytes * (chip.multicastWeights ? 1 : copies);
    }
    assert.is(Math.round(cold!.bytes.weightsFetched - warm!.bytes.weightsFetched), Math.round(bytes), `seed ${seed}`);
    assert.ok(warm!.makespanCycles <= cold!.makespanCycles, `seed ${seed}`);
    if (warm!.makespanCycles < cold!.makespanCycles) faster++;
    const resident = new Set([...stays].map((id) => ids.indexOf(id)));
    const cost = costOfRuns(RUNS, machineCost(work, allotments, homes, chip), { work, allotments, homes }, resident, chip);
    assert.ok(Math.abs(cost.again.cycles / (plan.againCycles ?? 0) - 1) < 1e-9, `seed ${seed}`);
  }
  assert.ok(stayed > 6 && faster > 6, `weights stayed in ${stayed}, ${faster} faster`);
});

test('a small language model keeps all stored weights on the chip, and its runs get faster', async () => {
  const chip = chipOf('dynaplasia-paper');
  const graph = importOnnx('datasets/narrow/gpt2.onnx', { bind: { batch: 1, sequence: 1, past: 64 } });
  const once = await compile(graph, chip, { optimizer: 'joint' });
  const many = await compile(graph, chip, { optimizer: 'joint', runs: RUNS });
  assert.is(many.again?.trace?.bytes.weightsFetched, 0);
  assert.ok((many.again?.trace?.makespanCycles ?? 0) < 0.7 * (once.trace?.makespanCycles ?? 0));
});

test('compared over many runs, every row counts what its first run takes and every other one', async () => {
  const chip = chipOf('dynaplasia-paper');
  const graph = importOnnx('datasets/narrow/gpt2.onnx', { bind: { batch: 1, sequence: 1, past: 64 } });
  const { rows, runs, bound, againBound, split } = await compare(graph, chip, { runs: RUNS });
  assert.is(runs, RUNS);
  const total = ({ trace, again }: Compilation): number =>
    (trace?.makespanCycles ?? Number.NaN) + (RUNS - 1) * (again?.trace?.makespanCycles ?? Number.NaN);
  const first = total(rows[0]!.compilation);
  for (const { label, compilation, gain } of rows) {
    assert.is(compilation.plan.runs, RUNS, label);
    assert.ok(Math.abs(first / total(compilation) / gain - 1) < 1e-9, label);
    assert.ok(total(compilation) >= bound.cycles + (RUNS - 1) * (againBound?.cycles ?? Number.NaN), label);
  }
  assert.ok((againBound?.cycles ?? bound.cycles) < bound.cycles);
  assert.ok(Math.abs((split!.prefetch * split!.search * split!.switching) / rows.at(-1)!.gain - 1) < 1e-9);
});

test('a program that does not leave what it begins with is refused', async () => {
  const chip = chipOf('dynaplasia-paper');
  const graph = importOnnx('datasets/narrow/gpt2.onnx', { bind: { batch: 1, sequence: 1, past: 64 } });
  const plan = await schedule(graph, chip, { optimizer: 'joint', runs: RUNS });
  const program = emit(graph, plan, chip, { again: true });
  const rules = (changed: Program) => verifyProgram(changed, chip).flatMap((problem) => (problem.kind === 'program' ? [problem.rule] : []));
  const [kept = undefined] = program.before?.filter(({ kind }) => kind === 'CIM.write') ?? [];
  const before = program.before ?? [];
  assert.ok(kept?.kind === 'CIM.write');
  if (kept?.kind !== 'CIM.write') return;
  // Without one of the weights a product has none to compute with.
  assert.ok(rules({ ...program, before: before.filter((op) => op !== kept) }).includes('weights'));
  // Something else in its arrays at the end; other modes at the beginning than at the end.
  const other = before.find((op) => op.kind === 'CIM.write' && op !== kept && op.arrays.length === kept.arrays.length);
  if (other?.kind === 'CIM.write')
    assert.ok(rules({ ...program, body: [...program.body, { ...other, arrays: kept.arrays }] }).includes('weights'));
  const end: Program['body'] = [...program.body, { kind: 'CM.switch', to: 'TOM', arrays: kept.arrays }];
  assert.ok(rules({ ...program, body: end }).includes('mode'));
  const product = program.body.flatMap((op) => (op.kind === 'parallel' ? op.body : [])).find(({ kind }) => kind === 'CIM.mvm');
  assert.ok(rules({ ...program, before: [...before, product as never] }).includes('weights'));
});

test.run();
