// simulateGeneration: (language model, chip, workload) -> Generation. Prefill and tokens are compiled and simulated like any
// network; tokens only at a few lengths of the cache, with an estimate of the error that comes of it.

import { Pauses } from '../base/pauses.ts';
import { fail } from '../base/problem.ts';
import { cellSignal } from '../base/progress.ts';
import type { Cycles } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph } from '../ir/graph.ts';
import type { ScheduleOptions } from '../optimizer/schedule.ts';
import { knownBlocks } from '../simulator/group.ts';
import { checkedWorkload, decodeOf, type Pass, type Workload } from '../workload/workload.ts';
import { compilePass, type Resident } from './compile-pass.ts';
import { between } from './contexts.ts';
import type { Generation, SimulatedPass } from './generation.ts';
import { decodingGraphs, graphsOf, type LanguageModel } from './graphs.ts';
import { planTogether } from './resident-tokens.ts';
import { type PassRun, runPass, simulatedPass } from './run-pass.ts';
import { runPasses, TOLERANCE } from './run-passes.ts';
import { added, spentOver } from './spent.ts';

export interface GenerationOptions extends Omit<ScheduleOptions, 'onStatistics' | 'relaxed' | 'runs'> {
  /** Sizes of symbolic dimensions that are not the workload's. */
  readonly bind?: Readonly<Record<string, number>>;
  /** Largest estimated error of the sum over all tokens, relative (default 0.0005); 0 simulates every token. */
  readonly tolerance?: number;
  /** Told every pass as it was simulated. Programs then have all turns of their loops and are all verified, which takes longer; otherwise those of prefill, first and last token are. */
  readonly onPass?: (pass: SimulatedPass, run: PassRun) => void;
}

/** Latency, energy and traffic of prefill and of every generated token. Throws as importing and all stages do, and `usage` for a model that cannot do it. */
export async function simulateGeneration(
  model: LanguageModel,
  hardware: Hardware,
  workload: Workload,
  options: GenerationOptions = {},
): Promise<Generation> {
  const { bind = {}, tolerance = TOLERANCE, onPass, onProgress, ...scheduleOptions } = options;
  const asked = checkedWorkload(workload);
  if (!(tolerance >= 0 && tolerance < 1))
    fail({ kind: 'usage', message: `tolerance ${tolerance}`, next: 'Give a number from 0 (every token is simulated) to below 1.' });
  const tokens = asked.generate;
  const [first, last] = [decodeOf(asked, 0), decodeOf(asked, tokens - 1)];
  const imported = graphsOf(model, asked.batch, bind);
  // What is impossible shows before anything takes time.
  const decoding = tokens === 0 ? imported : decodingGraphs(imported, first, last);
  const graphOf = (pass: Pass): Graph => (pass.kind === 'prefill' ? imported : decoding)(pass);
  const known = knownBlocks(hardware);
  const pauses = new Pauses(options.signal ?? cellSignal());
  const whole = onPass !== undefined;
  let name = '';
  const run = async (pass: Pass, isEnd: boolean, onShare: (done: number) => void, resident?: Resident): Promise<SimulatedPass> => {
    options.signal?.throwIfAborted();
    await pauses.due();
    const start = performance.now();
    const graph = graphOf(pass);
    name = graph.name;
    const load = performance.now() - start;
    const ran = await runPass(graph, hardware, {
      schedule: { ...scheduleOptions, onProgress: onShare },
      known,
      whole,
      verify: whole || isEnd,
      pauses,
      ...(resident && { resident }),
    });
    const simulated = simulatedPass(pass, ran, hardware, load);
    onPass?.(simulated, ran);
    return simulated;
  };
  const ran = await runPasses(asked, hardware, tolerance, {
    graphOf,
    together: (from, to, count) => planTogether(graphOf(from), graphOf(to), count, hardware, scheduleOptions),
    alone: (pass) => compilePass(graphOf(pass), hardware, scheduleOptions),
    run,
    onProgress,
  });
  const { prefill } = ran;
  const decode = ran.decode.map((token) => token.ran);
  const spent = spentOver(decode);
  return {
    schemaVersion: 1,
    model: { name },
    hardware: { name: hardware.name, hash: hardware.hash, arrays: hardware.arrays, clockHz: hardware.clockHz },
    precision: hardware.precision,
    optimizer: typeof options.optimizer === 'object' ? options.optimizer.name : (options.optimizer ?? 'cmswitch'),
    workload: asked,
    prefill,
    decode,
    tokenCycles: tokenCycles(decode),
    decoding: spent,
    total: added(prefill, spent),
    interpolation: { simulatedTokens: decode.length, tokens, tolerance, estimatedError: ran.estimatedError },
  };
}

/** Latency of every token, in order. */
function tokenCycles(decode: readonly SimulatedPass[]): readonly Cycles[] {
  return decode.flatMap((pass, i) => {
    const before = decode[i - 1];
    if (before === undefined) return [pass.cycles];
    return Array.from({ length: pass.past - before.past }, (_, token) =>
      between(before.past, before.cycles, pass.past, pass.cycles, before.past + token + 1),
    );
  });
}
