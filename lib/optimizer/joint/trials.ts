// The trials of joint: one network cut into larger or smaller pieces, with more or less room for data that stays on chip, each
// searched by dynamic programming, then the best of them mixed operator by operator. Graph + chip -> candidates.

import { Pauses } from '../../base/pauses.ts';
import { sum } from '../../base/units.ts';
import { costOfRuns } from '../../cost/machine/again.ts';
import type { SegmentForms } from '../../cost/machine/forms.ts';
import type { Homes } from '../../cost/machine/living.ts';
import { machineCost, type StagedAllotment } from '../../cost/machine/total.ts';
import type { Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { Graph, MatrixOperator } from '../../ir/graph.ts';
import { type Flattened, flatten } from '../flatten.ts';
import { KnownForms, piecesKey } from '../known-forms.ts';
import type { Judged, Weigh } from '../objective.ts';
import type { Allotted } from '../optimizer.ts';
import { allotmentOf } from './ahead.ts';
import { type ChallengerOptions, Challengers } from './challengers.ts';
import { type Cut, chooseHomes } from './homes.ts';
import { hasOperandsInPlace, withOperandsInPlace } from './in-place.ts';
import { Choice, leastOf, type PieceSize, type Trial } from './mix.ts';
import { segmentsOf } from './place.ts';
import { placed, residentsOf } from './placed.ts';
import { residentDecisions } from './resident.ts';
import { type KnownOptions, searchSegments } from './search.ts';

/** What candidates take is of all runs. */
export interface JointOptions extends ChallengerOptions {
  /** Whether weights may be written ahead. */
  readonly staging: boolean;
  /** No array may be memory. */
  readonly computeOnly: boolean;
  readonly onProgress?: (done: number) => void;
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
/**
 * How many of joint's own decisions are placed: more where few pieces make a program that is simulated in no time, because there what the
 * machine's cost leaves out can turn their order.
 */
export function mostPlaced({ times }: Work): number {
  return sum(times) <= FEW_PIECES ? 5 : 2;
}

const FEW_PIECES = 200;

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
  private readonly challengers: Challengers;
  /** Searches done so far. */
  private searched = 0;
  private readonly pauses: Pauses;

  constructor(graph: Graph, hardware: Hardware, options: JointOptions) {
    this.graph = graph;
    this.hardware = hardware;
    this.options = options;
    this.forms = new KnownForms(graph, hardware);
    this.pauses = new Pauses(options.signal);
    this.challengers = new Challengers(graph, hardware, options, this.forms);
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
    const [first] = tried;
    const worthPlacing = first === undefined ? [] : tried.slice(0, mostPlaced(first.work));
    const own = [
      ...worthPlacing.flatMap((trial) => this.placedTrial(trial, weigh)),
      ...(await this.residents(weigh)).map((decision) => this.judged(placed(decision, hardware), weigh)),
    ];
    // The simulator may like a rival better than what is in place, so that it is not ruled out by that.
    const plain = own.filter((decision) => !hasOperandsInPlace(decision));
    const candidates = [...own, ...(await this.rivals(weigh, Math.min(...plain.map(({ value }) => value))))];
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

  private async rivals(weigh: Weigh, best: number): Promise<readonly Candidate[]> {
    const found = await this.challengers.plans(weigh, best, (decision) => this.judged(decision, weigh).value);
    return found.map(({ name, allotted }) => ({ ...this.judged(allotted, weigh), rival: name }));
  }

  /** The segments that rivals add to the search, once. */
  private async meetRivals(): Promise<void> {
    // Those of every share would make the search long.
    for (const { drafted } of await this.challengers.meet()) {
      const prepared = this.preparedOf(drafted.flat);
      prepared.rivals.push(...drafted.drafts.map((draft) => allotmentOf(draft, prepared.work)));
    }
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
    forms.table.forgetDemands();
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
    this.searched = TRIALS.length;
    const homeless = trials.filter(({ homes }) => [...homes.values()].every(({ arrays }) => arrays === 0));
    for (const group of homeless.length > 1 && homeless.length < trials.length ? [trials, homeless] : [trials]) {
      const mixed = await this.mix(leastOf(group), group, weigh);
      if (mixed !== undefined) found.push(mixed);
    }
    const [first, ...others] = [...trials, ...found].sort((a, b) => a.value - b.value);
    let best = first!;
    for (const other of others) {
      const mixed = await this.mix(best, [other], weigh);
      if (mixed === undefined || mixed.value >= best.value) continue;
      found.push(mixed);
      best = mixed;
    }
    return found;
  }

  /** One more search, with what suits each operator best; none if that is what `best` has anyway. */
  private async mix(best: Trial, group: readonly Trial[], weigh: Weigh): Promise<Trial | undefined> {
    const { hardware } = this;
    const choice = Choice.among(best, group, weigh);
    if (choice === undefined) return undefined;
    this.searched++;
    const sizes = choice.sizes(hardware);
    const prepared = this.prepare(({ id }) => sizes(id));
    return this.run(prepared, () => choice.homes(prepared.flat, prepared.work, hardware), weigh);
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

  private pause(): Promise<void> | undefined {
    return this.pauses.due();
  }
}

/** Every piece by itself, as long as its weights take to come: what is known before anything was searched. */
function firstCut({ products }: Work, { externalBytesPerCycle }: Hardware): Omit<Cut, 'arrays'> {
  return {
    segmentOf: products.map((_, i) => i),
    cycles: products.map(({ weightBytes, m, computeCycles }) => Math.max(weightBytes / externalBytesPerCycle, computeCycles / m)),
  };
}
