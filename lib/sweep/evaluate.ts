// Evaluate: a job -> an outcome for each of its runs. A worker keeps models, chips and programs between jobs;
// what it keeps never changes an outcome. A run that fails is an outcome, not an exception.

import { CompileError } from '../base/problem.ts';
import { type CompiledPass, compilePass, type Resident } from '../generation/compile-pass.ts';
import { type GraphOfPass, graphsOf } from '../generation/graphs.ts';
import { planTogether } from '../generation/resident-tokens.ts';
import { runPasses, TOLERANCE } from '../generation/run-passes.ts';
import { deriveHardware } from '../hardware/derive.ts';
import type { Hardware, HardwareFile } from '../hardware/hardware.ts';
import { withOverrides } from '../hardware/with-overrides.ts';
import type { Graph } from '../ir/graph.ts';
import { importOnnx } from '../onnx/import-onnx.ts';
import type { Plan } from '../optimizer/plan.ts';
import { simulate } from '../simulator/simulate.ts';
import { checkedWorkload } from '../workload/workload.ts';
import { areaOf } from './area.ts';
import { cacheOf } from './cache.ts';
import { type Metrics, metricsOf } from './metrics.ts';
import { isWithin, type Job, type Outcome } from './outcome.ts';
import { combined } from './passes.ts';
import { contentHash, type Run, scheduleOptionsOf } from './run.ts';
import { labelled, SharedPrograms } from './shared-programs.ts';

/** Path of the model with that SHA-256 on this machine; undefined if there is none. */
export type ModelPath = (sha256: string) => string | undefined;

export type Evaluate = (job: Job) => Promise<readonly Outcome[]>;

const MOST_GRAPHS = 32;
/** Sizes that a spec may leave out, where the model has them. */
const DEFAULT_SIZES = { batch: 1, past: 0 };
const MOST_MODELS = 16;

/** An evaluator with caches of its own: one a thread. */
export function createEvaluator(modelPath: ModelPath): Evaluate {
  const graphs = cacheOf<string, Graph>(MOST_GRAPHS);
  const importers = cacheOf<string, GraphOfPass>(MOST_MODELS);
  const programs = new SharedPrograms();
  const planKeys = new WeakMap<Plan, string>();
  /** Says the whole plan: of one that is shared it is reckoned once. */
  const planKey = (plan: Plan): string => {
    const key = planKeys.get(plan) ?? contentHash(plan);
    planKeys.set(plan, key);
    return key;
  };

  const evaluate = async (run: Run, job: Job): Promise<Outcome> => {
    const start = performance.now();
    const took = () => performance.now() - start;
    try {
      const hardware = hardwareOf(run, job.chips[run.chip]);
      const areaMm2 = areaOf(hardware, job.area);
      if (!isWithin(areaMm2, job.areaBounds)) return { status: 'excluded', areaMm2, milliseconds: took() };
      const path = modelPath(run.model);
      if (path === undefined) return { status: 'failed', error: lacks(run), certain: false, unable: true, milliseconds: took() };
      const options = scheduleOptionsOf(run);
      const compiled = (graphKey: string, graph: Graph, resident?: Resident): Promise<CompiledPass> => {
        const key = contentHash([graphKey, options, resident && [planKey(resident.plan), resident.again]]);
        return programs.get(key, hardware, (chip) => compilePass(graph, chip, options, resident));
      };
      const measure = async (graphKey: string, graph: Graph, resident?: Resident): Promise<Metrics> => {
        const { plan, program, knownGraphs } = await compiled(graphKey, graph, resident);
        const trace = simulate(program, labelled(hardware), { verified: true, segments: false, knownGraphs });
        return metricsOf(plan, trace, hardware, graph.bindings.batch ?? 1, areaMm2);
      };
      const { prompt, generate = 0 } = run;
      const keyOfGraph = (pass?: object): string => JSON.stringify([run.model, run.bind, pass]);
      if (prompt === undefined) {
        const graph = graphs.get(keyOfGraph(), () => importOnnx(path, { bind: run.bind, defaults: DEFAULT_SIZES }));
        return { status: 'done', metrics: await measure(keyOfGraph(), graph), milliseconds: took() };
      }
      const { batch = 1, ...bind } = run.bind;
      const importer = importers.get(keyOfGraph(), () => graphsOf(path, batch, bind));
      const graphOf: GraphOfPass = (pass) => graphs.get(keyOfGraph(pass), () => importer(pass));
      const { prefill, decode } = await runPasses(checkedWorkload({ batch, prompt, generate }), labelled(hardware), TOLERANCE, {
        graphOf,
        together: (first, last, tokens) => {
          const key = contentHash([keyOfGraph(first), keyOfGraph(last), tokens, options]);
          return programs.get(key, hardware, (chip) => planTogether(graphOf(first), graphOf(last), tokens, chip, options));
        },
        alone: (pass) => compiled(keyOfGraph(pass), graphOf(pass)),
        run: (pass, _isEnd, _onShare, resident) => measure(keyOfGraph(pass), graphOf(pass), resident),
      });
      return { status: 'done', metrics: combined(prefill, decode), milliseconds: took() };
    } catch (error) {
      const certain = error instanceof CompileError;
      const message = error instanceof Error ? error.message : String(error);
      return { status: 'failed', error: message, certain, milliseconds: took() };
    }
  };

  return async (job) => {
    const outcomes: Outcome[] = [];
    for (const run of job.runs) outcomes.push(await evaluate(run, job));
    return outcomes;
  };
}

function lacks({ model }: Run): string {
  return `no .onnx file with SHA-256 ${model.slice(0, 12)}... is in the worker's folders; copy the model there or start the worker with --models DIR`;
}

function hardwareOf(run: Run, file: HardwareFile | undefined): Hardware {
  if (file === undefined) throw new Error(`internal: the job lacks chip ${run.chip}`);
  const { weightBits, activationBits } = run;
  return deriveHardware(withOverrides(file, run.overrides), { weightBits, activationBits });
}
