import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runPasses, TOLERANCE } from '../../lib/generation/run-passes.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import { METRICS, type Metrics } from '../../lib/sweep/metrics.ts';
import { combined } from '../../lib/sweep/passes.ts';
import type { Pass, Workload } from '../../lib/workload/workload.ts';
import { smallChip } from '../support/chips.ts';

const test = suite('passes of a run');

const metrics = (latency: number, energy: number): Metrics => ({
  ...(Object.fromEntries(METRICS.map(({ name }) => [name, 1])) as unknown as Metrics),
  latencySeconds: latency,
  cycles: latency,
  energyJoules: energy,
  throughputPerSecond: 2 / latency,
});
const none = { operators: [] } as unknown as Graph;

/** Every token by itself. */
async function measureGeneration({ prompt, generate = 0 }: Workload, run: (pass: Pass) => Promise<Metrics>): Promise<Metrics> {
  const { prefill, decode } = await runPasses({ batch: 1, prompt, generate }, smallChip(), TOLERANCE, {
    graphOf: () => none,
    together: () => Promise.resolve(undefined),
    alone: () => Promise.reject(new Error('nothing to compare with')),
    run,
  });
  return combined(prefill, decode);
}

test('a prompt alone is one pass over it; a generated token is a pass behind all before it', async () => {
  const asked: Pass[] = [];
  const measure = (pass: Pass) => {
    asked.push(pass);
    return Promise.resolve(metrics(1, 1));
  };
  assert.equal(await measureGeneration({ prompt: 64 }, measure), metrics(1, 1));
  assert.equal(asked, [{ kind: 'prefill', sequence: 64, past: 0 }]);
  asked.length = 0;
  const three = await measureGeneration({ prompt: 64, generate: 3 }, measure);
  assert.equal(asked.map(({ past }) => past).sort(), [0, 64, 65, 66]);
  assert.is(three.latencySeconds, 4);
});

test('what grows linearly with the context sums to what token by token would give, from a few contexts', async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 3000 }),
    fc.integer({ min: 1, max: 2000 }),
    fc.integer({ min: 0, max: 9 }),
    async (prompt, generate, slope) => {
      let measured = 0;
      const cost = (past: number) => 100 + slope * past;
      const whole = await measureGeneration({ prompt, generate }, ({ past, sequence }) => {
        measured++;
        return Promise.resolve(metrics(sequence * cost(past), 1));
      });
      let exact = 100 * prompt;
      for (let past = prompt; past < prompt + generate; past++) exact += cost(past);
      assert.ok(Math.abs(whole.latencySeconds - exact) <= 1e-9 * exact, `${whole.latencySeconds} and ${exact}`);
      assert.ok(measured <= 10, `${measured} passes`);
    },
  );
  await fc.assert(property, { seed: 6, numRuns: 100 });
});

test('latency and energy add up, power and throughput are of the whole', () => {
  const tokens = [10, 13].map((context) => ({ context, ran: metrics(0.5, 1) }));
  const whole = combined(metrics(2, 10), tokens);
  assert.equal([whole.latencySeconds, whole.energyJoules, whole.powerWatts, whole.throughputPerSecond], [4, 14, 3.5, 0.5]);
  assert.equal([whole.energyDelayJouleSeconds, whole.areaMm2, whole.segments, whole.memoryModeShare], [56, 1, 1, 1]);
});

test.run();
