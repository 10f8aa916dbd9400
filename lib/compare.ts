// All optimizers and baselines side by side, so that what writing ahead, searching the whole run and switching modes bring can be
// told apart, and why a row gains nothing. Graph + chip -> rows, each compiled and simulated.

import { CompileError, describe, type Problem } from './base/problem.ts';
import { type Compilation, type CompileOptions, compile, valueOfRuns } from './compile.ts';
import { type LowerBound, lowerBound } from './cost/bound.ts';
import type { Hardware } from './hardware/hardware.ts';
import type { Graph } from './ir/graph.ts';
import { findOptimizer } from './optimizer/optimizers.ts';
import type { Objective } from './optimizer/plan.ts';
import { simulate } from './simulator/simulate.ts';
import type { Trace } from './simulator/trace.ts';

/** Shares of the arrays that compute, of which the best is a row: the strongest rival that never switches. */
const RATIOS = ['0.9', '0.75', '0.5', '0.25', '0.1'];

export interface Row {
  readonly label: string;
  readonly options: CompileOptions;
}

/** In the order they are shown; the first is what speedups are over. The best static ratio comes behind the first two. */
const FIRST: readonly Row[] = [
  { label: 'static:1', options: { optimizer: 'static:1' } },
  { label: 'static:1 --prefetch', options: { optimizer: 'static:1', prefetch: true } },
];
const OTHERS: readonly Row[] = [
  { label: 'puma', options: { optimizer: 'puma' } },
  { label: 'occ', options: { optimizer: 'occ' } },
  { label: 'cim-mlc', options: { optimizer: 'cim-mlc' } },
  { label: 'cim-mlc --prefetch', options: { optimizer: 'cim-mlc', prefetch: true } },
  { label: 'cmswitch', options: { optimizer: 'cmswitch' } },
  { label: 'cmswitch --prefetch', options: { optimizer: 'cmswitch', prefetch: true } },
  { label: 'joint --compute-only', options: { optimizer: 'joint', computeOnly: true } },
  { label: 'joint', options: { optimizer: 'joint' } },
];

/** Rows before the best static ratio, those it is the best of (none on a chip whose arrays only compute), and rows behind it. */
export interface Rows {
  readonly first: readonly Row[];
  readonly ratios: readonly Row[];
  readonly others: readonly Row[];
}

/** What is compared on a chip. */
export function rowsOn({ dualMode }: Pick<Hardware, 'dualMode'>): Rows {
  const ratios = RATIOS.map((ratio): Row => ({ label: `static:${ratio}`, options: { optimizer: `static:${ratio}` } }));
  return { first: FIRST, ratios: dualMode ? ratios : [], others: OTHERS };
}

/** What the row of the best static ratio is called. */
export function bestOf({ label }: Pick<Row, 'label'>, { ratios }: Rows): string {
  return `${label} (best of ${ratios.length})`;
}

/** What is compared, for help. */
export const COMPARED = [...FIRST.map(({ label }) => label), 'the best static:R', ...OTHERS.map(({ label }) => label)];

export interface Compared {
  /** Optimizer and flags that make this row. */
  readonly label: string;
  readonly compilation: Compilation & { readonly trace: Trace };
  /** Simulated value of the first row over this one's, of what is minimised, over all runs. */
  readonly gain: number;
  /** What bounds the run, where it gains less than a hundredth over the first row. */
  readonly reason?: string;
}

/** A row without a plan: none that its optimizer found keeps the power cap. */
export interface Failed {
  readonly label: string;
  readonly reason: string;
  /** The average power of the thriftiest one. */
  readonly leastWatts: number;
}

/** Parts of joint's gain over all arrays computing, each a factor of the next. */
export interface Split {
  /** static:1 -> static:1 --prefetch. */
  readonly prefetch: number;
  /** static:1 --prefetch -> joint --compute-only: cuts, copies and residency in the buffer chosen over the whole run. */
  readonly search: number;
  /** joint --compute-only -> joint: arrays as memory. 1 where arrays only compute. */
  readonly switching: number;
}

export interface Comparison {
  readonly objective: Objective;
  /** How often the network runs. */
  readonly runs: number;
  /** Of the first run. */
  readonly bound: LowerBound;
  /** Of every other one, where there are several: with as many weights on the chip as there is room for. */
  readonly againBound?: LowerBound;
  readonly rows: readonly Compared[];
  /** Rows that cannot keep the power cap; speedups are over the first row that can. */
  readonly failed: readonly Failed[];
  /** Absent if one of the rows it is made of cannot keep the power cap. */
  readonly split?: Split;
}

/** A row is said to gain nothing below this. */
const GAIN = 1.01;

/**
 * Every optimizer and baseline on the graph. Options hold for each row that can follow them: a baseline as published keeps its own
 * objective and minds no cap. Throws as `compile` does, `power-cap` only if no row that minds the cap can keep it.
 */
export async function compare(graph: Graph, hardware: Hardware, options: CompileOptions = {}): Promise<Comparison> {
  const { objective = 'latency', prefetch: always = false, runs = 1, onProgress } = options;
  const asked = rowsOn(hardware);
  const { ratios } = asked;
  const first = always ? FIRST.slice(1) : FIRST;
  const others = always ? OTHERS.filter(({ label }) => !OTHERS.some((row) => row.label === `${label} --prefetch`)) : OTHERS;
  const all = first.length + ratios.length + others.length;
  let done = 0;
  const run = async (row: Row): Promise<Ran | TooHungry> => {
    const part = (share: number): void => onProgress?.((done + share) / all);
    const chosen = { ...optionsOf(row, options), simulate: true, onProgress: part };
    const made = await unlessTooHungry(row.label, compile(graph, hardware, chosen) as Promise<Compared['compilation']>);
    done++;
    onProgress?.(done / all);
    if ('problem' in made) return made;
    const { label, value: compilation } = made;
    return { label, compilation, value: valueOfRuns(objective, runs, compilation.trace, compilation.again?.trace) };
  };
  const every: (Ran | TooHungry)[] = [];
  for (const row of first) every.push(await run(row));
  let best: Ran | TooHungry | undefined;
  for (const row of ratios) {
    const one = await run(row);
    if (best === undefined || isBetter(one, best)) best = one;
  }
  if (best !== undefined) every.push({ ...best, label: bestOf(best, asked) });
  for (const row of others) every.push(await run(row));
  const found = every.flatMap((one) => ('problem' in one ? [] : [one]));
  const failed = failedOf(
    every.flatMap((one) => ('problem' in one ? [one] : [])),
    found.some(({ compilation }) => compilation.plan.powerCapWatts !== undefined),
  );
  const bound = lowerBound(graph, hardware);
  const againBound = runs > 1 ? lowerBound(graph, hardware, true) : undefined;
  const reference = found[0]?.value ?? 0;
  const rows = found.map(({ label, compilation, value }, i): Compared => {
    const gain = value === 0 ? 1 : reference / value;
    return { label, compilation, gain, ...(i > 0 && gain < GAIN && { reason: reasonOf(compilation, againBound ?? bound) }) };
  });
  const split = failed.length > 0 && SPLIT.some((label) => failed.some((row) => row.label === label)) ? undefined : splitOf(rows);
  return { objective, runs, bound, ...(againBound && { againBound }), rows, failed, ...(split && { split }) };
}

interface Ran {
  readonly label: string;
  readonly compilation: Compared['compilation'];
  readonly value: number;
}

/** A row none of whose plans keeps the cap. */
export interface TooHungry {
  readonly label: string;
  readonly problem: Extract<Problem, { kind: 'power-cap' }>;
}

/** What a row is to make, or that nothing it found keeps the power cap. Throws everything else. */
export async function unlessTooHungry<T>(
  label: string,
  making: Promise<T>,
): Promise<{ readonly label: string; readonly value: T } | TooHungry> {
  try {
    return { label, value: await making };
  } catch (error) {
    const [problem] = error instanceof CompileError ? error.problems : [];
    if (problem?.kind !== 'power-cap') throw error;
    return { label, problem };
  }
}

function isBetter(one: Ran | TooHungry, best: Ran | TooHungry): boolean {
  if ('problem' in one) return 'problem' in best && one.problem.leastWatts < best.problem.leastWatts;
  return 'problem' in best || one.value < best.value;
}

/** In words. Throws the problem of the thriftiest row if none keeps the cap. */
export function failedOf(rows: readonly TooHungry[], someKeeps: boolean): readonly Failed[] {
  const [least] = [...rows].sort((a, b) => a.problem.leastWatts - b.problem.leastWatts);
  if (least !== undefined && !someKeeps) throw new CompileError([least.problem]);
  return rows.map(({ label, problem }) => ({ label, reason: describe(problem), leastWatts: problem.leastWatts }));
}

/** The options a row can follow: objectives and caps only where its optimizer has more than its own. */
export function optionsOf({ options: row }: Row, { objective, powerCapWatts, cost, ...others }: CompileOptions): CompileOptions {
  const { objectives, costs } = findOptimizer(String(row.optimizer));
  const follows = objectives?.(others.form ?? 'as-published').includes('energy') ?? false;
  return {
    ...others,
    ...(cost !== undefined && (costs?.includes(cost) ?? true) && { cost }),
    ...(follows && objective !== undefined && { objective }),
    ...(follows && powerCapWatts !== undefined && { powerCapWatts }),
    ...row,
    prefetch: row.prefetch ?? others.prefetch ?? false,
  };
}

/** Rows that the split is made of. */
const SPLIT = ['static:1', 'static:1 --prefetch', 'joint --compute-only', 'joint'];

function splitOf(rows: readonly Compared[]): Split {
  const gainOf = (label: string, otherwise: number): number => rows.find((row) => row.label === label)?.gain ?? otherwise;
  const ahead = gainOf('static:1 --prefetch', 1);
  const confined = gainOf('joint --compute-only', ahead);
  return { prefetch: ahead, search: confined / ahead, switching: gainOf('joint', confined) / confined };
}

/** What its critical path is made of, and how much of it no plan can avoid; of several runs any but the first. */
function reasonOf({ hardware, again, ...first }: Compared['compilation'], bound: LowerBound): string {
  const { program, trace = first.trace } = again ?? first;
  const cycles = trace.makespanCycles;
  const percent = (part: number): string => `${Math.round((100 * part) / cycles)} %`;
  const weights = trace.bytes.weightsFetched / hardware.externalBytesPerCycle;
  if (weights > cycles / 2) {
    const once = bound.weightBytes / hardware.externalBytesPerCycle;
    return `bound by streaming weights: they take the channel for ${percent(weights)} of the run, ${percent(once)} if ${again === undefined ? 'each is fetched once' : 'as many stay as there is room for'}`;
  }
  const { criticalPath = [] } = simulate(program, hardware, { verified: true, criticalPath: true });
  const spent = new Map<string, number>();
  for (const { resource, start, end } of criticalPath) spent.set(resource, (spent.get(resource) ?? 0) + end - start);
  const [most] = [...spent].sort(([, a], [, b]) => b - a);
  if (most === undefined) return 'nothing takes time';
  return `bound by ${most[0]} for ${percent(most[1])} of the run; at least ${percent(bound.cycles)} by traffic and work`;
}
