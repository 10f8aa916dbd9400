// How far the machine's cost, which joint minimises, is from the simulator: for every model the whole run, and the median and worst
// of its segments that take at least a hundredth of it, with what bounds that one.   npm run bench -- --only cost-accuracy [--models NAME,...]

import { textTable } from '../lib/base/text.ts';
import { boundedBy, compile, importOnnx, loadHardware, type Plan, simulate } from '../lib/index.ts';

const MODELS = ['vgg16', 'resnet18', 'mobilenetv2', 'resnet50', 'efficientnetb0', 'vitb16'];
const CHIPS = ['dynaplasia-paper', 'dynaplasia'];
const LEAST_SHARE = 0.01;

/** Planned cycles of every segment that runs, the turns of repeated blocks one by one. */
function plannedCycles({ segments, repeats }: Plan): readonly number[] {
  const cycles = segments.map(
    ({ intraCycles, interCycles: { writeBack, switch: switching, rewrite } }) => intraCycles + writeBack + switching + rewrite,
  );
  const all: number[] = [];
  for (let i = 0; i < cycles.length; ) {
    const repeat = repeats.find(({ first }) => first === i);
    const turn = cycles.slice(i, i + (repeat?.count ?? 1));
    for (let times = repeat?.times ?? 1; times > 0; times--) all.push(...turn);
    i += turn.length;
  }
  return all;
}

const percent = (share: number): string => `${share >= 0 ? '+' : ''}${(100 * share).toFixed(1)} %`;

export async function costAccuracy(asked: readonly string[] = MODELS): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const chip of CHIPS) {
    const hardware = loadHardware(`hw/${chip}.json`);
    for (const model of asked) {
      const graph = importOnnx(`datasets/${model}.onnx`, { bind: { batch: 1 } });
      const { plan, program } = await compile(graph, hardware, { optimizer: 'joint', simulate: false });
      const trace = simulate(program, hardware, { criticalPath: true, verified: true });
      const planned = plannedCycles(plan);
      const errors = trace.segments.flatMap(({ id, boundaryStart, end }, i) => {
        const simulated = end - boundaryStart;
        return simulated < LEAST_SHARE * trace.makespanCycles ? [] : [{ id, error: (planned[i] ?? Number.NaN) / simulated - 1 }];
      });
      const byMagnitude = [...errors].sort((a, b) => Math.abs(a.error) - Math.abs(b.error));
      const [median, worst] = [byMagnitude[Math.floor(byMagnitude.length / 2)], byMagnitude.at(-1)];
      const [bound] = boundedBy({ criticalPath: (trace.criticalPath ?? []).filter(({ segment }) => segment === worst?.id) });
      rows.push([
        chip,
        model,
        errors.length,
        percent(plan.analyticCycles / trace.makespanCycles - 1),
        median === undefined ? '' : percent(median.error),
        worst === undefined ? '' : `${percent(worst.error)} (segment ${worst.id}, bound by ${bound?.[0] ?? 'nothing'})`,
      ]);
    }
  }
  console.log('\nPlanned cycles of the machine against simulated ones, joint, batch 1; segments of at least a hundredth of the run');
  console.log(textTable(['chip', 'model', 'segments', 'whole run', 'median segment', 'worst segment'], rows));
}
