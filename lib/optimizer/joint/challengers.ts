// Rivals that challenge joint's own decisions: their plans priced on the machine, as few of them as it takes to know the best.
// Graph + chip -> rivals' plans.

import { Pauses } from '../../base/pauses.ts';
import { sum } from '../../base/units.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { Fold } from '../../ir/fold.ts';
import type { Graph } from '../../ir/graph.ts';
import type { KnownForms } from '../known-forms.ts';
import type { Weigh } from '../objective.ts';
import type { Allotted } from '../optimizer.ts';
import { onMachine } from './ahead.ts';
import { placed } from './placed.ts';
import { allRivals, asPlaced, leastCycles, type Rival, rivalsOf } from './rivals.ts';

/** Counts of arrays and their price once placed differ by whole bytes. */
const CLEARLY_WORSE = 1.001;

export interface ChallengerOptions {
  readonly folds: readonly Fold[];
  readonly mostArrays?: number;
  /** How often the network runs; once if absent. */
  readonly runs?: number;
  /** Hand on every rival's plan, also those that are worse. */
  readonly everyRival?: boolean;
  /** Look at every plan that other optimizers have, whatever their options. */
  readonly allRivals?: boolean;
  readonly signal?: AbortSignal;
}

/** A rival's plan, placed. */
export interface Challenger {
  readonly name: string;
  readonly allotted: Allotted;
}

export class Challengers {
  private readonly graph: Graph;
  private readonly hardware: Hardware;
  private readonly options: ChallengerOptions;
  private readonly forms: KnownForms;
  private readonly pauses: Pauses;
  private rivals: readonly Rival[] | undefined;
  /** Of the rivals, those that are on the machine's terms already. */
  private decided: readonly Challenger[] = [];
  /** Their plans, as far as they were asked for. */
  private readonly plansOf = new Map<Rival, Map<string, Allotted>>();

  constructor(graph: Graph, hardware: Hardware, options: ChallengerOptions, forms: KnownForms) {
    this.graph = graph;
    this.hardware = hardware;
    this.options = options;
    this.forms = forms;
    this.pauses = new Pauses(options.signal);
  }

  /** Decisions of the others, but for those of every share of the arrays; none when they were met before. */
  async meet(): Promise<readonly Rival[]> {
    if (this.rivals !== undefined) return [];
    const { graph, hardware, options, forms } = this;
    const { folds, mostArrays, signal } = options;
    const request = { graph, folds, hardware, forms, ...(mostArrays !== undefined && { mostArrays }), ...(signal && { signal }) };
    const rivals = await rivalsOf(request);
    const others = options.allRivals ? await allRivals(request) : { drafted: [], decided: [] };
    this.rivals = [...rivals, ...others.drafted];
    this.decided = others.decided;
    return rivals;
  }

  /**
   * Rivals' plans, as placed by themselves and in the machine's form without and with weights written ahead. Where only the best one
   * counts, plans are left out that cannot be it: a bound says so, or counts of arrays, to which placing adds nothing but switching.
   */
  async plans(weigh: Weigh, best: number, judge: (decision: Allotted) => number): Promise<readonly Challenger[]> {
    const { graph, hardware, options } = this;
    const { runs = 1, everyRival = false, allRivals = false } = options;
    const bestOnly = runs === 1 && !everyRival && !allRivals;
    const rivals = (this.rivals ?? []).map((rival) => {
      const forms = this.forms.of(rival.drafted.flat);
      const { behind, ahead } = bestOnly ? leastCycles(rival.drafted, forms, hardware) : { behind: 0, ahead: 0 };
      return { rival, forms, behind: weigh(behind, 0), ahead: weigh(ahead, 0), found: [] as Challenger[] };
    });
    let bestRival = Number.POSITIVE_INFINITY;
    for (const { rival, forms, behind, ahead, found } of [...rivals].sort((a, b) => a.behind - b.behind)) {
      const add = (allotted: Allotted): void => {
        found.push({ name: rival.name, allotted });
        bestRival = Math.min(bestRival, judge(allotted));
      };
      for (const prefetch of [false, true]) {
        const clearlyWorse = (value: number): boolean => bestOnly && value > CLEARLY_WORSE * best;
        if (clearlyWorse(prefetch ? ahead : behind)) continue;
        const counted = this.plan(rival, `counted ${prefetch}`, () => onMachine(graph, rival.drafted, hardware, prefetch, forms));
        const switching = sum(counted.cost.segments.map(({ inter }) => inter.switch));
        if (clearlyWorse(weigh(counted.cost.cycles - switching, counted.cost.energy))) continue;
        add(this.plan(rival, `placed ${prefetch}`, () => placed(counted, hardware, forms)));
      }
      if (!bestOnly || behind <= bestRival) add(this.plan(rival, 'own', () => asPlaced(rival, forms, hardware)));
      await this.pauses.due();
    }
    return [...rivals.flatMap(({ found }) => found), ...this.decided];
  }

  /** `make` once for each rival and name. */
  private plan(rival: Rival, name: string, make: () => Allotted): Allotted {
    const known = this.plansOf.get(rival) ?? new Map<string, Allotted>();
    this.plansOf.set(rival, known);
    const plan = known.get(name) ?? make();
    known.set(name, plan);
    return plan;
  }
}
