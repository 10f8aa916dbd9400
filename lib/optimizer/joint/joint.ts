// joint: minimises the whole run on the machine's cost instead of each segment alone on the paper's. Cuts oversized
// operators finer or coarser, keeps data on chip, writes weights ahead, and takes the best of what it tried.
// Graph + chip -> segments with staging and homes.

import { internal } from '../../base/problem.ts';
import type { Cycles, Picojoules } from '../../base/units.ts';
import type { Home, Homes } from '../../cost/machine/living.ts';
import { type MachineCost, machineCost, type StagedAllotment } from '../../cost/machine/total.ts';
import { type Work, workOf } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import { tileGrid } from '../../hardware/tile.ts';
import type { Fold } from '../../ir/fold.ts';
import type { Graph, MatrixOperator } from '../../ir/graph.ts';
import { type Flattened, flatten } from '../flatten.ts';
import type { Optimizer } from '../optimizer.ts';
import { SegmentForms } from './forms.ts';
import { type Cut, chooseHomes } from './homes.ts';
import { segmentsOf } from './place.ts';
import { type KnownOptions, searchSegments } from './search.ts';

export interface JointOptions {
  /** Whether weights may be written ahead. */
  readonly staging: boolean;
  /** No array may be memory. */
  readonly computeOnly: boolean;
  readonly weigh: (cycles: Cycles, energy: Picojoules) => number;
  readonly mostArrays?: number;
  readonly folds: readonly Fold[];
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** A complete decision and its cost. */
export interface Candidate {
  readonly flat: Flattened;
  readonly work: Work;
  readonly allotments: readonly StagedAllotment[];
  readonly homes: Homes;
  readonly cost: MachineCost;
  readonly value: number;
}

/**
 * What is tried: parts of the chip that homes may take, that a piece of a cut operator may take of the rest (all of it, or half,
 * so that the next one can be written meanwhile, or finer), and how much of a piece's tiles may be one above the other.
 */
const TRIALS = [
  { homes: 0, piece: 1, rows: 1 },
  { homes: 0, piece: 0.5, rows: 1 },
  { homes: 0, piece: 0.25, rows: 1 },
  { homes: 0.125, piece: 0.5, rows: 1 },
  { homes: 0.28, piece: 0.5, rows: 1 },
  { homes: 0.5, piece: 0.5, rows: 1 },
  { homes: 0.625, piece: 1, rows: 1 },
  { homes: 0, piece: 0.5, rows: 0.25 },
  { homes: 0.125, piece: 0.5, rows: 0.25 },
  { homes: 0.28, piece: 0.5, rows: 0.25 },
];
const BUDGETS = [1, 0.5];
const SLACKS = [1, 2];
const YIELD_EVERY_MS = 50;

interface PieceSize {
  readonly arrays: number;
  readonly rows: number;
}

/** A network cut into pieces, prepared for any number of searches. */
interface Prepared {
  readonly flat: Flattened;
  readonly work: Work;
  readonly forms: SegmentForms<KnownOptions>;
  /** Arrays for homes that were tried. */
  readonly tried: Set<number>;
  /** Segments found last. */
  cut: Omit<Cut, 'arrays'>;
}

/** Candidates, best first. */
export async function jointCandidates(graph: Graph, hardware: Hardware, options: JointOptions): Promise<readonly Candidate[]> {
  const search = new JointSearch(graph, hardware, options);
  const tried: Candidate[] = [];
  for (const [i, { homes: share, piece, rows }] of TRIALS.entries()) {
    const arrays = Math.floor(hardware.arrays * share);
    if (share > 0 && search.computeOnly) continue;
    search.searched = i;
    const most = Math.max(1, Math.floor((hardware.arrays - arrays) * piece));
    const prepared = search.prepare(() => ({ arrays: most, rows: Math.max(1, Math.floor(most * rows)) }));
    if (prepared.tried.has(arrays)) continue;
    prepared.tried.add(arrays);
    const found = await search.run(prepared, (cut) =>
      chooseHomes(prepared.work, { ...cut, arrays: cut.cycles.map(() => arrays) }, hardware),
    );
    if (found !== undefined) tried.push(found);
  }
  search.searched = TRIALS.length;
  const mixed = await search.mix(tried);
  options.onProgress?.(1);
  return [...tried, ...(mixed === undefined ? [] : [mixed])].sort((a, b) => a.value - b.value);
}

class JointSearch {
  readonly computeOnly: boolean;
  private readonly graph: Graph;
  private readonly hardware: Hardware;
  private readonly options: JointOptions;
  private readonly prepared = new Map<string, Prepared>();
  /** Searches done so far. */
  searched = 0;
  private yielded = performance.now();

  constructor(graph: Graph, hardware: Hardware, options: JointOptions) {
    this.graph = graph;
    this.hardware = hardware;
    this.options = options;
    this.computeOnly = options.computeOnly || !hardware.dualMode;
  }

  /** The network with pieces of at most so many arrays, so many of them one above the other. */
  prepare(most: (operator: MatrixOperator) => PieceSize): Prepared {
    const { graph, hardware, options } = this;
    const limit = options.mostArrays ?? hardware.arrays;
    const flat = flatten(graph, hardware, {
      mostArrays: (operator) => Math.min(limit, most(operator).arrays),
      mostRows: (operator) => most(operator).rows,
      folds: options.folds,
    });
    const key = flat.subOperators.map(({ id, shape }) => `${id} ${shape.n} ${shape.k}`).join();
    let prepared = this.prepared.get(key);
    if (prepared === undefined) {
      const work = workOf(graph, flat, hardware);
      prepared = { flat, work, forms: new SegmentForms(work, hardware), tried: new Set(), cut: firstCut(work, hardware) };
      this.prepared.set(key, prepared);
    }
    return prepared;
  }

  /** The best segments beside the homes chosen for the segments known so far. */
  async run(prepared: Prepared, homesFor: (cut: Omit<Cut, 'arrays'>) => Homes): Promise<Candidate | undefined> {
    const { flat, work, forms } = prepared;
    const { hardware, options } = this;
    const homes = homesFor(prepared.cut);
    const allotments = await searchSegments(work, {
      hardware,
      homes,
      forms,
      budgets: BUDGETS,
      slacks: SLACKS,
      staging: options.staging,
      computeOnly: this.computeOnly,
      weigh: options.weigh,
      after: flat.subOperators.map(({ after }) => after),
      onProgress: (done) => options.onProgress?.((this.searched + done) / (TRIALS.length + 1)),
      pause: () => this.pause(),
    });
    if (allotments === undefined) return undefined;
    const cost = machineCost(work, allotments, homes, hardware);
    prepared.cut = { segmentOf: segmentsOf(allotments), cycles: cost.segments.map(({ intra }) => intra) };
    return { flat, work, allotments, homes, cost, value: options.weigh(cost.cycles, cost.energy) };
  }

  /** For each operator the pieces, and for what it reads the homes, of the candidate in which it takes least; then searched again. */
  async mix(tried: readonly Candidate[]): Promise<Candidate | undefined> {
    if (tried.length < 2) return undefined;
    const shares = tried.map((candidate) => valueByOperator(candidate, this.options.weigh));
    const best = new Map<string, number>();
    for (const id of shares[0]!.keys()) {
      let winner = 0;
      for (const [c, share] of shares.entries()) if ((share.get(id) ?? 0) < (shares[winner]!.get(id) ?? 0)) winner = c;
      best.set(id, winner);
    }
    const sizes = tried.map(({ flat }) => pieceSizes(flat, this.hardware));
    const whole = { arrays: this.hardware.arrays, rows: this.hardware.arrays };
    const prepared = this.prepare(({ id }) => sizes[best.get(id) ?? 0]!.get(id) ?? whole);
    const { work } = prepared;
    const homesById = tried.map(
      ({ work: other, homes }) => new Map([...homes.values()].map((home) => [other.tensors[home.tensor]!.id, home])),
    );
    const homes = new Map<number, Home>();
    for (const [tensor, { id, readers }] of work.tensors.entries()) {
      const parents = readers.map((task) => prepared.flat.subOperators[Math.max(0, work.tasks[task]!.sub)]?.parent ?? '');
      const home = homesById[best.get(parents[Math.floor(parents.length / 2)] ?? '') ?? 0]!.get(id);
      if (home !== undefined) homes.set(tensor, { ...home, tensor });
    }
    return this.run(prepared, () => homes);
  }

  private pause(): Promise<void> | undefined {
    return performance.now() - this.yielded < YIELD_EVERY_MS ? undefined : this.rest();
  }

  private async rest(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.options.signal?.throwIfAborted();
    this.yielded = performance.now();
  }
}

/** Every piece by itself, as long as its weights take to come: what is known before anything was searched. */
function firstCut({ products }: Work, { externalBytesPerCycle }: Hardware): Omit<Cut, 'arrays'> {
  return {
    segmentOf: products.map((_, i) => i),
    cycles: products.map(({ weightBytes, m, computeCycles }) => Math.max(weightBytes / externalBytesPerCycle, computeCycles / m)),
  };
}

/** What each operator takes: its segments, shared evenly where several are in one. */
function valueByOperator({ flat, allotments, cost }: Candidate, weigh: JointOptions['weigh']): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const [s, { first, last }] of allotments.entries()) {
    const { intra, inter, energy } = cost.segments[s]!;
    const value = weigh(intra + inter.switch + inter.rewrite, energy) / (last - first + 1);
    for (let sub = first; sub <= last; sub++) {
      const { parent } = flat.subOperators[sub]!;
      values.set(parent, (values.get(parent) ?? 0) + value);
    }
  }
  return values;
}

/** Of the largest piece of every operator. */
function pieceSizes({ subOperators }: Flattened, hardware: Hardware): ReadonlyMap<string, PieceSize> {
  const sizes = new Map<string, PieceSize>();
  for (const { parent, shape } of subOperators) {
    const { tiles, rowTiles } = tileGrid(shape, hardware);
    const { arrays = 0, rows = 0 } = sizes.get(parent) ?? {};
    sizes.set(parent, { arrays: Math.max(arrays, tiles), rows: Math.max(rows, rowTiles) });
  }
  return sizes;
}

/** The best candidate under the machine's cost, for latency. */
export const joint: Optimizer = {
  name: 'joint',
  costs: ['machine'],
  alwaysPrefetches: true,
  segment: async ({ graph, folds, hardware, mostArrays, onProgress, signal }) => {
    const [best] = await jointCandidates(graph, hardware, {
      staging: true,
      folds,
      computeOnly: false,
      weigh: (cycles) => cycles,
      ...(mostArrays !== undefined && { mostArrays }),
      ...(onProgress && { onProgress }),
      ...(signal && { signal }),
    });
    if (best === undefined) throw internal('no candidate');
    return best;
  },
};
