// How trials are mixed: for each operator the one in which it takes least, of which come its pieces and the homes of what it reads.
// Trials -> pieces and homes for another search.

import type { Home, Homes } from '../../cost/machine/living.ts';
import type { Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import { tileGrid } from '../../hardware/tile.ts';
import type { OperatorId } from '../../ir/graph.ts';
import type { Flattened } from '../flatten.ts';
import type { Weigh } from '../objective.ts';
import type { Allotted } from '../optimizer.ts';

/** What a search found, in counts of arrays. */
export interface Trial extends Allotted {
  readonly value: number;
}

/** Most arrays of a piece, and tiles one above the other. */
export interface PieceSize {
  readonly arrays: number;
  readonly rows: number;
}

export function leastOf(trials: readonly Trial[]): Trial {
  return trials.reduce((a, b) => (b.value < a.value ? b : a));
}

/** For each operator the trial in which it takes least, `best` unless one of `group` does; undefined if none does for any. */
export class Choice {
  private readonly best: Trial;
  private readonly chosen: ReadonlyMap<OperatorId, Trial>;

  private constructor(best: Trial, chosen: ReadonlyMap<OperatorId, Trial>) {
    this.best = best;
    this.chosen = chosen;
  }

  static among(best: Trial, group: readonly Trial[], weigh: Weigh): Choice | undefined {
    const values = group.map((trial) => ({ trial, of: valueByOperator(trial, weigh) }));
    const chosen = new Map<OperatorId, Trial>();
    for (const [id, own] of valueByOperator(best, weigh)) {
      let least = own;
      for (const { trial, of } of values) {
        const value = of.get(id) ?? Number.POSITIVE_INFINITY;
        if (value >= least) continue;
        chosen.set(id, trial);
        least = value;
      }
    }
    return chosen.size === 0 ? undefined : new Choice(best, chosen);
  }

  /** Sizes of an operator's pieces; the whole chip for what was never cut. */
  sizes(hardware: Hardware): (id: OperatorId) => PieceSize {
    const trials = new Set([this.best, ...this.chosen.values()]);
    const sizes = new Map([...trials].map((trial) => [trial, pieceSizes(trial.flat, hardware)]));
    const whole = { arrays: hardware.arrays, rows: hardware.arrays };
    return (id) => sizes.get(this.of(id))!.get(id) ?? whole;
  }

  /** Homes of what operators read, as far as they leave every piece room. */
  homes(flat: Flattened, work: Work, hardware: Hardware): Homes {
    const byId = new Map<Trial, ReadonlyMap<string, Home>>();
    const homes = new Map<number, Home>();
    for (const [tensor, { id, readers }] of work.tensors.entries()) {
      const parents = readers.map((task) => flat.subOperators[Math.max(0, work.tasks[task]!.sub)]?.parent ?? '');
      const trial = this.of(parents[Math.floor(parents.length / 2)] ?? '');
      const known = byId.get(trial) ?? new Map([...trial.homes.values()].map((home) => [trial.work.tensors[home.tensor]!.id, home]));
      byId.set(trial, known);
      const home = known.get(id);
      if (home !== undefined) homes.set(tensor, { ...home, tensor });
    }
    return roomyHomes(work, homes, hardware.arrays);
  }

  private of(id: OperatorId): Trial {
    return this.chosen.get(id) ?? this.best;
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
