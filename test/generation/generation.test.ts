// A generation: the sum of its parts, close to what every token simulated by itself gives, and as it should be in its limits.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../../lib/compile.ts';
import { simulateGeneration } from '../../lib/generation/simulate-generation.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';
import type { Program } from '../../lib/program/program.ts';

const LLAMA = 'datasets/narrow/llama2.onnx';
const chipOf = (name: string) => loadHardware(`hw/${name}.json`, { weightBits: 8, activationBits: 8 });
const relative = (a: number, b: number): number => Math.abs(a - b) / b;
const summed = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

test('64 tokens interpolated are within 0.1 % of 64 tokens simulated, in cycles, energy and traffic', async () => {
  const workload = { prompt: 64, generate: 64 };
  for (const [model, chip] of [
    ['llama2', 'dynaplasia-paper'],
    ['mixtral-moe', 'dynaplasia'],
  ]) {
    const path = `datasets/narrow/${model}.onnx`;
    const few = await simulateGeneration(path, chipOf(chip!), workload);
    const all = await simulateGeneration(path, chipOf(chip!), workload, { tolerance: 0 });
    assert.is(all.decode.length, 64);
    assert.ok(few.decode.length < 40, `${few.decode.length} simulated`);
    assert.ok(relative(few.decoding.cycles, all.decoding.cycles) < 0.001, `${model}: ${few.decoding.cycles} for ${all.decoding.cycles}`);
    const energy = (spent: typeof few.total): number => summed(Object.values(spent.energyPicojoules));
    assert.ok(relative(energy(few.decoding), energy(all.decoding)) < 0.001);
    assert.ok(relative(few.decoding.bytes.externalRead, all.decoding.bytes.externalRead) < 0.001);
    for (const [i, cycles] of few.tokenCycles.entries()) assert.ok(relative(cycles, all.tokenCycles[i]!) < 0.02, `${model}, token ${i}`);
  }
});

test('the total is prefill and tokens; the tokens are those listed', async () => {
  const generation = await simulateGeneration(LLAMA, chipOf('dynaplasia'), { prompt: 20, generate: 12 });
  assert.is(generation.tokenCycles.length, 12);
  assert.ok(relative(summed(generation.tokenCycles), generation.decoding.cycles) < 1e-12);
  assert.is(generation.total.cycles, generation.prefill.cycles + generation.decoding.cycles);
  assert.is(generation.decode[0]?.past, 20);
  assert.is(generation.decode.at(-1)?.past, 31);
});

test('passes are those of single networks: same cycles as compile has for the bound model', async () => {
  const chip = chipOf('dynaplasia');
  const generation = await simulateGeneration(LLAMA, chip, { batch: 2, prompt: 8, generate: 1 });
  const single = async (bind: Record<string, number>) => (await compile(importOnnx(LLAMA, { bind }), chip)).trace?.makespanCycles;
  assert.is(generation.prefill.cycles, await single({ batch: 2, sequence: 8, past: 0 }));
  assert.is(generation.tokenCycles[0], await single({ batch: 2, sequence: 1, past: 8 }));
});

test('a longer generation takes longer, and begins with the shorter one where every token is planned by itself', async () => {
  // On the second chip weights stay from token to token, by a plan that is made for the longest cache.
  for (const [name, alone] of [
    ['jain-jssc21', true],
    ['dynaplasia', false],
  ] as const) {
    const chip = chipOf(name);
    let before = await simulateGeneration(LLAMA, chip, { prompt: 16, generate: 0 });
    assert.is(before.total.cycles, before.prefill.cycles);
    assert.equal(before.tokenCycles, []);
    for (const generate of [1, 2, 7, 20]) {
      const longer = await simulateGeneration(LLAMA, chip, { prompt: 16, generate }, { tolerance: 0 });
      assert.ok(longer.total.cycles > before.total.cycles);
      assert.is((longer.decode.at(-1)?.residentBytes ?? 0) === 0, alone || generate === 1);
      if (alone) assert.equal(longer.tokenCycles.slice(0, before.tokenCycles.length), before.tokenCycles);
      before = longer;
    }
  }
});

test('the cache grows by a token a pass, of all layers and samples', async () => {
  // 2 layers, key and value, 4 heads of 16, one byte.
  const perToken = 2 * 2 * 4 * 16;
  const { prefill, decode } = await simulateGeneration(LLAMA, chipOf('dynaplasia'), { batch: 3, prompt: 5, generate: 4 }, { tolerance: 0 });
  assert.is(prefill.cacheBytes, 3 * 5 * perToken);
  assert.equal(
    decode.map(({ cacheBytes }) => cacheBytes),
    [6, 7, 8, 9].map((tokens) => 3 * tokens * perToken),
  );
});

test('weights of a small model are written once: every token but the first finds them where the one before left them', async () => {
  const chip = chipOf('dynaplasia-paper');
  const workload = { prompt: 16, generate: 40 };
  const programs: Program[] = [];
  const all = await simulateGeneration(LLAMA, chip, workload, {
    optimizer: 'joint',
    tolerance: 0,
    onPass: ({ kind }, { program }) => void (kind === 'decode' && programs.push(program)),
  });
  const [first, ...others] = all.decode;
  assert.is(others.length, 39);
  assert.is(first?.residentBytes, 0);
  for (const { residentBytes, bytes, cycles, lowerBoundCycles } of others) {
    assert.is(residentBytes, first?.bytes.weightsFetched);
    assert.is(bytes.weightsFetched, 0);
    assert.ok(lowerBoundCycles <= cycles && cycles < first!.cycles);
  }
  // Every pass leaves what the next begins with: the verifier has seen that each leaves what it began with itself.
  const [, second] = programs;
  for (const { before } of programs.slice(1)) assert.equal(before, second?.before);
  const few = await simulateGeneration(LLAMA, chip, workload, { optimizer: 'joint' });
  assert.ok(few.decode.length < 30, `${few.decode.length} simulated`);
  assert.ok(relative(few.decoding.cycles, all.decoding.cycles) < 0.001, `${few.decoding.cycles} for ${all.decoding.cycles}`);
  assert.is(few.tokenCycles[0], first?.cycles);
});

test('experts see tokens * k / experts vectors each, and a single token only its own', async () => {
  const path = 'datasets/narrow/mixtral-moe.onnx';
  const { prefill, decode } = await simulateGeneration(path, chipOf('dynaplasia'), { prompt: 64, generate: 1 });
  assert.equal(prefill.experts, [{ layers: 2, experts: 8, perToken: 2, active: 8, vectorsEach: 16 }]);
  assert.equal(decode[0]?.experts, [{ layers: 2, experts: 8, perToken: 2, active: 2, vectorsEach: 1 }]);
});

test('prefill and decoding may be two models', async () => {
  const model = { prefill: 'datasets/narrow/qwen3.onnx', decode: 'datasets/narrow/qwen3-decode.onnx' };
  const { prefill, decode } = await simulateGeneration(model, chipOf('dynaplasia'), { prompt: 16, generate: 3 });
  assert.is(prefill.cacheBytes / 16, (decode[0]?.cacheBytes ?? 0) / 17);
});

test.run();
