import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { METRICS, type Metrics } from '../../lib/sweep/metrics.ts';
import { combined, passesOf } from '../../lib/sweep/passes.ts';

const test = suite('passes of a run');

const bind = { batch: 2 };
const metrics = (latency: number, energy: number): Metrics => ({
  ...(Object.fromEntries(METRICS.map(({ name }) => [name, 1])) as unknown as Metrics),
  latencySeconds: latency,
  energyJoules: energy,
  throughputPerSecond: 2 / latency,
});

test('a network is one pass, a prompt a prefill, each generated token one more', () => {
  assert.equal(passesOf({ bind }), [{ bind, times: 1 }]);
  assert.equal(passesOf({ bind, prompt: 64 }), [{ bind: { batch: 2, sequence: 64 }, times: 1 }]);
  assert.equal(
    passesOf({ bind, prompt: 64, generate: 3 }).map((pass) => [pass.bind.sequence, pass.bind.past, pass.times]),
    [
      [64, undefined, 1],
      [1, 64, 1],
      [1, 65, 1],
      [1, 66, 1],
    ],
  );
});

test('what grows linearly with the context sums to what token by token would give', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.nat(2000), fc.integer({ min: 0, max: 9 }), (prompt, generate, slope) => {
      const [, ...decoding] = passesOf({ bind, prompt, generate });
      const cost = (past: number) => 100 + slope * past;
      const interpolated = decoding.reduce((sum, pass) => sum + pass.times * cost(pass.bind.past!), 0);
      let exact = 0;
      for (let past = prompt; past < prompt + generate; past++) exact += cost(past);
      assert.ok(Math.abs(interpolated - exact) <= 1e-9 * exact, `${interpolated} and ${exact}`);
      assert.ok(decoding.length <= 5);
    }),
    { seed: 6, numRuns: 200 },
  );
});

test('latency and energy add up, power and throughput are of the whole', () => {
  const whole = combined([
    { times: 1, metrics: metrics(2, 10) },
    { times: 4, metrics: metrics(0.5, 1) },
  ]);
  assert.equal([whole.latencySeconds, whole.energyJoules, whole.powerWatts, whole.throughputPerSecond], [4, 14, 3.5, 0.5]);
  assert.equal([whole.energyDelayJouleSeconds, whole.areaMm2, whole.segments, whole.memoryModeShare], [56, 1, 1, 1]);
});

test.run();
