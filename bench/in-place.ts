// `npx tsx bench/in-place.ts [CHIP,...] [MODEL,...] [LENGTH,...]`: what right operands computed on in place bring to prefill. For each network the
// best plan without them, the most that any could gain (the same plan if operands made earlier cost nothing at the boundary), and what
// joint finds, by the machine's cost and simulated.

import { textTable } from '../lib/base/text.ts';
import { machineCost } from '../lib/cost/machine/total.ts';
import { withProducts } from '../lib/cost/machine/work.ts';
import { emit } from '../lib/emit/emit.ts';
import type { Hardware } from '../lib/hardware/hardware.ts';
import { loadHardware } from '../lib/hardware/read.ts';
import type { Graph } from '../lib/ir/graph.ts';
import { importOnnx } from '../lib/onnx/import-onnx.ts';
import type { Plan } from '../lib/optimizer/plan.ts';
import { planWork } from '../lib/optimizer/plan-work.ts';
import { candidatePlans } from '../lib/optimizer/schedule.ts';
import { simulate } from '../lib/simulator/simulate.ts';

const [chips = 'dynaplasia-paper,dynaplasia,prime,isaac', models = 'vitb16,gpt2,bert-large,opt-6.7b,llama2-7b', lengths = '64,512,2048'] =
  process.argv.slice(2);

/** Longest sequence of a model whose positions are learned. */
const LONGEST: Readonly<Record<string, number>> = { vitb16: 197, gpt2: 1024, 'bert-large': 512 };

function load(model: string, length: number): Graph {
  const bind = model === 'vitb16' ? { batch: 1 } : { batch: 1, sequence: length, ...(model !== 'bert-large' && { past: 0 }) };
  return importOnnx(`datasets/${model}.onnx`, { bind });
}

/** The plan's cycles if operands made earlier were neither read nor written at the boundary. */
function withFreeOperands(plan: Plan, graph: Graph, hardware: Hardware): number {
  const { work, allotments, homes } = planWork(plan, graph, hardware);
  const free = withProducts(work, (product) => {
    const { stationary } = product;
    if (stationary === undefined || work.tensors[stationary.tensor]?.given) return product;
    return { ...product, writeCycles: 0, stationary: { ...stationary, bytes: 0 } };
  });
  return machineCost(free, allotments, homes, hardware).cycles;
}

const operandsIn = ({ segments }: Plan): number =>
  segments.flatMap(({ kept }) => kept).filter(({ place }) => place.kind === 'operand').length;
const percent = (before: number, after: number): string => `${(100 * (1 - after / before)).toFixed(2)} %`;

for (const chip of chips.split(',')) {
  const hardware = loadHardware(`hw/${chip}.json`, { weightBits: 8, activationBits: chip === 'prime' ? 6 : 8 });
  const rows: (string | number)[][] = [];
  for (const model of models.split(',')) {
    const asked = lengths.split(',').map(Number);
    const runs = model === 'vitb16' ? [197] : asked.filter((length) => length <= (LONGEST[model] ?? Number.POSITIVE_INFINITY));
    for (const length of runs) {
      const graph = load(model, length);
      const plans = (await candidatePlans(graph, hardware, { optimizer: 'joint' }, Number.POSITIVE_INFINITY)).map((plan) => ({
        plan,
        cycles: simulate(emit(graph, plan, hardware), hardware, { segments: false }).makespanCycles,
      }));
      const without = plans.filter(({ plan }) => operandsIn(plan) === 0);
      const planned = Math.min(...without.map(({ plan }) => plan.analyticCycles));
      const plain = without.find(({ plan }) => plan.analyticCycles === planned)!;
      const best = plans.reduce((a, b) => (b.plan.analyticCycles < a.plan.analyticCycles ? b : a));
      const [before, after] = [without, plans].map((of) => Math.min(...of.map(({ cycles }) => cycles)));
      rows.push([
        model,
        length,
        Math.round(planned),
        percent(planned, withFreeOperands(plain.plan, graph, hardware)),
        operandsIn(best.plan),
        percent(planned, best.plan.analyticCycles),
        before!,
        after!,
        percent(before!, after!),
      ]);
    }
  }
  const head = ['model', 'tokens', 'planned', 'at most', 'in place', 'planned gain', 'simulated', 'with in place', 'gain'];
  console.log(`\n${chip}${hardware.dualMode ? '' : ' (arrays only compute: nothing can be in place)'}\n${textTable(head, rows)}`);
}
