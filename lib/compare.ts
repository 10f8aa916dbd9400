// All optimizers and baselines side by side, so that what writing ahead, searching the whole run and switching modes bring can be
// told apart, and why a row gains nothing. Graph + chip -> rows, each compiled and simulated.

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
  readonly split: Split;
}

/** A row is said to gain nothing below this. */
const GAIN = 1.01;

/**
 * Every optimizer and baseline on the graph. Options hold for each row that can follow them: a baseline as published keeps its own
 * objective. Throws as `compile` does.
 */
export async function compare(graph: Graph, hardware: Hardware, options: CompileOptions = {}): Promise<Comparison> {
  const { objective = 'latency', prefetch: always = false, runs = 1, onProgress } = options;
  const asked = rowsOn(hardware);
  const { ratios } = asked;
  const first = always ? FIRST.slice(1) : FIRST;
  const others = always ? OTHERS.filter(({ label }) => !OTHERS.some((row) => row.label === `${label} --prefetch`)) : OTHERS;
  const all = first.length + ratios.length + others.length;
  let done = 0;
  const run = async ({ label, options: own }: Row) => {
    const chosen = { ...allowed(options, own), ...own, prefetch: own.prefetch ?? always };
    const part = (share: number): void => onProgress?.((done + share) / all);
    const compilation = (await compile(graph, hardware, { ...chosen, simulate: true, onProgress: part })) as Compared['compilation'];
    done++;
    onProgress?.(done / all);
    return { label, compilation, value: valueOfRuns(objective, runs, compilation.trace, compilation.again?.trace) };
  };
  const found: Awaited<ReturnType<typeof run>>[] = [];
  for (const row of first) found.push(await run(row));
  let best: (typeof found)[number] | undefined;
  for (const row of ratios) {
    const one = await run(row);
    if (best === undefined || one.value < best.value) best = one;
  }
  if (best !== undefined) found.push({ ...best, label: bestOf(best, asked) });
  for (const row of others) found.push(await run(row));
  const bound = lowerBound(graph, hardware);
  const againBound = runs > 1 ? lowerBound(graph, hardware, true) : undefined;
  const reference = found[0]?.value ?? 0;
  const rows = found.map(({ label, compilation, value }, i): Compared => {
    const gain = value === 0 ? 1 : reference / value;
    return { label, compilation, gain, ...(i > 0 && gain < GAIN && { reason: reasonOf(compilation, againBound ?? bound) }) };
  });
  return { objective, runs, bound, ...(againBound && { againBound }), rows, split: splitOf(rows) };
}

/** The options a row can follow: objectives and caps only where its optimizer has more than its own. */
function allowed({ objective, powerCapWatts, cost, ...others }: CompileOptions, row: CompileOptions): CompileOptions {
  const { objectives, costs } = findOptimizer(String(row.optimizer));
  const follows = objectives?.(others.form ?? 'as-published').includes('energy') ?? false;
  return {
    ...others,
    ...(cost !== undefined && (costs?.includes(cost) ?? true) && { cost }),
    ...(follows && objective !== undefined && { objective }),
    ...(follows && powerCapWatts !== undefined && { powerCapWatts }),
  };
}

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
