import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { permutation, randomOf, wholeBelow } from '../../lib/base/random.ts';
import { compile } from '../../lib/compile.ts';
import { compilePass } from '../../lib/generation/compile-pass.ts';
import { simulateGeneration } from '../../lib/generation/simulate-generation.ts';
import { loadHardware, readHardwareFile } from '../../lib/hardware/read.ts';
import { withOverrides } from '../../lib/hardware/with-overrides.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import { DEFAULT_AREA } from '../../lib/sweep/area.ts';
import { createEvaluator } from '../../lib/sweep/evaluate.ts';
import { metricsOf } from '../../lib/sweep/metrics.ts';
import type { Job } from '../../lib/sweep/outcome.ts';
import { chipOf, keyOf, type Run, runOf } from '../../lib/sweep/run.ts';
import { SharedPrograms } from '../../lib/sweep/shared-programs.ts';
import type { Settings } from '../../lib/sweep/spec.ts';
import { codeVersion } from '../../lib/sweep/version.ts';
import { ROOT, removeFolder, sweepFolder } from './support.ts';

const test = suite('evaluation of points');
const folder = sweepFolder();
test.after(() => removeFolder(folder));

const chip = chipOf(readHardwareFile(join(folder, 'chip.json')));
const MODEL = 'a'.repeat(64);
const path = join(folder, 'tiny.onnx');
const run = (settings: Settings): Run => runOf({ model: 'tiny', hardware: 'chip', ...settings }, { model: () => MODEL, chip: () => chip });
const job = (...runs: readonly Run[]): Job => ({
  version: codeVersion(),
  chips: { [chip.hash]: chip.file },
  area: DEFAULT_AREA,
  areaBounds: {},
  runs,
});

/** Points that often differ in one number only, so that most find a program of another. */
function neighbours(count: number): readonly Settings[] {
  const choices: Readonly<Record<string, readonly (number | string)[]>> = {
    arrays: [48, 96],
    externalRate: [8, 32],
    switchTime: [1, 200],
    'power.leakage': [5, 50],
    'external.latency': [10, 40],
    'external.energy': [4, 14],
    vectorRate: [32, 384],
    bufferBankBytes: [512, 10240],
    optimizer: ['cmswitch', 'static:0.5'],
    batch: [1, 4],
  };
  const random = randomOf(4);
  return Array.from({ length: count }, () =>
    Object.fromEntries(Object.entries(choices).map(([field, values]) => [field, values[wholeBelow(random, values.length)]!])),
  );
}

test('a point measures what compile measures, whatever was computed before it', async () => {
  const evaluate = createEvaluator(() => path);
  for (const settings of neighbours(120)) {
    const asked = run(settings);
    const [outcome] = await evaluate(job(asked));
    const hardware = loadHardware(withOverrides(chip.file, asked.overrides));
    const graph = importOnnx(path, { bind: { batch: Number(settings.batch) } });
    const { plan, trace } = await compile(graph, hardware, { optimizer: String(settings.optimizer) });
    assert.is(outcome?.status, 'done', JSON.stringify(outcome));
    if (outcome?.status !== 'done') continue;
    assert.equal(outcome.metrics, metricsOf(plan, trace!, hardware, Number(settings.batch), outcome.metrics.areaMm2));
  }
});

test('a language model with a prompt measures what simulateGeneration measures', async () => {
  for (const { model, name, batch, prompt, generate, optimizer, stays } of [
    { model: 'llama2', name: 'dynaplasia-paper', batch: 2, prompt: 16, generate: 0, optimizer: 'cmswitch', stays: false },
    { model: 'llama2', name: 'dynaplasia-paper', batch: 2, prompt: 8, generate: 20, optimizer: 'cmswitch', stays: true },
    { model: 'gpt2', name: 'prime', batch: 1, prompt: 16, generate: 24, optimizer: 'joint', stays: true },
    { model: 'gpt2', name: 'prime', batch: 1, prompt: 16, generate: 24, optimizer: 'cmswitch', stays: false },
  ]) {
    const language = join(ROOT, `datasets/narrow/${model}.onnx`);
    const own = chipOf(readHardwareFile(join(ROOT, `hw/${name}.json`)));
    const on = (settings: Settings): Run =>
      runOf({ model, hardware: name, batch, prompt, generate, optimizer, ...settings }, { model: () => MODEL, chip: () => own });
    // The second finds what the first has planned where no number that it read is another.
    const runs = [on({}), on({ 'power.leakage': 99 }), on({ externalRate: 12 })];
    const outcomes = await createEvaluator(() => language)({ ...job(...runs), chips: { [own.hash]: own.file } });
    for (const [i, outcome] of outcomes.entries()) {
      assert.is(outcome.status, 'done', JSON.stringify(outcome));
      if (outcome.status !== 'done') continue;
      const hardware = loadHardware(withOverrides(own.file, runs[i]!.overrides));
      const { total, decode } = await simulateGeneration(language, hardware, { batch, prompt, generate }, { optimizer });
      assert.is((decode.at(-1)?.residentBytes ?? 0) > 0, stays, `${model} on ${name}: ${decode.at(-1)?.residentBytes} bytes stay`);
      const close = (ours: number, theirs: number) => assert.ok(Math.abs(ours - theirs) <= 1e-9 * theirs, `${ours} and ${theirs}`);
      close(outcome.metrics.cycles, total.cycles);
      close(
        outcome.metrics.energyJoules * 1e12,
        Object.values(total.energyPicojoules).reduce((a, b) => a + b),
      );
      close(outcome.metrics.memoryModeShare, total.memoryModeCycles / total.cycles / hardware.arrays);
      assert.ok(outcome.metrics.lowerBoundCycles <= outcome.metrics.cycles);
    }
  }
});

test('objectives and a cap on power count on the machine, and a cap that no plan keeps is told', async () => {
  const [fast, frugal, capped, paper] = await createEvaluator(() => path)(
    job(run({ cost: 'machine' }), run({ objective: 'energy' }), run({ powerCap: 1e-6 }), run({ objective: 'energy', cost: 'paper' })),
  );
  assert.ok(fast?.status === 'done' && frugal?.status === 'done', JSON.stringify([fast, frugal]));
  assert.ok(frugal.metrics.energyJoules <= fast.metrics.energyJoules, `${frugal.metrics.energyJoules} and ${fast.metrics.energyJoules}`);
  assert.ok(capped?.status === 'failed' && capped.certain && /power/.test(capped.error), JSON.stringify(capped));
  assert.ok(paper?.status === 'failed' && /paper's cost/.test(paper.error));
});

test("the cost is the optimizer's own unless it is given", async () => {
  const [joint, paper] = await createEvaluator(() => path)(job(run({ optimizer: 'joint' }), run({ optimizer: 'joint', cost: 'paper' })));
  assert.is(joint?.status, 'done', JSON.stringify(joint));
  assert.ok(paper?.status === 'failed' && paper.certain && /machine/.test(paper.error), JSON.stringify(paper));
});

test('points that differ only in energies share a program; those that differ in arrays do not', async () => {
  const programs = new SharedPrograms();
  const graph = importOnnx(path, { bind: { batch: 1 } });
  const on = (overrides: Record<string, number>) =>
    programs.get('tiny', loadHardware(withOverrides(chip.file, overrides)), (chip) => compilePass(graph, chip, {}));
  const first = await on({});
  assert.is(await on({ 'power.leakage': 99 }), first);
  assert.is(await on({ 'external.energy': 9 }), first);
  assert.is.not(await on({ 'arrays.count': 48 }), first);
  assert.is(await on({ 'power.leakage': 7 }), first);
  assert.equal([programs.made, programs.shared], [2, 3]);
});

test('the key of a point is that of what it asks, however it is said', () => {
  const key = (settings: Settings) => keyOf(run(settings), DEFAULT_AREA);
  assert.is(key({}), key({ arrays: 96, optimizer: 'cmswitch', solver: 'exact', weightBits: 8, seed: 0 }));
  assert.is(key({ arrays: 48 }), key({ 'arrays.count': 48 }));
  assert.is(key({ switchTime: 5 }), key({ 'switch.toMemory': 5, 'switch.toCompute': 5 }));
  const different = [{}, { arrays: 48 }, { batch: 2 }, { 'bind.sequence': 2 }, { optimizer: 'static:1' }, { seed: 1 }, { switchTime: 5 }];
  assert.is(new Set(different.map(key)).size, different.length);
  assert.is.not(keyOf(run({}), DEFAULT_AREA), keyOf(run({}), { ...DEFAULT_AREA, fixed: 1 }));
});

test('a run that fails is an outcome with its message, and the next one is computed', async () => {
  const outcomes = await createEvaluator(() => path)(
    job(run({ optimizer: 'best' }), run({ bufferBanks: 0.5 }), run({ 'bind.depth': 3 }), run({})),
  );
  const failed = outcomes.map((outcome) => (outcome.status === 'failed' ? outcome : undefined));
  assert.match(failed[0]!.error, /unknown optimizer 'best'/);
  assert.match(failed[1]!.error, /buffer\.banks/);
  assert.match(failed[2]!.error, /'depth'/);
  assert.ok(failed.slice(0, 3).every((outcome) => outcome?.certain === true));
  assert.is(outcomes[3]?.status, 'done');
});

test('an area outside the bounds excludes a point before it is compiled', async () => {
  let reads = 0;
  const evaluate = createEvaluator(() => {
    reads++;
    return path;
  });
  const [outcome] = await evaluate({ ...job(run({})), areaBounds: { most: 1 } });
  assert.is(outcome?.status, 'excluded');
  assert.is(reads, 0);
});

test('a worker without the model says so, and that another may have it', async () => {
  const [outcome] = await createEvaluator(() => undefined)(job(run({})));
  assert.ok(outcome?.status === 'failed' && outcome.unable && !outcome.certain);
  assert.match(outcome.error, /aaaaaaaaaaaa.*--models/);
});

test('random numbers: a permutation has everything once, and seeds differ', () => {
  assert.equal(
    [...permutation(100, randomOf(1))].sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => i),
  );
  const draws = new Set([0, 1, 2, 2 ** 32, 2 ** 40].map((seed) => randomOf(seed)()));
  assert.is(draws.size, 5);
  const mean = Array.from({ length: 10_000 }, (_, i) => randomOf(9, i)()).reduce((sum, value) => sum + value, 0) / 10_000;
  assert.ok(Math.abs(mean - 0.5) < 0.01, String(mean));
});

test.run();
