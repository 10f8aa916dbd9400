// One pass of a generation: graph -> plan, program, simulated run. Of a block that repeats often only the first
// turns are written, verified and simulated, and the last of them stands for the rest; that is exact (simulateLonger).

import { finishWithPauses, Pauses } from '../base/pauses.ts';
import { growing } from '../base/progress.ts';
import { type Bytes, bytesOf, sum } from '../base/units.ts';
import { lowerBound } from '../cost/bound.ts';
import { emitVerified } from '../emit/emit-verified.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { shortenGraph } from '../ir/fold.ts';
import type { Graph, TensorId } from '../ir/graph.ts';
import { timesOf } from '../optimizer/folding.ts';
import type { Plan } from '../optimizer/plan.ts';
import type { ScheduleOptions } from '../optimizer/schedule.ts';
import type { Program } from '../program/program.ts';
import type { KnownBlocks } from '../simulator/group.ts';
import { CHANNEL } from '../simulator/jobs.ts';
import { simulateLongerSteps, simulateSteps } from '../simulator/simulate.ts';
import type { Trace } from '../simulator/trace.ts';
import { expertLoads } from '../workload/experts.ts';
import { contextOf, type Pass } from '../workload/workload.ts';
import { planPass, type Resident } from './compile-pass.ts';
import type { SimulatedPass } from './generation.ts';

export interface PassRun {
  readonly graph: Graph;
  readonly plan: Plan;
  readonly program: Program;
  readonly trace: Trace;
  readonly milliseconds: { readonly compile: number; readonly simulate: number };
}

/** Turns of a loop that are written out: the first differs from the others by what is before it, and two show that they are alike. */
const TURNS = 3;

export interface PassOptions {
  readonly schedule: ScheduleOptions;
  /** Blocks that ran in other passes. */
  readonly known: KnownBlocks;
  /** The program shall have every turn of its loops, and the trace its segments. */
  readonly whole: boolean;
  readonly verify: boolean;
  readonly resident?: Resident;
  /** Of all passes; unless given, those of this one hear the schedule's signal. */
  readonly pauses?: Pauses;
}

/** How much of a pass is done when it is planned, and when its program is written. */
const [PLANNED, WRITTEN] = [0.5, 0.75];

export async function runPass(graph: Graph, hardware: Hardware, options: PassOptions): Promise<PassRun> {
  const start = performance.now();
  const { resident, pauses = new Pauses(options.schedule.signal) } = options;
  const told = growing(options.schedule.onProgress);
  const part = (from: number, to: number) => (share: number) => told(from + (to - from) * share);
  const plan = await planPass(graph, hardware, { ...options.schedule, onProgress: part(0, PLANNED) }, resident);
  if (!options.whole && plan.repeats.length > 0 && plan.repeats.every(({ times }) => times > TURNS)) {
    const short = await shortRun(graph, hardware, plan, { ...options, pauses, part }, start);
    if (short !== undefined) return short;
  }
  const { verify } = options;
  const again = resident?.again ?? false;
  const program = await emitVerified(graph, plan, hardware, { again, verify, pauses, onProgress: part(PLANNED, WRITTEN) });
  const compiled = performance.now();
  const trace = await finishWithPauses(
    simulateSteps(program, hardware, { verified: true, segments: options.whole, ...(!options.whole && { knownBlocks: options.known }) }),
    pauses,
    part(WRITTEN, 1),
  );
  return { graph, plan, program, trace, milliseconds: { compile: compiled - start, simulate: performance.now() - compiled } };
}

async function shortRun(
  graph: Graph,
  hardware: Hardware,
  plan: Plan,
  {
    known,
    verify,
    pauses,
    part,
  }: PassOptions & {
    readonly pauses: Pauses;
    readonly part: (from: number, to: number) => (share: number) => void;
  },
  start: number,
): Promise<PassRun | undefined> {
  const short = shortenGraph(
    graph,
    plan.repeats.map(({ block }) => block),
    TURNS,
  );
  const repeats = plan.repeats.map((repeat, block) => ({ ...repeat, block, times: TURNS }));
  const program = await emitVerified(short, { ...plan, repeats }, hardware, { verify, pauses, onProgress: part(PLANNED, WRITTEN) });
  const compiled = performance.now();
  const turns = plan.repeats.map(({ times }) => times);
  const running = simulateLongerSteps(program, hardware, turns, { verified: true, knownBlocks: known });
  const trace = await finishWithPauses(running, pauses, part(WRITTEN, 1));
  return trace && { graph, plan, program, trace, milliseconds: { compile: compiled - start, simulate: performance.now() - compiled } };
}

/** What is kept of a pass. `load`: milliseconds its graph took. */
export function simulatedPass(
  pass: Pass,
  { graph, program, plan, trace, milliseconds }: PassRun,
  hardware: Hardware,
  load: number,
): SimulatedPass {
  return {
    ...pass,
    cycles: trace.makespanCycles,
    betweenCycles: trace.boundaryCycles,
    channelCycles: trace.resources.find(({ id }) => id === CHANNEL)?.busyCycles ?? 0,
    analyticCycles: plan.analyticCycles,
    lowerBoundCycles: lowerBound(graph, hardware, program.before !== undefined).cycles,
    segments: sum(plan.segments.map(({ id }) => timesOf(plan, id))),
    energyPicojoules: trace.energyPicojoules,
    bytes: trace.bytes,
    memoryModeCycles: trace.memoryModeShare * trace.makespanCycles * hardware.arrays,
    cacheBytes: cacheBytesOf(graph, hardware, pass),
    cacheOnChip: cacheOnChip(graph, program),
    residentBytes: residentBytes(program),
    experts: expertLoads(graph),
    milliseconds: { load, ...milliseconds },
  };
}

/** Stored weights that the pass finds in their arrays, each counted once. */
function residentBytes({ before = [], precision }: Program): Bytes {
  const pieces = before.flatMap((op) => (op.kind === 'CIM.write' ? [op] : []));
  const weights = pieces.map(({ outputs, inner }) => (outputs.to - outputs.from) * (inner.to - inner.from));
  return bytesOf(sum(weights), precision.weightBits);
}

/** Keys and values of all layers. */
function cacheBytesOf({ caches }: Graph, { precision }: Hardware, pass: Pass): Bytes {
  return bytesOf(sum(caches.map(({ elementsPerToken }) => elementsPerToken)) * contextOf(pass), precision.activationBits);
}

/**
 * Bytes of the caches that have room of their own in arrays or buffer while an attention uses them: as the keys and values
 * themselves, or in another order. A program may hold some of the layers only; they stand for all.
 */
function cacheOnChip(graph: Graph, { regions, tensors }: Program): { readonly arrays: Bytes; readonly buffer: Bytes } {
  const bits = new Map(tensors.map((tensor) => [tensor.id, tensor.bits]));
  const bytes = new Map<TensorId, { arrays: Bytes; buffer: Bytes }>();
  for (const { tensor, features, window, place } of regions) {
    if (place.kind === 'external') continue;
    const held = bytes.get(tensor) ?? { arrays: 0, buffer: 0 };
    held[place.kind === 'buffer' ? 'buffer' : 'arrays'] += bytesOf(window * (features.to - features.from), bits.get(tensor) ?? 0);
    bytes.set(tensor, held);
  }
  const held = operandsOfCaches(graph)
    .filter((operands) => operands.some((id) => bits.has(id)))
    .map((operands) =>
      operands.map((id) => bytes.get(id) ?? { arrays: 0, buffer: 0 }).reduce((a, b) => (b.arrays + b.buffer > a.arrays + a.buffer ? b : a)),
    );
  const times = held.length === 0 ? 0 : graph.caches.length / held.length;
  return { arrays: times * sum(held.map(({ arrays }) => arrays)), buffer: times * sum(held.map(({ buffer }) => buffer)) };
}

/** For each cache the right operand of its product and what that is made of by moving, down to the cache itself. */
function operandsOfCaches({ caches, operators }: Graph): readonly (readonly TensorId[])[] {
  const maker = new Map(operators.map((operator) => [operator.output, operator]));
  const products = new Map(operators.map((operator) => [operator.id, operator]));
  return caches.map(({ operator, present, past }) => {
    const product = products.get(operator);
    const found: TensorId[] = [];
    for (let id = product?.kind === 'matMul' ? product.attrs.weight : undefined; id !== undefined; ) {
      found.push(id);
      const made = maker.get(id);
      const moved = made?.kind === 'view' || made?.kind === 'move';
      id = id === present || id === past || !moved ? undefined : made.inputs[0]?.tensor;
    }
    return found;
  });
}
