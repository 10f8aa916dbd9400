// A point of the reproduction: one pass of one network on one chip with some numbers replaced, planned by one optimizer.
// Point -> what both cost models say of it. Everything the ledger prints is made of these.

import { CompileError } from '../../lib/base/problem.ts';
import { emit } from '../../lib/emit/emit.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import { loadHardware, readHardwareFile } from '../../lib/hardware/read.ts';
import { type Overrides, withOverrides } from '../../lib/hardware/with-overrides.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import { timesOf } from '../../lib/optimizer/folding.ts';
import type { Plan, SegmentPlan } from '../../lib/optimizer/plan.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { type KnownBlocks, knownBlocks } from '../../lib/simulator/group.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { modelGraph } from './models.ts';

export interface Point {
  /** File in datasets/, without its ending. */
  readonly model: string;
  /** Sizes of the model's dimensions. */
  readonly bind: Readonly<Record<string, number>>;
  /** File in hw/, without its ending. */
  readonly chip: string;
  /** Numbers of the hardware file that are replaced, by path. */
  readonly set: Overrides;
  readonly optimizer: string;
  /** Most arrays one copy of a piece may take; the chip's unless given. */
  readonly mostArrays?: number;
  /** false: only the paper's cost is wanted. */
  readonly simulate: boolean;
}

/** Cycles and shares; those of the paper's cost are undefined for an optimizer that minimises another. */
export interface Measured {
  readonly segments: number;
  /** Sum over segments of T_intra + T_wb + T_swc + T_rw, Zhao et al. 2025, Eq. (3); then its parts. */
  readonly paperCycles?: number;
  readonly paperIntra?: number;
  readonly paperWriteBack?: number;
  readonly paperSwitch?: number;
  readonly paperRewrite?: number;
  /** Arrays that serve as memory over all arrays, segments weighed by T_intra. */
  readonly paperMemory: number;
  readonly machineCycles?: number;
  /** Of the makespan: time between segments (at batch 1; a trace of thousands of segments takes as long as the run), and time of the switch line. */
  readonly machineBoundary?: number;
  readonly machineSwitch?: number;
  /** Array-cycles in memory mode over all. */
  readonly machineMemory?: number;
  /** Why the point has no plan. */
  readonly error?: string;
}

/** The same for the same point, whether it is simulated or not. */
export function keyOf({ model, bind, chip, set, optimizer, mostArrays }: Point): string {
  const pairs = (of: Readonly<Record<string, number | boolean>>): string =>
    Object.entries(of)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}=${value}`)
      .join(' ');
  return [model, pairs(bind), chip, pairs(set), optimizer, mostArrays ?? ''].join('|');
}

/** The point that a key stands for. */
export function pointOf(key: string, isSimulated: boolean): Point {
  const [model = '', bind = '', chip = '', set = '', optimizer = '', mostArrays = ''] = key.split('|');
  const numbers = (text: string): Record<string, number> =>
    Object.fromEntries(
      text
        .split(' ')
        .filter((pair) => pair !== '')
        .map((pair) => [pair.slice(0, pair.lastIndexOf('=')), Number(pair.slice(pair.lastIndexOf('=') + 1))]),
    );
  const most = mostArrays === '' ? {} : { mostArrays: Number(mostArrays) };
  return { model, bind: numbers(bind), chip, set: numbers(set), optimizer, ...most, simulate: isSimulated };
}

export function chipOf({ chip, set }: Pick<Point, 'chip' | 'set'>): Hardware {
  return loadHardware(withOverrides(readHardwareFile(`hw/${chip}.json`), set));
}

/** A plan for the point; throws CompileError. */
export function planOf(point: Point, graph: Graph, hardware: Hardware): Promise<Plan> {
  const { optimizer, mostArrays } = point;
  return schedule(graph, hardware, { optimizer, ...(mostArrays !== undefined && { mostArrays }) });
}

/**
 * What both models say. A point without a plan is a result with an error. `isVerified` has the verifier look at the program before it
 * runs: it takes as long as the run, and the emitter's programs are verified in the tests, a sample of these points among them.
 */
export async function measure(point: Point, isVerified = false): Promise<Measured> {
  try {
    const { hardware, blocks } = keptChip(point);
    const graph = modelGraph(point.model, point.bind);
    const plan = await planOf(point, graph, hardware);
    return rounded({ ...planned(plan, hardware), ...(point.simulate && simulated(graph, plan, hardware, blocks, isVerified)) });
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return { segments: 0, paperMemory: 0, error: error.message.split('\n')[0] ?? '' };
  }
}

/** Arrays of a segment that serve its operators as memory. */
export function memoryArrays({ operators }: SegmentPlan): number {
  return new Set(operators.flatMap(({ memoryIn, memoryOut }) => [...memoryIn, ...memoryOut])).size;
}

function planned(plan: Plan, { arrays }: Hardware): Measured {
  let [intra, writeBack, switching, rewrite, memory] = [0, 0, 0, 0, 0];
  for (const segment of plan.segments) {
    const times = timesOf(plan, segment.id);
    intra += times * segment.intraCycles;
    writeBack += times * segment.interCycles.writeBack;
    switching += times * segment.interCycles.switch;
    rewrite += times * segment.interCycles.rewrite;
    memory += times * segment.intraCycles * memoryArrays(segment);
  }
  const common = { segments: plan.segments.length, paperMemory: intra === 0 ? 0 : memory / (intra * arrays) };
  if (plan.cost !== 'paper') return common;
  return {
    ...common,
    paperCycles: plan.analyticCycles,
    paperIntra: intra,
    paperWriteBack: writeBack,
    paperSwitch: switching,
    paperRewrite: rewrite,
  };
}

/** A chip, and the blocks of programs that ran on it: passes of one network have most of them in common. */
interface KeptChip {
  readonly key: string;
  readonly hardware: Hardware;
  readonly blocks: KnownBlocks;
}

let kept: KeptChip | undefined;

function keptChip(point: Point): KeptChip {
  const key = JSON.stringify([point.chip, point.set, point.model]);
  if (kept?.key !== key) {
    const hardware = chipOf(point);
    kept = { key, hardware, blocks: knownBlocks(hardware) };
  }
  return kept;
}

function simulated(graph: Graph, plan: Plan, hardware: Hardware, blocks: KnownBlocks, isVerified: boolean): Partial<Measured> {
  const program = emit(graph, plan, hardware);
  const isBounded = graph.bindings.batch === 1;
  const trace = simulate(program, hardware, { verified: !isVerified, knownBlocks: blocks, segments: isBounded });
  const { makespanCycles, memoryModeShare, segments, resources } = trace;
  const boundary = segments.reduce((sum, { boundaryStart, start }) => sum + start - boundaryStart, 0);
  const switching = resources.filter(({ id }) => id.startsWith('switch')).reduce((sum, { busyCycles }) => sum + busyCycles, 0);
  return {
    machineCycles: makespanCycles,
    ...(isBounded && { machineBoundary: boundary / makespanCycles }),
    machineSwitch: switching / makespanCycles,
    machineMemory: memoryModeShare,
  };
}

/** Ten digits, so that a number written and read is the same number. */
function rounded(measured: Measured): Measured {
  return Object.fromEntries(
    Object.entries(measured).map(([name, value]) => [name, typeof value === 'number' ? Number(value.toPrecision(10)) : value]),
  ) as unknown as Measured;
}
