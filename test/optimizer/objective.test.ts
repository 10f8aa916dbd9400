// No goal is worse under its own measure than what another goal finds: small networks and chips, figures of the plans themselves.
// Latency alone is left out as a goal, not as a plan: it makes do with its own search.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError } from '../../lib/base/problem.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import { averageWatts, bestOf, type Goal, type Judged, objectiveValue } from '../../lib/optimizer/objective.ts';
import { type ScheduleOptions, schedule } from '../../lib/optimizer/schedule.ts';
import { smallChip } from '../support/chips.ts';
import { NetworkBuilder, randomFrom } from '../support/networks.ts';

const CHIPS = [smallChip(), smallChip({ name: 'slow channel', externalBytesPerCycle: 4, bufferBytes: 2048 })];

/** Convolutions of random widths. */
function network(seed: number): Graph {
  const random = randomFrom(seed);
  const net = new NetworkBuilder();
  let map = net.input(1, random(2, 8), 12, 12);
  for (let i = 0; i < 3; i++) map = net.conv(map, 8 * random(1, 4), { stride: i === 1 ? 2 : 1, relu: true });
  return net.finish([map], `net${seed}`);
}

const CASES = [1, 2].flatMap((seed) => CHIPS.map((chip) => ({ graph: network(seed), chip })));
/** Figures are sums over segments in one order or another. */
const ROUNDING = 1 + 1e-9;

async function planned(graph: Graph, chip: Hardware, options: ScheduleOptions): Promise<Judged> {
  const { analyticCycles, analyticPicojoules = Number.NaN } = await schedule(graph, chip, { cost: 'machine', ...options });
  return { cycles: analyticCycles, energy: analyticPicojoules };
}

for (const optimizer of ['cmswitch', 'joint', 'static:1']) {
  test(`${optimizer}: a goal's plan is by its measure never worse than another goal's`, async () => {
    let differing = 0;
    for (const { graph, chip } of CASES) {
      const free = await planned(graph, chip, { optimizer });
      const powerCapWatts = 0.8 * averageWatts(free, chip);
      const goals: readonly Goal[] = [
        { objective: 'energy' },
        { objective: 'edp' },
        { objective: 'latency', powerCapWatts },
        { objective: 'energy', powerCapWatts },
      ];
      const plans: (Judged | undefined)[] = [];
      for (const goal of goals) plans.push(await planned(graph, chip, { optimizer, ...goal }).catch(refused));
      const found = [free, ...plans.filter((plan) => plan !== undefined)];
      differing += new Set(found.map(({ cycles }) => cycles)).size - 1;
      for (const [i, goal] of goals.entries()) {
        const name = `${graph.name} on ${chip.name}, ${JSON.stringify(goal)}`;
        const [own, best] = [plans[i], bestOf(goal, found, chip)];
        assert.is(own === undefined, best === undefined, `${name}: another goal's plan keeps the cap`);
        if (own === undefined || best === undefined) continue;
        assert.ok(goal.powerCapWatts === undefined || averageWatts(own, chip) <= goal.powerCapWatts * ROUNDING, name);
        const [value, least] = [objectiveValue(goal.objective, own), objectiveValue(goal.objective, best)];
        assert.ok(value <= least * ROUNDING, `${name}: ${value}, and ${least} was found`);
      }
    }
    assert.ok(differing > 0);
  });
}

test('under any goal, joint is by its measure never worse than a rival that goes for the same', async () => {
  let compared = 0;
  for (const { graph, chip } of CASES.slice(0, 2)) {
    const free = averageWatts(await planned(graph, chip, { optimizer: 'cmswitch' }), chip);
    const caps = [0.8, 0.5].map((share): Goal => ({ objective: 'latency', powerCapWatts: share * free }));
    for (const goal of [...caps, { objective: 'edp' }] as const) {
      const own = await planned(graph, chip, { optimizer: 'joint', ...goal }).catch(refused);
      for (const optimizer of ['cmswitch', 'cim-mlc']) {
        for (const prefetch of [false, true]) {
          const rival = await planned(graph, chip, { optimizer, form: 'same-cost', prefetch, ...goal }).catch(refused);
          if (rival === undefined) continue;
          compared++;
          const name = `${optimizer}, ${graph.name} on ${chip.name}, ${JSON.stringify(goal)}`;
          assert.ok(own !== undefined, `${name}: only the rival keeps the cap`);
          assert.ok(objectiveValue(goal.objective, own!) <= objectiveValue(goal.objective, rival) * ROUNDING, name);
        }
      }
    }
  }
  assert.ok(compared > 12, `${compared}`);
});

function refused(error: unknown): undefined {
  if (error instanceof CompileError && error.message.includes('no plan found draws at most')) return undefined;
  throw error;
}

test.run();
