// simulateGeneration: (language model, chip, workload) -> Generation. Prefill and tokens are compiled and simulated like any
// network; tokens only at a few lengths of the cache, and how far a line between those is off was tried in its middle.

import { fail, internal } from '../base/problem.ts';
import { type Bytes, bytesOf, type Cycles, sum } from '../base/units.ts';
import { type Compilation, type CompileOptions, compile } from '../compile.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph } from '../ir/graph.ts';
import type { Program } from '../program/program.ts';
import { CHANNEL } from '../simulator/jobs.ts';
import { expertLoads } from '../workload/experts.ts';
import { checkedWorkload, contextOf, decodeOf, type Pass, prefillOf, type Workload } from '../workload/workload.ts';
import { between, sampleContexts } from './contexts.ts';
import type { Generation, SimulatedPass } from './generation.ts';
import { graphsOf, type LanguageModel } from './graphs.ts';
import { added, spentOver } from './spent.ts';
import { tileBoundaries } from './tile-boundaries.ts';

export interface GenerationOptions extends Omit<CompileOptions, 'onSpan' | 'simulate' | 'onStatistics'> {
  /** Sizes of symbolic dimensions that are not the workload's. */
  readonly bind?: Readonly<Record<string, number>>;
  /** Largest relative deviation from a line that is accepted between simulated tokens (default 0.0005); 0 simulates all. */
  readonly tolerance?: number;
  /** Every pass that was simulated, with its plan and program. */
  readonly onPass?: (pass: SimulatedPass, compilation: Compilation) => void;
}

const TOLERANCE = 0.0005;

/** Latency, energy and traffic of prefill and of every generated token. Throws as importing and all stages do, and `usage` for a model that cannot do it. */
export async function simulateGeneration(
  model: LanguageModel,
  hardware: Hardware,
  workload: Workload,
  options: GenerationOptions = {},
): Promise<Generation> {
  const { bind = {}, tolerance = TOLERANCE, onPass, onProgress, ...compileOptions } = options;
  const asked = checkedWorkload(workload);
  if (!(tolerance >= 0 && tolerance < 1))
    fail({ kind: 'usage', message: `tolerance ${tolerance}`, next: 'Give a number from 0 (every token is simulated) to below 1.' });
  const graphOf = graphsOf(model, asked.batch, bind);
  let name = '';
  const run = async (pass: Pass): Promise<SimulatedPass> => {
    options.signal?.throwIfAborted();
    const start = performance.now();
    const graph = graphOf(pass);
    name = graph.name;
    const load = performance.now() - start;
    const compilation = await compile(graph, hardware, compileOptions);
    const simulated = simulatedPass(pass, compilation, load);
    onPass?.(simulated, compilation);
    return simulated;
  };

  const tokens = asked.generate;
  const [first, last] = [decodeOf(asked, 0), decodeOf(asked, tokens - 1)];
  // What is impossible shows before anything takes time.
  const boundaries = tokens === 0 ? [] : tileBoundaries(first.past, graphOf(first), last.past, graphOf(last), hardware);
  const prefill = await run(prefillOf(asked));
  onProgress?.(tokens === 0 ? 1 : 0.2);
  const passes = new Map<number, SimulatedPass>();
  const measure = async (past: number): Promise<Cycles> => {
    const pass = await run({ kind: 'decode', sequence: 1, past });
    passes.set(past, pass);
    onProgress?.(1 - 0.8 * 0.8 ** passes.size);
    return pass.cycles;
  };
  const sampled = tokens === 0 ? NONE : await sampleContexts({ first: first.past, last: last.past, boundaries, tolerance, measure });
  const decode = sampled.contexts.map((past) => passes.get(past) ?? lost(past));
  const decoding = spentOver(decode);
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
    decoding,
    total: added(prefill, decoding),
    interpolation: { simulatedTokens: decode.length, tokens, tolerance, largestDeviation: sampled.largestDeviation },
  };
}

const NONE = { contexts: [], largestDeviation: 0 };

function simulatedPass(pass: Pass, { graph, program, plan, trace, hardware, milliseconds }: Compilation, load: number): SimulatedPass {
  if (trace === undefined) throw internal('a pass was not simulated');
  const cacheBytes = cacheBytesOf(graph, hardware, pass);
  return {
    ...pass,
    cycles: trace.makespanCycles,
    betweenCycles: sum(trace.segments.map(({ start, boundaryStart }) => start - boundaryStart)),
    channelCycles: trace.resources.find(({ id }) => id === CHANNEL)?.busyCycles ?? 0,
    analyticCycles: plan.analyticCycles,
    lowerBoundCycles: plan.lowerBoundCycles,
    segments: trace.segments.length,
    energyPicojoules: trace.energyPicojoules,
    bytes: trace.bytes,
    memoryModeCycles: trace.memoryModeShare * trace.makespanCycles * hardware.arrays,
    cacheBytes,
    cacheOnChip: cacheOnChip(graph, program),
    experts: expertLoads(graph),
    milliseconds: { load, ...milliseconds },
  };
}

/** Keys and values of all layers. */
function cacheBytesOf({ caches }: Graph, { precision }: Hardware, pass: Pass): Bytes {
  return bytesOf(sum(caches.map(({ elementsPerToken }) => elementsPerToken)) * contextOf(pass), precision.activationBits);
}

/** Bytes of the caches that have a region of their own in arrays or buffer, whole, while they are in use. */
function cacheOnChip({ caches }: Graph, { regions, tensors }: Program): { readonly arrays: Bytes; readonly buffer: Bytes } {
  const held = new Set(caches.flatMap(({ present, past }) => present ?? past ?? []));
  const bits = new Map(tensors.map((tensor) => [tensor.id, tensor.bits]));
  const bytes = { arrays: 0, buffer: 0 };
  for (const { tensor, features, window, place } of regions) {
    if (!held.has(tensor) || place.kind === 'external') continue;
    bytes[place.kind] += bytesOf(window * (features.to - features.from), bits.get(tensor) ?? 0);
  }
  return bytes;
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

function lost(past: number): never {
  throw internal(`the token behind ${past} others was not simulated`);
}
