// Weights that stay on chip while a network runs many times: part of the chip is theirs for good, and the search decides the
// rest with what is left. Graph + chip -> decisions whose runs after the first write less.

import { sum } from '../../base/units.ts';
import { SegmentForms } from '../../cost/machine/forms.ts';
import type { Homes } from '../../cost/machine/living.ts';
import { machineCost, type StagedAllotment } from '../../cost/machine/total.ts';
import { type Work, withProducts, workOf } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import { tileGrid } from '../../hardware/tile.ts';
import { type Graph, hasWeights, isMatrix, type MatrixOperator, type OperatorId } from '../../ir/graph.ts';
import { flatten } from '../flatten.ts';
import type { Allotted } from '../optimizer.ts';
import { chooseHomes } from './homes.ts';
import { segmentsOf } from './place.ts';
import { type KnownOptions, type SearchOptions, searchSegments } from './search.ts';

/** Parts of the chip that weights may keep for themselves, and how much of what is left one piece of another operator may take. */
const SHARES = [1, 0.875, 0.75, 0.5, 0.25];
const PIECES = [1, 0.5];
/** Once without homes, to know the segments, and once with those that suit them. */
const ROUNDS = 2;

/** Copies of each resident operator's weights. */
type Copies = ReadonlyMap<OperatorId, number>;

/** One decision for each part of the chip that makes a difference; none where no weights fit. */
export async function residentDecisions(
  graph: Graph,
  hardware: Hardware,
  options: Pick<SearchOptions, 'budgets' | 'slacks' | 'staging' | 'computeOnly' | 'weigh' | 'onProgress' | 'pause'> & {
    readonly mostArrays?: number;
  },
): Promise<readonly Allotted[]> {
  const found: Allotted[] = [];
  const seen = new Set<string>();
  for (const share of SHARES) {
    const chosen = residentsWithin(graph, Math.floor(hardware.arrays * share), hardware, options.mostArrays);
    const key = [...chosen].join();
    if (chosen.size === 0 || seen.has(key)) continue;
    seen.add(key);
    for (const piece of PIECES) {
      const decision = await decideBeside(graph, chosen, piece, hardware, options);
      if (decision === undefined) break;
      found.push(decision);
      // Nothing else to cut.
      if (decision.flat.subOperators.every(({ parent }) => chosen.has(parent))) break;
    }
  }
  return found;
}

/** Operators whose weights find room in `arrays`, most bytes an array first, and as many copies as make the slowest of them fastest. */
function residentsWithin(graph: Graph, arrays: number, hardware: Hardware, mostArrays = Number.POSITIVE_INFINITY): Copies {
  const candidates = graph.operators.filter(isMatrix).flatMap((operator, place) => {
    const { matrix } = operator.attrs;
    const { tiles } = tileGrid(matrix, hardware);
    return hasWeights(operator) && tiles <= mostArrays
      ? [{ id: operator.id, place, tiles, m: matrix.m, worth: (matrix.n * matrix.k * matrix.groups) / tiles }]
      : [];
  });
  candidates.sort((a, b) => b.worth - a.worth || a.place - b.place);
  let left = arrays;
  const chosen = candidates.filter(({ tiles }) => {
    if (tiles > left) return false;
    left -= tiles;
    return true;
  });
  const copiesIn = (turns: number): readonly number[] => chosen.map(({ m }) => Math.ceil(m / turns));
  let enough = Math.max(1, ...chosen.map(({ m }) => m));
  let tooFew = 0;
  while (enough - tooFew > 1) {
    const turns = Math.floor((enough + tooFew) / 2);
    if (sum(copiesIn(turns).map((copies, i) => copies * chosen[i]!.tiles)) <= arrays) enough = turns;
    else tooFew = turns;
  }
  const copies = copiesIn(enough);
  return new Map(chosen.map(({ id }, i) => [id, copies[i]!]));
}

/** Segments, copies and memory arrays of everything else, on the arrays that residents leave; undefined if it does not fit there. */
async function decideBeside(
  graph: Graph,
  chosen: Copies,
  piece: number,
  hardware: Hardware,
  options: Parameters<typeof residentDecisions>[2],
): Promise<Allotted | undefined> {
  const kept = sum(graph.operators.filter(isMatrix).map(({ id, attrs }) => (chosen.get(id) ?? 0) * tileGrid(attrs.matrix, hardware).tiles));
  const rest = { ...hardware, arrays: hardware.arrays - kept };
  if (rest.arrays === 0 && graph.operators.filter(isMatrix).some(({ id }) => !chosen.has(id))) return undefined;
  const most = Math.max(1, Math.min(options.mostArrays ?? rest.arrays, Math.floor(rest.arrays * piece)));
  const flat = flatten(graph, hardware, {
    mostArrays: ({ id }: MatrixOperator) => (chosen.has(id) ? hardware.arrays : most),
    mostRows: ({ id }: MatrixOperator) => (chosen.has(id) ? hardware.arrays : most),
  });
  const work = workOf(graph, flat, hardware);
  const copies = flat.subOperators.map(({ parent }) => chosen.get(parent));
  const besides = workBeside(work, copies, hardware);
  const forms = new SegmentForms(besides, rest);
  const known: KnownOptions[] = [];
  let cut: { segmentOf: readonly number[]; cycles: readonly number[] } = {
    segmentOf: besides.products.map((_, i) => i),
    cycles: besides.products.map(({ computeCycles }) => computeCycles),
  };
  let best: Allotted | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const arrays = options.computeOnly ? 0 : Math.floor(rest.arrays * (1 - piece));
    const homes: Homes = round === 0 ? new Map() : chooseHomes(besides, { ...cut, arrays: cut.cycles.map(() => arrays) }, hardware);
    const after = flat.subOperators.map((sub) => sub.after);
    const slim = await searchSegments(besides, { ...options, hardware: rest, homes, forms, known, rivals: [], after });
    if (slim === undefined) continue;
    const allotments = slim.map(
      (allotment): StagedAllotment => ({
        ...allotment,
        copies: allotment.copies.map((count, i) => copies[allotment.first + i] ?? count),
      }),
    );
    const cost = machineCost(work, allotments, homes, hardware);
    const again = machineCost(besides, slim, homes, hardware);
    cut = { segmentOf: segmentsOf(slim), cycles: again.segments.map(({ intra }) => intra) };
    const resident = new Set(copies.flatMap((count, sub) => (count === undefined ? [] : [sub])));
    // Weighed as every run but the first: those are many.
    const value = options.weigh(again.cycles, again.energy);
    if (value < least) [best, least] = [{ flat, work, allotments, homes, cost, resident }, value];
  }
  return best;
}

/** What is left to decide: residents take no arrays, no writing, and the time their copies take. */
function workBeside(work: Work, copies: readonly (number | undefined)[], hardware: Hardware): Work {
  return withProducts(work, (product, sub) => {
    const count = copies[sub];
    if (count === undefined) return product;
    const computeCycles = Math.ceil(product.m / count) * hardware.mvmCycles;
    return { ...product, m: 1, tiles: 0, computeCycles, weightBytes: 0, writeCycles: 0, writing: 0 };
  });
}
