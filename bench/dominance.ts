// Is joint ever behind? Against every other optimizer as it is, on the machine's cost and with weights written ahead, and many shares of
// frozen arrays: random networks on random chips (the tests hold a sample), and the paper's seven networks on both chips; those also against
// what joint and cmswitch decide for other goals. By the machine's cost, and on the simulator.

import { textTable } from '../lib/base/text.ts';
import { compile } from '../lib/compile.ts';
import { runPass } from '../lib/generation/run-pass.ts';
import { loadHardware } from '../lib/hardware/read.ts';
import { type ScheduleOptions, schedule } from '../lib/optimizer/schedule.ts';
import { knownBlocks } from '../lib/simulator/group.ts';
import { randomChip } from '../test/support/chips.ts';
import { randomNetwork } from '../test/support/networks.ts';
import { everyRivalOn, recosted } from '../test/support/rivals.ts';
import { CHIPS, networkOf, SEVEN } from './seven.ts';

const SEEDS = 40;
const RATIOS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
/** The target: never more than this behind on the simulator. */
const BEHIND = 1.01;

export async function dominance(): Promise<void> {
  const found: Ratio[] = [];
  for (let seed = 0; seed < SEEDS; seed++) {
    const graph = randomNetwork(seed);
    const chip = randomChip(seed);
    const own = await compile(graph, chip, { optimizer: 'joint' });
    const best = (await compile(graph, chip, { optimizer: 'joint', simulate: false })).plan;
    const ownCost = recosted(best, graph, chip).cycles;
    for (const rival of everyRivalOn(chip, RATIOS)) {
      const other = await compile(graph, chip, rival);
      const cost = ownCost / recosted(other.plan, graph, chip).cycles;
      const simulated = (own.trace?.makespanCycles ?? Number.NaN) / (other.trace?.makespanCycles ?? Number.NaN);
      found.push({ rival, cost, simulated });
    }
  }
  console.log(`\njoint's cycles over a rival's, ${SEEDS} random networks and chips`);
  console.log(
    textTable(
      ['judged by', 'comparisons', 'geometric mean', 'worst', 'at most', 'over that'],
      [
        ["the machine's cost", ...summary(found, 'cost'), 1 + 1e-9, behind(found, 'cost', 1 + 1e-9)],
        ['the simulator', ...summary(found, 'simulated'), BEHIND, behind(found, 'simulated', BEHIND)],
      ],
    ),
  );
}

/** Every so many arrays there is a rival with that many frozen to compute. */
const EVERY_ARRAYS = 8;
/** A cap that no plan comes near: the best latency among all that is found for latency, for energy and for weights between them. */
const LOOSE_WATTS = 1e6;
const GOALS: readonly ScheduleOptions[] = [{ objective: 'energy' }, { objective: 'edp' }, { powerCapWatts: LOOSE_WATTS }];

/** The paper's networks at batch 1, 64 tokens; rivals are simulated with three turns of a repeated block, which is exact. */
export async function dominanceOfNetworks(models: readonly string[] = SEVEN): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const chipName of CHIPS) {
    const chip = loadHardware(`hw/${chipName}.json`);
    const counts = Array.from({ length: Math.ceil(chip.arrays / EVERY_ARRAYS) }, (_, i) => chip.arrays - i * EVERY_ARRAYS);
    // Half an array more, so that the share's floor is the count whatever is rounded.
    const rivals = everyRivalOn(
      chip,
      counts.map((count) => Math.min(1, (count + 0.5) / chip.arrays)),
    );
    const goals = ['joint', 'cmswitch'].flatMap((optimizer) => GOALS.map((goal): ScheduleOptions => ({ optimizer, ...goal })));
    for (const model of models) {
      const graph = networkOf(model);
      const known = knownBlocks(chip);
      const ownCycles = (await compile(graph, chip, { optimizer: 'joint' })).trace?.makespanCycles ?? Number.NaN;
      const ownCost = recosted(await schedule(graph, chip, { optimizer: 'joint' }), graph, chip).cycles;
      const ratiosTo = async (options: readonly ScheduleOptions[]): Promise<readonly Ratio[]> => {
        const found: Ratio[] = [];
        for (const rival of options) {
          const { plan, trace } = await runPass(graph, chip, { schedule: rival, known, whole: false, verify: false });
          found.push({ rival, cost: ownCost / recosted(plan, graph, chip).cycles, simulated: ownCycles / trace.makespanCycles });
          if (process.stderr.isTTY) process.stderr.write(`${model} on ${chipName}: ${found.length} of ${options.length}   \r`);
        }
        return found;
      };
      for (const [name, found] of [
        ['other optimizers', await ratiosTo(rivals)],
        ['other goals', await ratiosTo(goals)],
      ] as const) {
        for (const judge of ['cost', 'simulated'] as const)
          rows.push([model, chipName, name, judge, ...summary(found, judge), called(worst(found, judge).rival)]);
      }
    }
  }
  console.log("\njoint's cycles over a rival's, batch 1, sequence 64; targets: never above 1 by cost, nor above 1.01 simulated");
  console.log(textTable(['model', 'chip', 'rivals', 'judged by', 'plans', 'geometric mean', 'worst', 'nearest rival'], rows));
}

/** What joint takes over what a rival does. */
interface Ratio {
  readonly rival: ScheduleOptions;
  readonly cost: number;
  readonly simulated: number;
}

type Judge = 'cost' | 'simulated';

function worst(found: readonly Ratio[], judge: Judge): Ratio {
  return found.reduce((a, b) => (b[judge] > a[judge] ? b : a));
}

/** How many, their geometric mean, the worst. */
function summary(found: readonly Ratio[], judge: Judge): readonly (string | number)[] {
  const mean = Math.exp(found.reduce((sum, ratio) => sum + Math.log(ratio[judge]), 0) / found.length);
  return [found.length, mean.toFixed(3), worst(found, judge)[judge].toFixed(4)];
}

function behind(found: readonly Ratio[], judge: Judge, most: number): number {
  return found.filter((ratio) => ratio[judge] > most).length;
}

/** Options as on the command line. */
function called({ optimizer, form, cost, objective, powerCapWatts, prefetch }: ScheduleOptions): string {
  const flags = [
    form === undefined || form === 'as-published' ? '' : `--form ${form}`,
    cost === undefined ? '' : `--cost ${cost}`,
    objective === undefined ? '' : `--objective ${objective}`,
    powerCapWatts === undefined ? '' : `--power-cap ${powerCapWatts}`,
    prefetch ? '--prefetch' : '',
  ];
  const name = String(optimizer).replace(/^(static:0\.\d{3})\d+$/, '$1...');
  return [name, ...flags.filter((flag) => flag !== '')].join(' ');
}
