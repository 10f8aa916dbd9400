// The trials of joint: one network cut into larger or smaller pieces, with more or less room for data that stays on chip, each
// searched by dynamic programming, then the best of them mixed operator by operator. Graph + chip -> candidates.

import { Pauses } from '../../base/pauses.ts';
import { sum } from '../../base/units.ts';
import { costOfRuns } from '../../cost/machine/again.ts';
import type { SegmentForms } from '../../cost/machine/forms.ts';
import type { Home, Homes } from '../../cost/machine/living.ts';
import { machineCost, type StagedAllotment } from '../../cost/machine/total.ts';
import type { Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import { tileGrid } from '../../hardware/tile.ts';
import type { Fold } from '../../ir/fold.ts';
import type { Graph, MatrixOperator } from '../../ir/graph.ts';
import { type Flattened, flatten } from '../flatten.ts';
import { KnownForms, piecesKey } from '../known-forms.ts';
import type { Judged, Weigh } from '../objective.ts';
import type { Allotted } from '../optimizer.ts';
import { allotmentOf, onMachine } from './ahead.ts';
import { type Cut, chooseHomes } from './homes.ts';
import { hasOperandsInPlace, withOperandsInPlace } from './in-place.ts';
import { segmentsOf } from './place.ts';
import { placed, residentsOf } from './placed.ts';
import { residentDecisions } from './resident.ts';
import { allRivals, asPlaced, leastCycles, type Rival, rivalsOf } from './rivals.ts';
import { type KnownOptions, searchSegments } from './search.ts';

export interface JointOptions {
  /** Whether weights may be written ahead. */
  readonly staging: boolean;
  /** No array may be memory. */
  readonly computeOnly: boolean;
  /** Hand on every rival's plan, also those that are worse. */
  readonly everyRival?: boolean;
  /** Look at every plan that other optimizers have, whatever their options. */
  readonly allRivals?: boolean;
  /** How often the network runs; once if absent. What candidates take is then of all runs. */
  readonly runs?: number;
  readonly mostArrays?: number;
  readonly folds: readonly Fold[];
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** A complete decision, placed, and what it takes. */
export interface Candidate extends Allotted, Judged {
  readonly value: number;
  /** The optimizer that decided it, if it is not joint's own. */
  readonly rival?: string;
}

/**
 * What is tried: parts of the chip that homes may take, that a piece of a cut operator may take of the rest (all of it, or half,
 * so that the next one can be written meanwhile, or finer), and how much of a piece's tiles may be one above the other.
 */
const TRIALS = [
  { homes: 0, piece: 1, rows: 1 },
  { homes: 0, piece: 0.25, rows: 1 },
  { homes: 0.125, piece: 0.5, rows: 1 },
  { homes: 0.28, piece: 0.5, rows: 1 },
  { homes: 0.5, piece: 0.5, rows: 1 },
  { homes: 0.625, piece: 1, rows: 1 },
  { homes: 0, piece: 0.5, rows: 0.25 },
  { homes: 0.28, piece: 0.5, rows: 0.25 },
];
/** Trials, two mixes of many, each mixed with the best, the best beside other homes: as many searches at most. */
const SEARCHES = TRIALS.length + 2 + (TRIALS.length + 1) + 1;
const BUDGETS = [1, 0.5];
const SLACKS = [1, 2];
/** How many of joint's own decisions are placed. */
const MOST_PLACED = 2;
/** Counts of arrays and their price once placed differ by whole bytes. */
const CLEARLY_WORSE = 1.001;

interface PieceSize {
  readonly arrays: number;
  readonly rows: number;
}

/** What a search found, in counts of arrays. */
interface Trial extends Allotted {
  readonly value: number;
}

/** A network cut into pieces, prepared for any number of searches. */
interface Prepared {
  readonly flat: Flattened;
  readonly work: Work;
  readonly forms: SegmentForms;
  /** What others do with these pieces. */
  readonly rivals: StagedAllotment[];
  /** Arrays for homes that were tried. */
  readonly tried: Set<number>;
  /** Segments found last. */
  cut: Omit<Cut, 'arrays'>;
}

export class JointSearch {
  readonly forms: KnownForms;
  /** By form; every way of cutting the network has segments alike. */
  private readonly known: KnownOptions[] = [];
  private readonly computeOnly: boolean;
  private readonly graph: Graph;
  private readonly hardware: Hardware;
  private readonly options: JointOptions;
  private readonly prepared = new Map<string, Prepared>();
  private rivals: readonly Rival[] | undefined;
  /** Of the rivals, those that are on the machine's terms already. */
  private decided: Awaited<ReturnType<typeof allRivals>>['decided'] = [];
  /** Their plans, as far as they were asked for. */
  private readonly plansOf = new Map<Rival, Map<string, Allotted>>();
  /** Searches done so far. */
  private searched = 0;
  private readonly pauses: Pauses;

  constructor(graph: Graph, hardware: Hardware, options: JointOptions) {
    this.graph = graph;
    this.hardware = hardware;
    this.options = options;
    this.forms = new KnownForms(graph, hardware);
    this.pauses = new Pauses(options.signal);
    this.computeOnly = options.computeOnly || !hardware.dualMode;
  }

  /** Candidates, best first by what they are weighed by: joint's own, and every rival's plan, so that the first is never worse than any. */
  async candidates(weigh: Weigh): Promise<readonly Candidate[]> {
    const { hardware } = this;
    await this.meetRivals();
    for (const prepared of this.prepared.values()) prepared.tried.clear();
    const tried: Trial[] = [];
    for (const [i, { homes: share, piece, rows }] of TRIALS.entries()) {
      const arrays = Math.floor(hardware.arrays * share);
      if (share > 0 && this.computeOnly) continue;
      this.searched = i;
      const most = Math.max(1, Math.floor((hardware.arrays - arrays) * piece));
      const prepared = this.prepare(() => ({ arrays: most, rows: Math.max(1, Math.floor(most * rows)) }));
      if (prepared.tried.has(arrays)) continue;
      prepared.tried.add(arrays);
      const homes = (cut: Omit<Cut, 'arrays'>) => chooseHomes(prepared.work, { ...cut, arrays: cut.cycles.map(() => arrays) }, hardware);
      const found = await this.run(prepared, homes, weigh);
      if (found !== undefined) tried.push(found);
    }
    if (tried.length > 0) {
      tried.push(...(await this.mixes(tried, weigh)));
      const rehomed = await this.rehomed(leastOf(tried), weigh);
      if (rehomed !== undefined) tried.push(rehomed);
    }
    tried.sort((a, b) => a.value - b.value);
    const own = [
      ...tried.slice(0, MOST_PLACED).flatMap((trial) => this.placedTrial(trial, weigh)),
      ...(await this.residents(weigh)).map((decision) => this.judged(placed(decision, hardware), weigh)),
    ];
    // The simulator may like a rival better than what is in place, so that it is not ruled out by that.
    const plain = own.filter((decision) => !hasOperandsInPlace(decision));
    const candidates = [...own, ...(await this.challengers(weigh, Math.min(...plain.map(({ value }) => value))))];
    return candidates.sort((a, b) => a.value - b.value);
  }

  /** A trial on the chip, and the same with right operands in place if that is better. */
  private placedTrial(trial: Trial, weigh: Weigh): readonly Candidate[] {
    const { hardware } = this;
    const { forms } = this.preparedOf(trial.flat);
    const own = this.judged(placed(trial, hardware, forms), weigh);
    const changed = this.computeOnly ? undefined : withOperandsInPlace(trial, forms, hardware);
    if (changed === undefined) return [own];
    const inPlace = this.judged(placed(changed, hardware, forms), weigh);
    return inPlace.value < own.value ? [own, inPlace] : [own];
  }

  /** Decisions that leave weights where they are, if the network runs more than once. Blocks that are folded do not fit anyway. */
  private async residents(weigh: Weigh): Promise<readonly Allotted[]> {
    const { graph, hardware, options } = this;
    const { folds, runs = 1, staging, mostArrays } = options;
    if (runs === 1 || folds.length > 0) return [];
    return residentDecisions(graph, hardware, {
      budgets: BUDGETS,
      slacks: SLACKS,
      staging,
      computeOnly: this.computeOnly,
      weigh,
      onProgress: () => undefined,
      pause: () => this.pause(),
      ...(mostArrays !== undefined && { mostArrays }),
    });
  }

  /** A placed decision and what it takes. */
  judged(decision: Allotted, weigh: Weigh): Candidate {
    const { runs = 1 } = this.options;
    const { flat, work, cost, placed: segments = [] } = decision;
    const { cycles, energy } = runs === 1 ? cost : costOfRuns(runs, cost, decision, residentsOf(flat, work, segments), this.hardware);
    return { ...decision, cycles, energy, value: weigh(cycles, energy) };
  }

  /** Decisions of the others, once, with the segments they add to the search. */
  private async meetRivals(): Promise<void> {
    if (this.rivals !== undefined) return;
    const { graph, hardware, options, forms } = this;
    const { folds, mostArrays, signal } = options;
    const request = { graph, folds, hardware, forms, ...(mostArrays !== undefined && { mostArrays }), ...(signal && { signal }) };
    const rivals = await rivalsOf(request);
    const others = options.allRivals ? await allRivals(request) : { drafted: [], decided: [] };
    this.rivals = [...rivals, ...others.drafted];
    this.decided = others.decided;
    // Those of every share would make the search long.
    for (const { drafted } of rivals) {
      const prepared = this.preparedOf(drafted.flat);
      prepared.rivals.push(...drafted.drafts.map((draft) => allotmentOf(draft, prepared.work)));
    }
  }

  /**
   * Rivals' plans, as placed by themselves and in the machine's form without and with weights written ahead. Where only the best one
   * counts, plans are left out that cannot be it: a bound says so, or counts of arrays, to which placing adds nothing but switching.
   */
  private async challengers(weigh: Weigh, best: number): Promise<readonly Candidate[]> {
    const { graph, hardware, options } = this;
    const { runs = 1, everyRival = false, allRivals = false } = options;
    const bestOnly = runs === 1 && !everyRival && !allRivals;
    const rivals = (this.rivals ?? []).map((rival) => {
      const { forms } = this.preparedOf(rival.drafted.flat);
      const { behind, ahead } = bestOnly ? leastCycles(rival.drafted, forms, hardware) : { behind: 0, ahead: 0 };
      return { rival, forms, behind: weigh(behind, 0), ahead: weigh(ahead, 0), found: [] as Candidate[] };
    });
    let bestRival = Number.POSITIVE_INFINITY;
    for (const { rival, forms, behind, ahead, found } of [...rivals].sort((a, b) => a.behind - b.behind)) {
      const known = this.plansOf.get(rival) ?? new Map<string, Allotted>();
      this.plansOf.set(rival, known);
      const plan = (name: string, make: () => Allotted): Allotted => {
        const made = known.get(name) ?? make();
        known.set(name, made);
        return made;
      };
      const add = (decision: Allotted): void => {
        const candidate = { ...this.judged(decision, weigh), rival: rival.name };
        found.push(candidate);
        bestRival = Math.min(bestRival, candidate.value);
      };
      for (const prefetch of [false, true]) {
        const clearlyWorse = (value: number): boolean => bestOnly && value > CLEARLY_WORSE * best;
        if (clearlyWorse(prefetch ? ahead : behind)) continue;
        const counted = plan(`counted ${prefetch}`, () => onMachine(graph, rival.drafted, hardware, prefetch, forms));
        const switching = sum(counted.cost.segments.map(({ inter }) => inter.switch));
        if (clearlyWorse(weigh(counted.cost.cycles - switching, counted.cost.energy))) continue;
        add(plan(`placed ${prefetch}`, () => placed(counted, hardware, forms)));
      }
      if (!bestOnly || behind <= bestRival) add(plan('own', () => asPlaced(rival, forms, hardware)));
      const pause = this.pause();
      if (pause !== undefined) await pause;
    }
    const decided = this.decided.map(({ name, allotted }) => ({ ...this.judged(allotted, weigh), rival: name }));
    return [...rivals.flatMap(({ found }) => found), ...decided];
  }

  /** The network with pieces of at most so many arrays, so many of them one above the other. */
  private prepare(most: (operator: MatrixOperator) => PieceSize): Prepared {
    const { graph, hardware, options } = this;
    const limit = options.mostArrays ?? hardware.arrays;
    const flat = flatten(graph, hardware, {
      mostArrays: (operator) => Math.min(limit, most(operator).arrays),
      mostRows: (operator) => most(operator).rows,
      folds: options.folds,
    });
    return this.preparedOf(flat);
  }

  private preparedOf(flat: Flattened): Prepared {
    const key = piecesKey(flat);
    let prepared = this.prepared.get(key);
    if (prepared === undefined) {
      const forms = this.forms.of(flat);
      const { work } = forms;
      prepared = { flat, work, forms, rivals: [], tried: new Set(), cut: firstCut(work, this.hardware) };
      this.prepared.set(key, prepared);
    }
    return prepared;
  }

  /** The best segments beside the homes chosen for the segments known so far. */
  private async run(prepared: Prepared, homesFor: (cut: Omit<Cut, 'arrays'>) => Homes, weigh: Weigh): Promise<Trial | undefined> {
    const { flat, work, forms } = prepared;
    const { hardware, options, known } = this;
    const homes = homesFor(prepared.cut);
    const allotments = await searchSegments(work, {
      hardware,
      homes,
      forms,
      known,
      budgets: BUDGETS,
      slacks: SLACKS,
      staging: options.staging,
      computeOnly: this.computeOnly,
      weigh,
      rivals: prepared.rivals,
      after: flat.subOperators.map(({ after }) => after),
      onProgress: (done) => options.onProgress?.((this.searched + done) / SEARCHES),
      pause: () => this.pause(),
    });
    if (allotments === undefined) return undefined;
    const cost = machineCost(work, allotments, homes, hardware, forms);
    prepared.cut = { segmentOf: segmentsOf(allotments), cycles: cost.segments.map(({ intra }) => intra) };
    return { flat, work, allotments, homes, cost, value: weigh(cost.cycles, cost.energy) };
  }

  /**
   * Trials mixed operator by operator, the pieces of each, and for what it reads the homes, from the one in which it took least: all of them,
   * those without homes in arrays (beside which other pieces do), and then the best so far with one after another, the better ones
   * first. Among all, one choice that does not go with the others may spoil what the rest would win.
   */
  private async mixes(trials: readonly Trial[], weigh: Weigh): Promise<readonly Trial[]> {
    const found: Trial[] = [];
    const values = new Map(trials.map((trial) => [trial, valueByOperator(trial, weigh)]));
    const add = (mixed: Trial): void => {
      found.push(mixed);
      values.set(mixed, valueByOperator(mixed, weigh));
    };
    this.searched = TRIALS.length;
    const homeless = trials.filter(({ homes }) => [...homes.values()].every(({ arrays }) => arrays === 0));
    for (const group of homeless.length > 1 && homeless.length < trials.length ? [trials, homeless] : [trials]) {
      const { chosen, promise } = leastByOperator(leastOf(group), group, values);
      const mixed = promise > 0 ? await this.mix(chosen, leastOf(group), weigh) : undefined;
      if (mixed !== undefined) add(mixed);
    }
    const [first, ...others] = [...trials, ...found].sort((a, b) => a.value - b.value);
    let best = first!;
    for (const other of others) {
      const { chosen, promise } = leastByOperator(best, [other], values);
      const mixed = promise > 0 ? await this.mix(chosen, best, weigh) : undefined;
      if (mixed === undefined || mixed.value >= best.value) continue;
      add(mixed);
      best = mixed;
    }
    return found;
  }

  /** The best trial's pieces beside the homes that its own cuts and times ask for, in all arrays that one copy of each piece leaves. */
  private async rehomed({ flat, work, allotments, cost }: Trial, weigh: Weigh): Promise<Trial | undefined> {
    const { hardware } = this;
    this.searched = SEARCHES - 1;
    const segmentOf = segmentsOf(allotments);
    const cycles = cost.segments.map(({ intra }) => intra);
    const left = allotments.map(({ first, last }) => hardware.arrays - sum(work.products.slice(first, last + 1).map(({ tiles }) => tiles)));
    const arrays = this.computeOnly ? left.map(() => 0) : left;
    return this.run(this.preparedOf(flat), () => chooseHomes(work, { segmentOf, cycles, arrays }, hardware), weigh);
  }

  /** Pieces and homes of the trial chosen for each operator; `otherwise` for what belongs to none. */
  private async mix(best: ReadonlyMap<string, Trial>, otherwise: Trial, weigh: Weigh): Promise<Trial | undefined> {
    this.searched++;
    const mixed = new Set([otherwise, ...best.values()]);
    const sizes = new Map([...mixed].map((trial) => [trial, pieceSizes(trial.flat, this.hardware)]));
    const whole = { arrays: this.hardware.arrays, rows: this.hardware.arrays };
    const prepared = this.prepare(({ id }) => sizes.get(best.get(id) ?? otherwise)!.get(id) ?? whole);
    const { work } = prepared;
    const homesOf = new Map(
      [...mixed].map((trial) => [trial, new Map([...trial.homes.values()].map((home) => [trial.work.tensors[home.tensor]!.id, home]))]),
    );
    const homes = new Map<number, Home>();
    for (const [tensor, { id, readers }] of work.tensors.entries()) {
      const parents = readers.map((task) => prepared.flat.subOperators[Math.max(0, work.tasks[task]!.sub)]?.parent ?? '');
      const home = homesOf.get(best.get(parents[Math.floor(parents.length / 2)] ?? '') ?? otherwise)!.get(id);
      if (home !== undefined) homes.set(tensor, { ...home, tensor });
    }
    return this.run(prepared, () => roomyHomes(work, homes, this.hardware.arrays), weigh);
  }

  private pause(): Promise<void> | undefined {
    return this.pauses.due();
  }
}

/** Of homes that were chosen beside other pieces those that leave every piece room for a copy, the smallest first. */
function roomyHomes(work: Work, homes: Homes, arrays: number): Homes {
  const subOf = (task: number | undefined): number => Math.max(0, work.tasks[task ?? 0]?.sub ?? 0);
  const taken = work.products.map(({ tiles }) => tiles);
  const roomy = new Map<number, Home>();
  for (const home of [...homes.values()].sort((a, b) => a.arrays - b.arrays)) {
    const { makers, readers } = work.tensors[home.tensor]!;
    const [from, to] = [subOf(makers[0]), subOf(readers.at(-1))];
    if (taken.slice(from, to + 1).some((tiles) => tiles + home.arrays > arrays)) continue;
    for (let sub = from; sub <= to; sub++) taken[sub]! += home.arrays;
    roomy.set(home.tensor, home);
  }
  return roomy;
}

/** Every piece by itself, as long as its weights take to come: what is known before anything was searched. */
function firstCut({ products }: Work, { externalBytesPerCycle }: Hardware): Omit<Cut, 'arrays'> {
  return {
    segmentOf: products.map((_, i) => i),
    cycles: products.map(({ weightBytes, m, computeCycles }) => Math.max(weightBytes / externalBytesPerCycle, computeCycles / m)),
  };
}

/** What each operator takes: its segments, shared evenly where several are in one. */
function valueByOperator({ flat, work, allotments, cost }: Allotted, weigh: Weigh): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const [s, { first, last }] of allotments.entries()) {
    const { intra, inter, energy } = cost.segments[s]!;
    const value = (weigh(intra + inter.switch + inter.rewrite, energy) * (work.times[first] ?? 1)) / (last - first + 1);
    for (let sub = first; sub <= last; sub++) {
      const { parent } = flat.subOperators[sub]!;
      values.set(parent, (values.get(parent) ?? 0) + value);
    }
  }
  return values;
}

function leastOf(trials: readonly Trial[]): Trial {
  return trials.reduce((a, b) => (b.value < a.value ? b : a));
}

/** For each operator the trial in which it takes least, `best` unless one of `group` does; and by how much less all of them would take, as a share. */
function leastByOperator(
  best: Trial,
  group: readonly Trial[],
  values: ReadonlyMap<Trial, ReadonlyMap<string, number>>,
): { readonly chosen: ReadonlyMap<string, Trial>; readonly promise: number } {
  const chosen = new Map<string, Trial>();
  let before = 0;
  let after = 0;
  for (const [id, own] of values.get(best) ?? []) {
    let [winner, least] = [best, own];
    for (const trial of group) {
      const value = values.get(trial)?.get(id) ?? 0;
      if (value < least) [winner, least] = [trial, value];
    }
    chosen.set(id, winner);
    before += own;
    after += least;
  }
  return { chosen, promise: 1 - after / before };
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
